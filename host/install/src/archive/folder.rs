//! A folder, taken as if it were an archive.

use std::fs::{self, File};
use std::path::Path;

use crate::limits::Limits;
use crate::unpack::{Mode, UnpackError, Unpacker};

/// Copies what is in `folder`; no link is followed.
pub(super) fn copy(
    folder: &Path,
    limits: &Limits,
    unpacker: &mut Unpacker<'_>,
) -> Result<(), UnpackError> {
    // The folders that are still to be read, each with its path inside the plugin.
    let mut next = vec![(folder.to_owned(), Vec::new())];
    while let Some((folder, inside)) = next.pop() {
        let unreadable = |source| UnpackError::Read {
            path: folder.clone(),
            source,
        };
        let entries = fs::read_dir(&folder).map_err(unreadable)?;
        // The unpacker refuses what is too much; that much at least has to be held here.
        let mut entries: Vec<_> = entries
            .take(limits.entries.saturating_add(1))
            .collect::<Result<_, _>>()
            .map_err(unreadable)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let unreadable = |source| UnpackError::Read {
                path: path.clone(),
                source,
            };
            let mut name = inside.clone();
            name.extend_from_slice(entry.file_name().as_encoded_bytes());
            let metadata = fs::symlink_metadata(&path).map_err(unreadable)?;
            if let Some(what) = special(&metadata) {
                let entry = crate::unpack::shown(&name);
                return Err(UnpackError::Special { entry, what });
            }
            if metadata.is_dir() {
                unpacker.folder(&name)?;
                name.push(b'/');
                next.push((path, name));
            } else {
                let mut file = File::open(&path).map_err(unreadable)?;
                unpacker.file(&name, mode(&metadata), &mut file)?;
            }
        }
    }
    Ok(())
}

#[cfg(unix)]
fn special(metadata: &fs::Metadata) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt as _;
    let bits = metadata.mode();
    // A folder's setgid bit says whom its files belong to, as is common on a studio's shares.
    let bits = if metadata.is_dir() {
        bits & !0o7000
    } else {
        bits
    };
    crate::unpack::refused_bits(bits)
}

#[cfg(not(unix))]
fn special(metadata: &fs::Metadata) -> Option<&'static str> {
    let is_plain = metadata.is_file() || metadata.is_dir();
    (!is_plain).then_some("a link")
}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> Mode {
    use std::os::unix::fs::MetadataExt as _;
    Mode::from_bits(metadata.mode())
}

#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> Mode {
    Mode::Plain
}
