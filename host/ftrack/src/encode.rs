//! Media that the server makes playable.

use serde_json::{Value, json};

use crate::entity::{AssetVersion, Id, Job};
use crate::error::CallError;
use crate::query::{Filter, Query};
use crate::session::{ReadError, Session};

/// What becomes of the source of an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeSource {
    /// It stays, as a component of its own.
    Keep,
    /// The server removes it once it is encoded.
    Remove,
}

impl Session {
    /// Has the server make a component playable in the web page. Its file is there already, so it goes up once.
    ///
    /// The answer tells the job that does it; [`encode_jobs`](Self::encode_jobs) finds that when the answer was lost.
    ///
    /// # Errors
    ///
    /// Returns how the call failed.
    pub async fn encode_media(
        &self,
        component_id: &str,
        version: Option<&Id<AssetVersion>>,
        source: EncodeSource,
    ) -> Result<Id<Job>, CallError> {
        let operation = json!({
            "action": "encode_media",
            "component_id": component_id,
            "version_id": version.map(Id::as_str),
            "keep_original": source == EncodeSource::Keep,
        });
        let mut answers = self.call_raw(vec![operation]).await?;
        let answer = answers.pop().unwrap_or_default();
        let job = answer.get("job_id").and_then(Value::as_str);
        job.map(Id::new)
            .ok_or_else(|| self.transport().not_ftrack("no job for the encoding"))
    }

    /// Returns the jobs that encode, or have encoded, a component, the newest first.
    ///
    /// # Errors
    ///
    /// Returns how the call failed.
    pub async fn encode_jobs(&self, component_id: &str) -> Result<Vec<Job>, ReadError> {
        let query = Query::of::<Job>()
            .select(["status", "type", "data", "created_at", "finished_at"])
            .filter(Filter::contains("data", component_id))
            .order_by_descending("created_at");
        let mut jobs: Vec<Job> = self.all(&query).await?;
        // Other jobs, of reports for example, may name the component as well.
        jobs.retain(|job| source_of(job).as_deref() == Some(component_id));
        Ok(jobs)
    }
}

/// The job keeps what it is about as JSON in a text.
fn source_of(job: &Job) -> Option<String> {
    let data: Value = serde_json::from_str(job.data().ok()?.as_str()?).ok()?;
    Some(data.get("source_component_id")?.as_str()?.to_owned())
}
