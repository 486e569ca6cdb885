//! What can be installed from: an archive or a folder.

mod folder;
mod tar_gz;
mod zip;

use std::fs::File;
use std::path::Path;

use crate::limits::Limits;
use crate::unpack::{UnpackError, Unpacker, megabytes};

/// How an archive is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.zip`.
    Zip,
    /// `.tar.gz` or `.tgz`.
    TarGz,
}

impl Format {
    /// Returns the format that a name ends with.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(Self::split(name)?.1)
    }

    /// Returns an archive's name without what says how it is packed.
    pub fn stem(name: &str) -> Option<&str> {
        Some(Self::split(name)?.0)
    }

    fn split(name: &str) -> Option<(&str, Self)> {
        let endings = [
            (".zip", Self::Zip),
            (".tar.gz", Self::TarGz),
            (".tgz", Self::TarGz),
        ];
        endings.into_iter().find_map(|(ending, format)| {
            let at = name.len().checked_sub(ending.len())?;
            let found = name.get(at..)?.eq_ignore_ascii_case(ending);
            (found && at > 0).then(|| (&name[..at], format))
        })
    }
}

/// Unpacks the archive `file`, which is called `name`, into the empty folder `into`.
///
/// # Errors
///
/// When anything about it is not plain; what was unpacked before that is to be thrown away.
pub fn unpack_archive(
    file: &Path,
    name: &str,
    into: &Path,
    limits: &Limits,
) -> Result<(), UnpackError> {
    let unreadable = |source| UnpackError::Read {
        path: file.to_owned(),
        source,
    };
    let format =
        Format::of_name(name).ok_or_else(|| UnpackError::UnknownFormat { path: name.into() })?;
    let opened = File::open(file).map_err(unreadable)?;
    let metadata = opened.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(UnpackError::UnknownFormat {
            path: file.to_owned(),
        });
    }
    check_archive_bytes(metadata.len(), limits)?;
    let mut unpacker = Unpacker::new(into, limits, metadata.len());
    match format {
        Format::Zip => zip::unpack(opened, metadata.len(), limits, &mut unpacker),
        Format::TarGz => tar_gz::unpack(opened, limits, &mut unpacker),
    }
}

/// Copies the plugin in the folder `from` into the empty folder `into`, by the rules for archives.
///
/// # Errors
///
/// When anything in it is not plain; what was copied before that is to be thrown away.
pub fn copy_folder(from: &Path, into: &Path, limits: &Limits) -> Result<(), UnpackError> {
    let mut unpacker = Unpacker::new(into, limits, u64::MAX);
    folder::copy(from, limits, &mut unpacker)
}

/// Refuses an archive that is larger than any may be.
pub(crate) fn check_archive_bytes(bytes: u64, limits: &Limits) -> Result<(), UnpackError> {
    if bytes <= limits.archive_bytes {
        return Ok(());
    }
    Err(UnpackError::Limit {
        what: "the archive is larger",
        limit: megabytes(limits.archive_bytes),
        setting: "install_archive_mb",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_how_it_is_packed() {
        for (name, expected) in [
            ("a-1.0.0.zip", Some(("a-1.0.0", Format::Zip))),
            ("a.ZIP", Some(("a", Format::Zip))),
            ("a.tar.gz", Some(("a", Format::TarGz))),
            ("a.tgz", Some(("a", Format::TarGz))),
            (".zip", None),
            ("a.rar", None),
            ("é.zi", None),
            ("", None),
        ] {
            assert_eq!(Format::split(name), expected, "{name}");
        }
    }
}
