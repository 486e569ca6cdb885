//! Queries of plugins.

use callboard_protocol::Failure;
use ftrack::CallError;
use serde_json::{Map, Value};

use super::Server;
use super::rows::maps;

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
    let results = results.map_err(|error| {
        let failure = server.failure(&error);
        match error {
            // A question changes nothing: there is nothing to look after.
            CallError::TimedOut { .. } | CallError::Interrupted { .. } | CallError::Cancelled => {
                failure.hint("try again")
            }
            _ => failure,
        }
    })?;
    Ok(results.into_iter().map(maps).collect())
}
