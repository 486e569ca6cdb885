//! Bodies: read whole up to a length, or passed on piece by piece.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use callboard_protocol::PluginId;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::timeout;

use super::reply::Reply;
use super::secret::{Found, Sieve};

/// How long a body may pause.
const STALL: Duration = Duration::from_secs(60);

/// Why a body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("the body stopped in the middle")]
    Stalled,
    #[error("the body broke off")]
    Broken,
    #[error(transparent)]
    Found(#[from] Found),
}

/// Reads a body to its end.
pub(super) async fn whole(body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let mut pieces = std::pin::pin!(patient(body.into_data_stream()));
    let mut whole = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        if whole.len() + piece.len() > limit {
            return Err(BodyError::TooLong { limit });
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.into())
}

/// Passes a stream on as long as it does not pause for too long.
pub(super) fn patient<E>(
    pieces: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, BodyError>> + Send {
    stream::unfold(Some(Box::pin(pieces)), |pieces| async move {
        let mut pieces = pieces?;
        match timeout(STALL, pieces.next()).await {
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(pieces))),
            Ok(Some(Err(_))) => Some((Err(BodyError::Broken), None)),
            Ok(None) => None,
            Err(_) => Some((Err(BodyError::Stalled), None)),
        }
    })
}

/// Passes an answer on piece by piece. The key does not pass: the answer breaks off before it.
pub(super) fn sieved(answer: reqwest::Response, sieve: Sieve, plugin: &PluginId) -> Body {
    let plugin = Arc::new(plugin.clone());
    let pieces = Box::pin(patient(answer.bytes_stream()));
    let state = Some((pieces, sieve));
    Body::from_stream(stream::unfold(state, move |state| {
        let plugin = Arc::clone(&plugin);
        async move {
            let (mut pieces, mut sieve) = state?;
            match pieces.next().await {
                Some(Ok(piece)) => match sieve.pass(&piece) {
                    Ok(passed) => Some((Ok(passed), Some((pieces, sieve)))),
                    Err(found) => {
                        tracing::warn!(%plugin, "{found}: it was cut off");
                        Some((Err(BodyError::from(found)), None))
                    }
                },
                Some(Err(error)) => Some((Err(error), None)),
                None => Some((Ok(sieve.end()), None)),
            }
        }
    }))
}

/// Says how long the body is, where that is known.
pub(super) fn with_length(mut reply: Reply, length: Option<u64>) -> Reply {
    if let Some(length) = length {
        reply
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    reply
}
