//! A plugin process's own temporary folder.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::system;

/// How many names are tried; those of others may be in the way.
const TRIES: u32 = 100;

/// A folder that only this person can enter; gone when this is dropped.
pub(super) struct Temporary {
    path: PathBuf,
}

impl Temporary {
    pub(super) fn make() -> io::Result<Self> {
        let parent = std::env::temp_dir();
        let own = system::own_pid();
        for number in 0..TRIES {
            let path = parent.join(format!("callboard-plugin-{own}-{number}"));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {
                    return Ok(Self {
                        path: path.canonicalize()?,
                    });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What a plugin made unremovable stays where temporary things are swept up.
        fs::remove_dir_all(&self.path).ok();
    }
}
