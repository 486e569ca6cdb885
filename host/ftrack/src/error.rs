//! What can come of a call, sorted by what its caller does next.

mod words;

use std::path::PathBuf;
use std::time::Duration;

use crate::server_url::ServerUrlError;

/// An exception that the server reported, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerException {
    /// Its name: `ValidationError`.
    pub name: String,
    /// What the server says about it.
    pub content: String,
    /// A code for programs, where the server gives one.
    pub code: Option<String>,
}

impl std::fmt::Display for ServerException {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.content)
    }
}

/// Why a call brought no result.
///
/// [`outcome_unknown`](Self::outcome_unknown) tells whether the server may have carried it out all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The server does not know the user or the key. Sign in again.
    #[error("ftrack did not accept the credentials{}", said(.0.as_ref()))]
    Unauthorized(Option<ServerException>),
    /// The user may not do this. Ask someone who may.
    #[error("ftrack does not allow this{}", said(.0.as_ref()))]
    Forbidden(Option<ServerException>),
    /// Something with this identity is there already, or something referred to is not. Look at what is there.
    #[error("ftrack found a conflict: {0}")]
    Conflict(ServerException),
    /// An attribute or a value is wrong. Correct the data.
    #[error("ftrack found the data invalid: {0}")]
    Invalid(ServerException),
    /// The query is not written right, or asks for what is not there. Correct the query.
    #[error("ftrack could not read the query: {0}")]
    BadQuery(ServerException),
    /// The server failed in a way of its own. Show its words.
    #[error("ftrack refused: {0}")]
    Refused(ServerException),
    /// There are too many calls. Wait, then call again.
    #[error("ftrack asks for fewer calls")]
    RateLimited {
        /// How long the server wants to be left alone, if it says so.
        retry_after: Option<Duration>,
    },
    /// The server, or what stands before it, is overloaded or being restarted. Try again soon.
    #[error("ftrack is busy (status {status})")]
    ServerBusy {
        /// The HTTP status: 502, 503 or 504.
        status: u16,
        /// How long the server wants to be left alone, if it says so.
        retry_after: Option<Duration>,
    },
    /// The server broke. Try again later, and tell its keepers.
    #[error("ftrack failed (status {status})")]
    ServerFault {
        /// The HTTP status.
        status: u16,
    },
    /// The batch is too large for the server. Send less at once.
    #[error("the request is too large for ftrack")]
    TooLarge,
    /// What answered is no ftrack server: a web page, a sign-in portal, another program. Check the address.
    #[error("`{host}` answered, but not as ftrack: {answer}")]
    NotFtrack {
        /// The server's host.
        host: String,
        /// What it answered with.
        answer: String,
    },
    /// The server sends us elsewhere, where we do not go with a key. Use the other address if it is the right one.
    #[error("`{host}` redirects to `{to}`")]
    Redirected {
        /// The server's host.
        host: String,
        /// Where it points to.
        to: String,
    },
    /// No connection came about. Try again when the network is back.
    #[error("could not reach `{host}`: {detail}")]
    Unreachable {
        /// The server's host.
        host: String,
        /// What kept the connection from coming about.
        cause: UnreachableCause,
        /// The cause in the system's words.
        detail: String,
    },
    /// No answer came in time. The server may still be at it.
    #[error("no answer within {} s", .after.as_secs())]
    TimedOut {
        /// How long we waited.
        after: Duration,
    },
    /// The connection broke before the answer was there.
    #[error("the connection broke: {detail}")]
    Interrupted {
        /// The cause in the system's words.
        detail: String,
    },
    /// The session was closed meanwhile.
    #[error("the session was closed")]
    Cancelled,
}

fn said(exception: Option<&ServerException>) -> String {
    exception
        .map(|exception| format!(": {exception}"))
        .unwrap_or_default()
}

/// What kept a connection from coming about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnreachableCause {
    /// There is no such name.
    UnknownHost,
    /// Nothing listens there.
    ConnectionRefused,
    /// Nothing answers there.
    NoAnswer,
    /// The certificate is not trusted, has expired, or belongs to another name.
    BadCertificate,
    /// What listens there does not speak TLS, or not ours.
    NoTls,
    /// Something else: no network, a proxy that refuses.
    Network,
}

impl CallError {
    /// Returns whether the server may have carried out the call.
    ///
    /// `false` is certain: it did not. `true` means: look it up before trying again.
    pub fn outcome_unknown(&self) -> bool {
        match self {
            Self::ServerBusy { .. }
            | Self::ServerFault { .. }
            | Self::NotFtrack { .. }
            | Self::TimedOut { .. }
            | Self::Interrupted { .. }
            | Self::Cancelled => true,
            Self::Unauthorized(_)
            | Self::Forbidden(_)
            | Self::Conflict(_)
            | Self::Invalid(_)
            | Self::BadQuery(_)
            | Self::Refused(_)
            | Self::RateLimited { .. }
            | Self::TooLarge
            | Self::Redirected { .. }
            | Self::Unreachable { .. } => false,
        }
    }

    /// Returns whether the same call may succeed later with nothing changed here.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::ServerBusy { .. }
            | Self::ServerFault { .. }
            | Self::TimedOut { .. }
            | Self::Interrupted { .. } => true,
            Self::Unreachable { cause, .. } => !matches!(
                cause,
                UnreachableCause::BadCertificate | UnreachableCause::NoTls
            ),
            _ => false,
        }
    }

    /// Returns how long the server wants to be left alone, if it says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::ServerBusy { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }

    /// Returns what the server itself said.
    pub fn exception(&self) -> Option<&ServerException> {
        match self {
            Self::Unauthorized(exception) | Self::Forbidden(exception) => exception.as_ref(),
            Self::Conflict(exception)
            | Self::Invalid(exception)
            | Self::BadQuery(exception)
            | Self::Refused(exception) => Some(exception),
            _ => None,
        }
    }
}

/// Why no session could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is none.
    #[error("could not use the server's address")]
    BadServer(#[source] ServerUrlError),
    /// The user's name or the key cannot be sent.
    #[error("could not use the {what}")]
    BadCredentials {
        /// Which of them.
        what: &'static str,
    },
    /// The proxy's address is none.
    #[error("could not use the proxy's address")]
    BadProxy,
    /// The file of certificates could not be read.
    #[error("could not read certificates: `{}`", path.display())]
    BadCaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The system's certificates or the TLS library could not be set up.
    #[error("could not set up TLS")]
    NoTls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server is older than what we can talk to.
    #[error("the server's version `{version}` is older than {oldest}")]
    TooOld {
        /// The server's version.
        version: String,
        /// The oldest that will do.
        oldest: &'static str,
    },
    /// The key is right, but there is no such user.
    #[error("there is no user `{user}`")]
    UnknownUser {
        /// The name that was given.
        user: String,
    },
    /// The first call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl ConnectError {
    /// Returns the failed call, if one was made.
    pub fn call(&self) -> Option<&CallError> {
        match self {
            Self::Call(error) => Some(error),
            _ => None,
        }
    }
}
