//! Uploads, and the files of components.
//!
//! Whoever may read a component is sent on to an address that holds for a while and needs no credentials, as the
//! real server sends them on to its storage. A video player asks there for one range after another.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, put};
use serde::Deserialize;
use serde_json::json;

use super::{json_response, run_blocking, text};
use crate::access::{Verb, View};
use crate::api;
use crate::error::ApiError;
use crate::media::{ByteRange, Claim, MediaError, media_type, open};
use crate::operations::Caller;
use crate::server::Server;
use crate::time::Seconds;

/// One grey pixel, shown where there is no thumbnail.
const PLACEHOLDER: &[u8] = b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\x0aIDATx\xdach\x00\x00\x00\x82\x00\x81\xdaE\x08;\x00\x00\x00\x00IEND\xaeB`\x82";

/// Where it is.
const PLACEHOLDER_PATH: &str = "/img/thumbnail2.png";

/// How large a thumbnail is when nobody says. Assumed: what the JavaScript client asks for.
const THUMBNAIL_SIZE: u32 = 300;

/// No thumbnail is larger.
const LARGEST_THUMBNAIL: u32 = 4096;

pub(super) fn router() -> Router<Arc<Server>> {
    Router::new()
        .route("/upload/{upload}", put(receive))
        .route("/upload/{upload}/{part}", put(receive_part))
        // Files are streamed to the disk, so they may be of any size.
        .layer(DefaultBodyLimit::disable())
        .route("/component/get", get(component))
        .route("/component/thumbnail", get(thumbnail))
        .route("/component/remove", get(remove))
        .route("/component/getPutMetadata", get(put_metadata))
        .route("/media/{id}", get(file))
        .route("/media/{id}/thumbnail/{size}", get(small_picture))
        .route("/review/{id}", get(review))
        .route(PLACEHOLDER_PATH, get(placeholder))
}

fn refused(error: &MediaError) -> Response {
    let status = match error {
        MediaError::UnknownUpload | MediaError::UnknownPart { .. } => StatusCode::NOT_FOUND,
        MediaError::Expired => StatusCode::FORBIDDEN,
        MediaError::Busy => StatusCode::CONFLICT,
        MediaError::BadChecksum { .. }
        | MediaError::BadId { .. }
        | MediaError::BrokenOff(_)
        | MediaError::MissingPart { .. }
        | MediaError::Stalled
        | MediaError::WrongChecksum => StatusCode::BAD_REQUEST,
        MediaError::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
        MediaError::File(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    tracing::debug!(error = error as &dyn std::error::Error, "refused an upload");
    (status, error.to_string()).into_response()
}

async fn receive(
    State(server): State<Arc<Server>>,
    Path(upload): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    keep(&server, &upload, None, &headers, body).await
}

async fn receive_part(
    State(server): State<Arc<Server>>,
    Path((upload, part)): Path<(String, u64)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    keep(&server, &upload, Some(part), &headers, body).await
}

async fn keep(
    server: &Server,
    upload: &str,
    part: Option<u64>,
    headers: &HeaderMap,
    body: Body,
) -> Response {
    let claim = Claim {
        part,
        md5: text(headers, "content-md5"),
        length: text(headers, "content-length").and_then(|length| length.parse().ok()),
    };
    match server
        .media
        .receive(upload, claim, body, server.control.clock.now())
        .await
    {
        Ok(md5) => ([(header::ETAG, format!("\"{md5}\""))], "").into_response(),
        Err(error) => refused(&error),
    }
}

/// Checks the credentials in the address, and that who has them may know of the component, and returns its id.
async fn allowed(
    server: Arc<Server>,
    query: HashMap<String, String>,
) -> Result<(String, Caller), Response> {
    let id = query.get("id").cloned().unwrap_or_default();
    let outcome = run_blocking(server, move |server| {
        let given = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        let store = server.store();
        let caller = api::authenticate(&store, given("username"), given("apiKey"))?;
        let hidden = caller.access.hidden(&store);
        let kind = store.schema.expect_type("Component").id;
        let row = store.find(kind, given("id"));
        let is_shown = row.is_none_or(|row| View::without(&store, &hidden).shows(row));
        Ok((caller, is_shown))
    });
    match outcome.await.and_then(|outcome| outcome) {
        Ok((caller, true)) => Ok((id, caller)),
        Ok((_, false)) => Err(not_found()),
        Err(error) => Err((StatusCode::UNAUTHORIZED, error.content).into_response()),
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "there is no such file").into_response()
}

/// Sends a client on within this server, by whatever name it came.
fn send_on(path: String) -> Response {
    let headers = [
        (header::LOCATION, path),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (StatusCode::FOUND, headers).into_response()
}

async fn component(
    State(server): State<Arc<Server>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    lead_to(server, query, "").await
}

async fn thumbnail(
    State(server): State<Arc<Server>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let size = match query.get("size").map(|size| size.parse::<u32>()) {
        None => THUMBNAIL_SIZE,
        Some(Ok(size)) if size > 0 => size.min(LARGEST_THUMBNAIL),
        Some(_) => return (StatusCode::BAD_REQUEST, "size is no number").into_response(),
    };
    lead_to(server, query, &format!("/thumbnail/{size}")).await
}

/// Leads to a signed address of a component's file, or of what is served `below` it.
async fn lead_to(server: Arc<Server>, query: HashMap<String, String>, below: &str) -> Response {
    match allowed(server.clone(), query).await {
        Ok((id, _)) if server.media.path(&id).is_some() => {
            let address = format!("/media/{id}{below}");
            let now = server.control.clock.now();
            send_on(server.media.signer.sign(&address, now))
        }
        Ok(_) => not_found(),
        Err(response) => response,
    }
}

async fn remove(
    State(server): State<Arc<Server>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let (id, caller) = match allowed(server.clone(), query).await {
        Ok(allowed) => allowed,
        Err(response) => return response,
    };
    if !caller.may_ever(&server.store(), Verb::Delete, "FileComponent") {
        return (StatusCode::FORBIDDEN, "this user may not remove files").into_response();
    }
    match server.media.remove(&id) {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// What older clients ask instead of the action `get_upload_metadata`.
async fn put_metadata(
    State(server): State<Arc<Server>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let given = |name: &str| query.get(name).cloned();
    let operation = json!({
        "component_id": given("id"),
        "file_name": given("fileName"),
        "checksum": given("checksum"),
    });
    let caller = match allowed(server.clone(), query).await {
        Ok((_, caller)) => caller,
        Err(response) => return response,
    };
    let outcome = run_blocking(server, move |server| {
        // Whether the caller may know of the component is checked.
        let store = server.store();
        api::upload_metadata(server, View::whole(&store), &caller, &operation)
    });
    match outcome.await.and_then(|metadata| metadata) {
        Ok(metadata) => json_response(StatusCode::OK, &metadata),
        Err(error) => json_response(error.status, &error.to_json()),
    }
}

/// What proves that an address was given out.
#[derive(Deserialize)]
struct Signature {
    expires: Seconds,
    signature: String,
}

fn is_signed(server: &Server, request: &Request, given: &Signature) -> bool {
    let path = request.uri().path();
    let Signature { expires, signature } = given;
    server
        .media
        .signer
        .is_valid(path, *expires, signature, server.control.clock.now())
}

fn bad_signature() -> Response {
    (StatusCode::FORBIDDEN, "the address is wrong or has expired").into_response()
}

/// How a component is called, with its ending.
fn file_name(server: &Server, id: &str) -> String {
    let store = server.store();
    let schema = &store.schema;
    let component = store.find(schema.expect_type("Component").id, id);
    let text = |name: &str| component.and_then(|row| row.text(schema, name).cloned());
    let name = text("name").unwrap_or_else(|| Arc::from(id));
    match text("file_type")
        .as_deref()
        .map(|ending| ending.trim_start_matches('.'))
    {
        None | Some("") => name.to_string(),
        Some(ending) => format!("{name}.{ending}"),
    }
}

async fn file(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    Query(signature): Query<Signature>,
    request: Request,
) -> Response {
    if !is_signed(&server, &request, &signature) {
        return bad_signature();
    }
    let Some(path) = server.media.path(&id) else {
        return not_found();
    };
    let name = run_blocking(server, move |server| file_name(server, &id)).await;
    let name = match name {
        Ok(name) => name,
        Err(error) => return json_response(error.status, &error.to_json()),
    };
    send(path, &name, request.headers()).await
}

async fn small_picture(
    State(server): State<Arc<Server>>,
    Path((id, size)): Path<(String, u32)>,
    Query(signature): Query<Signature>,
    request: Request,
) -> Response {
    if !is_signed(&server, &request, &signature) {
        return bad_signature();
    }
    if server.media.path(&id).is_none() {
        return not_found();
    }
    match server.encoder.thumbnail(&server.media, &id, size).await {
        Some(picture) => send(picture.path, picture.name, request.headers()).await,
        // Assumed: what has no picture is shown as what has no thumbnail.
        None => send_on(PLACEHOLDER_PATH.to_owned()),
    }
}

/// Sends a file, or the range of it that the client asks for.
async fn send(path: PathBuf, name: &str, headers: &HeaderMap) -> Response {
    match answer_with_file(path, name, headers).await {
        Ok(response) => response,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => not_found(),
        Err(error) => {
            let error = ApiError::internal(format!("could not read the file: {error}"));
            json_response(error.status, &error.to_json())
        }
    }
}

async fn answer_with_file(
    path: PathBuf,
    name: &str,
    headers: &HeaderMap,
) -> std::io::Result<Response> {
    let file = open(&path).await?;
    let (size_bytes, tag) = (file.size_bytes, file.tag.clone());
    let common = [
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CACHE_CONTROL, "private, max-age=3600".to_owned()),
        (header::CONTENT_TYPE, media_type(name).to_owned()),
        (
            header::CONTENT_DISPOSITION,
            api::disposition("inline", name),
        ),
        (header::ETAG, tag.clone()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    if text(headers, "if-none-match") == Some(tag.as_str()) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    // A range of what the client has of another file would not fit.
    let is_same = text(headers, "if-range").is_none_or(|wanted| wanted == tag);
    let range = text(headers, "range").filter(|_| is_same);
    let range = range.map_or(ByteRange::Whole, |range| {
        ByteRange::from_header(range, size_bytes)
    });
    let (status, first, length) = match range {
        ByteRange::Whole => (StatusCode::OK, 0, size_bytes),
        ByteRange::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        ByteRange::Unsatisfiable => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{size_bytes}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, range).into_response());
        }
    };
    let mut response = (
        status,
        common,
        [(header::CONTENT_LENGTH, length.to_string())],
        file.body(first, length).await?,
    )
        .into_response();
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(range) = format!("bytes {first}-{}/{size_bytes}", first + length - 1).parse()
    {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    Ok(response)
}

async fn review(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    Query(signature): Query<Signature>,
    request: Request,
) -> Response {
    if !is_signed(&server, &request, &signature) {
        return bad_signature();
    }
    let page = run_blocking(server, move |server| {
        api::review_page(server, &server.store(), &id)
    });
    match page.await {
        Ok(Some(page)) => {
            let policy = "default-src 'none'; img-src 'self'; media-src 'self'";
            ([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response()
        }
        Ok(None) => not_found(),
        Err(error) => json_response(error.status, &error.to_json()),
    }
}

async fn placeholder() -> Response {
    ([(header::CONTENT_TYPE, "image/png")], PLACEHOLDER).into_response()
}
