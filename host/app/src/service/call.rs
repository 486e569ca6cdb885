//! Calls: batches of operations, and what is known of their outcome.

use std::time::Duration;

use callboard_protocol::{Failure, FailureKind, FtrackCalled, Operation};
use engine::CallResult;
use ftrack::CallError;

use super::Server;

/// Sends a batch, in one transaction, and says what came of it.
pub(crate) async fn call(server: &Server, operations: &[Operation]) -> CallResult {
    let session = match server.session() {
        Ok(session) => session,
        Err(failure) => {
            return CallResult::NotSent {
                failure,
                retry_after_ms: None,
            };
        }
    };
    let operations = match converted_all(operations) {
        Ok(operations) => operations,
        Err(failure) => {
            return CallResult::Refused {
                failure,
                duplicate: false,
            };
        }
    };
    match session.call(&operations).await {
        Ok(_) => CallResult::Done,
        Err(error) => result_from_error(server, &error),
    }
}

/// Sends operations for a plugin, in one transaction and once, and returns what the server made of each.
///
/// # Errors
///
/// The server did none of it, unless the kind is [`FailureKind::Interrupted`]: then nobody knows.
pub(crate) async fn at_once(
    server: &Server,
    operations: &[Operation],
) -> Result<FtrackCalled, Failure> {
    let session = server.session()?;
    let operations = converted_all(operations)?;
    let _room = server.room().await;
    match session.call(&operations).await {
        Ok(results) => Ok(FtrackCalled { results }),
        Err(error) if error.outcome_unknown() => Err(Failure::new(
            FailureKind::Interrupted,
            "the answer was lost: ftrack may have done it or not",
        )
        .hint("look for what it makes or changes before you do it again")
        .because(server.failure(&error).message)),
        Err(error) => Err(server.failure(&error)),
    }
}

fn converted_all(operations: &[Operation]) -> Result<Vec<ftrack::Operation>, Failure> {
    let converted = operations.iter().map(converted).collect::<Option<Vec<_>>>();
    converted.ok_or_else(|| {
        Failure::new(
            FailureKind::Unsupported,
            "this version does not know an operation that was handed over",
        )
        .hint("update Callboard")
    })
}

fn converted(operation: &Operation) -> Option<ftrack::Operation> {
    Some(match operation {
        Operation::Create {
            entity_type,
            id,
            data,
        } => {
            let mut data = data.clone();
            data.insert("id".into(), id.as_str().into());
            ftrack::Operation::create(entity_type, data)
        }
        Operation::Update {
            entity_type,
            key,
            data,
            ..
        } => ftrack::Operation::Update {
            entity_type: entity_type.clone(),
            key: key.clone(),
            data: data.clone(),
        },
        Operation::Delete { entity_type, key } => ftrack::Operation::Delete {
            entity_type: entity_type.clone(),
            key: key.clone(),
        },
        _ => return None,
    })
}

fn result_from_error(server: &Server, error: &CallError) -> CallResult {
    let failure = server.failure(error);
    let retry_after_ms = error.retry_after().map(milliseconds);
    if error.outcome_unknown() {
        return CallResult::Unknown { failure };
    }
    match error {
        // The work waits until somebody may do it: a key that expired is no reason to give it up.
        CallError::Unauthorized(_)
        | CallError::RateLimited { .. }
        | CallError::Redirected { .. }
        | CallError::Unreachable { .. } => CallResult::NotSent {
            failure,
            retry_after_ms,
        },
        error => CallResult::Refused {
            failure,
            duplicate: matches!(error, CallError::Conflict(_)),
        },
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use ftrack::{ServerException, UnreachableCause};
    use tokio::sync::{Notify, watch};

    fn check(error: &CallError, expected: &str) {
        let nobody = Failure::new(FailureKind::NotSignedIn, "nobody is signed in");
        let (_session, session) = watch::channel(None);
        let (_problem, problem) = watch::channel(nobody);
        let server = Server::new(session, problem, Arc::new(Notify::new()));
        let seen = match result_from_error(&server, error) {
            CallResult::Done => "done",
            CallResult::Refused {
                duplicate: true, ..
            } => "duplicate",
            CallResult::Refused { .. } => "refused",
            CallResult::NotSent { .. } => "not sent",
            CallResult::Unknown { .. } => "unknown",
        };
        assert_eq!(seen, expected, "{error}");
    }

    #[test]
    fn only_what_is_known_of_the_outcome_is_said() {
        let exception = |name: &str| ServerException {
            name: name.into(),
            content: String::new(),
            code: None,
        };
        check(&CallError::Unauthorized(None), "not sent");
        check(&CallError::Forbidden(None), "refused");
        check(&CallError::Invalid(exception("ValidationError")), "refused");
        check(&CallError::TooLarge, "refused");
        check(
            &CallError::Conflict(exception("DuplicateEntryError")),
            "duplicate",
        );
        check(&CallError::RateLimited { retry_after: None }, "not sent");
        check(
            &CallError::Unreachable {
                host: "h".into(),
                cause: UnreachableCause::ConnectionRefused,
                detail: String::new(),
            },
            "not sent",
        );
        check(
            &CallError::TimedOut {
                after: Duration::from_secs(1),
            },
            "unknown",
        );
        check(
            &CallError::ServerBusy {
                status: 502,
                retry_after: None,
            },
            "unknown",
        );
    }
}
