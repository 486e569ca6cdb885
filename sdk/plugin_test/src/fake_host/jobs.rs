//! Jobs of a job: children that end as the test says, and files that are looked at.

use callboard_protocol::{
    AttachedFile, ChildJob, Failure, JobId, JobState, JobsAttach, JobsLaunch, Permission,
};
use serde_json::Value;

use super::{FakeHost, write};

impl FakeHost {
    /// Launches a child, which is done at once; the same key twice is the same child.
    pub(super) fn launch_child(&mut self, ask: JobsLaunch) -> Result<Value, Failure> {
        self.need(&Permission::Jobs)?;
        let known = self
            .record
            .children
            .iter()
            .position(|child| child.key == ask.key);
        let number = known.unwrap_or(self.record.children.len());
        if known.is_none() {
            self.record.children.push(ask);
        }
        write(&ChildJob {
            job: JobId::from(format!("child-{}", number + 1)),
            state: JobState::Done,
            message: String::new(),
            output: Value::Null,
            failure: None,
        })
    }

    /// Attaches a file that lies in the job's folder.
    pub(super) fn attach(&mut self, ask: JobsAttach) -> Result<Value, Failure> {
        let path = self
            .folder
            .as_ref()
            .map(|folder| folder.path().join(&ask.name));
        let found = path.as_ref().and_then(|path| std::fs::metadata(path).ok());
        let (Some(path), Some(found)) = (path, found.filter(std::fs::Metadata::is_file)) else {
            let message = format!("there is no file in the job's folder: `{}`", ask.name);
            return Err(Failure::not_found(message));
        };
        let file = AttachedFile {
            name: ask.name,
            path: path.display().to_string(),
            size_bytes: found.len(),
            // The real host has a SHA-256 here.
            sha256: String::new(),
        };
        self.record.attached.push(file.clone());
        write(&file)
    }
}
