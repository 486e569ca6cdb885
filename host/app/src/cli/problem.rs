//! How a command ends: the exit codes, and what goes wrong.

use std::process::ExitCode;

use callboard_protocol::{Failure, FailureKind, JobState};

/// The exit codes, the same for every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// The arguments are wrong.
    Usage = 2,
    /// The command needs a running host and there is none.
    NotRunning = 3,
    /// Nobody is signed in, or the server does not accept the credentials.
    NotSignedIn = 4,
    /// Some of it was done.
    Partly = 5,
}

/// What went wrong, with the code that the command ends with.
#[derive(Debug)]
pub(crate) struct Problem {
    /// What went wrong.
    pub(crate) failure: Failure,
    /// The code to end with.
    pub(crate) code: Code,
}

impl Code {
    /// Returns the code for a command that was about `state`.
    pub(crate) fn of_job(state: JobState) -> Self {
        match state {
            JobState::Partly => Self::Partly,
            JobState::Failed | JobState::Cancelled | JobState::Asks => Self::Failed,
            _ => Self::Done,
        }
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

impl Problem {
    /// Makes a problem with the arguments.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            failure: Failure::invalid(message).hint("look at `callboard COMMAND --help`"),
            code: Code::Usage,
        }
    }

    /// Makes the problem of a command that needs the host while none runs.
    pub(crate) fn not_running() -> Self {
        Self {
            failure: Failure::new(FailureKind::Unavailable, "callboard is not running")
                .hint("start it with `callboard run`, or try it out with `callboard demo`"),
            code: Code::NotRunning,
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let code = match failure.kind {
            FailureKind::NotSignedIn => Code::NotSignedIn,
            _ => Code::Failed,
        };
        Self { failure, code }
    }
}

/// A failure stays what it is. Of an error that nobody made a sentence of, the outermost context is the sentence, the rest its causes.
impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        let error = match error.downcast::<Failure>() {
            Ok(failure) => return Self::from(failure),
            Err(error) => error,
        };
        let mut chain = error.chain();
        let message = chain.next().map(ToString::to_string).unwrap_or_default();
        let mut failure = Failure::new(FailureKind::Unavailable, message);
        failure.causes = chain.map(ToString::to_string).collect();
        Self::from(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_decides_the_exit_code() {
        for (state, expected) in [
            (JobState::Done, 0),
            (JobState::Running, 0),
            (JobState::Failed, 1),
            (JobState::Cancelled, 1),
            (JobState::Asks, 1),
            (JobState::Partly, 5),
        ] {
            assert_eq!(Code::of_job(state) as u8, expected, "{state:?}");
        }
    }

    #[test]
    fn a_chain_of_errors_keeps_its_causes() {
        let error = anyhow::anyhow!("connection refused")
            .context("could not reach `localhost`")
            .context("could not sign in");
        let problem = Problem::from(error);
        assert_eq!(problem.failure.message, "could not sign in");
        assert_eq!(
            problem.failure.causes,
            ["could not reach `localhost`", "connection refused"]
        );
    }
}
