//! One thing that a window wants to know: asked for, and looked at again with each frame.

use std::time::{Duration, Instant};

use callboard_protocol::{BusMethod, Failure, FailureKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Bus, Ticket};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(60);

/// An answer that is there, comes, or has failed. The last one that was there stays while a new one is asked for.
#[derive(Debug)]
pub struct Query<T> {
    asked: Option<Asked>,
    value: Option<T>,
    failure: Option<Failure>,
}

#[derive(Debug)]
struct Asked {
    ticket: Ticket,
    method: BusMethod,
    since: Instant,
}

impl<T> Default for Query<T> {
    fn default() -> Self {
        Self {
            asked: None,
            value: None,
            failure: None,
        }
    }
}

impl<T: DeserializeOwned> Query<T> {
    /// Asks; an answer that is still to come is not wanted any more.
    pub fn ask(&mut self, bus: &Bus, method: BusMethod, params: &impl Serialize) {
        if let Some(asked) = self.asked.take() {
            bus.forget(asked.ticket);
        }
        self.asked = Some(Asked {
            ticket: bus.ask(method, params),
            method,
            since: Instant::now(),
        });
        bus.wake_after(ANSWER);
    }

    /// Looks for the answer; tells whether it has come with this very look, be it a value or a failure.
    pub fn poll(&mut self, bus: &Bus) -> bool {
        let Some(asked) = &self.asked else {
            return false;
        };
        let result = match bus.take(asked.ticket) {
            Some(result) => result,
            None if asked.since.elapsed() < ANSWER => return false,
            None => {
                bus.forget(asked.ticket);
                Err(
                    Failure::new(FailureKind::TimedOut, "callboard does not answer")
                        .hint("look at `callboard status`, and try again"),
                )
            }
        };
        let method = asked.method;
        self.asked = None;
        match result.and_then(|value| read(method, value)) {
            Ok(value) => {
                self.value = Some(value);
                self.failure = None;
            }
            Err(failure) => self.failure = Some(failure),
        }
        true
    }

    /// Tells whether an answer is still to come.
    pub fn is_waiting(&self) -> bool {
        self.asked.is_some()
    }

    /// Returns the last answer.
    pub fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// Takes the last answer away.
    pub fn take(&mut self) -> Option<T> {
        self.value.take()
    }

    /// Returns why the last request failed.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Takes away why the last request failed.
    pub fn take_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }
}

fn read<T: DeserializeOwned>(method: BusMethod, value: serde_json::Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|error| {
        let message = format!("the answer to `{}` could not be read", method.name());
        Failure::new(FailureKind::Internal, message)
            .caused_by(&error)
            .hint("close this window and open it again")
    })
}
