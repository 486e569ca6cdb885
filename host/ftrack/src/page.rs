//! Long answers, page by page.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::entity::Entity;
use crate::error::CallError;
use crate::query::has_own_range;
use crate::session::Session;
use crate::transport::Transport;

/// How many rows are asked for at once, as the official client does it.
pub(crate) const PAGE_SIZE: u64 = 500;

/// How many pages are fetched before they are wanted.
const READ_AHEAD: usize = 1;

/// Some rows of a longer answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Value>,
    /// Where to go on, if there are more.
    pub next_offset: Option<u64>,
}

impl Page {
    pub(crate) fn from_json(mut answer: Value, transport: &Transport) -> Result<Self, CallError> {
        let next_offset = answer
            .pointer("/metadata/next/offset")
            .and_then(Value::as_u64);
        match answer.get_mut("data").map(Value::take) {
            Some(Value::Array(rows)) => Ok(Self { rows, next_offset }),
            _ => Err(transport.not_ftrack("no rows")),
        }
    }
}

pub(crate) fn query_operation(expression: &str) -> Value {
    json!({"action": "query", "expression": expression})
}

/// Returns the query for the page at `offset`, unless the expression says itself which rows it wants.
pub(crate) fn page_operation(expression: &str, offset: u64, limit: u64) -> Value {
    if has_own_range(expression) {
        return query_operation(expression);
    }
    let expression = expression.trim_end();
    query_operation(&format!("{expression} offset {offset} limit {limit}"))
}

/// The rows of a query as they come in; made by [`Session::stream`].
///
/// While one page is read, one more is being fetched, and no further one: a reader who is slow, or who stops, costs
/// the server nothing. Dropping the stream gives up what is under way. It ends after the first error.
#[derive(Debug)]
pub struct RowStream {
    page: std::vec::IntoIter<Value>,
    further: mpsc::Receiver<Result<Vec<Value>, CallError>>,
    fetching: JoinHandle<()>,
    has_ended: bool,
}

impl RowStream {
    pub(crate) fn start(session: Session, expression: String, page_size: u64) -> Self {
        let (pages, further) = mpsc::channel(READ_AHEAD);
        Self {
            page: Vec::new().into_iter(),
            further,
            fetching: tokio::spawn(fetch(session, expression, page_size, pages)),
            has_ended: false,
        }
    }

    /// Returns the next row, or `None` after the last.
    ///
    /// # Errors
    ///
    /// Returns how a call failed; there is nothing after that.
    pub async fn next(&mut self) -> Option<Result<Entity, CallError>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for RowStream {
    type Item = Result<Entity, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(row) = self.page.next() {
                return Poll::Ready(Some(Ok(Entity::from(row))));
            }
            if self.has_ended {
                return Poll::Ready(None);
            }
            match ready!(self.further.poll_recv(context)) {
                Some(Ok(rows)) => self.page = rows.into_iter(),
                Some(Err(error)) => {
                    self.has_ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    let fetched = ready!(Pin::new(&mut self.fetching).poll(context));
                    self.has_ended = true;
                    // Rows that were not fetched, because the runtime ends, must not look like none.
                    return Poll::Ready(fetched.is_err().then_some(Err(CallError::Cancelled)));
                }
            }
        }
    }
}

impl Drop for RowStream {
    fn drop(&mut self) {
        self.fetching.abort();
    }
}

async fn fetch(
    session: Session,
    expression: String,
    page_size: u64,
    pages: mpsc::Sender<Result<Vec<Value>, CallError>>,
) {
    let mut offset = 0;
    // The place is taken before the page is asked for, so that no page waits for one.
    while let Ok(place) = pages.reserve().await {
        let operation = page_operation(&expression, offset, page_size);
        match session.page(operation).await {
            Err(error) => return place.send(Err(error)),
            Ok(page) => {
                // An offset that does not grow would never end.
                let next = page.next_offset.filter(|next| *next > offset);
                place.send(Ok(page.rows));
                match next.filter(|_| !has_own_range(&expression)) {
                    Some(next) => offset = next,
                    None => return,
                }
            }
        }
    }
}
