//! The `http` service: requests through the host, to the hosts that the manifest names.

use serde::{Deserialize, Serialize};

use crate::FetchedFile;

/// The largest body that travels in a message, in bytes, each way.
pub const MAX_HTTP_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Asks a web server something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// `GET` when none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The address: `https://example.com/status`.
    pub url: String,
    /// The headers, as pairs of name and value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body, of [`MAX_HTTP_BODY_BYTES`] at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<HttpBody>,
    /// How long it may take in all; 60 when none is given, and never more than 3,600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_secs: Option<u32>,
    /// What the answer's body shall be called in the job's folder: a name, not a path. Without one it comes in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The most bytes that are taken of the answer's body; a larger one is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

/// A body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HttpBody {
    /// As it is: it is UTF-8.
    Text(String),
    /// In Base64 with padding: it is anything.
    Base64(String),
}

/// What a web server answered, whatever its status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The address that answered, after redirections.
    pub url: String,
    /// The headers, as pairs of name in lower case and value.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body, where it did not go into a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<HttpBody>,
    /// The file, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FetchedFile>,
}
