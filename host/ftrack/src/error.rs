//! What can come of a call, sorted by what its caller does next.

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

    /// Returns one short sentence for a person.
    pub fn sentence(&self) -> String {
        match self {
            Self::Unauthorized(_) => {
                "ftrack did not accept the user name or the API key.".to_owned()
            }
            Self::Forbidden(None) => "ftrack does not allow this user to do that.".to_owned(),
            Self::Forbidden(Some(exception)) => {
                format!("ftrack does not allow that: {}", sentence_of(exception))
            }
            Self::Conflict(exception) => {
                format!("ftrack found a conflict: {}", sentence_of(exception))
            }
            Self::Invalid(exception) => {
                format!("ftrack did not accept the data: {}", sentence_of(exception))
            }
            Self::BadQuery(exception) => format!(
                "ftrack did not understand the query: {}",
                sentence_of(exception)
            ),
            Self::Refused(exception) => format!("ftrack refused: {}", sentence_of(exception)),
            Self::RateLimited { .. } => "ftrack gets too many calls at the moment.".to_owned(),
            Self::ServerBusy { .. } => "ftrack is busy or being restarted.".to_owned(),
            Self::ServerFault { status } => {
                format!("ftrack failed with an error of its own ({status}).")
            }
            Self::TooLarge => "ftrack does not take that much at once.".to_owned(),
            Self::NotFtrack { host, answer } => {
                format!("{host} is no ftrack server: it answered with {answer}.")
            }
            Self::Redirected { host, to } => format!("{host} sends its callers to {to}."),
            Self::Unreachable { host, cause, .. } => match cause {
                UnreachableCause::UnknownHost => format!("There is no server named {host}."),
                UnreachableCause::ConnectionRefused => format!("Nothing answers at {host}."),
                UnreachableCause::NoAnswer => format!("{host} did not answer."),
                UnreachableCause::BadCertificate => {
                    format!("The certificate of {host} is not trusted.")
                }
                UnreachableCause::NoTls => format!("{host} does not speak HTTPS."),
                UnreachableCause::Network => format!("{host} could not be reached."),
            },
            Self::TimedOut { after } => {
                format!("ftrack gave no answer within {} seconds.", after.as_secs())
            }
            Self::Interrupted { .. } => {
                "The connection to ftrack broke before the answer came.".to_owned()
            }
            Self::Cancelled => "The call was given up because the session was closed.".to_owned(),
        }
    }

    /// Returns what a person can do about it, in the imperative.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unauthorized(_) => {
                "Check the user name, and make a new API key in ftrack if this one is old."
            }
            Self::Forbidden(_) => "Ask an ftrack administrator for the permission.",
            Self::Conflict(_) => {
                "Look whether it exists already, or whether something it needs was deleted."
            }
            Self::Invalid(_) => "Correct what ftrack names and try again.",
            Self::BadQuery(_) => "Check the names in the query against the server's schemas.",
            Self::Refused(_) => "Try again, and report ftrack's words if it stays so.",
            Self::RateLimited { .. } | Self::ServerBusy { .. } => "Wait a moment and try again.",
            Self::ServerFault { .. } => "Try again in a few minutes, and report it if it stays so.",
            Self::TooLarge => "Do it in smaller parts.",
            Self::NotFtrack { .. } => {
                "Check the server's address, and whether this network asks for a sign-in first."
            }
            Self::Redirected { .. } => {
                "Enter the address it points to, if that is your ftrack server."
            }
            Self::Unreachable { cause, .. } => match cause {
                UnreachableCause::UnknownHost => "Check the server's address and the network.",
                UnreachableCause::BadCertificate => {
                    "Check this machine's clock, and name the studio's CA file if it has certificates of its own."
                }
                UnreachableCause::NoTls => {
                    "Check the port, or begin the address with http:// if the server has no TLS."
                }
                _ => "Check the network and whether the server is up.",
            },
            Self::TimedOut { .. } | Self::Interrupted { .. } | Self::Cancelled => {
                "Look whether it was done before you try again."
            }
        }
    }
}

/// Returns the server's words, ended as a sentence.
fn sentence_of(exception: &ServerException) -> String {
    let words = exception.content.trim();
    if words.is_empty() {
        return format!("{}.", exception.name);
    }
    if words.ends_with(['.', '!', '?']) {
        words.to_owned()
    } else {
        format!("{words}.")
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
    /// Returns one short sentence for a person.
    pub fn sentence(&self) -> String {
        match self {
            Self::BadServer(ServerUrlError::Empty) => "No ftrack server is given.".to_owned(),
            Self::BadServer(ServerUrlError::HoldsCredentials) => {
                "The server's address holds a user name or a password.".to_owned()
            }
            Self::BadServer(error) => format!("The server's address is not right: {error}."),
            Self::BadCredentials { what } => {
                format!("The {what} is missing or holds characters that it cannot.")
            }
            Self::BadProxy => "The proxy's address is not right.".to_owned(),
            Self::BadCaFile { path, .. } => {
                format!("The certificates in {} could not be read.", path.display())
            }
            Self::NoTls(_) => "This machine's certificates could not be read.".to_owned(),
            Self::TooOld { version, .. } => format!("The ftrack server is too old ({version})."),
            Self::UnknownUser { user } => format!("ftrack has no active user named {user}."),
            Self::Call(error) => error.sentence(),
        }
    }

    /// Returns what a person can do about it, in the imperative.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::BadServer(ServerUrlError::HoldsCredentials) => "Give the address alone.",
            Self::BadServer(_) => "Enter it as in the browser: https://studio.ftrackapp.com.",
            Self::BadCredentials { .. } => "Copy it again from ftrack.",
            Self::BadProxy => "Write it as http://proxy.studio.tv:3128.",
            Self::BadCaFile { .. } => "Name a file of certificates in PEM form.",
            Self::NoTls(_) => {
                "Install the system's certificates, the package is mostly called ca-certificates."
            }
            Self::TooOld { .. } => "Have the server updated.",
            Self::UnknownUser { .. } => {
                "Check the user name; it is the one that ftrack shows in the profile."
            }
            Self::Call(error) => error.hint(),
        }
    }

    /// Returns the failed call, if one was made.
    pub fn call(&self) -> Option<&CallError> {
        match self {
            Self::Call(error) => Some(error),
            _ => None,
        }
    }
}
