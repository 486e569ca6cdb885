//! What happens to a request on its way in and out: it is recorded, and the faults that a test asked for befall it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value as Json, json};

use super::shaped::{Counted, Shape, shaped};
use super::{HangUp, LARGEST, json_response, refused, text};
use crate::control::{Asked, Fault, RecordedOperation, RecordedRequest, Stage, pass_time};
use crate::error::ApiError;
use crate::hub::Manners;
use crate::server::Server;
use crate::time::http_date_from_seconds;

/// What the record calls a request; handlers add what only they know.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestNumber(pub(super) u64);

/// Records a request, and applies the faults that a test has asked for.
pub(super) async fn watch(
    State(server): State<Arc<Server>>,
    mut request: Request,
    next: Next,
) -> Response {
    if request.uri().path().starts_with("/sandbox/") {
        return next.run(request).await;
    }
    let began = Instant::now();
    let number = server.control.begin_request(recorded(&request));
    request.extensions_mut().insert(RequestNumber(number));
    let mut response = if server.control.has_faults() {
        befall(&server, number, request, next).await
    } else {
        request.extensions_mut().insert(Manners::default());
        next.run(counted(request, &server, number, Shape::default()))
            .await
    };
    set_date(&server, &mut response);
    let is_answered = response.extensions().get::<HangUp>().is_none();
    let bytes_out = response.body().size_hint().exact();
    server.control.change_request(number, |record| {
        record.milliseconds = u64::try_from(began.elapsed().as_millis()).ok();
        if is_answered {
            record.status = Some(response.status().as_u16());
            record.bytes_out = bytes_out.or_else(|| content_length(response.headers()));
        }
    });
    response
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    text(headers, "content-length")?.parse().ok()
}

/// A server whose clock is wrong also says so in its headers.
fn set_date(server: &Server, response: &mut Response) {
    let clock = &server.control.clock;
    if clock.skew_secs() == 0 {
        return;
    }
    if let Ok(date) = HeaderValue::try_from(http_date_from_seconds(clock.now())) {
        response.headers_mut().insert(header::DATE, date);
    }
}

/// Has the bytes of a request counted, in whatever shape they come.
fn counted(request: Request, server: &Arc<Server>, number: u64, shape: Shape) -> Request {
    let counted: Counted = (server.clone(), number);
    request.map(|body| {
        if body.is_end_stream() {
            body
        } else {
            shaped(body, shape, Some(counted))
        }
    })
}

fn recorded(request: &Request) -> RecordedRequest {
    let headers = request.headers();
    let query = request.uri().query().unwrap_or_default();
    RecordedRequest {
        time: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64(),
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: without_keys(query),
        user: user(headers, query).to_owned(),
        client_token: text(headers, "ftrack-clienttoken").map(str::to_owned),
        ..RecordedRequest::default()
    }
}

/// Who asks: in a header, or in the address of what a browser opens by itself.
fn user<'a>(headers: &'a HeaderMap, query: &'a str) -> &'a str {
    let in_address = || {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let mut users = pairs.filter(|(name, _)| matches!(*name, "username" | "api_user"));
        users.next().map(|(_, user)| user)
    };
    text(headers, "ftrack-user")
        .or_else(in_address)
        .unwrap_or_default()
}

fn without_keys(query: &str) -> String {
    let is_harmless = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        !matches!(name, "apiKey" | "api_key" | "token")
    };
    let pairs: Vec<&str> = query.split('&').filter(is_harmless).collect();
    pairs.join("&")
}

/// A request that faults may befall.
struct Victim {
    server: Arc<Server>,
    number: u64,
    method: String,
    address: String,
    user: String,
}

impl Victim {
    fn new(server: Arc<Server>, number: u64, request: &Request) -> Self {
        let query = request.uri().query().unwrap_or_default();
        Self {
            server,
            number,
            method: request.method().to_string(),
            address: request.uri().to_string(),
            user: user(request.headers(), query).to_owned(),
        }
    }

    /// The faults of this stage, which go on record.
    fn faults(&self, stage: Stage, body: &str, operations: &[Json]) -> Vec<Fault> {
        let asked = Asked {
            method: &self.method,
            address: &self.address,
            user: &self.user,
            body,
            operations,
        };
        let control = &self.server.control;
        let taken = control.take_faults(stage, &asked);
        control.change_request(self.number, |record| {
            record.faults.extend(taken.iter().map(Fault::name));
        });
        taken
    }
}

/// Applies the faults for a request.
async fn befall(server: &Arc<Server>, number: u64, request: Request, next: Next) -> Response {
    let victim = Victim::new(server.clone(), number, &request);
    let mut shape = Shape::default();
    for fault in victim.faults(Stage::Head, "", &[]) {
        match fault {
            Fault::CloseRequest { bytes } => shape.close_after = Some(bytes),
            Fault::SlowRequest { bytes_per_second } => {
                shape.bytes_per_second = Some(bytes_per_second);
            }
            _ => {}
        }
    }
    let broke_off = shape.broke_off.clone();
    let request = counted(request, server, number, shape);
    // The address of an upload is enough to match by; its body may be larger than the memory.
    let (request, body) = if request.uri().path().starts_with("/upload/") {
        (request, Bytes::new())
    } else {
        let (parts, body) = request.into_parts();
        match to_bytes(body, LARGEST).await {
            Ok(body) => (Request::from_parts(parts, Body::from(body.clone())), body),
            Err(_) if broke_off.load(Ordering::Relaxed) => return hang_up(),
            Err(_) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        }
    };
    let operations: Vec<Json> = serde_json::from_slice(&body).unwrap_or_default();
    server.control.change_request(number, |record| {
        let operations = operations.iter().map(RecordedOperation::from_operation);
        record.operations = operations.collect();
    });
    let faults = victim.faults(Stage::Whole, &String::from_utf8_lossy(&body), &operations);
    // As with a real server, what was sent is carried out, whether or not its sender still waits.
    let answered = tokio::spawn(async move { answer(request, next, &faults, &operations).await });
    let response = match answered.await {
        Ok(response) => response,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    if broke_off.load(Ordering::Relaxed) {
        return hang_up();
    }
    response
}

/// Answers a request with everything that befalls it.
async fn answer(
    mut request: Request,
    next: Next,
    faults: &[Fault],
    operations: &[Json],
) -> Response {
    let mut manners = Manners::default();
    for fault in faults {
        match fault {
            Fault::Delay { milliseconds, .. } => {
                pass_time(Duration::from_millis(*milliseconds)).await;
            }
            Fault::SilentHub => manners = Manners::Silent,
            Fault::CloseHub { packets } => manners = Manners::ClosesAfter(*packets),
            // Half of a compressed text would be a fault of another kind.
            Fault::Truncate { .. } => {
                request.headers_mut().remove(header::ACCEPT_ENCODING);
            }
            _ => {}
        }
    }
    request.extensions_mut().insert(manners);
    for fault in faults {
        if let Some(response) = answer_instead(fault, request.headers(), operations) {
            return response;
        }
    }
    let mut response = next.run(request).await;
    for fault in faults {
        response = changed(response, fault).await;
    }
    response
}

/// What is answered when nothing is done.
fn answer_instead(fault: &Fault, headers: &HeaderMap, operations: &[Json]) -> Option<Response> {
    let is_call = !operations.is_empty();
    let refused = |error: ApiError| {
        if is_call {
            refused(headers, &error)
        } else {
            json_response(error.status, &error.to_json())
        }
    };
    Some(match fault {
        Fault::Status {
            status,
            retry_after_secs,
            is_done: false,
        } => plain_status(*status, *retry_after_secs),
        Fault::Html { status } => (
            status_code(*status),
            Html("<!doctype html><title>Sign in</title><h1>Sign in</h1>"),
        )
            .into_response(),
        Fault::Error { exception, content } => {
            let error = json!({"exception": exception, "content": content, "error_code": null});
            json_response(StatusCode::OK, &error)
        }
        Fault::OldServer => {
            let action = operations
                .first()
                .and_then(|first| first["action"].as_str());
            refused(ApiError::unknown_action(action.unwrap_or_default()))
        }
        Fault::LostSession => refused(ApiError::credentials("The session is not known")),
        Fault::CloseBefore => hang_up(),
        Fault::WrongMd5 => (
            StatusCode::BAD_REQUEST,
            "the checksum of what arrived is another",
        )
            .into_response(),
        Fault::RefuseHub => (StatusCode::SERVICE_UNAVAILABLE, "no more sockets").into_response(),
        _ => return None,
    })
}

/// What becomes of an answer when everything is done.
async fn changed(response: Response, fault: &Fault) -> Response {
    let reshaped =
        |response: Response, shape: Shape| response.map(|body| shaped(body, shape, None));
    match fault {
        Fault::Status {
            status,
            retry_after_secs,
            is_done: true,
        } => plain_status(*status, *retry_after_secs),
        Fault::CloseAfter => hang_up(),
        Fault::InvalidJson => {
            // Without braces: the official Python client would trip over them while it says what is wrong.
            let json = [(header::CONTENT_TYPE, "application/json")];
            (json, "[this is no JSON]").into_response()
        }
        Fault::Truncate { bytes } => truncated(response, *bytes).await,
        Fault::CloseAnswer { bytes } => reshaped(
            response,
            Shape {
                close_after: Some(*bytes),
                ..Shape::default()
            },
        ),
        Fault::SlowAnswer { bytes_per_second } => reshaped(
            response,
            Shape {
                bytes_per_second: Some(*bytes_per_second),
                ..Shape::default()
            },
        ),
        Fault::WrongByte { at } => reshaped(
            response,
            Shape {
                wrong_byte: Some(*at),
                ..Shape::default()
            },
        ),
        Fault::WrongEtag => {
            let mut response = response;
            let of_nothing = HeaderValue::from_static("\"d41d8cd98f00b204e9800998ecf8427e\"");
            response.headers_mut().insert(header::ETAG, of_nothing);
            response
        }
        _ => response,
    }
}

/// Ends the text of an answer early, as though it were whole.
async fn truncated(response: Response, bytes: u64) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(mut body) = to_bytes(body, LARGEST).await else {
        return hang_up();
    };
    body.truncate(usize::try_from(bytes).unwrap_or(usize::MAX));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body))
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn plain_status(status: u16, retry_after_secs: Option<u64>) -> Response {
    let mut response = (status_code(status), "a fault asked for by a test").into_response();
    if let Some(seconds) = retry_after_secs {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn hang_up() -> Response {
    let mut response = StatusCode::SERVICE_UNAVAILABLE.into_response();
    response.extensions_mut().insert(HangUp);
    response
}
