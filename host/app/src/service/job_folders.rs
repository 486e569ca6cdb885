//! The folders of jobs, where plugins find what the host fetches for them and leave what it shall take.
//!
//! They lie beside the ledger, for they live as long as its rows: one folder for each plugin, which its processes may
//! read and write, and in it one for each job. What a plugin may write it may also replace by a link to a place that
//! only the host may write, so the host follows no links here.

use std::collections::HashSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use callboard_protocol::{Failure, FailureKind, JobFolder, JobId, PluginId};
use engine::Asker;

/// The folder that files are fetched into before they are whole; no plugin has such an id.
const UNFINISHED: &str = ".unfinished";

/// Where the folders of all jobs lie.
#[derive(Clone, Debug)]
pub(crate) struct JobFolders {
    root: Arc<Path>,
}

impl JobFolders {
    /// Uses `root`, which need not be there yet.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root: root.into() }
    }

    /// Makes the folder that holds a plugin's jobs, and returns it.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub(crate) fn of_plugin(&self, plugin: &PluginId) -> io::Result<PathBuf> {
        make_private(&self.root)?;
        let folder = self.root.join(plain(plugin.as_str())?);
        make_private(&folder)?;
        Ok(folder)
    }

    /// Makes a job's folder, and returns it.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or something else is in its place.
    pub(crate) fn of_job(&self, asker: &Asker) -> Result<JobFolder, Failure> {
        let made = || {
            let folder = self.of_plugin(&asker.plugin)?;
            let folder = folder.join(plain(asker.job.as_str())?);
            make_private(&folder)?;
            Ok(folder)
        };
        let folder = made().map_err(|error| unusable(&error))?;
        Ok(JobFolder {
            path: folder.display().to_string(),
        })
    }

    /// Makes a place for a file that is not whole yet, which no plugin can reach.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub(crate) fn unfinished(&self) -> Result<Unfinished, Failure> {
        let folder = self
            .root
            .join(UNFINISHED)
            .join(uuid::Uuid::new_v4().to_string());
        let made = make_private(&self.root)
            .and_then(|()| make_private(&self.root.join(UNFINISHED)))
            .and_then(|()| make_private(&folder));
        made.map_err(|error| unusable(&error))?;
        Ok(Unfinished { folder })
    }

    /// Gives a job a file that is whole, under this name, and returns where it is.
    ///
    /// # Errors
    ///
    /// When it cannot be moved there.
    pub(crate) fn give(
        &self,
        unfinished: &Unfinished,
        asker: &Asker,
        name: &str,
    ) -> Result<PathBuf, Failure> {
        let folder = PathBuf::from(self.of_job(asker)?.path);
        let moved = plain(name)
            .and_then(|name| move_into(&unfinished.file(), &self.root, asker, Path::new(name)));
        moved.map_err(|error| unusable(&error))?;
        Ok(folder.join(name))
    }

    /// Returns what is left of jobs that are not known any more, and of files that never became whole.
    pub(crate) fn left_over(&self, known: &HashSet<JobId>) -> Vec<PathBuf> {
        let mut left_over = Vec::new();
        for plugin in entries_of(&self.root) {
            let is_unfinished = plugin.file_name().is_some_and(|name| name == UNFINISHED);
            left_over.extend(entries_of(&plugin).into_iter().filter(|entry| {
                let job = entry.file_name().and_then(|name| name.to_str());
                is_unfinished || !job.is_some_and(|job| known.contains(&JobId::from(job)))
            }));
        }
        left_over
    }
}

/// Removes files, and folders with all that is in them.
pub(crate) fn remove(paths: Vec<PathBuf>) {
    for path in paths {
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
        let removed = if is_folder {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        if let Err(error) = removed {
            tracing::warn!(%error, path = %path.display(), "could not remove what a job left behind");
        }
    }
}

/// A place for a file that is not whole yet; what is there goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Unfinished {
    folder: PathBuf,
}

impl Unfinished {
    /// Returns where the file is to be written.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join("file")
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        remove(vec![std::mem::take(&mut self.folder)]);
    }
}

/// Returns what is in a folder; nothing where there is none yet.
fn entries_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Makes sure that a name leads to no other folder.
fn plain(name: &str) -> io::Result<&str> {
    let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
    is_plain
        .then_some(name)
        .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, format!("`{name}` is no name")))
}

/// Makes a folder that only the user may look into; one that is there must be a folder and no link.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let is_folder = fs::symlink_metadata(folder)?.is_dir();
            is_folder
                .then_some(())
                .ok_or_else(|| io::Error::from(ErrorKind::NotADirectory))
        }
        made => made,
    }
}

/// Moves a file into a job's folder. Each folder on the way is opened by itself, so that none can be a link by then.
#[cfg(unix)]
fn move_into(file: &Path, root: &Path, asker: &Asker, name: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, Mode, OFlags, openat, renameat};
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root = openat(CWD, root, flags, Mode::empty())?;
    let plugin = openat(&root, asker.plugin.as_str(), flags, Mode::empty())?;
    let job = openat(&plugin, asker.job.as_str(), flags, Mode::empty())?;
    Ok(renameat(CWD, file, &job, name)?)
}

#[cfg(not(unix))]
fn move_into(file: &Path, root: &Path, asker: &Asker, name: &Path) -> io::Result<()> {
    let folder = root.join(asker.plugin.as_str()).join(asker.job.as_str());
    fs::rename(file, folder.join(name))
}

fn unusable(error: &io::Error) -> Failure {
    let failure = Failure::new(FailureKind::Unavailable, "could not use the job's folder");
    let hint = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space on the disk",
        _ => "look at `callboard status` for where the ledger lies; the folder is beside it",
    };
    failure.hint(hint).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asker(job: &str) -> Asker {
        Asker {
            plugin: "hello".into(),
            job: job.into(),
        }
    }

    fn folders() -> (tempfile::TempDir, JobFolders) {
        let folder = tempfile::tempdir().unwrap();
        let folders = JobFolders::new(folder.path().join("jobs"));
        (folder, folders)
    }

    fn give(folders: &JobFolders, asker: &Asker, name: &str) -> Result<PathBuf, Failure> {
        let unfinished = folders.unfinished().unwrap();
        fs::write(unfinished.file(), "bytes").unwrap();
        folders.give(&unfinished, asker, name)
    }

    #[test]
    fn a_job_has_a_folder_that_is_closed_to_others() {
        let (_kept, folders) = folders();
        let folder = folders.of_job(&asker("j1")).unwrap().path;
        assert!(folder.ends_with("jobs/hello/j1"), "{folder}");
        assert_eq!(folders.of_job(&asker("j1")).unwrap().path, folder);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&folder).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o700);
        }
        folders.of_job(&asker("../j1")).unwrap_err();
    }

    #[test]
    fn a_file_is_given_whole_and_nothing_else_is_left() {
        let (kept, folders) = folders();
        let file = give(&folders, &asker("j1"), "a.mov").unwrap();
        assert_eq!(fs::read(file).unwrap(), b"bytes");
        let unfinished = kept.path().join("jobs").join(UNFINISHED);
        assert_eq!(fs::read_dir(unfinished).unwrap().count(), 0);
        give(&folders, &asker("j1"), "../a.mov").unwrap_err();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_a_folder_leads_the_host_nowhere() {
        let (kept, folders) = folders();
        let elsewhere = kept.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        let plugin = folders.of_plugin(&"hello".into()).unwrap();
        std::os::unix::fs::symlink(&elsewhere, plugin.join("j1")).unwrap();
        folders.of_job(&asker("j1")).unwrap_err();
        give(&folders, &asker("j1"), "a.mov").unwrap_err();
        let unfinished = folders.unfinished().unwrap();
        fs::write(unfinished.file(), "bytes").unwrap();
        move_into(
            &unfinished.file(),
            &folders.root,
            &asker("j1"),
            Path::new("a"),
        )
        .unwrap_err();
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
        // A link in the place of the file is replaced, not followed.
        fs::remove_file(plugin.join("j1")).unwrap();
        let target = elsewhere.join("target");
        fs::write(&target, "mine").unwrap();
        folders.of_job(&asker("j1")).unwrap();
        std::os::unix::fs::symlink(&target, plugin.join("j1/a.mov")).unwrap();
        give(&folders, &asker("j1"), "a.mov").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"mine");
    }

    #[test]
    fn only_what_is_left_of_forgotten_jobs_goes() {
        let (_kept, folders) = folders();
        let known = folders.of_job(&asker("known")).unwrap().path;
        let forgotten = folders.of_job(&asker("forgotten")).unwrap().path;
        let unfinished = folders.unfinished().unwrap();
        std::mem::forget(unfinished);
        let left_over = folders.left_over(&HashSet::from([JobId::from("known")]));
        assert_eq!(left_over.len(), 2);
        remove(left_over);
        assert!(Path::new(&known).exists() && !Path::new(&forgotten).exists());
        assert!(
            folders
                .left_over(&HashSet::from([JobId::from("known")]))
                .is_empty()
        );
    }
}
