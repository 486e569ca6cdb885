//! The file that is sent: read in pieces, and watched, so that what changes meanwhile does not arrive as if it had not.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::try_unfold;
use jiff::Timestamp;
use md5::{Digest, Md5};
use reqwest::Body;
use serde::{Deserialize, Serialize};

use crate::transfer::{PIECE_BYTES, Progress};

/// What a file is known again by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    /// Its size.
    pub size_bytes: u64,
    /// When it was last changed, where the file system says so.
    pub modified: Option<Timestamp>,
}

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It is not there, or not any more.
    #[error("there is no file: `{}`", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// It is a folder, or something else that has no end.
    #[error("not a file: `{}`", path.display())]
    NotAFile {
        /// Where it is.
        path: PathBuf,
    },
    /// It was changed since the upload began.
    #[error("the file was changed while it was sent: `{}`", path.display())]
    Changed {
        /// Where it is.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("could not read `{}`", path.display())]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl FileError {
    fn new(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::IsADirectory => Self::NotAFile { path },
            _ => Self::Unreadable { path, source },
        }
    }

    /// Returns one short sentence for a person.
    pub fn sentence(&self) -> String {
        match self {
            Self::Missing { path } => format!("{} is not there.", path.display()),
            Self::NotAFile { path } => format!("{} is not a file.", path.display()),
            Self::Changed { path } => format!("{} changed while it was sent.", path.display()),
            Self::Unreadable { path, .. } => format!("{} could not be read.", path.display()),
        }
    }
}

/// The file, as it was when the upload began.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) stamp: FileStamp,
}

impl Source {
    pub(super) async fn open(path: &Path) -> Result<Self, FileError> {
        let path = path.to_owned();
        blocking(move || {
            let stamp = stamp(&path)?;
            // Whether it may be read is better known before the server is asked for a place.
            File::open(&path).map_err(|error| FileError::new(&path, error))?;
            Ok(Self { path, stamp })
        })
        .await
    }

    fn changed(&self) -> FileError {
        FileError::Changed {
            path: self.path.clone(),
        }
    }

    /// Tells if the file is not what it was.
    fn check(&self) -> Result<(), FileError> {
        if stamp(&self.path)? == self.stamp {
            return Ok(());
        }
        Err(self.changed())
    }

    /// Reads the whole file and returns its MD5.
    pub(super) async fn md5(&self) -> Result<[u8; 16], FileError> {
        let watch = Arc::new(BodyWatch::default());
        let range = PartRange {
            offset: 0,
            length: self.stamp.size_bytes,
        };
        let mut reader = Reader::new(self.clone(), range, Arc::clone(&watch), None);
        loop {
            let (next, piece) = blocking(move || reader.piece()).await?;
            reader = next;
            if piece.is_none() {
                return watch.md5().ok_or_else(|| self.changed());
            }
        }
    }
}

fn stamp(path: &Path) -> Result<FileStamp, FileError> {
    let metadata = std::fs::metadata(path).map_err(|error| FileError::new(path, error))?;
    if !metadata.is_file() {
        return Err(FileError::NotAFile {
            path: path.to_owned(),
        });
    }
    let modified = metadata.modified().ok();
    Ok(FileStamp {
        size_bytes: metadata.len(),
        modified: modified.and_then(|time| Timestamp::try_from(time).ok()),
    })
}

/// Reads files where waiting for a disk holds up nobody else.
async fn blocking<T: Send + 'static>(action: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(action).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that ends cancels it, and then nobody waits for this any more.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Where a part lies in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PartRange {
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// What happens to a body while somebody else reads it.
#[derive(Debug, Default)]
pub(super) struct BodyWatch {
    pub(super) moved: AtomicU64,
    md5: Mutex<Option<[u8; 16]>>,
    problem: Mutex<Option<FileError>>,
}

impl BodyWatch {
    /// Returns the MD5 of all that was read, once it was.
    pub(super) fn md5(&self) -> Option<[u8; 16]> {
        *self.md5.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what was wrong with the file, if that ended the body.
    pub(super) fn problem(&self) -> Option<FileError> {
        let mut problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        problem.take()
    }

    fn set_md5(&self, md5: [u8; 16]) {
        *self.md5.lock().unwrap_or_else(PoisonError::into_inner) = Some(md5);
    }

    /// Keeps the problem for whoever sent the request, and ends the body, so that it arrives as broken off.
    fn end_with(&self, problem: FileError) -> io::Error {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
        io::Error::other("the file cannot be sent")
    }
}

/// Returns a part as a body. Its last piece is let go only after the file was seen to be unchanged, and to have the
/// expected MD5, if there is one.
pub(super) fn body(
    source: &Source,
    range: PartRange,
    watch: &Arc<BodyWatch>,
    progress: &Arc<Progress>,
    expected: Option<[u8; 16]>,
) -> Body {
    let watch = Arc::clone(watch);
    let progress = Arc::clone(progress);
    let reader = Reader::new(source.clone(), range, Arc::clone(&watch), expected);
    let pieces = try_unfold(Some(reader), move |reader| {
        let watch = Arc::clone(&watch);
        let progress = Arc::clone(&progress);
        async move {
            let Some(reader) = reader else {
                return Ok(None);
            };
            let (reader, piece) = blocking(move || reader.piece())
                .await
                .map_err(|problem| watch.end_with(problem))?;
            Ok::<_, io::Error>(piece.map(|piece| {
                let bytes = piece.len() as u64;
                watch.moved.fetch_add(bytes, Ordering::Relaxed);
                progress.add(bytes);
                let is_last = reader.left == 0;
                (piece, (!is_last).then_some(reader))
            }))
        }
    });
    Body::wrap_stream(pieces)
}

struct Reader {
    source: Source,
    file: Option<File>,
    offset: u64,
    left: u64,
    digest: Md5,
    expected: Option<[u8; 16]>,
    watch: Arc<BodyWatch>,
}

impl Reader {
    fn new(
        source: Source,
        range: PartRange,
        watch: Arc<BodyWatch>,
        expected: Option<[u8; 16]>,
    ) -> Self {
        Self {
            source,
            file: None,
            offset: range.offset,
            left: range.length,
            digest: Md5::new(),
            expected,
            watch,
        }
    }

    /// Returns the next piece, or nothing after the last.
    fn piece(mut self) -> Result<(Self, Option<Vec<u8>>), FileError> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX);
        let mut piece = vec![0; wanted.min(PIECE_BYTES)];
        if !piece.is_empty() {
            self.read(&mut piece)?;
        }
        self.left -= piece.len() as u64;
        self.digest.update(&piece);
        if self.left == 0 && self.watch.md5().is_none() {
            self.source.check()?;
            let md5 = std::mem::take(&mut self.digest).finalize().into();
            if self.expected.is_some_and(|expected| expected != md5) {
                return Err(self.source.changed());
            }
            self.watch.set_md5(md5);
        }
        Ok((self, (!piece.is_empty()).then_some(piece)))
    }

    fn read(&mut self, piece: &mut [u8]) -> Result<(), FileError> {
        let path = &self.source.path;
        let unreadable = |error: io::Error| match error.kind() {
            // Shorter than it was.
            io::ErrorKind::UnexpectedEof => self.source.changed(),
            _ => FileError::new(path, error),
        };
        let file = match &mut self.file {
            Some(file) => file,
            place => {
                let mut file = File::open(path).map_err(unreadable)?;
                file.seek(SeekFrom::Start(self.offset))
                    .map_err(unreadable)?;
                place.insert(file)
            }
        };
        file.read_exact(piece).map_err(unreadable)
    }
}
