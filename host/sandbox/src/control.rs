//! What tests do to the server: faults for requests, a disk and a clock that are wrong, and a record of what was
//! asked and sent.
//!
//! All of it is behind a token of its own, sent as `sandbox-token`. The crate's `README.md` lists the requests.

mod fault;
mod record;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value as Json, json};

pub(crate) use fault::{Asked, Fault, FaultRule, RuleError, Stage};
pub(crate) use record::{RecordedOperation, RecordedRequest};

use crate::disk::Disk;
use crate::time::Clock;
use fault::Faults;
use record::Record;

#[derive(Debug, Default)]
pub(crate) struct Control {
    faults: Mutex<Faults>,
    record: Mutex<Record>,
    invitations: Mutex<VecDeque<Invitation>>,
    pub(crate) disk: Disk,
    pub(crate) clock: Clock,
}

/// An invitation that would have been sent by mail.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Invitation {
    /// `user` or `review_session`.
    pub(crate) kind: &'static str,
    /// The address it would have gone to.
    pub(crate) to: String,
    /// Of the user or the invitee.
    pub(crate) id: String,
    pub(crate) review_session_id: Option<String>,
    pub(crate) by: String,
}

/// Invitations that are remembered.
const MOST_INVITATIONS: usize = 1000;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Control {
    /// Adds a fault and returns its id.
    pub(crate) fn add(&self, rule: FaultRule) -> Result<u64, RuleError> {
        lock(&self.faults).add(rule)
    }

    /// Takes one fault back; false when there is none with this id.
    pub(crate) fn remove(&self, id: u64) -> bool {
        lock(&self.faults).remove(id)
    }

    /// Takes all faults back, those of disk and clock too.
    pub(crate) fn clear_faults(&self) {
        lock(&self.faults).clear();
        self.disk.mend();
        self.clock.set_skew(0);
    }

    pub(crate) fn has_faults(&self) -> bool {
        !lock(&self.faults).is_empty()
    }

    /// The faults that still stand, as they were given and with what they have done.
    pub(crate) fn standing_faults(&self) -> Json {
        json!(lock(&self.faults).standing())
    }

    /// The faults for a request. Those of the disk come about here.
    pub(crate) fn take_faults(&self, stage: Stage, asked: &Asked<'_>) -> Vec<Fault> {
        let taken = lock(&self.faults).take(stage, asked);
        for fault in &taken {
            match fault {
                Fault::FullDisk { bytes } => self.disk.fill(*bytes),
                Fault::ReadOnlyDisk => self.disk.set_read_only(true),
                _ => {}
            }
        }
        taken
    }

    /// Records a request that begins, and returns its number.
    pub(crate) fn begin_request(&self, request: RecordedRequest) -> u64 {
        lock(&self.record).begin(request)
    }

    /// Adds to the record of a request.
    pub(crate) fn change_request(&self, number: u64, change: impl FnOnce(&mut RecordedRequest)) {
        lock(&self.record).change(number, change);
    }

    /// How many API calls there were, and the latest requests whose path begins with `path`.
    pub(crate) fn requests(&self, path: &str) -> (u64, Vec<RecordedRequest>) {
        let record = lock(&self.record);
        let found = record
            .requests()
            .filter(|request| request.path.starts_with(path));
        (record.calls(), found.cloned().collect())
    }

    pub(crate) fn clear_requests(&self) {
        lock(&self.record).clear();
    }

    pub(crate) fn add_invitation(&self, invitation: Invitation) {
        let mut invitations = lock(&self.invitations);
        if invitations.len() == MOST_INVITATIONS {
            invitations.pop_front();
        }
        invitations.push_back(invitation);
    }

    pub(crate) fn invitations(&self) -> Json {
        json!(*lock(&self.invitations))
    }

    pub(crate) fn clear_invitations(&self) {
        lock(&self.invitations).clear();
    }
}

/// Lets time pass for the sake of a fault; it is not waiting for anything.
pub(crate) async fn pass_time(duration: Duration) {
    // An error is the only outcome: what is waited for never comes.
    tokio::time::timeout(duration, std::future::pending::<()>())
        .await
        .unwrap_or_default();
}
