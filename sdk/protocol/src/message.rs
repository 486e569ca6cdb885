//! The envelope that every message travels in.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Failure;

/// The number that ties an answer to its request; each side counts its own requests.
pub type MessageId = u64;

/// One message: a request, a notification or an answer. Only its method's type says what is in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Asks for an answer.
    Request {
        /// Ties the answer to it.
        id: MessageId,
        /// What is asked.
        method: String,
        /// The method's parameters, not yet read.
        params: Value,
    },
    /// Asks for nothing.
    Notification {
        /// What is told.
        method: String,
        /// The method's parameters, not yet read.
        params: Value,
    },
    /// Answers a request.
    Answer {
        /// The request's id; none where the request could not be read.
        id: Option<MessageId>,
        /// What came of it.
        result: Result<Value, Failure>,
    },
}

/// Why a JSON object is no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// It is not JSON, or not an object.
    #[error("not a JSON object: {reason}")]
    NotAnObject {
        /// What the parser said.
        reason: String,
    },
    /// It has neither method nor result nor error.
    #[error("neither a request nor an answer")]
    Shapeless,
}

/// An envelope as it is read.
#[derive(Deserialize)]
struct Envelope {
    id: Option<MessageId>,
    method: Option<String>,
    params: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    result: Option<Value>,
    error: Option<Failure>,
}

/// An envelope as it is written, of what belongs to the message: results are large, and not copied for it.
#[derive(Default, Serialize)]
struct WrittenEnvelope<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Failure>,
}

/// Reads `null` as a value that is there: `{"result": null}` is an answer.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Message {
    /// Reads a message from one line of JSON.
    ///
    /// # Errors
    ///
    /// Says why the line is no message; the connection it came from is none the worse.
    pub fn from_json(line: &[u8]) -> Result<Self, MessageError> {
        let envelope: Envelope =
            serde_json::from_slice(line).map_err(|error| MessageError::NotAnObject {
                reason: error.to_string(),
            })?;
        match envelope {
            Envelope {
                method: Some(method),
                id,
                params,
                ..
            } => {
                let params = params.unwrap_or(Value::Null);
                Ok(match id {
                    Some(id) => Self::Request { id, method, params },
                    None => Self::Notification { method, params },
                })
            }
            Envelope {
                id,
                error: Some(error),
                ..
            } => Ok(Self::Answer {
                id,
                result: Err(error),
            }),
            Envelope {
                id,
                result: Some(result),
                ..
            } => Ok(Self::Answer {
                id,
                result: Ok(result),
            }),
            _ => Err(MessageError::Shapeless),
        }
    }

    /// Writes the message as one line of JSON, without the line feed.
    pub fn to_json(&self) -> Vec<u8> {
        let envelope = match self {
            Self::Request { id, method, params } => WrittenEnvelope {
                id: Some(*id),
                method: Some(method),
                params: Some(params),
                ..WrittenEnvelope::default()
            },
            Self::Notification { method, params } => WrittenEnvelope {
                method: Some(method),
                params: Some(params),
                ..WrittenEnvelope::default()
            },
            Self::Answer { id, result } => WrittenEnvelope {
                id: *id,
                result: result.as_ref().ok(),
                error: result.as_ref().err(),
                ..WrittenEnvelope::default()
            },
        };
        serde_json::to_vec(&envelope)
            .expect("an envelope holds JSON values and strings, which always serialise")
    }
}
