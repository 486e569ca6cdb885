//! Queries of plugins.

use callboard_protocol::{Failure, QueryPage, QueryRows};
use ftrack::CallError;
use serde_json::{Map, Value};

use super::Server;
use super::rows::maps;

/// How many rows a page has where the plugin does not say.
const USUAL_ROWS: u64 = 500;

/// The most rows that a page has.
const MOST_ROWS: u64 = 5_000;

/// Asks the server all expressions in one request, and returns one list of entities for each.
///
/// # Errors
///
/// When there is no server, or it refuses one of them.
pub(crate) async fn query(
    server: &Server,
    expressions: &[String],
) -> Result<Vec<Vec<Map<String, Value>>>, Failure> {
    let session = server.session()?;
    let _room = server.room().await;
    let results = session.query_many(expressions).await;
    let results = results.map_err(|error| failure(server, &error))?;
    Ok(results.into_iter().map(maps).collect())
}

/// Asks the server for some rows of a longer answer.
///
/// # Errors
///
/// When there is no server, or it refuses the expression.
pub(crate) async fn page(server: &Server, page: &QueryPage) -> Result<QueryRows, Failure> {
    let session = server.session()?;
    let _room = server.room().await;
    let limit = page.limit.unwrap_or(USUAL_ROWS).clamp(1, MOST_ROWS);
    let result = session.query_page(&page.expression, page.offset, limit);
    let result = result.await.map_err(|error| failure(server, &error))?;
    Ok(QueryRows {
        rows: maps(result.rows),
        next_offset: result.next_offset.filter(|next| *next > page.offset),
    })
}

fn failure(server: &Server, error: &CallError) -> Failure {
    let failure = server.failure(error);
    match error {
        // A question changes nothing: there is nothing to look after.
        CallError::TimedOut { .. } | CallError::Interrupted { .. } | CallError::Cancelled => {
            failure.hint("try again")
        }
        _ => failure,
    }
}
