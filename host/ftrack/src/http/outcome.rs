//! What a status, an exception or a broken exchange means.

use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, DATE, HeaderName, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};
use serde_json::Value;

use super::retry_after::retry_after;
use crate::error::{CallError, ServerException, UnreachableCause};

/// What of an answer's head tells why it is no success.
pub(crate) struct Head {
    pub(crate) retry_after: Option<Duration>,
    pub(crate) location: Option<String>,
    pub(crate) content_type: String,
}

impl Head {
    pub(crate) fn of(response: &Response) -> Self {
        let text = |name: HeaderName| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        Self {
            retry_after: text(RETRY_AFTER).and_then(|value| retry_after(value, text(DATE))),
            location: text(LOCATION).map(|location| {
                let absolute = response.url().join(location);
                absolute.map_or_else(|_| location.to_owned(), |url| url.to_string())
            }),
            content_type: text(CONTENT_TYPE).unwrap_or_default().to_owned(),
        }
    }
}

/// Returns what a status means that is no success.
pub(crate) fn from_status(status: StatusCode, head: &Head, host: &str) -> Option<CallError> {
    let host = host.to_owned();
    Some(match status.as_u16() {
        100..=299 => return None,
        300..=399 => match &head.location {
            Some(to) => CallError::Redirected {
                host,
                to: without_query(to),
            },
            None => CallError::NotFtrack {
                host,
                answer: format!("status {}", status.as_u16()),
            },
        },
        401 => CallError::Unauthorized(None),
        403 => CallError::Forbidden(None),
        413 => CallError::TooLarge,
        429 => CallError::RateLimited {
            retry_after: head.retry_after,
        },
        422 => CallError::Invalid(ServerException {
            name: "ValidationError".to_owned(),
            content: "the request is malformed".to_owned(),
            code: None,
        }),
        407 => CallError::Unreachable {
            host,
            cause: UnreachableCause::Network,
            detail: "the proxy asks for a password".to_owned(),
        },
        status @ 502..=504 => CallError::ServerBusy {
            status,
            retry_after: head.retry_after,
        },
        status @ 500..=599 => CallError::ServerFault { status },
        status => CallError::NotFtrack {
            host,
            answer: format!("status {status}"),
        },
    })
}

/// What stands in a query may be a token of a sign-in service; it is nobody's business.
fn without_query(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}

pub(super) fn exception(value: &Value) -> Option<ServerException> {
    let text = |name: &str| match value.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    };
    Some(ServerException {
        name: text("exception")?,
        content: text("content").unwrap_or_default(),
        code: text("error_code"),
    })
}

pub(super) fn from_exception(exception: ServerException) -> CallError {
    match exception.name.as_str() {
        "InvalidCredentialsError" | "FTAuthenticationError" => {
            CallError::Unauthorized(Some(exception))
        }
        "PermissionError" | "FTPermissionError" => CallError::Forbidden(Some(exception)),
        "DuplicateEntryError" | "IntegrityError" => CallError::Conflict(exception),
        "ValidationError" => CallError::Invalid(exception),
        "ParseError" => CallError::BadQuery(exception),
        _ => CallError::Refused(exception),
    }
}

/// Returns what a failed exchange means. Before there is a connection, nothing was sent.
pub(crate) fn failure(error: &reqwest::Error, timeout: Duration) -> CallError {
    let host = error
        .url()
        .and_then(Url::host_str)
        .unwrap_or("the server")
        .to_owned();
    let detail = innermost(error);
    if error.is_connect() || error.is_dns() || error.is_builder() {
        return CallError::Unreachable {
            host,
            cause: unreachable_cause(error),
            detail,
        };
    }
    if error.is_timeout() {
        return CallError::TimedOut { after: timeout };
    }
    CallError::Interrupted { detail }
}

fn unreachable_cause(error: &reqwest::Error) -> UnreachableCause {
    if error.is_dns() {
        return UnreachableCause::UnknownHost;
    }
    for cause in causes(error) {
        match cause.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(_)) => return UnreachableCause::BadCertificate,
            Some(_) => return UnreachableCause::NoTls,
            None => {}
        }
        match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => return UnreachableCause::ConnectionRefused,
            Some(io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable) => {
                return UnreachableCause::NoAnswer;
            }
            _ => {}
        }
    }
    if error.is_timeout() {
        UnreachableCause::NoAnswer
    } else {
        UnreachableCause::Network
    }
}

/// Returns the whole chain of causes. An `io::Error` hides the error it was made of from `source`.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first: &(dyn Error + 'static) = error;
    std::iter::successors(Some(first), |error: &&(dyn Error + 'static)| {
        let error: &(dyn Error + 'static) = *error;
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match inner {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

fn innermost(error: &reqwest::Error) -> String {
    causes(error)
        .last()
        .map_or_else(|| "it failed".to_owned(), ToString::to_string)
}
