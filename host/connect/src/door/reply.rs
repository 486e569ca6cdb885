//! What the door answers by itself, in the server's own form.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Response, StatusCode};
use serde_json::json;

pub(super) type Reply = Response<Body>;

/// Why a call of the API is not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// The token is not this child's, or the user is another.
    #[error("the API key in the header \"ftrack-api-key\" is not valid for this user")]
    BadToken,
    /// The batch cannot be read.
    #[error("{0}")]
    BadRequest(String),
    /// Something in the batch was not granted.
    #[error("{0}")]
    NotGranted(String),
    /// Nobody is signed in, or the server is away.
    #[error("{0}")]
    Unavailable(String),
    /// The answer cannot be handed on.
    #[error("{0}")]
    BadAnswer(String),
}

impl Refusal {
    fn kind(&self) -> (&'static str, StatusCode, Option<&'static str>) {
        match self {
            Self::BadToken => (
                "InvalidCredentialsError",
                StatusCode::UNAUTHORIZED,
                Some("api_credentials_invalid"),
            ),
            Self::BadRequest(_) => ("ValidationError", StatusCode::BAD_REQUEST, None),
            Self::NotGranted(_) => ("PermissionError", StatusCode::FORBIDDEN, None),
            Self::Unavailable(_) => ("ServerError", StatusCode::SERVICE_UNAVAILABLE, None),
            Self::BadAnswer(_) => ("ServerError", StatusCode::BAD_GATEWAY, None),
        }
    }

    /// Returns the server's own error: with status 200, unless the client asked for others.
    pub(super) fn of_api(&self, asked: &HeaderMap) -> Reply {
        let (exception, status, error_code) = self.kind();
        // Clients format the text, so that braces in it would fail.
        let content = self.to_string().replace(['{', '}'], "");
        let body = json!({"exception": exception, "content": content, "error_code": error_code});
        let status = if is_strict(asked) {
            status
        } else {
            StatusCode::OK
        };
        json_reply(status, body.to_string().into())
    }

    /// Returns an error for everything but the API.
    pub(super) fn of_file(&self) -> Reply {
        plain(self.kind().1, self.to_string())
    }
}

fn is_strict(asked: &HeaderMap) -> bool {
    let says = |name: &str, wanted: &str| {
        asked
            .get(name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.to_ascii_lowercase().contains(wanted))
    };
    says("ftrack-strict-api", "true") || says("ftrack-api-options", "strict:1")
}

/// Returns JSON.
pub(super) fn json_reply(status: StatusCode, body: Body) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    let json = axum::http::HeaderValue::from_static("application/json");
    reply.headers_mut().insert(CONTENT_TYPE, json);
    reply
}

/// Returns a line of text.
pub(super) fn plain(status: StatusCode, text: impl Into<String>) -> Reply {
    let mut reply = Response::new(Body::from(text.into()));
    *reply.status_mut() = status;
    let text = axum::http::HeaderValue::from_static("text/plain; charset=utf-8");
    reply.headers_mut().insert(CONTENT_TYPE, text);
    reply
}
