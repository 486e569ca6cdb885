//! Jobs: one launch of one action, as a row of turns.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ActionId, AttachedFile, Context, EventInput, Failure, FieldEdit, JobId, StepId, View};

/// What a plugin is asked to do in one turn of a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Launch {
    /// The job.
    pub job: JobId,
    /// The action, with its plugin before the dot.
    pub action: ActionId,
    /// Where it was chosen, by whom, and on what.
    pub context: Context,
    /// The values of the form's fields, or those given with the launch.
    #[serde(default)]
    pub values: Map<String, Value>,
    /// What an earlier turn left behind; null on the first.
    #[serde(default)]
    pub state: Value,
    /// How the steps ended that an earlier turn handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<StepsReport>,
    /// The events that launched it, where a subscription did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventInput>,
    /// The plugin's settings when the turn started, without secrets.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
}

impl Launch {
    /// Reads the values as a `T`: a structure with the fields of the form.
    ///
    /// # Errors
    ///
    /// Says which field is missing or has another form; such a failure is shown to the person.
    pub fn read_values<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read(&self.values, "a field of the form")
    }

    /// Reads the settings as a `T`: a structure with the settings that the manifest declares.
    ///
    /// # Errors
    ///
    /// Says which setting is missing or has another form.
    pub fn read_settings<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read(&self.settings, "a setting")
    }
}

fn read<T: DeserializeOwned>(values: &Map<String, Value>, what: &str) -> Result<T, Failure> {
    serde_json::from_value(Value::Object(values.clone())).map_err(|error| {
        Failure::invalid(format!("{what} is missing or has another form"))
            .hint("look at what is filled in")
            .caused_by(&error)
    })
}

/// How a turn ends. A turn that fails answers with a [`Failure`] instead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// All of it was done.
    Done {
        /// What was done, in one sentence.
        message: String,
        /// What a program may want to know.
        #[serde(default)]
        output: Value,
    },
    /// Some of it was done; a retry does the rest.
    Partly {
        /// What was done and what was not, in one sentence.
        message: String,
        /// What a program may want to know.
        #[serde(default)]
        output: Value,
    },
    /// A question: the job rests until somebody answers.
    Asks {
        /// The form to show.
        view: View,
        /// What the next turn is given back, at most [`MAX_STATE_BYTES`](crate::MAX_STATE_BYTES).
        #[serde(default)]
        state: Value,
    },
    /// Steps were handed over: the next turn comes when they have ended, with their report.
    Waits,
    /// The turn ended because it was cancelled.
    Cancelled,
    /// An outcome that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Outcome {
    /// Makes a done without output.
    pub fn done(message: impl Into<String>) -> Self {
        Self::Done {
            message: message.into(),
            output: Value::Null,
        }
    }

    /// Makes a question that leaves nothing behind.
    pub fn asks(view: View) -> Self {
        Self::Asks {
            view,
            state: Value::Null,
        }
    }
}

/// How far a running turn is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Between 0 and 1, where it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fraction: Option<f64>,
    /// Which part of the whole this is: `2 of 3`, `rendering`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// What is being done now.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobState {
    /// Waits for a process of its plugin.
    Queued,
    /// A turn is running.
    Running,
    /// Waits for a person's answer.
    Asks,
    /// Its steps are being done.
    Working,
    /// All of it was done.
    Done,
    /// Some of it was done.
    Partly,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// A state that this version does not know.
    #[serde(other)]
    Unknown,
}

impl JobState {
    /// Tells whether the job goes on by itself: not at rest, and not waiting for a person.
    pub fn is_moving(self) -> bool {
        matches!(self, Self::Queued | Self::Running | Self::Working)
    }

    /// Tells whether the job has ended.
    pub fn has_ended(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Partly | Self::Failed | Self::Cancelled
        )
    }
}

/// A job as a list shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobSummary {
    /// The job.
    pub id: JobId,
    /// The action it launched.
    pub action: ActionId,
    /// The action's label when it was launched.
    pub label: String,
    /// Where it stands.
    pub state: JobState,
    /// The surface it was launched from.
    pub surface: crate::Surface,
    /// The ftrack user it belongs to.
    pub user: String,
    /// When it was launched, in milliseconds since 1970 UTC.
    pub created_ms: u64,
    /// When it last changed, in milliseconds since 1970 UTC.
    pub changed_ms: u64,
    /// How it ended, or what it is doing, in one sentence.
    #[serde(default)]
    pub message: String,
    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

/// A job with everything that is kept of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobDetail {
    /// The job as a list shows it.
    #[serde(flatten)]
    pub summary: JobSummary,
    /// Where it was launched.
    pub context: Context,
    /// Its inputs, without the values of password fields.
    pub values: Map<String, Value>,
    /// The question it asks, while it asks one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
    /// The number of that question: counts those of the job, from 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub question: u64,
    /// What the person has changed in the form so far, in order; does not hold what is in password fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub draft: Vec<FieldEdit>,
    /// What it gave back.
    #[serde(default)]
    pub output: Value,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// How its steps stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<StepsReport>,
    /// The job that launched it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<JobId>,
    /// The jobs that it launched, where it is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<JobId>,
    /// The files that it attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<AttachedFile>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if passes a reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepState {
    /// Not started: something it needs has not ended, or its lane is full.
    Waiting,
    /// Being done.
    Running,
    /// Done whole.
    Done,
    /// Ended with some units failed.
    Partly,
    /// Ended with nothing done.
    Failed,
    /// A state that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Where a unit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UnitState {
    /// Not sent yet.
    Waiting,
    /// Sent; the answer is not known.
    Sent,
    /// Done.
    Done,
    /// Refused, or something it needs was.
    Failed,
    /// A state that this version does not know.
    #[serde(other)]
    Unknown,
}

/// How the steps of a job stand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepsReport {
    /// The key of the hand-over.
    #[serde(default)]
    pub key: String,
    /// One report a step, in the order of the hand-over.
    pub steps: Vec<StepReport>,
}

/// How one step stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// The step.
    pub id: StepId,
    /// Where it stands.
    pub state: StepState,
    /// How many requests it has sent to the server.
    #[serde(default)]
    pub calls: u32,
    /// Why it cannot go on just now, where something is in its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_up: Option<Failure>,
    /// One report a unit, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<UnitReport>,
}

/// How one unit stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitReport {
    /// The unit.
    pub key: String,
    /// What it makes or changes.
    #[serde(default)]
    pub label: String,
    /// Where it stands.
    pub state: UnitState,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl StepsReport {
    /// Returns every unit's report, step by step.
    pub fn units(&self) -> impl Iterator<Item = &UnitReport> {
        self.steps.iter().flat_map(|step| &step.units)
    }
}
