//! Pages that open by a signed address, and the sign-in of desktop programs.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, OriginalUri, Path, Query, State};
use axum::http::uri::Uri;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use serde_json::Value as Json;

use super::page_routes::is_loopback;
use super::{json_response, run_blocking, text};
use crate::access::{Access, View};
use crate::api;
use crate::error::ApiError;
use crate::leaf::{self, SignInForm};
use crate::query::Reader;
use crate::seed;
use crate::server::Server;

/// Nothing but the page's own style, and forms that come back here or lead to this machine.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'";
/// How long a sign-in page may stay open.
const TICKET_SECS: i64 = 60 * 60;
const TICKET: &str = "/user/api_credentials";

pub(super) fn router() -> Router<Arc<Server>> {
    Router::new()
        .route("/widget/{name}", get(widget))
        .route("/user/api_credentials", get(sign_in_form).post(sign_in))
}

fn page(status: StatusCode, html: String) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, Html(html)).into_response()
}

fn refusal(status: StatusCode, title: &str, text: &str) -> Response {
    let body = format!("<p>{}</p>", leaf::escaped(text));
    page(status, leaf::sheet(title, "light", &body))
}

/// Runs `render` when the address was signed here and has not ended.
async fn signed(
    server: Arc<Server>,
    address: &Uri,
    render: impl FnOnce(&Server) -> Result<String, ApiError> + Send + 'static,
) -> Response {
    let address = address.path_and_query().map(ToString::to_string);
    let now = server.control.clock.now();
    if !address.is_some_and(|address| server.media.signer.holds(&address, now)) {
        let text = "The address has ended or is not whole. Ask for a new one.";
        return refusal(StatusCode::FORBIDDEN, "Not here", text);
    }
    match run_blocking(server, render).await.and_then(|html| html) {
        Ok(html) => page(StatusCode::OK, html),
        Err(error) => json_response(error.status, &error.to_json()),
    }
}

/// What a query finds, as rows of text.
fn rows(
    server: &Server,
    user_id: Option<&str>,
    query: &str,
    columns: &[&str],
) -> Result<Vec<Vec<String>>, ApiError> {
    let store = server.store();
    let access = match user_id {
        Some(user_id) => Access::of_user(&store, user_id),
        None => Access::unlimited(),
    };
    let hidden = access.hidden(&store);
    let reader = Reader {
        store: View::without(&store, &hidden),
        base_url: &server.base_url,
        denormalize: true,
    };
    let found = reader.run(query)?.data;
    let text = |entity: &Json, column: &str| {
        let path = format!("/{}", column.replace('.', "/"));
        match entity.pointer(&path) {
            Some(Json::String(text)) => text.clone(),
            Some(Json::Null) | None => String::new(),
            Some(other) => other.to_string(),
        }
    };
    let entities = found.as_array().into_iter().flatten();
    let rows = entities.map(|entity| {
        let texts = columns.iter().map(|column| text(entity, column));
        texts.collect()
    });
    Ok(rows.collect())
}

/// What the widget `info` shows of an entity: whichever of these its type has.
fn shown_columns(server: &Server, kind: &str) -> Vec<&'static str> {
    let store = server.store();
    let entity = store.schema.type_named(kind);
    let mut columns = vec![
        "name",
        "full_name",
        "username",
        "version",
        "description",
        "status.name",
        "type.name",
        "id",
    ];
    columns.retain(|column| {
        let name = column.split('.').next().unwrap_or_default();
        entity.is_some_and(|entity| entity.attribute(name).is_some())
    });
    columns
}

async fn widget(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    OriginalUri(address): OriginalUri,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let render = move |server: &Server| {
        let given = |key: &str| query.get(key).map(String::as_str);
        let user = given("user").unwrap_or_default();
        let (title, body) = match (name.as_str(), given("entity_type"), given("entity_id")) {
            ("info", Some(kind), Some(id)) => {
                let columns = shown_columns(server, kind);
                let query = format!(
                    "select {} from {kind} where id is \"{id}\"",
                    columns.join(", ")
                );
                let found = rows(server, Some(user), &query, &columns)?;
                (kind.to_owned(), leaf::table(&columns, &found))
            }
            (_, _, entity) => {
                let whose = match entity {
                    Some(id) => format!(
                        "(project_id is \"{id}\" or ancestors any (id is \"{id}\") or id is \"{id}\")"
                    ),
                    None => format!("assignments any (resource_id is \"{user}\")"),
                };
                let columns = ["name", "parent.name", "status.name", "type.name"];
                let query = format!(
                    "select {} from Task where {whose} order by name",
                    columns.join(", ")
                );
                let found = rows(server, Some(user), &query, &columns)?;
                ("Tasks".to_owned(), leaf::table(&columns, &found))
            }
        };
        Ok(leaf::sheet(
            &title,
            given("theme").unwrap_or_default(),
            &body,
        ))
    };
    signed(server, &address, render).await
}

/// Keys are handed to programs on this machine only.
///
/// Assumed: the real server may send them elsewhere too.
fn is_on_this_machine(redirect_url: &str) -> bool {
    redirect_url.parse::<Uri>().is_ok_and(|address| {
        address.scheme_str() == Some("http")
            && address
                .authority()
                .is_some_and(|authority| is_loopback(authority.as_str()))
    })
}

/// Tells whether the page may offer users without asking for their keys.
fn is_trusted(server: &Server, headers: &HeaderMap) -> bool {
    server.is_local && text(headers, "host").is_some_and(is_loopback)
}

fn foreign() -> Response {
    let text = "The address redirect_url must be http:// and lead to this machine.";
    refusal(StatusCode::BAD_REQUEST, "Not there", text)
}

/// Where a desktop program sends the browser for an API key.
async fn sign_in_form(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let redirect_url = query.get("redirect_url").cloned().unwrap_or_default();
    if !is_on_this_machine(&redirect_url) {
        return foreign();
    }
    let is_trusted = is_trusted(&server, &headers);
    let identifier = query.get("identifier").cloned().unwrap_or_default();
    let html = run_blocking(server, move |server| {
        let users: Vec<String> = if is_trusted {
            let users = seed::credentials(&server.store()).into_iter();
            users.map(|(user, _)| user).collect()
        } else {
            Vec::new()
        };
        let expires = server.control.clock.now() + TICKET_SECS;
        leaf::sign_in(&SignInForm {
            identifier: &identifier,
            redirect_url: &redirect_url,
            ticket: &server.media.signer.sign_until(TICKET, expires),
            users: &users,
        })
    });
    match html.await {
        Ok(html) => page(StatusCode::OK, html),
        Err(error) => json_response(error.status, &error.to_json()),
    }
}

/// Sends the browser back to the program, with a key that bears the program's name.
async fn sign_in(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let given = |name: &str| form.get(name).cloned().unwrap_or_default();
    let (redirect_url, user, key) = (given("redirect_url"), given("user"), given("api_key"));
    let identifier = given("identifier");
    if !is_on_this_machine(&redirect_url) {
        return foreign();
    }
    if !server
        .media
        .signer
        .holds(&given("ticket"), server.control.clock.now())
    {
        return refusal(StatusCode::FORBIDDEN, "Too late", "Open the page again.");
    }
    let is_trusted = is_trusted(&server, &headers);
    let issued = run_blocking(server, move |server| {
        if !is_trusted {
            api::authenticate(&server.store(), &user, &key)?;
        }
        let key = api::issue_key(&mut server.store_mut(), &user, &identifier)?;
        Ok::<_, ApiError>((user, key))
    });
    match issued.await.and_then(|issued| issued) {
        Ok((user, key)) => {
            let joint = if redirect_url.contains('?') { '&' } else { '?' };
            let user = encoded(&user);
            Redirect::to(&format!(
                "{redirect_url}{joint}api_user={user}&api_key={key}"
            ))
            .into_response()
        }
        Err(error) => refusal(error.status, "Not signed in", &error.content),
    }
}

/// Percent-encodes text for a query.
fn encoded(text: &str) -> String {
    text.bytes()
        .fold(String::new(), |encoded, byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded + char::from(byte).encode_utf8(&mut [0; 4])
            }
            _ => encoded + &format!("%{byte:02X}"),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_on_this_machine() {
        for (address, expected) in [
            ("http://localhost:4711", true),
            ("http://127.0.0.1:4711/back?x=1", true),
            ("http://[::1]:4711", true),
            ("https://studio.example.com", false),
            ("http://studio.example.com", false),
            ("http://localhost.example.com", false),
            ("http://localhost@studio.example.com", false),
            ("http://studio.example.com@localhost", true),
            ("javascript:alert(1)", false),
            ("/elsewhere", false),
            ("", false),
        ] {
            assert_eq!(is_on_this_machine(address), expected, "{address}");
        }
        assert_eq!(encoded("ada b@c"), "ada%20b%40c");
    }
}
