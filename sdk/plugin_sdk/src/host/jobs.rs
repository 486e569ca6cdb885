//! Jobs of a job: children that it launches, and files that it attaches.

use std::time::{Duration, Instant};

use callboard_protocol::{AttachedFile, ChildJob, Failure, HostMethod, JobsAttach, JobsLaunch};

use super::Host;

/// The longest that the host is asked to wait at once.
const WAIT: Duration = Duration::from_secs(30);

impl Host {
    /// Launches an action, of any plugin, as a child of the running job, and returns once it is on disk. Needs `jobs`.
    ///
    /// The same `key` twice is the same child; one that failed or was cancelled is run again.
    /// A child belongs to the same person, and is cancelled with its parent.
    ///
    /// # Errors
    ///
    /// The action does not apply, is above already, or there are too many children.
    pub fn launch(&self, child: &JobsLaunch) -> Result<ChildJob, Failure> {
        self.ask(HostMethod::JobsLaunch, child)
    }

    /// Launches an action as [`launch`](Self::launch) does, and waits for it to rest, for `timeout` at most: it goes on then, and is returned as it stands. Needs `jobs`.
    ///
    /// # Errors
    ///
    /// As [`launch`](Self::launch), or the turn was cancelled. A child that failed is no error: its state says so.
    pub fn launch_and_wait(
        &self,
        child: &JobsLaunch,
        timeout: Duration,
    ) -> Result<ChildJob, Failure> {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let ask = JobsLaunch {
                wait_secs: Some(left.min(WAIT).as_secs_f64()),
                ..child.clone()
            };
            let stands: ChildJob = self.ask(HostMethod::JobsLaunch, &ask)?;
            if !stands.state.is_moving() || left.is_zero() {
                return Ok(stands);
            }
        }
    }

    /// Attaches a file in the [job's folder](Self::folder) to the job, by its name there, and returns once that is on disk.
    ///
    /// # Errors
    ///
    /// There is no such file, or the job has too many.
    pub fn attach(&self, name: impl Into<String>) -> Result<AttachedFile, Failure> {
        let name = name.into();
        self.ask(HostMethod::JobsAttach, &JobsAttach { name })
    }
}
