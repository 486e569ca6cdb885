//! Uploads, and the files of components.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};

use super::run_blocking;
use crate::api;
use crate::media::{MediaError, body_from_file};
use crate::server::Server;

/// One grey pixel, shown where there is no thumbnail.
const PLACEHOLDER: &[u8] = b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\x0aIDATx\xdach\x00\x00\x00\x82\x00\x81\xdaE\x08;\x00\x00\x00\x00IEND\xaeB`\x82";

pub(super) fn router() -> Router<Arc<Server>> {
    Router::new()
        .route("/upload/{upload}", put(receive))
        .route("/upload/{upload}/{part}", put(receive_part))
        // Files are streamed to the disk, so they may be of any size.
        .layer(DefaultBodyLimit::disable())
        .route("/component/get", get(component))
        .route("/component/thumbnail", get(component))
        .route("/component/remove", get(remove))
        .route("/img/thumbnail2.png", get(placeholder))
}

fn refused(error: &MediaError) -> Response {
    let status = match error {
        MediaError::UnknownUpload => StatusCode::NOT_FOUND,
        MediaError::BadId { .. } | MediaError::WrongChecksum | MediaError::BrokenOff(_) => {
            StatusCode::BAD_REQUEST
        }
        MediaError::File(_) => StatusCode::INSUFFICIENT_STORAGE,
    };
    tracing::debug!(error = error as &dyn std::error::Error, "refused an upload");
    (status, error.to_string()).into_response()
}

async fn receive(
    State(server): State<Arc<Server>>,
    Path(upload): Path<String>,
    body: Body,
) -> Response {
    match server.media.receive(&upload, None, body).await {
        Ok(md5) => ([(header::ETAG, format!("\"{md5}\""))], "").into_response(),
        Err(error) => refused(&error),
    }
}

async fn receive_part(
    State(server): State<Arc<Server>>,
    Path((upload, part)): Path<(String, u64)>,
    body: Body,
) -> Response {
    match server.media.receive(&upload, Some(part), body).await {
        Ok(md5) => ([(header::ETAG, format!("\"{md5}\""))], "").into_response(),
        Err(error) => refused(&error),
    }
}

/// Checks the credentials in the address and returns the component's id.
async fn allowed(server: Arc<Server>, query: HashMap<String, String>) -> Result<String, Response> {
    let id = query.get("id").cloned().unwrap_or_default();
    let outcome = run_blocking(server, move |server| {
        let given = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        api::authenticate(&server.store(), given("username"), given("apiKey"))
    });
    match outcome.await.and_then(|caller| caller) {
        Ok(_) => Ok(id),
        Err(error) => Err((StatusCode::UNAUTHORIZED, error.content).into_response()),
    }
}

async fn component(
    State(server): State<Arc<Server>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let id = match allowed(server.clone(), query).await {
        Ok(id) => id,
        Err(response) => return response,
    };
    let Some(path) = server.media.path(&id) else {
        return (StatusCode::NOT_FOUND, "there is no such file").into_response();
    };
    match body_from_file(&path).await {
        Ok((size_bytes, body)) => {
            let headers = [
                (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
                (header::CONTENT_LENGTH, size_bytes.to_string()),
            ];
            (headers, body).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn remove(
    State(server): State<Arc<Server>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let id = match allowed(server.clone(), query).await {
        Ok(id) => id,
        Err(response) => return response,
    };
    match server.media.remove(&id) {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn placeholder() -> Response {
    ([(header::CONTENT_TYPE, "image/png")], PLACEHOLDER).into_response()
}
