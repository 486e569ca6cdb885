//! A plugin process's own temporary folder, and those whose runner could not remove them.
//!
//! A runner locks its folder for as long as it lives, and the system lets go of the lock however it ends.
//! So one that is not locked belongs to nobody any more, whichever host and container its runner was of.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::system;

/// What the names of the folders begin with; the runner's process id and a number follow.
const PREFIX: &str = "callboard-plugin-";

/// How many names are tried; those of others may be in the way.
const TRIES: u32 = 100;

/// A folder that only this person can enter; gone when this is dropped.
pub(crate) struct Temporary {
    path: PathBuf,
    lock: File,
}

impl Temporary {
    pub(crate) fn make() -> io::Result<Self> {
        let parent = std::env::temp_dir();
        let own = system::own_pid();
        for number in 0..TRIES {
            let path = parent.join(format!("{PREFIX}{own}-{number}"));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            // Somebody who sweeps up may have come between the two.
            if let Some(lock) = locked(&path)? {
                let path = path.canonicalize()?;
                return Ok(Self { path, lock });
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what must stay open for the folder to be this runner's.
    pub(crate) fn lock(&self) -> &File {
        &self.lock
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed even so stays where temporary things are swept up.
        remove(&self.path).ok();
    }
}

/// Removes the temporary folders of runners that are gone, of this person's, and returns how many there were.
pub fn remove_abandoned_folders() -> usize {
    remove_abandoned_in(&std::env::temp_dir())
}

fn remove_abandoned_in(parent: &Path) -> usize {
    let Ok(entries) = fs::read_dir(parent) else {
        return 0;
    };
    let own = system::own_user();
    let named = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let name = entry.file_name();
        let (pid, number) = name.to_str()?.strip_prefix(PREFIX)?.split_once('-')?;
        let (pid, _) = (pid.parse().ok()?, number.parse::<u32>().ok()?);
        (!is_runner(pid)).then(|| entry.path())
    });
    named
        .filter(|path| {
            // A link is no folder here, and stays.
            fs::symlink_metadata(path).is_ok_and(|folder| folder.is_dir() && folder.uid() == own)
        })
        .filter(|path| {
            let lock = locked(path);
            matches!(lock, Ok(Some(_))) && remove(path).is_ok()
        })
        .count()
}

/// Tells whether a process is a runner: one of an earlier version has no lock.
fn is_runner(pid: u32) -> bool {
    // One that has ended and is not reaped yet has no words any more.
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    words.split(|byte| *byte == 0).nth(1) == Some(b"runner")
}

/// Locks a folder; none when somebody else has it, or it is not there any more.
fn locked(path: &Path) -> io::Result<Option<File>> {
    let lock = match File::open(path) {
        Ok(lock) => lock,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if lock.try_lock().is_err() {
        return Ok(None);
    }
    let is_there = fs::symlink_metadata(path).is_ok_and(|now| {
        let opened = lock.metadata();
        opened.is_ok_and(|opened| opened.ino() == now.ino() && opened.dev() == now.dev())
    });
    Ok(is_there.then_some(lock))
}

/// Removes a folder and everything in it, also from folders that a plugin closed to itself.
fn remove(path: &Path) -> io::Result<()> {
    if fs::remove_dir_all(path).is_ok() {
        return Ok(());
    }
    open_folders(path);
    fs::remove_dir_all(path)
}

/// Gives this person back every right to the folders below one. Follows no links.
fn open_folders(path: &Path) {
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        // What this does not help, the removal will say.
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).ok();
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let below = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        folders.extend(below.map(|entry| entry.path()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_that_nobody_has_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = parent.path().join(name);
            fs::create_dir_all(path.join("deep/closed")).unwrap();
            fs::write(path.join("deep/closed/file"), "left").unwrap();
            path
        };
        let abandoned = folder(&format!("{PREFIX}7-0"));
        let closed = Permissions::from_mode(0o000);
        fs::set_permissions(abandoned.join("deep/closed"), closed).unwrap();
        let kept = [
            folder(&format!("{PREFIX}7-1")),
            folder(&format!("{PREFIX}7-x")),
            folder("another"),
        ];
        let lock = locked(&kept[0]).unwrap().expect("nobody has it");
        let link = parent.path().join(format!("{PREFIX}7-2"));
        std::os::unix::fs::symlink(&kept[2], &link).unwrap();

        assert_eq!(remove_abandoned_in(parent.path()), 1);
        assert!(!abandoned.exists());
        assert!(
            kept.iter()
                .all(|path| path.join("deep/closed/file").exists())
        );
        assert!(link.exists());
        drop(lock);
        assert_eq!(remove_abandoned_in(parent.path()), 1, "its owner is gone");
        assert!(!kept[0].exists());
    }
}
