//! Jobs: work that ftrack shows to its user.

use serde_json::json;

use super::Attributes;
use crate::entity::{Id, Job, User};
use crate::operation::Operation;

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// It waits.
    Queued,
    /// It is under way.
    Running,
    /// It is over.
    Done,
    /// It failed.
    Failed,
}

impl JobStatus {
    /// Returns the word that ftrack has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// A job that is shown to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// The id.
    pub id: Id<Job>,
    /// Whose it is.
    pub user: Id<User>,
    /// What is being done, in a few words.
    pub description: String,
    /// How far it is.
    pub status: JobStatus,
}

impl NewJob {
    /// Returns the operations that make it.
    pub fn operations(&self) -> Vec<Operation> {
        let job = Attributes::default()
            .with("id", &self.id)
            .with("user_id", &self.user)
            .with("status", self.status.as_str())
            .with("data", data(&self.description));
        vec![job.create("Job")]
    }
}

/// Returns the operation that says how far a job is, and in what words if they are new.
pub fn update_job(id: &Id<Job>, status: JobStatus, description: Option<&str>) -> Operation {
    let job = Attributes::default()
        .with("status", status.as_str())
        .with_some("data", description.map(data));
    Operation::update("Job", id.as_str(), job.0)
}

/// ftrack keeps what a job is about as JSON in a text.
fn data(description: &str) -> String {
    json!({"description": description}).to_string()
}
