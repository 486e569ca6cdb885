//! Jobs of a job: children that it launches, and files that it attaches.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ActionId, Entity, Failure, JobId, JobState};

/// Launches an action as a child of the running job; answered with [`ChildJob`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobsLaunch {
    /// Names the child within its parent: the same key twice is the same child. One that failed or was cancelled is run again.
    pub key: String,
    /// The action, of any plugin.
    pub action: ActionId,
    /// What it is done on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selection: Vec<Entity>,
    /// Values for its form.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub values: Map<String, Value>,
    /// How long to wait for it to rest, in seconds, at most 60; when absent the answer comes once it is on disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_secs: Option<f64>,
}

/// How a child stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChildJob {
    /// The job.
    pub job: JobId,
    /// Where it stands.
    pub state: JobState,
    /// How it ended, or what it is doing.
    #[serde(default)]
    pub message: String,
    /// What it gave back.
    #[serde(default)]
    pub output: Value,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Attaches a file in the job's folder to the job; answered with [`AttachedFile`], once that is on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobsAttach {
    /// The file's name in the job's folder.
    pub name: String,
}

/// A file that a job has attached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachedFile {
    /// Its name.
    pub name: String,
    /// Its absolute path.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// The SHA-256 of what is in it, in hexadecimal digits.
    pub sha256: String,
}
