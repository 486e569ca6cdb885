//! What the ledger keeps: rows that go out, and jobs that come back.

use callboard_protocol::{Failure, HandOver, JobDetail, JobId, Launch, StepId, UnitState, View};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::draft::{DraftChange, DraftRow};

/// One row for the ledger.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A job; replaces the row of the same id.
    Job(Box<JobRow>),
    /// What a person changed of the form that a job asks with.
    Draft {
        /// The job.
        job: JobId,
        /// What is changed of its draft.
        change: Box<DraftChange>,
    },
    /// A hand-over; written once.
    HandOver {
        /// The job.
        job: JobId,
        /// What was handed over.
        hand_over: Box<HandOver>,
    },
    /// Where units stand; replaces the rows of the same keys.
    Units {
        /// The job.
        job: JobId,
        /// The key of the hand-over.
        hand_over: String,
        /// The units.
        units: Vec<UnitRow>,
    },
}

/// Everything that is kept of a job, its hand-overs apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    /// The job with its inputs (never the value of a password field), outcome and question.
    pub detail: JobDetail,
    /// What its last turn left behind.
    #[serde(default)]
    pub state: Value,
    /// The server it belongs to.
    pub server: String,
    /// The event that asked for it.
    #[serde(default)]
    pub event_id: Option<String>,
    /// Whether a turn has heard, or hears, how the steps of the last hand-over ended.
    #[serde(default)]
    pub reported: bool,
    /// Its key with the job that launched it.
    #[serde(default)]
    pub child_key: String,
    /// The questions that were answered and can be gone back to, the latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Earlier>,
    /// The inputs of the turn that is due or was last run, which a retry runs again.
    pub launch: Launch,
}

/// A question that was answered and can be gone back to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// The view, with what was answered, but for passwords.
    pub view: View,
    /// What the turn that asked left behind.
    #[serde(default)]
    pub state: Value,
}

/// Where a unit stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitRow {
    /// Its step.
    pub step: StepId,
    /// Its key.
    pub key: String,
    /// Where it stands.
    pub state: UnitState,
    /// Why it failed.
    #[serde(default)]
    pub failure: Option<Failure>,
}

/// A job as the ledger gives it back.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptJob {
    /// The job.
    pub row: JobRow,
    /// Its hand-overs, in the order in which they came; with jobs that ended whole they may be left out.
    pub hand_overs: Vec<HandOver>,
    /// What was changed of the form that it asks with.
    pub draft: Vec<DraftRow>,
    /// Where the units of its last hand-over stand; units that are missing were never sent.
    pub units: Vec<UnitRow>,
}
