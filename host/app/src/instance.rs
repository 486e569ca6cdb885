//! One host for each home on a machine: whoever holds the lock is it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The lock, held as long as this lives. The system releases it however the process ends.
#[derive(Debug)]
pub(crate) struct Instance {
    _file: File,
}

/// Why this process is not the host of a home.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstanceError {
    /// Another process is.
    #[error("Callboard is already running for `{home}`")]
    Taken {
        /// The home.
        home: PathBuf,
    },
    /// The lock could not be tried.
    #[error("could not lock `{path}`")]
    Io {
        /// The lock's file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Instance {
    /// Becomes this machine's host of `home`; `folder` is the home's part that belongs to this machine alone.
    ///
    /// A home on a network file system may have a host on each machine, so the lock must not lie where all of them see it.
    ///
    /// # Errors
    ///
    /// When another process is, or the lock cannot be tried.
    pub(crate) fn claim(home: &Path, folder: &Path) -> Result<Self, InstanceError> {
        let path = folder.join("host.lock");
        let io_error = |source| InstanceError::Io {
            path: path.clone(),
            source,
        };
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(io_error)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(InstanceError::Taken { home: home.into() }),
            Err(TryLockError::Error(source)) => Err(io_error(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_has_one_host_at_a_time() {
        let home = tempfile::tempdir().unwrap();
        let first = Instance::claim(home.path(), home.path()).unwrap();
        let second = Instance::claim(home.path(), home.path());
        assert!(matches!(second, Err(InstanceError::Taken { .. })));
        drop(first);
        Instance::claim(home.path(), home.path()).unwrap();
    }
}
