//! A session with one server as one user.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::{OnceCell, watch};

use crate::answer;
use crate::config::{Config, Timeouts};
use crate::error::{CallError, ConnectError};
use crate::http::{self, Purpose};
use crate::operation::Operation;
use crate::query::{Filter, Query, has_own_range};
use crate::schemas::{self, Schemas};
use crate::server_url::ServerUrl;

/// The oldest server that can be talked to, as the official client has it.
const OLDEST_VERSION: (u64, u64, u64) = (3, 3, 11);

/// How many rows are asked for at once, as the official client does it.
const PAGE_SIZE: u64 = 500;

/// A session with one server as one user. Clones share it, and its pool of connections.
#[derive(Clone, Debug)]
pub struct Session {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    server: ServerUrl,
    client: Client,
    timeouts: Timeouts,
    information: ServerInformation,
    user: CurrentUser,
    schema_cache: Option<std::path::PathBuf>,
    schemas: OnceCell<Arc<Schemas>>,
    closed: watch::Sender<bool>,
}

/// What the server says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerInformation {
    /// Its version: `4.13.8`.
    pub version: String,
    /// What its schemas are known by; they change with it.
    pub schema_hash: Option<String>,
    /// Whether it keeps points in time in UTC.
    pub is_timezone_support_enabled: bool,
    /// All that it says.
    pub all: Value,
}

/// The user whose key the session uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CurrentUser {
    /// The id.
    pub id: String,
    /// The name, in the server's spelling.
    pub username: String,
    /// The names of the security roles; empty as well where the user may not read them.
    pub roles: Vec<String>,
}

/// Some rows of a longer answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Value>,
    /// Where to go on, if there are more.
    pub next_offset: Option<u64>,
}

impl Session {
    /// Signs in: checks the address, the credentials and the server's version.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the configuration, or how the first calls failed.
    pub async fn connect(config: Config) -> Result<Self, ConnectError> {
        let server = ServerUrl::parse(&config.server).map_err(ConnectError::BadServer)?;
        match Self::connect_to(&config, server.clone()).await {
            Err(ConnectError::Call(CallError::Redirected { host, to })) => {
                let target = reqwest::Url::parse(&to).ok();
                match target.and_then(|to| server.encrypted_by_redirect(&to)) {
                    Some(encrypted) => Self::connect_to(&config, encrypted).await,
                    None => Err(CallError::Redirected { host, to }.into()),
                }
            }
            result => result,
        }
    }

    async fn connect_to(config: &Config, server: ServerUrl) -> Result<Self, ConnectError> {
        let client = http::client(config, &server, Purpose::Calls)?;
        let timeout = config.timeouts.query;
        let post = |operations| post(&client, &server, operations, timeout);
        let user = config.user.trim();
        let (basics, roles) = tokio::join!(
            post(vec![
                json!({"action": "query_server_information"}),
                query_operation(&user_query(user))
            ]),
            post(vec![query_operation(&roles_query(user))]),
        );
        let mut basics = basics?;
        let found = rows(basics.pop(), server.host())?;
        let information =
            ServerInformation::from_json(basics.pop().unwrap_or_default(), server.host())?;
        if !is_supported(&information.version) {
            return Err(ConnectError::TooOld {
                version: information.version,
                oldest: "3.3.11",
            });
        }
        let unknown = || ConnectError::UnknownUser {
            user: user.to_owned(),
        };
        let mut user =
            CurrentUser::from_row(found.first().ok_or_else(unknown)?).ok_or_else(unknown)?;
        user.roles = role_names(roles)?;
        Ok(Self {
            inner: Arc::new(Inner {
                timeouts: config.timeouts.clone(),
                schema_cache: config.schema_cache.clone(),
                schemas: OnceCell::new(),
                closed: watch::Sender::new(false),
                server,
                client,
                information,
                user,
            }),
        })
    }

    /// Returns the server's address.
    pub fn server(&self) -> &ServerUrl {
        &self.inner.server
    }

    /// Returns what the server said of itself when the session began.
    pub fn server_information(&self) -> &ServerInformation {
        &self.inner.information
    }

    /// Returns whose session it is.
    pub fn user(&self) -> &CurrentUser {
        &self.inner.user
    }

    /// Gives up what is under way and refuses what comes, with [`CallError::Cancelled`].
    pub fn close(&self) {
        self.inner.closed.send_replace(true);
    }

    /// Returns all rows of a query, page by page unless it has a limit or an offset of its own.
    ///
    /// # Errors
    ///
    /// Returns how the call failed.
    pub async fn query(&self, expression: &str) -> Result<Vec<Value>, CallError> {
        Ok(self
            .query_many(&[expression])
            .await?
            .pop()
            .unwrap_or_default())
    }

    /// Returns all rows of several queries, asked together: one call, and one more for each further page.
    ///
    /// # Errors
    ///
    /// Returns how a call failed. One bad query fails them all.
    pub async fn query_many<T: AsRef<str>>(
        &self,
        expressions: &[T],
    ) -> Result<Vec<Vec<Value>>, CallError> {
        let mut results = vec![Vec::new(); expressions.len()];
        let mut open: Vec<(usize, u64)> = (0..expressions.len()).map(|index| (index, 0)).collect();
        while !open.is_empty() {
            let operations = open
                .iter()
                .map(|(index, offset)| page_operation(expressions[*index].as_ref(), *offset));
            let answers = self
                .post(operations.collect(), self.inner.timeouts.query)
                .await?;
            let mut further = Vec::new();
            for ((index, offset), answer) in open.into_iter().zip(answers) {
                let page = Page::from_json(answer, self.server().host())?;
                results[index].extend(page.rows);
                // An offset that does not grow would never end.
                let next = page.next_offset.filter(|next| *next > offset);
                let own_range = has_own_range(expressions[index].as_ref());
                further.extend(next.filter(|_| !own_range).map(|next| (index, next)));
            }
            open = further;
        }
        Ok(results)
    }

    /// Returns the rows of a query from `offset` on, `limit` at most. The query has neither of its own.
    ///
    /// # Errors
    ///
    /// Returns how the call failed.
    pub async fn query_page(
        &self,
        expression: &str,
        offset: u64,
        limit: u64,
    ) -> Result<Page, CallError> {
        let operation = query_operation(&format!(
            "{} offset {offset} limit {limit}",
            expression.trim_end()
        ));
        let answer = self
            .post(vec![operation], self.inner.timeouts.query)
            .await?
            .pop();
        Page::from_json(answer.unwrap_or_default(), self.server().host())
    }

    /// Carries out a batch, whole or not at all, and returns what the server made of each operation.
    ///
    /// That is the entity for a creation or a change, and `true` for a removal.
    ///
    /// # Errors
    ///
    /// Returns how the call failed; [`CallError::outcome_unknown`] says whether the batch may have happened all the
    /// same. ftrack's error names no operation.
    pub async fn call(&self, operations: &[Operation]) -> Result<Vec<Value>, CallError> {
        if operations.is_empty() {
            return Ok(Vec::new());
        }
        let answers = self
            .call_raw(operations.iter().map(Operation::to_json).collect())
            .await?;
        Ok(answers
            .into_iter()
            .map(|mut answer| answer.get_mut("data").map(Value::take).unwrap_or_default())
            .collect())
    }

    /// Sends operations of any action as they are and returns the answers as they are, one for each.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn call_raw(&self, operations: Vec<Value>) -> Result<Vec<Value>, CallError> {
        self.post(operations, self.inner.timeouts.call).await
    }

    /// Returns the server's schemas, from disk where they are the ones that the server has.
    ///
    /// # Errors
    ///
    /// Returns how the call failed. A cache that cannot be read or written is no error.
    pub async fn schemas(&self) -> Result<Arc<Schemas>, CallError> {
        self.inner
            .schemas
            .get_or_try_init(|| self.load_schemas())
            .await
            .cloned()
    }

    async fn load_schemas(&self) -> Result<Arc<Schemas>, CallError> {
        let hash = self
            .inner
            .information
            .schema_hash
            .as_deref()
            .unwrap_or_default();
        let folder = self.inner.schema_cache.as_deref();
        let file = folder.and_then(|folder| schemas::cache_file(folder, hash));
        if let Some(file) = &file
            && let Some(kept) = schemas::read(file, hash).await
            && let Some(schemas) = Schemas::from_json(kept)
        {
            return Ok(Arc::new(schemas));
        }
        let answers = self
            .post(
                vec![json!({"action": "query_schemas"})],
                self.inner.timeouts.query,
            )
            .await?;
        let answer = answers.into_iter().next().unwrap_or_default();
        if let Some(file) = file
            && schemas::hash_of(&answer) == hash
            && let Err(error) = schemas::write(&file, &answer).await
        {
            tracing::warn!(%error, file = %file.display(), "could not keep the schemas");
        }
        let not_schemas =
            || not_ftrack(self.server().host(), "something that is no list of schemas");
        Schemas::from_json(answer)
            .map(Arc::new)
            .ok_or_else(not_schemas)
    }

    async fn post(
        &self,
        operations: Vec<Value>,
        timeout: Duration,
    ) -> Result<Vec<Value>, CallError> {
        let mut closed = self.inner.closed.subscribe();
        tokio::select! {
            biased;
            _ = closed.wait_for(|closed| *closed) => Err(CallError::Cancelled),
            result = post(&self.inner.client, &self.inner.server, operations, timeout) => result,
        }
    }
}

async fn post(
    client: &Client,
    server: &ServerUrl,
    operations: Vec<Value>,
    timeout: Duration,
) -> Result<Vec<Value>, CallError> {
    let expected = operations.len();
    let request = client
        .post(server.join("/api"))
        .header("accept", "application/json")
        .json(&operations);
    let mut answer = http::json(request, timeout).await?;
    answer::complete(&mut answer);
    match answer {
        Value::Array(answers) if answers.len() == expected => Ok(answers),
        Value::Array(answers) => {
            let answer = format!("{} results to {expected} operations", answers.len());
            Err(not_ftrack(server.host(), &answer))
        }
        _ => Err(not_ftrack(
            server.host(),
            "something that is no list of results",
        )),
    }
}

fn not_ftrack(host: &str, answer: &str) -> CallError {
    CallError::NotFtrack {
        host: host.to_owned(),
        answer: answer.to_owned(),
    }
}

fn query_operation(expression: &str) -> Value {
    json!({"action": "query", "expression": expression})
}

fn page_operation(expression: &str, offset: u64) -> Value {
    if has_own_range(expression) {
        return query_operation(expression);
    }
    query_operation(&format!(
        "{} offset {offset} limit {PAGE_SIZE}",
        expression.trim_end()
    ))
}

fn user_query(user: &str) -> String {
    let query = Query::from("User")
        .select(["id", "username"])
        .filter(Filter::is("username", user))
        .limit(2);
    query.build().unwrap_or_default()
}

fn roles_query(user: &str) -> String {
    let query = Query::from("UserSecurityRole").select(["security_role.name"]);
    query
        .filter(Filter::is("user.username", user))
        .build()
        .unwrap_or_default()
}

fn rows(answer: Option<Value>, host: &str) -> Result<Vec<Value>, CallError> {
    Page::from_json(answer.unwrap_or_default(), host).map(|page| page.rows)
}

/// Not everyone may read roles; that a user's are not known is then no reason to refuse the session.
fn role_names(answers: Result<Vec<Value>, CallError>) -> Result<Vec<String>, CallError> {
    let mut answers = match answers {
        Ok(answers) => answers,
        Err(
            error @ (CallError::Forbidden(_)
            | CallError::Invalid(_)
            | CallError::BadQuery(_)
            | CallError::Refused(_)),
        ) => {
            tracing::info!(%error, "the user's roles cannot be read");
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let rows = answers
        .pop()
        .and_then(|mut answer| answer.get_mut("data").map(Value::take))
        .unwrap_or_default();
    let name = |row: &Value| Some(row.pointer("/security_role/name")?.as_str()?.to_owned());
    let mut names: Vec<_> = rows
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(name)
        .collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// A server in development names no numbers and is taken at its word.
fn is_supported(version: &str) -> bool {
    let mut parts = version.splitn(3, '.').map(|part| {
        let digits = part
            .find(|character: char| !character.is_ascii_digit())
            .unwrap_or(part.len());
        part[..digits].parse::<u64>().ok()
    });
    match (
        parts.next().flatten(),
        parts.next().flatten(),
        parts.next().flatten(),
    ) {
        (Some(major), Some(minor), Some(patch)) => (major, minor, patch) >= OLDEST_VERSION,
        _ => true,
    }
}

impl ServerInformation {
    fn from_json(all: Value, host: &str) -> Result<Self, CallError> {
        let text = |name: &str| all.get(name).and_then(Value::as_str).map(str::to_owned);
        let version = text("version").ok_or_else(|| not_ftrack(host, "no version"))?;
        Ok(Self {
            version,
            schema_hash: text("schema_hash"),
            is_timezone_support_enabled: all.get("is_timezone_support_enabled")
                == Some(&Value::Bool(true)),
            all,
        })
    }
}

impl CurrentUser {
    fn from_row(row: &Value) -> Option<Self> {
        let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            id: text("id")?,
            username: text("username")?,
            roles: Vec::new(),
        })
    }
}

impl Page {
    fn from_json(mut answer: Value, host: &str) -> Result<Self, CallError> {
        let next_offset = answer
            .pointer("/metadata/next/offset")
            .and_then(Value::as_u64);
        match answer.get_mut("data").map(Value::take) {
            Some(Value::Array(rows)) => Ok(Self { rows, next_offset }),
            _ => Err(not_ftrack(host, "no rows")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for (version, expected) in [
            ("4.13.8", true),
            ("3.3.11", true),
            ("3.10.0", true),
            ("3.3.10", false),
            ("2.9.99", false),
            ("3.3.11.4", true),
            ("3.3.9-rc1", false),
            ("dev", true),
            ("4.13", true),
        ] {
            assert_eq!(is_supported(version), expected, "{version}");
        }
    }

    #[test]
    fn the_first_queries_can_be_written_for_any_name() {
        assert_eq!(
            user_query("a\"da"),
            r#"select id, username from User where username is "a\"da" limit 2"#
        );
        assert!(!roles_query("ada").is_empty());
    }
}
