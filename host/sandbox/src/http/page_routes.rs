//! The web page and its files.
//!
//! The page carries the main user's API key, so that whoever opens it is signed in. That is fit for a sandbox on
//! this machine, and for nothing else: the key is left out unless the server listens on loopback, and unless the
//! browser asked for a loopback name, which a foreign page that lets its own name point here did not. These
//! routes must stay outside the headers that let pages of other origins read an answer.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use super::{json_response, run_blocking, text};
use crate::api::VERSION;
use crate::page::{self, ASSETS, SignIn};
use crate::seed;
use crate::server::Server;

/// Nothing from elsewhere, nothing inline, and no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn router() -> Router<Arc<Server>> {
    Router::new()
        .route("/", get(front_page))
        .route("/page/{*name}", get(asset))
}

async fn front_page(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    let is_ours = server.is_local && text(&headers, "host").is_some_and(is_loopback);
    let html = run_blocking(server, move |server| {
        let credentials = is_ours
            .then(|| seed::main_credentials(&server.store()))
            .flatten();
        let sign_in = credentials.map(|(user, api_key)| SignIn { user, api_key });
        page::render(sign_in.as_ref())
    });
    match html.await {
        Ok(html) => (
            [
                // The official desktop program looks for this header to tell an ftrack server from any other.
                (HeaderName::from_static("ftrack_version"), VERSION),
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (
                    HeaderName::from_static("cross-origin-resource-policy"),
                    "same-origin",
                ),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::REFERRER_POLICY, "no-referrer"),
                (header::CACHE_CONTROL, "no-store"),
            ],
            Html(html),
        )
            .into_response(),
        Err(error) => json_response(error.status, &error.to_json()),
    }
}

async fn asset(Path(name): Path<String>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    (
        [
            (header::CONTENT_TYPE, asset.content_type()),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            // The next version of the program may be served at the same address.
            (header::CACHE_CONTROL, "no-cache"),
        ],
        asset.text,
    )
        .into_response()
}

/// Tells whether `host`, as a browser sends it, names this machine to itself.
pub(super) fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_this_machine() {
        for (host, expected) in [
            ("127.0.0.1:8090", true),
            ("127.0.0.1", true),
            ("localhost:8090", true),
            ("LOCALHOST", true),
            ("[::1]:8090", true),
            ("192.168.1.4:8090", false),
            ("studio.example.com:8090", false),
            ("127.0.0.1.example.com", false),
            ("localhost.example.com", false),
            ("0.0.0.0:8090", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
