//! Time that was worked, and the clock that is running.

use std::time::Duration;

use jiff::Timestamp;

use super::Attributes;
use crate::entity::{EntityRef, Id, Timelog, Timer, User};
use crate::operation::Operation;
use crate::value;

/// Time that somebody worked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTimelog {
    /// The id.
    pub id: Id<Timelog>,
    /// Who worked.
    pub user: Id<User>,
    /// On what; a project, or anything below one.
    pub context: Option<EntityRef>,
    /// When it began.
    pub start: Timestamp,
    /// How long it took; ftrack keeps whole seconds.
    pub duration: Duration,
    /// What was done.
    pub comment: String,
}

impl NewTimelog {
    /// Returns the operations that make it.
    pub fn operations(&self) -> Vec<Operation> {
        let timelog = Attributes::default()
            .with("id", &self.id)
            .with("user_id", &self.user)
            .with_some(
                "context_id",
                self.context.as_ref().map(|one| one.id.as_str()),
            )
            .with("start", value::time(self.start))
            .with("duration", self.duration.as_secs())
            .with("comment", self.comment.as_str());
        vec![timelog.create("Timelog")]
    }
}

/// The clock of a person. The server sets when it starts, and refuses a second one of the same person with
/// [`CallError::Conflict`](crate::CallError::Conflict).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTimer {
    /// The id.
    pub id: Id<Timer>,
    /// Whose clock it is.
    pub user: Id<User>,
    /// What is being worked on.
    pub context: Option<EntityRef>,
    /// What is being done.
    pub comment: String,
}

impl NewTimer {
    /// Returns the operations that make it.
    pub fn operations(&self) -> Vec<Operation> {
        let timer = Attributes::default()
            .with("id", &self.id)
            .with("user_id", &self.user)
            .with_some(
                "context_id",
                self.context.as_ref().map(|one| one.id.as_str()),
            )
            .with("comment", self.comment.as_str());
        vec![timer.create("Timer")]
    }
}

/// Returns the operations that end a clock and book its time, which belong together.
pub fn stop_timer(timer: &Id<Timer>, booked: &NewTimelog) -> Vec<Operation> {
    let mut operations = booked.operations();
    operations.push(Operation::delete("Timer", timer.as_str()));
    operations
}
