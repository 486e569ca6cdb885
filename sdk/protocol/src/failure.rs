//! What went wrong, in a form that crosses a process border whole.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of thing went wrong: tells a program what to do next, as the message tells a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The input is wrong; asking again with the same input fails again.
    Invalid,
    /// The person, the plugin or the client may not do this.
    Denied,
    /// What was named does not exist.
    NotFound,
    /// Somebody else changed the same thing meanwhile.
    Conflict,
    /// The work ended before its hand-over: nothing was made, inputs are kept, a retry is safe.
    Interrupted,
    /// A deadline passed.
    TimedOut,
    /// A person cancelled it.
    Cancelled,
    /// Something needed is away just now: the server, the network, the application.
    Unavailable,
    /// The ftrack server refused the request.
    Ftrack,
    /// The server does not accept the credentials, or there are none.
    NotSignedIn,
    /// A bound was exceeded: size, number, rate.
    Limit,
    /// This version does not do that.
    Unsupported,
    /// The plugin broke its promises: crashed, hung, or spoke nonsense.
    Plugin,
    /// The host broke its promises. A bug.
    Internal,
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

/// A failure: its kind, one sentence for a person, what to do about it, and what led to it.
///
/// Messages are lower case without a full stop; values stand in backticks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What happened, in one sentence.
    pub message: String,
    /// What to do about it, in the imperative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What led to it, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// What is wrong with which field of a form, said of it: `must be filled in`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

impl Failure {
    /// Makes a failure of `kind` with `message`.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            causes: Vec::new(),
            fields: BTreeMap::new(),
        }
    }

    /// Makes a failure that blames the input.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Invalid, message)
    }

    /// Makes a failure about something that does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(FailureKind::NotFound, message)
    }

    /// Makes a failure about something that is not allowed.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Denied, message)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds one more cause, further from the surface than those already there.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds `error` and its whole chain of sources as causes.
    #[must_use]
    pub fn caused_by(mut self, error: &(dyn Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            self.causes.push(error.to_string());
            next = error.source();
        }
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {}
