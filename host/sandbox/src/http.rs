//! The HTTP side: routes, headers, and connections that may be cut on purpose.

mod control_routes;
mod faults;
mod leaf_routes;
mod media_routes;
mod middleware;
mod page_routes;
mod shaped;

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, Extension, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tower::ServiceExt;

use crate::api;
use crate::control::RecordedOperation;
use crate::error::ApiError;
use crate::hub::{self, Identity, Manners};
use crate::operations::Caller;
use crate::server::{Server, became_true};
use faults::RequestNumber;

/// No request or event frame is larger.
const LARGEST: usize = 64 * 1024 * 1024;
/// Shorter answers are sent as they are.
const COMPRESSED_FROM: usize = 1024;

/// Put into a response that must not be sent: the connection is closed instead.
#[derive(Clone, Copy, Debug)]
struct HangUp;

#[derive(Debug, thiserror::Error)]
#[error("the connection is closed on purpose")]
struct ClosedOnPurpose;

pub(crate) fn router(server: Arc<Server>) -> Router {
    let watch = axum::middleware::from_fn_with_state(server.clone(), faults::watch);
    let call_route = post(call).layer(DefaultBodyLimit::max(LARGEST));
    let called_from_anywhere = Router::new()
        .route("/api", call_route.clone())
        .route("/api/", call_route)
        .route("/socket.io/1", get(handshake))
        .route("/socket.io/1/", get(handshake))
        .route("/socket.io/1/websocket/{session}", get(socket))
        .merge(media_routes::router())
        .nest("/sandbox", control_routes::router(server.clone()))
        .layer(watch.clone())
        .layer(axum::middleware::from_fn(middleware::cors));
    page_routes::router()
        .merge(leaf_routes::router())
        .layer(watch)
        .merge(called_from_anywhere)
        .with_state(server)
}

/// Serves one connection until it ends, a fault ends it, or the server stops.
pub(crate) async fn serve_connection(
    stream: TcpStream,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not turn off delays");
    }
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move {
            let request = middleware::with_plain_path(request.map(Body::new));
            let response = router
                .oneshot(request)
                .await
                .unwrap_or_else(|never| match never {});
            match response.extensions().get::<HangUp>() {
                Some(HangUp) => Err(ClosedOnPurpose),
                None => Ok(response),
            }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = became_true(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Runs something that may wait for the store away from the threads that serve sockets.
///
/// A panic there is this request's problem only.
async fn run_blocking<T: Send + 'static>(
    server: Arc<Server>,
    work: impl FnOnce(&Server) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let outcome = tokio::task::spawn_blocking(move || work(&server)).await;
    outcome.map_err(|error| {
        tracing::error!(%error, "a request failed");
        ApiError::internal("The server failed while it worked on this")
    })
}

async fn call(
    State(server): State<Arc<Server>>,
    Extension(number): Extension<RequestNumber>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = move |server: &Server| answer_call(server, number, &headers, &body);
    match run_blocking(server, answer).await {
        Ok(response) => response,
        Err(error) => json_response(error.status, &error.to_json()),
    }
}

fn answer_call(
    server: &Server,
    number: RequestNumber,
    headers: &HeaderMap,
    body: &[u8],
) -> Response {
    let operations = match serde_json::from_slice::<Json>(body) {
        Ok(Json::Array(operations)) => operations,
        Ok(_) => return unprocessable("the body is not a list of operations"),
        Err(error) => return unprocessable(&format!("the body is not JSON: {error}")),
    };
    server.control.change_request(number.0, |record| {
        let operations = operations.iter().map(RecordedOperation::from_operation);
        record.operations = operations.collect();
    });
    let caller = match caller(server, headers) {
        Ok(caller) => caller,
        Err(error) => return refused(headers, &error),
    };
    let mut response = match api::run_batch(server, &caller, &operations) {
        Ok(answers) => compressed(headers, Json::Array(answers).to_string()),
        Err(error) => refused(headers, &error),
    };
    keep_session(headers, &mut response);
    response
}

/// Clients of the older kind look for an error only in an answer of status 200.
fn refused(headers: &HeaderMap, error: &ApiError) -> Response {
    let status = if option(headers, "strict") {
        error.status
    } else {
        StatusCode::OK
    };
    json_response(status, &error.to_json())
}

/// Answers with JSON, compressed if it is long and the client can read that.
fn compressed(headers: &HeaderMap, json: String) -> Response {
    let kind = (header::CONTENT_TYPE, "application/json");
    if json.len() < COMPRESSED_FROM || !accepts_gzip(headers) {
        return ([kind], json).into_response();
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    match encoder
        .write_all(json.as_bytes())
        .and_then(|()| encoder.finish())
    {
        Ok(bytes) => {
            let encoding = (header::CONTENT_ENCODING, "gzip");
            ([kind, encoding], bytes).into_response()
        }
        Err(error) => {
            tracing::warn!(%error, "could not compress an answer");
            ([kind], json).into_response()
        }
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = text(headers, "accept-encoding").unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        matches!(name.trim(), "gzip" | "*") && !is_refused
    })
}

/// Gives a client that brought none a session cookie. Nothing ever asks for it: the headers say who asks.
///
/// Assumed: its name.
fn keep_session(headers: &HeaderMap, response: &mut Response) {
    if headers.contains_key(header::COOKIE) {
        return;
    }
    let cookie = format!(
        "session={}; Path=/; HttpOnly; SameSite=Lax",
        api::new_secret()
    );
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

fn json_response(status: StatusCode, json: &Json) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        json.to_string(),
    )
        .into_response()
}

fn unprocessable(message: &str) -> Response {
    let message = message.replace(['{', '}'], "");
    let detail = json!({"detail": [{"loc": ["body"], "msg": message, "type": "value_error"}]});
    json_response(StatusCode::UNPROCESSABLE_ENTITY, &detail)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A header that may hold a token, or what JavaScript writes when it has none.
fn token(headers: &HeaderMap, name: &str) -> Option<String> {
    text(headers, name)
        .filter(|token| !matches!(*token, "" | "undefined" | "null"))
        .map(str::to_owned)
}

/// Tells whether an option is on, in its own header or in `ftrack-api-options`.
fn option(headers: &HeaderMap, name: &str) -> bool {
    let own = text(headers, &format!("ftrack-{name}-api"))
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let listed = text(headers, "ftrack-api-options").is_some_and(|options| {
        options.split(';').any(|option| {
            let (key, value) = option.split_once([':', '=']).unwrap_or((option, ""));
            key.trim() == name && matches!(value.trim(), "1" | "true")
        })
    });
    own || listed
}

fn caller(server: &Server, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let username = text(headers, "ftrack-user").unwrap_or_default();
    let api_key = text(headers, "ftrack-api-key").unwrap_or_default();
    let caller = api::authenticate(&server.store(), username, api_key)?;
    Ok(Caller {
        client_token: token(headers, "ftrack-clienttoken"),
        push_token: token(headers, "ftrack-pushtoken"),
        denormalize: option(headers, "denormalize"),
        ..caller
    })
}

/// Opens a session of the event hub. Python sends its credentials as headers, JavaScript in the address.
async fn handshake(
    State(server): State<Arc<Server>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let given = |header: &str, parameter: &str| {
        text(&headers, header)
            .map(str::to_owned)
            .or_else(|| query.get(parameter).cloned())
            .unwrap_or_default()
    };
    let (username, api_key) = (
        given("ftrack-user", "api_user"),
        given("ftrack-api-key", "api_key"),
    );
    let outcome = run_blocking(server.clone(), move |server| {
        api::authenticate(&server.store(), &username, &api_key)
    });
    match outcome.await.and_then(|caller| caller) {
        Ok(caller) => {
            let identity = Identity {
                user_id: caller.user_id,
                username: caller.username,
            };
            let session = server.hub.handshake(identity);
            let limit = hub::SILENCE_LIMIT_SECS;
            format!("{session}:{limit}:{limit}:websocket").into_response()
        }
        Err(error) => json_response(StatusCode::UNAUTHORIZED, &error.to_json()),
    }
}

/// Opens the socket of a session. It carries no credentials: the session's id stands for them.
async fn socket(
    State(server): State<Arc<Server>>,
    Path(session): Path<String>,
    Extension(manners): Extension<Manners>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Some(identity) = server.hub.take_session(&session) else {
        return (StatusCode::UNAUTHORIZED, "client not handshaken").into_response();
    };
    let hub = server.hub.clone();
    upgrade
        .max_message_size(LARGEST)
        .max_frame_size(LARGEST)
        .on_upgrade(move |socket| hub::serve(hub, identity, socket, manners))
}
