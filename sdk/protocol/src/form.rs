//! Forms while they are filled in: what a person changed so far, what a plugin changes in between, and what is wrong.

mod check;
mod edit;
mod patch;
mod rows;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ActionId, Context, JobId};

pub use check::is_blank;
pub use edit::{Edit, FieldEdit, MAX_DRAFT_BYTES, MAX_EDITS, ROW_ID, apply_edits};
pub use patch::Patch;
pub use rows::{ROW_ERROR, ROW_STATE, RowState};

/// Tells the host what a person changed in the form of a job that asks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobDraft {
    /// The job.
    pub job: JobId,
    /// The question that is meant; the one that is asked when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<u64>,
    /// Who counts the edits: something of each window's own, so that two windows do not count each other's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub writer: String,
    /// What was changed, in order, with numbers that grow; one whose number came before is left out.
    pub edits: Vec<FieldEdit>,
}

/// How far a draft is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftKept {
    /// The number of the last edit of this writer that is on disk.
    pub number: u64,
}

/// Has a plugin answer the change of a live field, on the bus.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobChange {
    /// The job.
    pub job: JobId,
    /// The question that is meant; the one that is asked when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<u64>,
    /// The item that was changed.
    pub name: String,
    /// Values of the form that are not in its draft; the draft's are used for all others.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub values: Map<String, Value>,
}

/// What a change of a live field came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobChanged {
    /// What changes in the form; without values that the person has changed meanwhile.
    #[serde(default)]
    pub patches: Vec<Patch>,
    /// Whether a newer change came before the answer, so that this one has no patches.
    #[serde(default, skip_serializing_if = "crate::view::is_false")]
    pub superseded: bool,
}

/// Goes back from the question that a job asks to the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobBack {
    /// The job.
    pub job: JobId,
    /// The question that is meant; the one that is asked when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<u64>,
}

/// Asks a plugin what changes in a form whose live field a person has changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The job that asks.
    pub job: JobId,
    /// The action, with its plugin before the dot.
    pub action: ActionId,
    /// Where it was chosen, by whom, and on what.
    pub context: Context,
    /// The item that was changed.
    pub name: String,
    /// The form's values as they are now.
    #[serde(default)]
    pub values: Map<String, Value>,
    /// What the turn that asked left behind.
    #[serde(default)]
    pub state: Value,
    /// The plugin's settings, without secrets.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
}

/// A plugin's answer to a [`Change`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    /// What changes in the form.
    #[serde(default)]
    pub patches: Vec<Patch>,
}

impl Changed {
    /// Changes nothing.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Adds a patch.
    #[must_use]
    pub fn with(mut self, patch: Patch) -> Self {
        self.patches.push(patch);
        self
    }
}
