//! The files of components: what has arrived, and where it lies.
//!
//! A file is written beside its place and renamed into it when it is whole and its checksum fits, so
//! nobody reads half a file. Uploads come before the component exists, because the official Python
//! client sends them in that order.

mod address;
mod file;
mod upload;

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use tempfile::TempDir;

pub(crate) use address::Signer;
pub(crate) use file::{ByteRange, media_type, open};
use upload::Placing;
pub(crate) use upload::{Claim, MOST_PARTS, PartTag, Upload};

use crate::disk::Disk;

/// Where files lie.
#[derive(Debug)]
pub(crate) struct Media {
    data: Option<PathBuf>,
    /// Made with the first upload, so that a sandbox without files leaves no trace.
    folder: OnceLock<Folder>,
    /// Uploads whose parts are being put together.
    completing: Mutex<HashSet<String>>,
    /// Parts that are being written to their places, by upload and number.
    placing: Placing,
    swept: Mutex<Option<std::time::Instant>>,
    pub(crate) signer: Signer,
    disk: Disk,
}

#[derive(Debug)]
enum Folder {
    Kept(PathBuf),
    /// Goes with the sandbox.
    Temporary(TempDir),
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum MediaError {
    #[error("there is no such upload")]
    UnknownUpload,
    #[error("the address of the upload has expired")]
    Expired,
    #[error("part {part} is none of this upload")]
    UnknownPart { part: u64 },
    #[error("part {part} has not arrived as the client says")]
    MissingPart { part: u64 },
    #[error("the upload is being put together already")]
    Busy,
    #[error("`{id}` is no id")]
    BadId { id: String },
    #[error("`{text}` is no MD5 in base64")]
    BadChecksum { text: String },
    #[error("the checksum of what arrived is another")]
    WrongChecksum,
    #[error("the upload broke off")]
    BrokenOff(#[source] axum::Error),
    #[error("the client has fallen silent")]
    Stalled,
    #[error("there is no room left for the file")]
    Full(#[source] io::Error),
    #[error("could not keep the file")]
    File(#[source] io::Error),
}

impl From<io::Error> for MediaError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full(error),
            _ => Self::File(error),
        }
    }
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

impl Media {
    /// Keeps files below the sandbox's data, or in a temporary folder that goes with the sandbox.
    pub(crate) fn new(data: Option<&Path>, disk: Disk) -> Self {
        // What a killed server was making, nobody else will finish.
        let unfinished = data.map(|data| data.join("files").join("work"));
        if let Some(unfinished) = unfinished.filter(|folder| folder.is_dir())
            && let Err(error) = std::fs::remove_dir_all(unfinished)
        {
            tracing::warn!(%error, "what was left half made stays");
        }
        Self {
            data: data.map(Path::to_owned),
            folder: OnceLock::new(),
            completing: Mutex::default(),
            placing: Placing::default(),
            swept: Mutex::default(),
            signer: Signer::new(),
            disk,
        }
    }

    fn folder(&self) -> io::Result<&Path> {
        let folder = match self.folder.get() {
            Some(folder) => folder,
            None => {
                let made = match &self.data {
                    Some(data) => Folder::Kept(data.join("files")),
                    None => Folder::Temporary(tempfile::tempdir()?),
                };
                for name in ["incoming", "thumbnails", "work"] {
                    std::fs::create_dir_all(made.path().join(name))?;
                }
                self.folder.get_or_init(|| made)
            }
        };
        Ok(folder.path())
    }

    /// Where the file of a component lies, if it has arrived.
    pub(crate) fn path(&self, component_id: &str) -> Option<PathBuf> {
        check_id(component_id).ok()?;
        Some(self.folder().ok()?.join(component_id)).filter(|path| path.is_file())
    }

    /// Where a small picture of a component is kept once it is made.
    pub(crate) fn thumbnail_path(&self, component_id: &str, size: u32) -> io::Result<PathBuf> {
        Ok(self
            .folder()?
            .join("thumbnails")
            .join(format!("{component_id}.{size}.jpg")))
    }

    /// A folder for something that is being made; it goes when it is dropped.
    pub(crate) fn work_folder(&self) -> io::Result<TempDir> {
        tempfile::tempdir_in(self.folder()?.join("work"))
    }

    /// Makes a finished file of [`Self::work_folder`] the file of a component.
    pub(crate) fn adopt(&self, finished: &Path, component_id: &str) -> Result<(), MediaError> {
        check_id(component_id)?;
        let file = File::open(finished)?;
        let size_bytes = file.metadata()?.len();
        self.disk
            .write(usize::try_from(size_bytes).unwrap_or(usize::MAX))?;
        if self.is_durable() {
            file.sync_all()?;
        }
        std::fs::rename(finished, self.folder()?.join(component_id))?;
        self.forget_thumbnails(component_id);
        self.sync_folder()
    }

    /// Removes the file of a component, if there is one, and the pictures made of it.
    pub(crate) fn remove(&self, component_id: &str) -> io::Result<()> {
        match self.path(component_id) {
            Some(path) => {
                self.forget_thumbnails(component_id);
                std::fs::remove_file(path)
            }
            None => Ok(()),
        }
    }

    fn forget_thumbnails(&self, component_id: &str) {
        let Ok(entries) = self.folder().map(|folder| folder.join("thumbnails")) else {
            return;
        };
        let prefix = format!("{component_id}.");
        for entry in std::fs::read_dir(entries).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&prefix)
                && let Err(error) = std::fs::remove_file(entry.path())
            {
                tracing::warn!(%error, "an outdated thumbnail stays");
            }
        }
    }

    /// Whether what is acknowledged must outlive a loss of power.
    fn is_durable(&self) -> bool {
        self.data.is_some()
    }

    fn sync_folder(&self) -> Result<(), MediaError> {
        // Elsewhere a folder cannot be opened as a file, and its entries are safe without.
        if cfg!(unix) && self.is_durable() {
            File::open(self.folder()?)?.sync_all()?;
        }
        Ok(())
    }
}

/// Ids become file names, so they must not lead elsewhere.
fn check_id(id: &str) -> Result<(), MediaError> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || character == '-';
    let is_ours = ["incoming", "thumbnails", "work"].contains(&id);
    if !id.is_empty() && id.len() <= 64 && id.chars().all(is_plain) && !is_ours {
        return Ok(());
    }
    Err(MediaError::BadId {
        id: id.chars().take(64).collect(),
    })
}

#[cfg(test)]
#[path = "media/tests.rs"]
mod tests;
