//! A session with one server as one user.

mod sign_in;
mod typed;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::config::{Config, Timeouts};
use crate::error::{CallError, ConnectError};
use crate::metrics::{RequestKind, RequestMetrics};
use crate::operation::Operation;
use crate::page::{PAGE_SIZE, Page, RowStream, page_operation, query_operation};
use crate::query::has_own_range;
use crate::schemas::{self, Schemas};
use crate::server_url::ServerUrl;
use crate::transport::Transport;

pub use sign_in::{CurrentUser, ServerInformation};
pub use typed::ReadError;

/// A session with one server as one user. Clones share it, and its pool of connections.
///
/// Every call can be given up by dropping its future, and all of them by [`close`](Self::close).
#[derive(Clone, Debug)]
pub struct Session {
    inner: Arc<Inner>,
    timeouts: Timeouts,
}

#[derive(Debug)]
struct Inner {
    transport: Transport,
    information: ServerInformation,
    user: CurrentUser,
    schema_cache: Option<PathBuf>,
    schemas: OnceCell<Arc<Schemas>>,
}

impl Session {
    /// Signs in: checks the address, the credentials and the server's version.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the configuration, or how the first calls failed.
    pub async fn connect(config: Config) -> Result<Self, ConnectError> {
        let signed_in = sign_in::sign_in(&config).await?;
        Ok(Self {
            timeouts: config.timeouts,
            inner: Arc::new(Inner {
                transport: signed_in.transport,
                information: signed_in.information,
                user: signed_in.user,
                schema_cache: config.schema_cache,
                schemas: OnceCell::new(),
            }),
        })
    }

    /// Returns the same session with other deadlines, for the calls that are made through it.
    #[must_use]
    pub fn with_timeouts(&self, timeouts: Timeouts) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            timeouts,
        }
    }

    /// Returns the deadlines of calls that are made through this.
    pub fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// Returns the server's address.
    pub fn server(&self) -> &ServerUrl {
        &self.inner.transport.server
    }

    /// Returns what the server said of itself when the session began.
    pub fn server_information(&self) -> &ServerInformation {
        &self.inner.information
    }

    /// Returns whose session it is.
    pub fn user(&self) -> &CurrentUser {
        &self.inner.user
    }

    /// Returns how many requests were made so far, how large they were, how long they took, and how they failed.
    pub fn metrics(&self) -> BTreeMap<RequestKind, RequestMetrics> {
        self.inner.transport.metrics.snapshot()
    }

    /// Gives up what is under way and refuses what comes, with [`CallError::Cancelled`].
    pub fn close(&self) {
        self.inner.transport.close();
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.inner.transport
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
                .map(|(index, offset)| {
                    page_operation(expressions[*index].as_ref(), *offset, PAGE_SIZE)
                })
                .collect::<Vec<_>>();
            let answers = self.post(&operations, RequestKind::Query).await?;
            let mut further = Vec::new();
            for ((index, offset), answer) in open.into_iter().zip(answers) {
                let page = Page::from_json(answer, self.transport())?;
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
        let expression = expression.trim_end();
        let page = format!("{expression} offset {offset} limit {limit}");
        self.page(query_operation(&page)).await
    }

    /// Returns the rows of a query as they come in, however many: only a page or two of them is in memory at a time.
    pub fn stream(&self, expression: impl Into<String>) -> RowStream {
        RowStream::start(self.clone(), expression.into(), PAGE_SIZE)
    }

    pub(crate) async fn page(&self, operation: Value) -> Result<Page, CallError> {
        let answer = self.post(&[operation], RequestKind::Query).await?.pop();
        Page::from_json(answer.unwrap_or_default(), self.transport())
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
        let operations: Vec<_> = operations.iter().map(Operation::to_json).collect();
        let answers = self.post(&operations, RequestKind::Call).await?;
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
        self.post(&operations, RequestKind::Call).await
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
        let asked = [json!({"action": "query_schemas"})];
        let answers = self.post(&asked, RequestKind::Query).await?;
        let answer = answers.into_iter().next().unwrap_or_default();
        if let Some(file) = file
            && schemas::hash_of(&answer) == hash
            && let Err(error) = schemas::write(&file, &answer).await
        {
            tracing::warn!(%error, file = %file.display(), "could not keep the schemas");
        }
        Schemas::from_json(answer).map(Arc::new).ok_or_else(|| {
            self.transport()
                .not_ftrack("something that is no list of schemas")
        })
    }

    pub(crate) async fn post(
        &self,
        operations: &[Value],
        kind: RequestKind,
    ) -> Result<Vec<Value>, CallError> {
        let timeout = match kind {
            RequestKind::Query => self.timeouts.query,
            _ => self.timeouts.call,
        };
        self.transport().post(operations, kind, timeout).await
    }
}
