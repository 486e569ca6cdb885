//! The first calls: is there an ftrack server, and does it know the user?

use serde_json::{Value, json};

use crate::config::Config;
use crate::error::{CallError, ConnectError};
use crate::metrics::RequestKind;
use crate::page::{Page, query_operation};
use crate::query::{Filter, Query};
use crate::server_url::ServerUrl;
use crate::transport::Transport;

/// The oldest server that can be talked to, as the official client has it.
const OLDEST_VERSION: (u64, u64, u64) = (3, 3, 11);

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

/// Everything that is known once a session has begun.
pub(super) struct SignedIn {
    pub(super) transport: Transport,
    pub(super) information: ServerInformation,
    pub(super) user: CurrentUser,
}

/// Checks the address, the credentials and the server's version.
pub(super) async fn sign_in(config: &Config) -> Result<SignedIn, ConnectError> {
    let server = ServerUrl::parse(&config.server).map_err(ConnectError::BadServer)?;
    match sign_in_to(config, server.clone()).await {
        Err(ConnectError::Call(CallError::Redirected { host, to })) => {
            let target = reqwest::Url::parse(&to).ok();
            match target.and_then(|to| server.encrypted_by_redirect(&to)) {
                Some(encrypted) => sign_in_to(config, encrypted).await,
                None => Err(CallError::Redirected { host, to }.into()),
            }
        }
        result => result,
    }
}

async fn sign_in_to(config: &Config, server: ServerUrl) -> Result<SignedIn, ConnectError> {
    let transport = Transport::new(config, server)?;
    let user = config.user.trim();
    let basics = [
        json!({"action": "query_server_information"}),
        query_operation(&user_query(user)),
    ];
    let roles = [query_operation(&roles_query(user))];
    let timeout = config.timeouts.query;
    let (basics, roles) = tokio::join!(
        transport.post(&basics, RequestKind::Query, timeout),
        transport.post(&roles, RequestKind::Query, timeout),
    );
    let mut basics = basics?;
    let found = Page::from_json(basics.pop().unwrap_or_default(), &transport)?.rows;
    let information = ServerInformation::from_json(basics.pop().unwrap_or_default(), &transport)?;
    if !is_supported(&information.version) {
        return Err(ConnectError::TooOld {
            version: information.version,
            oldest: "3.3.11",
        });
    }
    let unknown = || ConnectError::UnknownUser {
        user: user.to_owned(),
    };
    let mut user = CurrentUser::from_row(found.first().ok_or_else(unknown)?).ok_or_else(unknown)?;
    user.roles = role_names(roles)?;
    Ok(SignedIn {
        transport,
        information,
        user,
    })
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
    fn from_json(all: Value, transport: &Transport) -> Result<Self, CallError> {
        let text = |name: &str| all.get(name).and_then(Value::as_str).map(str::to_owned);
        let version = text("version").ok_or_else(|| transport.not_ftrack("no version"))?;
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
