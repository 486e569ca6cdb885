//! Lays files out below a new folder, within limits, whatever they come from.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use crate::entry_path::{EntryPath, Kind, Names, PathProblem, Taken};
use crate::limits::{Bound, Limits};

/// How much is read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Why something was not unpacked. What was written of it is to be thrown away.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// What is to be installed cannot be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The name says neither `.zip` nor `.tar.gz`.
    #[error("`{}` is neither a `.zip` nor a `.tar.gz`", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The archive is cut off, or something else than its name says.
    #[error("the archive is damaged: {detail}")]
    Damaged {
        /// What is wrong.
        detail: String,
    },
    /// The archive is made in a way that is not read.
    #[error("the archive {what}")]
    Unsupported {
        /// What it has or does.
        what: String,
    },
    /// An entry would land elsewhere, or has a name that some systems do not take.
    #[error("the entry `{entry}` is refused: {problem}")]
    Path {
        /// Its name as far as it can be shown.
        entry: String,
        /// What is wrong with it.
        #[source]
        problem: PathProblem,
    },
    /// An entry is no file and no folder, or more than that.
    #[error("the entry `{entry}` is refused: it is {what}")]
    Special {
        /// Its name.
        entry: String,
        /// What it is.
        what: &'static str,
    },
    /// Two entries are one file, at least where case does not count.
    #[error("the entries `{first}` and `{second}` are one file on some systems")]
    Collision {
        /// The earlier one.
        first: String,
        /// The later one.
        second: String,
    },
    /// A limit is passed.
    #[error("{what} than the limit of {limit}")]
    Limit {
        /// What there is more of.
        what: &'static str,
        /// The limit and its unit.
        limit: String,
        /// The setting that gives the limit.
        setting: &'static str,
    },
    /// The files cannot be written.
    #[error("could not write `{}`", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl UnpackError {
    /// Returns what can be done.
    pub fn hint(&self) -> String {
        match self {
            Self::Read { .. } => "check the path, and that you may read it".to_owned(),
            Self::UnknownFormat { .. } => "pack the plugin as `.zip` or `.tar.gz`".to_owned(),
            Self::Damaged { .. } => "fetch or pack the archive once more".to_owned(),
            Self::Unsupported { .. } => {
                "pack the plugin's folder with plain `zip -r` or `tar -czf`".to_owned()
            }
            Self::Path { .. } | Self::Special { .. } | Self::Collision { .. } => {
                "do not install it, or ask its maker to pack plain files and folders".to_owned()
            }
            Self::Limit { setting, .. } => {
                format!("if you trust it, raise `plugins.{setting}` in the settings")
            }
            Self::Write { .. } => {
                "make the folder writable, and look whether the disk is full".to_owned()
            }
        }
    }

    pub(crate) fn damaged(detail: impl Into<String>) -> Self {
        Self::Damaged {
            detail: detail.into(),
        }
    }

    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }

    fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write {
            path: path.to_owned(),
            source,
        }
    }
}

/// Whether a file may be run as a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Plain,
    Program,
}

impl Mode {
    /// Looks for a right to execute among a file's permission bits.
    pub(crate) fn from_bits(bits: u32) -> Self {
        if bits & 0o111 == 0 {
            Self::Plain
        } else {
            Self::Program
        }
    }
}

/// Returns what is wrong with the type and permission bits of an entry, if anything.
pub(crate) fn refused_bits(bits: u32) -> Option<&'static str> {
    match bits & 0o170_000 {
        0 | 0o100_000 | 0o040_000 => {}
        0o120_000 => return Some("a symbolic link"),
        0o060_000 | 0o020_000 => return Some("a device"),
        0o010_000 => return Some("a named pipe"),
        0o140_000 => return Some("a socket"),
        _ => return Some("of an unknown type"),
    }
    match bits & 0o7000 {
        0 => None,
        sticky if sticky & 0o6000 == 0 => None,
        _ => Some("a file that runs as another user (setuid or setgid)"),
    }
}

/// Writes entries below a folder that nobody else knows yet.
#[derive(Debug)]
pub(crate) struct Unpacker<'a> {
    root: &'a Path,
    limits: &'a Limits,
    names: Names,
    left_bytes: u64,
    bound: Bound,
    /// Every entry counts, also one that is left out or there already.
    entries: usize,
}

impl<'a> Unpacker<'a> {
    /// Prepares for the files of an archive of this size.
    pub(crate) fn new(root: &'a Path, limits: &'a Limits, archive_bytes: u64) -> Self {
        let (left_bytes, bound) = limits.unpacked_from(archive_bytes);
        Self {
            root,
            limits,
            names: Names::default(),
            left_bytes,
            bound,
            entries: 0,
        }
    }

    /// Makes a folder.
    pub(crate) fn folder(&mut self, name: &[u8]) -> Result<(), UnpackError> {
        if let Some(path) = self.admit(name)? {
            self.make_folder(&path)?;
        }
        Ok(())
    }

    /// Writes a file and returns how long it is.
    pub(crate) fn file(
        &mut self,
        name: &[u8],
        mode: Mode,
        content: &mut dyn Read,
    ) -> Result<u64, UnpackError> {
        let Some(path) = self.admit(name)? else {
            // What is left out is read all the same, since it has to be what the archive says of it.
            return self.copy(content, None);
        };
        for folder in path.folders() {
            self.make_folder(&folder)?;
        }
        self.take(&path, Kind::File)?;
        let target = path.below(self.root);
        // Never over something that is there: a file system may know more names alike than we do.
        let mut file = new_file(&target, mode).map_err(UnpackError::write(&target))?;
        self.copy(content, Some((&mut file, &target)))
    }

    /// Counts an entry and reads its name; none when it is left out.
    fn admit(&mut self, name: &[u8]) -> Result<Option<EntryPath>, UnpackError> {
        self.count_entry()?;
        let path = EntryPath::parse(name).map_err(|problem| UnpackError::Path {
            entry: shown(name),
            problem,
        })?;
        let Some(path) = path.filter(|path| !path.is_left_out()) else {
            return Ok(None);
        };
        if path.names().count() > self.limits.depth {
            return Err(UnpackError::Limit {
                what: "folders lie deeper in each other",
                limit: format!("{} levels", self.limits.depth),
                setting: "install_depth",
            });
        }
        Ok(Some(path))
    }

    fn count_entry(&mut self) -> Result<(), UnpackError> {
        self.entries += 1;
        if self.entries.max(self.names.len()) > self.limits.entries {
            return Err(UnpackError::Limit {
                what: "there are more files and folders",
                limit: self.limits.entries.to_string(),
                setting: "install_entries",
            });
        }
        Ok(())
    }

    fn make_folder(&mut self, path: &EntryPath) -> Result<(), UnpackError> {
        for folder in path.folders().chain([path.clone()]) {
            if self.take(&folder, Kind::Folder)? == Taken::New {
                let target = folder.below(self.root);
                fs::create_dir(&target).map_err(UnpackError::write(&target))?;
            }
        }
        Ok(())
    }

    fn take(&mut self, path: &EntryPath, kind: Kind) -> Result<Taken, UnpackError> {
        match self.names.take(path, kind) {
            Taken::By(other) => Err(UnpackError::Collision {
                first: other.to_string(),
                second: path.to_string(),
            }),
            taken => Ok(taken),
        }
    }

    fn copy(
        &mut self,
        content: &mut dyn Read,
        mut into: Option<(&mut File, &Path)>,
    ) -> Result<u64, UnpackError> {
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut length = 0;
        loop {
            let count = match content.read(&mut chunk) {
                Ok(0) => return Ok(length),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(UnpackError::damaged(error.to_string())),
            };
            length += count as u64;
            self.left_bytes = self
                .left_bytes
                .checked_sub(count as u64)
                .ok_or_else(|| self.too_much())?;
            if let Some((file, path)) = &mut into {
                file.write_all(&chunk[..count])
                    .map_err(UnpackError::write(path))?;
            }
        }
    }

    /// Returns the error that says: more than may be unpacked.
    pub(crate) fn too_much(&self) -> UnpackError {
        match self.bound {
            Bound::Size => UnpackError::Limit {
                what: "the files are larger together",
                limit: megabytes(self.limits.unpacked_bytes),
                setting: "install_unpacked_mb",
            },
            Bound::Ratio => UnpackError::Limit {
                what: "the archive unpacks to more",
                limit: format!("{} times its size", self.limits.ratio),
                setting: "install_ratio",
            },
        }
    }
}

/// Returns a size as settings give it.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / (1024 * 1024))
}

/// Returns a name for a sentence: without what would upset a terminal, and not without end.
pub(crate) fn shown(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let mut shown: String = text
        .chars()
        .take(120)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(120).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(unix)]
fn new_file(path: &Path, mode: Mode) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let bits = match mode {
        Mode::Plain => 0o644,
        Mode::Program => 0o755,
    };
    File::options()
        .write(true)
        .create_new(true)
        .mode(bits)
        .open(path)
}

#[cfg(not(unix))]
fn new_file(path: &Path, _: Mode) -> io::Result<File> {
    File::options().write(true).create_new(true).open(path)
}
