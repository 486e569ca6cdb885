//! Files: the server's components, and whatever storage it sends a child to.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use callboard_protocol::Verb;
use ftrack::Passage;
use hyper::body::Incoming;
use reqwest::Url;
use tokio::time::timeout;

use super::Door;
use super::address::without_credentials;
use super::api::unreachable;
use super::body;
use super::reply::{Refusal, Reply, plain};

/// How long a server or a storage may take to begin its answer; an upload is answered when it is over.
const ANSWER: Duration = Duration::from_secs(300);

/// The longest time that an upload may take as a whole, while its bytes move.
const UPLOAD: Duration = Duration::from_secs(6 * 60 * 60);

/// What a client may say when it asks for a file.
const ASKED: [&str; 6] = [
    "accept",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "range",
];

/// What concerns one connection only, or is the door's own business.
const WITHHELD: [&str; 16] = [
    "accept-encoding",
    "authorization",
    "connection",
    "cookie",
    "expect",
    "ftrack-api-key",
    "ftrack-clienttoken",
    "ftrack-user",
    "host",
    "keep-alive",
    "origin",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What a child is not told of an answer.
const UNTOLD: [&str; 10] = [
    "alt-svc",
    "connection",
    "keep-alive",
    "location",
    "proxy-authenticate",
    "set-cookie",
    "strict-transport-security",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Passes a request for one of the server's files on: `/component/get` and its like.
pub(super) async fn component(door: &Door, request: &Request<Incoming>, url: &Url) -> Reply {
    let granted = match url.path() {
        "/component/get" | "/component/thumbnail" => door
            .grants
            .need(&callboard_protocol::Permission::FtrackRead),
        "/component/remove" => door.grants.may(Verb::Delete, "FileComponent"),
        _ => return plain(StatusCode::NOT_FOUND, "there is nothing here"),
    };
    if let Err(sentence) = granted {
        return Refusal::NotGranted(sentence).of_file();
    }
    let passage = match door.passage() {
        Ok(passage) => passage,
        Err(refusal) => return refusal.of_file(),
    };
    let mut wanted = passage.file(url.path(), &without_credentials(url));
    for name in ASKED {
        if let Some(value) = request.headers().get(name) {
            wanted = wanted.header(name, value);
        }
    }
    answered(door, &passage, timeout(ANSWER, wanted.send()).await)
}

/// Passes a request on to storage that the server itself has led this child to.
pub(super) async fn storage(door: &Door, name: &str, request: Request<Incoming>) -> Reply {
    let Some(url) = door.addresses.stored(name) else {
        return plain(StatusCode::NOT_FOUND, "there is nothing here");
    };
    let (granted, limit) = match *request.method() {
        Method::GET | Method::HEAD => (
            door.grants
                .need(&callboard_protocol::Permission::FtrackRead),
            ANSWER,
        ),
        Method::PUT | Method::POST => (door.grants.may(Verb::Create, "FileComponent"), UPLOAD),
        _ => {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "a file is read or written");
        }
    };
    if let Err(sentence) = granted {
        return Refusal::NotGranted(sentence).of_file();
    }
    let passage = match door.passage() {
        Ok(passage) => passage,
        Err(refusal) => return refusal.of_file(),
    };
    let (parts, incoming) = request.into_parts();
    let mut wanted = passage.elsewhere(parts.method.clone(), url);
    for (header, value) in &parts.headers {
        if !WITHHELD.contains(&header.as_str()) {
            wanted = wanted.header(header, value);
        }
    }
    if matches!(parts.method, Method::PUT | Method::POST) {
        let pieces = body::patient(Body::new(incoming).into_data_stream());
        wanted = wanted.body(reqwest::Body::wrap_stream(pieces));
    }
    answered(door, &passage, timeout(limit, wanted.send()).await)
}

fn answered<E>(
    door: &Door,
    passage: &Passage,
    answer: Result<Result<reqwest::Response, reqwest::Error>, E>,
) -> Reply {
    let answer = match answer {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return unreachable(&error).of_file(),
        Err(_) => {
            return Refusal::Unavailable("the server did not answer in time".to_owned()).of_file();
        }
    };
    let secrets = door.secrets(passage);
    let location = answer.headers().get(LOCATION).cloned();
    let mut headers = told(answer.headers());
    let withheld = || {
        tracing::warn!(plugin = %door.plugin, "an answer holds the API key: it was withheld");
        Refusal::BadAnswer("the answer was withheld".to_owned()).of_file()
    };
    if secrets.check_headers(&headers).is_err() || headers.contains_key("content-encoding") {
        return withheld();
    }
    if answer.status().is_redirection()
        && let Some(location) = location
    {
        match elsewhere(door, passage, &location, answer.url()) {
            Some(here) => {
                headers.insert(LOCATION, here);
            }
            None => return Refusal::BadAnswer("the server leads elsewhere".to_owned()).of_file(),
        }
    }
    let status = answer.status();
    // A reply without a body may name the length of the one that it stands for.
    if let Some(length) = answer.content_length()
        && status.is_success()
        && !headers.contains_key(CONTENT_LENGTH)
    {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    let mut reply = Response::new(body::sieved(answer, secrets.sieve(), &door.plugin));
    *reply.status_mut() = status;
    *reply.headers_mut() = headers;
    reply
}

/// Returns where a redirect leads through the door. The server's own files may lie in a storage elsewhere; a storage
/// leads nowhere else.
fn elsewhere(
    door: &Door,
    passage: &Passage,
    location: &HeaderValue,
    from: &Url,
) -> Option<HeaderValue> {
    if from.origin() != passage.server().join("/").origin() {
        return None;
    }
    let to = from.join(location.to_str().ok()?).ok()?;
    let here = door.addresses.inward(passage.server(), to.as_str())?;
    HeaderValue::from_str(&here).ok()
}

fn told(headers: &HeaderMap) -> HeaderMap {
    let told = |(name, value): (&HeaderName, &HeaderValue)| {
        (!UNTOLD.contains(&name.as_str())).then(|| (name.clone(), value.clone()))
    };
    headers.iter().filter_map(told).collect()
}
