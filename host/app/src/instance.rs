//! One host for each home: whoever holds the lock is it.

use std::fs::{self, File, TryLockError};
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
    /// Becomes the host of the home whose data lie in `data`.
    ///
    /// # Errors
    ///
    /// When another process is, or the lock cannot be tried.
    pub(crate) fn claim(data: &Path) -> Result<Self, InstanceError> {
        let path = data.join("host.lock");
        let io_error = |source| InstanceError::Io {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(data).map_err(io_error)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(io_error)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(InstanceError::Taken { home: data.into() }),
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
        let first = Instance::claim(home.path()).unwrap();
        let second = Instance::claim(home.path());
        assert!(matches!(second, Err(InstanceError::Taken { .. })));
        drop(first);
        Instance::claim(home.path()).unwrap();
    }
}
