//! Small files of JSON beside the ledger: replaced whole, and taken for missing where they cannot be read.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Whether a file must be on disk before it is told that it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durable {
    /// It must: a person decided what stands in it.
    Yes,
    /// It need not: it can be made anew.
    No,
}

/// Reads a file; none where there is none, or where it is broken and was said to be.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "could not read a file");
            return None;
        }
    };
    match serde_json::from_slice(&text) {
        Ok(content) => Some(content),
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "a file is broken and is made anew");
            None
        }
    }
}

/// Replaces a file: whoever reads it finds the old content or the new, never half of either.
///
/// # Errors
///
/// When it cannot be written; the old content is there still.
pub(crate) fn write(path: &Path, content: &impl Serialize, durable: Durable) -> io::Result<()> {
    let text = serde_json::to_vec(content)?;
    let beside: PathBuf = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(&text)?;
    if durable == Durable::Yes {
        file.sync_all()?;
    }
    drop(file);
    fs::rename(&beside, path)?;
    #[cfg(unix)]
    if durable == Durable::Yes
        && let Some(folder) = path.parent()
    {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_written_and_a_broken_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.json");
        assert_eq!(read::<Vec<u32>>(&path), None);
        write(&path, &[1, 2], Durable::Yes).unwrap();
        assert_eq!(read(&path), Some(vec![1, 2]));
        fs::write(&path, "[1,").unwrap();
        assert_eq!(read::<Vec<u32>>(&path), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
