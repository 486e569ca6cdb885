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
/// Brings everything that was just written below `folder` to the disk.
///
/// # Errors
///
/// When the system says no.
#[cfg(target_os = "linux")]
pub(crate) fn sync_tree(folder: &Path) -> io::Result<()> {
    // One call for the file system costs less than one for each of some thousand files.
    rustix::fs::syncfs(File::open(folder)?)?;
    Ok(())
}

/// Brings everything that was just written below `folder` to the disk.
///
/// # Errors
///
/// When the system says no.
#[cfg(not(target_os = "linux"))]
pub(crate) fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            File::options().write(true).open(entry.path())?.sync_all()?;
        }
    }
    sync_folder(folder)
}
