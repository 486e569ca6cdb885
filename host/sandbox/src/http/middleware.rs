//! What is the same for every request: plain paths, and the headers that browsers need.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Among them what an upload is told to send.
const ALLOWED_HEADERS: &str = "accept, content-disposition, content-type, ftrack-api-key, ftrack-api-options, \
     ftrack-clienttoken, ftrack-pushtoken, ftrack-strict-api, ftrack-user";

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
