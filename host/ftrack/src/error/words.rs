//! What a person is told of an error, and what to do about it.

use super::{CallError, ConnectError, ServerException, UnreachableCause};
use crate::server_url::ServerUrlError;

impl CallError {
    /// Returns one short sentence for a person.
    pub fn sentence(&self) -> String {
        match self {
            Self::Unauthorized(exception) => refusal(exception.as_ref()).sentence().to_owned(),
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
            Self::Unauthorized(exception) => refusal(exception.as_ref()).hint(),
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

/// Why the server does not let somebody in.
enum Refusal {
    Credentials,
    UnknownUser,
    DisabledUser,
    ExpiredKey,
}

/// Finds out why the server does not let somebody in.
///
/// To an unknown name, to another user's key and to a key that never was it gives the same answer, and nothing that a
/// caller may ask without a right pair of both tells them apart. So at sign-in both are named; a session had a right
/// pair, and knows that it is the key.
///
/// Assumed: it names all of this with one exception and one code, and tells it apart by its words alone. Where they
/// are others, what is said fits all of it.
fn refusal(exception: Option<&ServerException>) -> Refusal {
    let said = exception.map(|exception| exception.content.to_lowercase());
    let said = said.unwrap_or_default();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["expired"]) {
        Refusal::ExpiredKey
    } else if has(&["disabled", "inactive", "not active", "deactivated"]) {
        Refusal::DisabledUser
    } else if has(&["user"]) && has(&["does not exist", "not found", "unknown user"]) {
        Refusal::UnknownUser
    } else {
        Refusal::Credentials
    }
}

impl Refusal {
    fn sentence(&self) -> &'static str {
        match self {
            Self::Credentials => "ftrack does not accept this API key any more.",
            Self::UnknownUser => "ftrack does not know this user name.",
            Self::DisabledUser => "This user is disabled in ftrack.",
            Self::ExpiredKey => "The API key has expired.",
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Credentials => "Make a new API key in ftrack, and sign in with it.",
            Self::UnknownUser => {
                "Check the user name; it is the one that ftrack shows in the profile."
            }
            Self::DisabledUser => "Ask an ftrack administrator to enable the user.",
            Self::ExpiredKey => "Make a new API key in ftrack, and sign in with it.",
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
            Self::Call(error) if is_pair_refused(error) => {
                "ftrack does not accept this user name with this API key.".to_owned()
            }
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
            Self::Call(error) if is_pair_refused(error) => {
                "Check the user name, which is the one that ftrack shows in the profile; if it is right, make a new API key there, as the same user."
            }
            Self::Call(error) => error.hint(),
        }
    }
}

/// Returns whether the server refused a name and a key without a word on which of them is wrong.
fn is_pair_refused(error: &CallError) -> bool {
    let CallError::Unauthorized(exception) = error else {
        return false;
    };
    matches!(refusal(exception.as_ref()), Refusal::Credentials)
}
