//! Calls of the API: read, weighed, passed on with the key, and their answers looked through.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use ftrack::Passage;
use hyper::body::Incoming;
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::time::timeout;

use super::Door;
use super::body::{self, BodyError};
use super::reply::{Refusal, Reply, json_reply};

/// No batch of a client's is near this size.
const MAX_BATCH_BYTES: usize = 64 << 20;

/// The longest answer that is read whole, because addresses in it may have to change.
const MAX_READ_BYTES: usize = 64 << 20;

/// How long the server may take to begin its answer. Clients themselves wait a minute.
const ANSWER: Duration = Duration::from_secs(300);

/// What a client may say of its call.
const HEADERS: [&str; 7] = [
    "accept",
    "content-type",
    "ftrack-api-options",
    "ftrack-clienttoken",
    "ftrack-pushtoken",
    "ftrack-strict-api",
    "user-agent",
];

/// Passes one batch on.
pub(super) async fn call(door: &Door, asked: &HeaderMap, incoming: Incoming) -> Reply {
    match try_call(door, asked, incoming).await {
        Ok(reply) => reply,
        Err(refusal) => {
            tracing::info!(plugin = %door.plugin, %refusal, "a call of a Connect plugin was refused");
            refusal.of_api(asked)
        }
    }
}

async fn try_call(door: &Door, asked: &HeaderMap, incoming: Incoming) -> Result<Reply, Refusal> {
    let batch = body::whole(Body::new(incoming), MAX_BATCH_BYTES)
        .await
        .map_err(|error| Refusal::BadRequest(error.to_string()))?;
    let Ok(Value::Array(mut operations)) = serde_json::from_slice(&batch) else {
        return Err(Refusal::BadRequest(
            "the body is no list of operations".to_owned(),
        ));
    };
    drop(batch);
    door.grants
        .check(&operations)
        .map_err(Refusal::NotGranted)?;
    let passage = door.passage()?;
    for operation in &mut operations {
        door.addresses.outward(passage.server(), operation);
    }
    let gives_addresses = operations.iter().any(gives_addresses);
    // What is sent is what was weighed, and not what another reader might have read in its place.
    let body =
        serde_json::to_vec(&operations).map_err(|error| Refusal::BadRequest(error.to_string()))?;
    let sending = with_headers(passage.call(), asked).body(body).send();
    let answer = match timeout(ANSWER, sending).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(unreachable(&error)),
        Err(_) => {
            return Err(Refusal::Unavailable(
                "the server did not answer in time".to_owned(),
            ));
        }
    };
    if answer.status().is_redirection() {
        return Err(Refusal::BadAnswer(
            "the server wants to be asked elsewhere".to_owned(),
        ));
    }
    let secrets = door.secrets(&passage);
    let status = answer.status();
    let has_key = secrets.check_headers(answer.headers()).is_err();
    if has_key || answer.headers().contains_key("content-encoding") {
        return Err(Refusal::BadAnswer(
            "the answer was withheld: it holds what no plugin may see".to_owned(),
        ));
    }
    if !gives_addresses {
        let length = answer.content_length();
        let body = body::sieved(answer, secrets.sieve(), &door.plugin);
        return Ok(body::with_length(json_reply(status, body), length));
    }
    read_and_change(door, &passage, &operations, answer, status).await
}

async fn read_and_change(
    door: &Door,
    passage: &Passage,
    operations: &[Value],
    answer: reqwest::Response,
    status: StatusCode,
) -> Result<Reply, Refusal> {
    // Few answers are held at once, whatever a child does.
    let _turn = door.reading.acquire().await;
    let bytes = body::whole(Body::from_stream(answer.bytes_stream()), MAX_READ_BYTES)
        .await
        .map_err(|error| match error {
            BodyError::TooLong { .. } => {
                Refusal::BadAnswer("the answer is too long: ask for less at once".to_owned())
            }
            error => Refusal::Unavailable(error.to_string()),
        })?;
    let body = match serde_json::from_slice(&bytes) {
        Ok(Value::Array(mut answers)) => {
            for (operation, answer) in operations.iter().zip(&mut answers) {
                let action = operation.get("action").and_then(Value::as_str);
                door.addresses
                    .answer_inward(passage.server(), action.unwrap_or_default(), answer);
            }
            serde_json::to_vec(&answers).unwrap_or_default()
        }
        // An error of the server's own.
        _ => bytes.to_vec(),
    };
    door.secrets(passage).check(&body).map_err(|found| {
        tracing::warn!(plugin = %door.plugin, "{found}: it was withheld");
        Refusal::BadAnswer("the answer was withheld: it holds what no plugin may see".to_owned())
    })?;
    Ok(json_reply(status, body.into()))
}

/// Tells whether addresses may stand in the answer that lead to the server or its storage.
fn gives_addresses(operation: &Value) -> bool {
    let text = |name: &str| operation.get(name).and_then(Value::as_str);
    match text("action") {
        Some("query" | "search") => text("expression").is_some_and(|expression| {
            // Without a projection the server chooses what to answer.
            let is_chosen = expression.trim_start().to_ascii_lowercase();
            is_chosen.contains("url") || !is_chosen.starts_with("select ")
        }),
        Some("query_server_information" | "query_schemas" | "delete") => false,
        _ => true,
    }
}

fn with_headers(mut request: RequestBuilder, asked: &HeaderMap) -> RequestBuilder {
    for name in HEADERS {
        if let Some(value) = asked.get(name) {
            request = request.header(name, value);
        }
    }
    request
}

pub(super) fn unreachable(error: &reqwest::Error) -> Refusal {
    // The error's own text may hold the address, and the address the key.
    let what = if error.is_timeout() {
        "the server did not answer in time"
    } else if error.is_connect() {
        "the server cannot be reached"
    } else {
        "the connection to the server broke"
    };
    Refusal::Unavailable(what.to_owned())
}
