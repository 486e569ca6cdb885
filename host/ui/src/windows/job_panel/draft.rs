//! What a person commits to a form, on its way to the host, which keeps it until the question is answered.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use callboard_protocol::{
    BusMethod, DraftKept, Edit, Failure, FailureKind, FieldEdit, JobDraft, JobId, MAX_EDITS,
};

use crate::bus::{Bus, Query};

/// How many edits may wait for the host: what is more is not kept, and the person is told.
const UNKEPT: usize = 10 * MAX_EDITS;

/// How long to wait before what could not be kept is sent again.
const AGAIN: Duration = Duration::from_secs(1);

/// The edits of one question.
#[derive(Debug)]
pub(super) struct Draft {
    job: JobId,
    question: u64,
    /// What tells this window's numbers from another's.
    writer: String,
    last: u64,
    /// Committed, and not known to be on disk.
    unkept: VecDeque<FieldEdit>,
    sent: Query<DraftKept>,
    send_again: Option<Instant>,
    refusal: Option<Failure>,
}

impl Draft {
    pub(super) fn new(job: JobId, question: u64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |since| since.as_nanos());
        Self {
            job,
            question,
            writer: format!("window-{}-{now}", std::process::id()),
            last: 0,
            unkept: VecDeque::new(),
            sent: Query::default(),
            send_again: None,
            refusal: None,
        }
    }

    /// Takes what was done to a field, and sends it.
    pub(super) fn commit(&mut self, bus: &Bus, name: &str, edits: Vec<Edit>) {
        if self.unkept.len() + edits.len() > UNKEPT {
            self.refusal = Some(
                Failure::new(FailureKind::Limit, "too much was changed to be kept")
                    .hint("submit the form; until then closing this window loses changes"),
            );
            return;
        }
        for edit in edits {
            self.last += 1;
            self.unkept.push_back(FieldEdit {
                number: self.last,
                name: name.to_owned(),
                edit,
            });
        }
        if !self.sent.is_waiting() {
            self.send(bus);
        }
    }

    /// Looks what the host has kept, and sends what it has not.
    pub(super) fn poll(&mut self, bus: &Bus) {
        if self.sent.poll(bus) {
            match self.sent.take_failure() {
                None => self.kept(bus),
                Some(failure) => self.not_kept(bus, failure),
            }
        }
        if self.send_again.is_some_and(|at| at <= Instant::now()) {
            self.send_again = None;
            self.send(bus);
        }
    }

    /// Sends what is not known to be kept, also what is under way: numbers tell the host what it has.
    pub(super) fn send(&mut self, bus: &Bus) {
        if self.unkept.is_empty() {
            return;
        }
        let draft = JobDraft {
            job: self.job.clone(),
            question: Some(self.question),
            writer: self.writer.clone(),
            edits: self.unkept.iter().take(MAX_EDITS).cloned().collect(),
        };
        self.sent.ask(bus, BusMethod::JobsDraft, &draft);
    }

    /// Returns the items with edits that the host may not have.
    pub(super) fn unkept_items(&self) -> BTreeSet<&str> {
        self.unkept.iter().map(|edit| edit.name.as_str()).collect()
    }

    /// Returns why further changes are not kept.
    pub(super) fn refusal(&self) -> Option<&Failure> {
        self.refusal.as_ref()
    }

    fn kept(&mut self, bus: &Bus) {
        let number = self.sent.value().map_or(0, |kept| kept.number);
        let before = self.unkept.len();
        while self
            .unkept
            .front()
            .is_some_and(|edit| edit.number <= number)
        {
            self.unkept.pop_front();
        }
        if self.unkept.len() < before {
            self.send(bus);
        } else {
            self.wait(bus);
        }
    }

    fn not_kept(&mut self, bus: &Bus, failure: Failure) {
        match failure.kind {
            // The host is away or slow: it is asked again.
            FailureKind::Unavailable | FailureKind::TimedOut => self.wait(bus),
            // The question is over, and its draft with it.
            FailureKind::Conflict | FailureKind::NotFound => self.unkept.clear(),
            _ => {
                self.unkept.clear();
                self.refusal = Some(failure);
            }
        }
    }

    fn wait(&mut self, bus: &Bus) {
        self.send_again = Some(Instant::now() + AGAIN);
        bus.wake_after(AGAIN);
    }
}
