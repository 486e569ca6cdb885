//! Steps: the durable work that a job hands over.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::StepId;

/// One durable piece of what a job hands over. The host does it, and can tell whether it was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its id within the job.
    pub id: StepId,
    /// What it does, for a person: `create 12 shots`.
    #[serde(default)]
    pub label: String,
    /// The steps that must have ended before it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<StepId>,
    /// The work.
    #[serde(flatten)]
    pub work: Work,
}

/// The work of a step, by kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Work {
    /// A batch of ftrack operations, in units.
    Call {
        /// The units, in the order in which they are sent.
        units: Vec<Unit>,
    },
    /// A file that goes to ftrack's storage.
    Upload(Upload),
    /// Media that the server encodes.
    Encode(Encode),
    /// Something that the connected application must do.
    Dcc {
        /// The request's method, for the application to understand.
        method: String,
        /// The request's parameters.
        #[serde(default)]
        params: Value,
    },
    /// An event that is published on the hub.
    Event {
        /// ftrack's envelope. Its `id` is made here: however often it is published, it is the same event.
        event: Value,
        /// What becomes of it when nobody knows whether it was published.
        #[serde(default, skip_serializing_if = "InDoubt::is_default")]
        in_doubt: InDoubt,
    },
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

/// What becomes of an event when nobody knows whether it was published: the confirmation was lost, and the hub keeps no record to look into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum InDoubt {
    /// It is published again under the same id: it arrives at least once.
    #[default]
    Repeat,
    /// Its step fails as interrupted, and a person decides: it arrives at most once.
    Fail,
    /// A way that this version does not know.
    #[serde(other)]
    Unknown,
}

impl InDoubt {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Operations that belong together: they are all in one transaction, or none of them is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// Its key, unique within the hand-over.
    pub key: String,
    /// What it makes or changes, for a person: `sh010`.
    #[serde(default)]
    pub label: String,
    /// Keys of units before it without which it makes no sense: a shot needs its sequence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// Its operations, in order.
    pub operations: Vec<Operation>,
}

/// One ftrack operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// Makes an entity with an id made here, which is how a lost answer can be looked up.
    Create {
        /// The entity's type.
        entity_type: String,
        /// The entity's id.
        id: String,
        /// Its attributes, without the id.
        data: Map<String, Value>,
    },
    /// Changes attributes of an entity.
    Update {
        /// The entity's type.
        entity_type: String,
        /// The values of its primary key, in the schema's order.
        key: Vec<String>,
        /// What the attributes were when the change was decided: a conflict is noticed, never trampled.
        before: Map<String, Value>,
        /// What they shall be.
        data: Map<String, Value>,
    },
    /// Deletes an entity.
    Delete {
        /// The entity's type.
        entity_type: String,
        /// The values of its primary key, in the schema's order.
        key: Vec<String>,
    },
    /// An operation that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Operation {
    /// Returns the type of the entity it touches; empty for an operation that this version does not know.
    pub fn entity_type(&self) -> &str {
        match self {
            Self::Create { entity_type, .. }
            | Self::Update { entity_type, .. }
            | Self::Delete { entity_type, .. } => entity_type,
            Self::Unknown => "",
        }
    }
}

/// A file that goes to ftrack's storage, as a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The file's absolute path.
    pub file: String,
    /// The component's id, made here.
    pub component_id: String,
    /// The component's name.
    pub name: String,
}

/// Media that the server encodes from a component it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encode {
    /// The component to encode.
    pub component_id: String,
    /// The version that the results belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
}
