//! `/sandbox/…`: what tests ask for. Every request must carry the control token.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json as JsonBody, Router};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::api;
use crate::control::FaultRule;
use crate::seed;
use crate::server::Server;
use crate::store::{Row, Store, Value};

pub(super) fn router(server: Arc<Server>) -> Router<Arc<Server>> {
    Router::new()
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/faults/{id}", delete(remove_fault))
        .route("/clock", post(set_clock))
        .route("/disk", post(set_disk))
        .route("/requests", get(requests).delete(clear_requests))
        .route("/invitations", get(invitations).delete(clear_invitations))
        .route("/hub", post(change_hub))
        .route("/users", get(users))
        .route("/keys", post(change_key))
        .route("/global_keys", post(add_global_key))
        .layer(axum::middleware::from_fn_with_state(server, check_token))
}

async fn check_token(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let token = request
        .headers()
        .get("sandbox-token")
        .and_then(|token| token.to_str().ok());
    if token != Some(server.control_token.as_str()) {
        return (
            StatusCode::FORBIDDEN,
            "the header sandbox-token is missing or wrong",
        )
            .into_response();
    }
    next.run(request).await
}

async fn add_fault(State(server): State<Arc<Server>>, JsonBody(given): JsonBody<Json>) -> Response {
    let added = FaultRule::read(&given).and_then(|rule| server.control.add(rule));
    match added {
        Ok(id) => JsonBody(json!({"id": id})).into_response(),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response(),
    }
}

async fn faults(State(server): State<Arc<Server>>) -> JsonBody<Json> {
    JsonBody(json!({"faults": server.control.standing_faults()}))
}

async fn remove_fault(State(server): State<Arc<Server>>, Path(id): Path<u64>) -> StatusCode {
    if server.control.remove(id) {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}

async fn clear_faults(State(server): State<Arc<Server>>) -> StatusCode {
    server.control.clear_faults();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct ClockChange {
    skew_secs: i64,
}

async fn set_clock(
    State(server): State<Arc<Server>>,
    JsonBody(change): JsonBody<ClockChange>,
) -> StatusCode {
    server.control.clock.set_skew(change.skew_secs);
    StatusCode::NO_CONTENT
}

/// How the disk is from now on; what is left out is as with a sound one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DiskChange {
    free_bytes: Option<u64>,
    #[serde(default)]
    is_read_only: bool,
}

async fn set_disk(
    State(server): State<Arc<Server>>,
    JsonBody(change): JsonBody<DiskChange>,
) -> StatusCode {
    let disk = &server.control.disk;
    disk.fill(change.free_bytes.unwrap_or(u64::MAX));
    disk.set_read_only(change.is_read_only);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Wanted {
    /// What the path begins with; API calls when it is missing.
    path: Option<String>,
}

async fn requests(
    State(server): State<Arc<Server>>,
    Query(wanted): Query<Wanted>,
) -> JsonBody<Json> {
    let path = wanted.path.as_deref().unwrap_or("/api");
    let (count, requests) = server.control.requests(path);
    JsonBody(json!({"count": count, "requests": requests}))
}

async fn clear_requests(State(server): State<Arc<Server>>) -> StatusCode {
    server.control.clear_requests();
    StatusCode::NO_CONTENT
}

async fn invitations(State(server): State<Arc<Server>>) -> JsonBody<Json> {
    JsonBody(json!({"invitations": server.control.invitations()}))
}

async fn clear_invitations(State(server): State<Arc<Server>>) -> StatusCode {
    server.control.clear_invitations();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum HubChange {
    ForgetSessions,
    DropConnections,
    Count,
}

async fn change_hub(
    State(server): State<Arc<Server>>,
    JsonBody(change): JsonBody<HubChange>,
) -> JsonBody<Json> {
    let connections = match change {
        HubChange::ForgetSessions => {
            server.hub.forget_sessions();
            server.hub.connection_count()
        }
        HubChange::DropConnections => server.hub.drop_connections(),
        HubChange::Count => server.hub.connection_count(),
    };
    JsonBody(json!({"connections": connections, "dropped": server.hub.dropped()}))
}

async fn users(State(server): State<Arc<Server>>) -> JsonBody<Json> {
    let users = seed::credentials(&server.store());
    let users = users
        .into_iter()
        .map(|(user, api_key)| json!({"user": user, "api_key": api_key}));
    JsonBody(json!({"users": users.collect::<Vec<_>>()}))
}

#[derive(Deserialize)]
struct KeyChange {
    user: String,
    is_expired: bool,
}

async fn change_key(
    State(server): State<Arc<Server>>,
    JsonBody(change): JsonBody<KeyChange>,
) -> Response {
    let mut store = server.store_mut();
    if !api::is_user_known(&store, &change.user) {
        return (StatusCode::NOT_FOUND, "there is no such user").into_response();
    }
    let schema = store.schema.clone();
    for user in store.rows_where("User", "username", &change.user) {
        for key in store.rows_where("ApiKey", "resource_id", &user.key(&schema)) {
            let mut key = Row::clone(&key);
            key.set(&schema, "expired", Value::Boolean(change.is_expired));
            store.replace(key);
        }
    }
    commit_and_answer(&mut store, StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct GlobalKey {
    role: String,
}

/// Makes an API key that belongs to no user.
async fn add_global_key(
    State(server): State<Arc<Server>>,
    JsonBody(wanted): JsonBody<GlobalKey>,
) -> Response {
    let mut store = server.store_mut();
    let Some(api_key) = api::add_global_key(&mut store, &wanted.role) else {
        return (StatusCode::NOT_FOUND, "there is no such role").into_response();
    };
    commit_and_answer(&mut store, JsonBody(json!({"api_key": api_key})))
}

fn commit_and_answer(store: &mut Store, answer: impl IntoResponse) -> Response {
    match store.commit() {
        Ok(()) => answer.into_response(),
        Err(error) => {
            store.rollback();
            (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
        }
    }
}
