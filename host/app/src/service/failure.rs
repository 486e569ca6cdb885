//! What the server's answers mean to a person and to the engine.

use callboard_protocol::{Failure, FailureKind};
use ftrack::{CallError, ConnectError, ConnectionLost, UnreachableCause};

/// Returns a call's error as a failure.
pub(crate) fn failure_from_call(error: &CallError) -> Failure {
    failure(kind_of(error), &error.sentence(), error.hint()).caused_by(error)
}

/// Returns why no session could be made as a failure.
pub(crate) fn failure_from_connect(error: &ConnectError) -> Failure {
    let kind = match error {
        ConnectError::Call(error) => kind_of(error),
        ConnectError::UnknownUser { .. } | ConnectError::BadCredentials { .. } => {
            FailureKind::NotSignedIn
        }
        _ => FailureKind::Invalid,
    };
    failure(kind, &error.sentence(), error.hint()).caused_by(error)
}

/// Returns why the hub is away as a failure.
pub(crate) fn failure_from_lost(lost: &ConnectionLost) -> Failure {
    let kind = if lost.is_refusal() {
        FailureKind::NotSignedIn
    } else {
        FailureKind::Unavailable
    };
    failure(kind, &lost.sentence(), lost.hint()).caused_by(lost)
}

fn kind_of(error: &CallError) -> FailureKind {
    match error {
        CallError::Unauthorized(_) => FailureKind::NotSignedIn,
        CallError::Forbidden(_) => FailureKind::Denied,
        CallError::Conflict(_) => FailureKind::Conflict,
        CallError::TooLarge => FailureKind::Limit,
        CallError::TimedOut { .. } => FailureKind::TimedOut,
        CallError::Unreachable {
            cause: UnreachableCause::BadCertificate | UnreachableCause::NoTls,
            ..
        }
        | CallError::Invalid(_)
        | CallError::BadQuery(_)
        | CallError::Refused(_)
        | CallError::NotFtrack { .. }
        | CallError::Redirected { .. } => FailureKind::Ftrack,
        _ => FailureKind::Unavailable,
    }
}

/// Sentences of the client end in a full stop and begin with a capital; those of failures do neither.
fn failure(kind: FailureKind, sentence: &str, hint: &str) -> Failure {
    Failure::new(kind, lowered(sentence)).hint(lowered(hint))
}

fn lowered(sentence: &str) -> String {
    let sentence = sentence.trim_end_matches('.');
    let mut letters = sentence.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_says_reads_as_a_failure() {
        let check = |failure: Failure, message: &str, hint: &str| {
            assert_eq!(failure.kind, FailureKind::NotSignedIn);
            assert_eq!(failure.message, message);
            assert!(failure.hint.unwrap().starts_with(hint));
        };
        check(
            failure_from_call(&CallError::Unauthorized(None)),
            "ftrack does not accept this API key any more",
            "make a new API key",
        );
        check(
            failure_from_connect(&CallError::Unauthorized(None).into()),
            "ftrack does not accept this user name with this API key",
            "check the user name",
        );
    }
}
