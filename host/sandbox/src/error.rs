//! Errors as the API words them.

use axum::http::StatusCode;
use serde_json::{Value as Json, json};

use crate::query::QueryError;
use crate::schema::SchemaError;
use crate::store::DatabaseError;

/// A refused request: the name of the server's exception and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) exception: &'static str,
    pub(crate) content: String,
    pub(crate) error_code: Option<&'static str>,
    /// The byte of a query that the error is about.
    position: Option<usize>,
    /// Used for clients in strict mode; the others get 200.
    pub(crate) status: StatusCode,
}

impl ApiError {
    fn new(exception: &'static str, status: StatusCode, content: impl Into<String>) -> Self {
        // The official Python client formats the text, so a brace would break it.
        let content = content.into().replace('{', "(").replace('}', ")");
        Self {
            exception,
            content,
            error_code: None,
            position: None,
            status,
        }
    }

    pub(crate) fn credentials(content: impl Into<String>) -> Self {
        let error = Self::new("InvalidCredentialsError", StatusCode::UNAUTHORIZED, content);
        Self {
            error_code: Some("api_credentials_invalid"),
            ..error
        }
    }

    pub(crate) fn permission(content: impl Into<String>) -> Self {
        Self::new("PermissionError", StatusCode::FORBIDDEN, content)
    }

    pub(crate) fn validation(content: impl Into<String>) -> Self {
        Self::new("ValidationError", StatusCode::BAD_REQUEST, content)
    }

    pub(crate) fn integrity(content: impl Into<String>) -> Self {
        Self::new("IntegrityError", StatusCode::CONFLICT, content)
    }

    pub(crate) fn duplicate(content: impl Into<String>) -> Self {
        Self::new("DuplicateEntryError", StatusCode::CONFLICT, content)
    }

    /// The phrase is what the official client looks for to tell that the server is too old.
    pub(crate) fn unknown_action(action: &str) -> Self {
        Self::new(
            "ServerError",
            StatusCode::BAD_REQUEST,
            format!("Invalid action u'{action}'"),
        )
    }

    pub(crate) fn internal(content: impl Into<String>) -> Self {
        Self::new("ServerError", StatusCode::INTERNAL_SERVER_ERROR, content)
    }

    pub(crate) fn to_json(&self) -> Json {
        let mut json = json!({"exception": self.exception, "content": self.content, "error_code": self.error_code});
        // What the real server puts there is not known; that it may be there is.
        if let Some(position) = self.position {
            json["error"] = json!({"position": position});
        }
        json
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        let (exception, position) = match error {
            QueryError::Syntax { position, .. } => ("ParseError", position),
            QueryError::Invalid { position, .. } => ("ValidationError", position),
        };
        let refused = Self::new(exception, StatusCode::BAD_REQUEST, error.to_string());
        Self {
            position: Some(position),
            ..refused
        }
    }
}

impl From<SchemaError> for ApiError {
    fn from(error: SchemaError) -> Self {
        Self::integrity(error.message)
    }
}

impl From<DatabaseError> for ApiError {
    fn from(error: DatabaseError) -> Self {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not keep a change"
        );
        Self::internal("The change could not be stored")
    }
}
