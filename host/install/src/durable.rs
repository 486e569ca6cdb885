//! What is still there after a power cut.

use std::fs::File;
use std::io;
use std::path::Path;

/// Brings a folder's list of names to the disk, so that a rename in it lasts.
///
/// # Errors
///
/// When the system says no.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Windows keeps the list of names by itself and opens no folder as a file.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
