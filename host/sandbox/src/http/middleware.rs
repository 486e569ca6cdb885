//! What happens to every request: faults asked for by a test, and the headers that browsers need.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::{HangUp, LARGEST};
use crate::control::{Fault, pass_time};
use crate::server::Server;

const ALLOWED_HEADERS: &str = "accept, content-type, ftrack-api-key, ftrack-api-options, ftrack-clienttoken, \
     ftrack-pushtoken, ftrack-strict-api, ftrack-user";

/// Makes one slash of several: a JavaScript session whose address ends in a slash posts to `//api`.
pub(super) fn with_plain_path(mut request: Request) -> Request {
    let Some(path) = request.uri().path_and_query().map(ToString::to_string) else {
        return request;
    };
    if path.starts_with("//") {
        let plain = format!("/{}", path.trim_start_matches('/'));
        if let Ok(uri) = plain.parse::<Uri>() {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// Applies the fault that a test has asked for, if it asked for one.
pub(super) async fn faults(
    State(server): State<Arc<Server>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    // The address of an upload is enough to match by; its body may be larger than the memory.
    let has_large_body = path.starts_with("/upload/");
    if path.starts_with("/sandbox/") || !server.control.has_faults() {
        return next.run(request).await;
    }
    let mut described = request.uri().to_string();
    let (parts, body) = request.into_parts();
    let body = if has_large_body {
        body
    } else {
        let Ok(body) = to_bytes(body, LARGEST).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        described.push_str(&String::from_utf8_lossy(&body));
        Body::from(body)
    };
    let request = Request::from_parts(parts, body);
    match server.control.take_fault(&described) {
        None => next.run(request).await,
        Some(Fault::Delay { milliseconds }) => {
            let late = async move {
                pass_time(Duration::from_millis(milliseconds)).await;
                next.run(request).await
            };
            // As with a real server, what was sent is carried out, whether or not its sender still waits.
            match tokio::spawn(late).await {
                Ok(response) => response,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        }
        Some(Fault::Status {
            status,
            retry_after_secs,
        }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = (status, "a fault asked for by a test").into_response();
            if let Some(seconds) = retry_after_secs {
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
        Some(Fault::Html) => {
            Html("<!doctype html><title>Sign in</title><h1>Sign in</h1>").into_response()
        }
        Some(Fault::CloseBefore) => hang_up(),
        Some(Fault::CloseAfter) => {
            next.run(request).await;
            hang_up()
        }
    }
}

fn hang_up() -> Response {
    let mut response = StatusCode::SERVICE_UNAVAILABLE.into_response();
    response.extensions_mut().insert(HangUp);
    response
}

/// Lets web pages of other origins call the API with credentials.
pub(super) async fn cors(request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = match *request.method() {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    };
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value: HeaderValue| headers.insert(name, value);
        set(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        set(
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
        set(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(ALLOWED_HEADERS),
        );
        set(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, POST, PUT, OPTIONS"),
        );
        set(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("ETag"),
        );
        set(header::VARY, HeaderValue::from_static("Origin"));
    }
    response
}
