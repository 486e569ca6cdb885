//! Files of the fake host: a job's folder, and what is fetched into it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use callboard_protocol::{
    Failure, FailureKind, FetchedFile, FtrackDownload, JobFolder, Permission,
};
use serde_json::Value;

use super::{FakeHost, write};

impl FakeHost {
    pub(super) fn job_folder(&mut self) -> Result<Value, Failure> {
        let path = self.folder()?.display().to_string();
        write(&JobFolder { path })
    }

    pub(super) fn download(&mut self, download: &FtrackDownload) -> Result<Value, Failure> {
        self.need(&Permission::FtrackRead)?;
        let content = self.files.get(&download.component_id).ok_or_else(|| {
            Failure::not_found(format!(
                "the test has no file of the component `{}`",
                download.component_id
            ))
            .hint("give it one with `PluginTest::file`")
        })?;
        if download
            .max_bytes
            .is_some_and(|most| content.len() as u64 > most)
        {
            return Err(Failure::new(FailureKind::Limit, "the file is too large"));
        }
        let content = content.clone();
        write(&self.give(&download.name, &content)?)
    }

    /// Puts a file into the job's folder.
    pub(super) fn give(&mut self, name: &str, content: &[u8]) -> Result<FetchedFile, Failure> {
        if Path::new(name)
            .file_name()
            .is_none_or(|plain| plain != name)
        {
            let message = format!("`{name}` cannot be the name of a file");
            return Err(Failure::invalid(message).hint("give a name without folders"));
        }
        let path = self.folder()?.join(name);
        fs::write(&path, content).map_err(|error| unusable(&error))?;
        Ok(FetchedFile {
            path: path.display().to_string(),
            size_bytes: content.len() as u64,
            checksum: "md5:00000000000000000000000000000000".to_owned(),
        })
    }

    fn folder(&mut self) -> Result<PathBuf, Failure> {
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => tempfile::tempdir().map_err(|error| unusable(&error))?,
        };
        let path = folder.path().to_owned();
        self.folder = Some(folder);
        Ok(path)
    }
}

fn unusable(error: &io::Error) -> Failure {
    Failure::new(FailureKind::Unavailable, "could not use the job's folder").caused_by(error)
}
