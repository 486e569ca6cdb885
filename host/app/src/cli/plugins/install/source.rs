//! Where a plugin comes from, and getting hold of it.

use std::path::{Path, PathBuf};

use callboard_protocol::{Failure, FailureKind};
use install::{DownloadError, Downloaded, Signature, SignatureError, Store, download, is_url};

use super::super::super::print::remark;
use super::super::super::problem::Problem;
use super::super::super::resident;
use super::{Terms, failure};

/// Where a plugin comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Source {
    /// An address.
    Url(String),
    /// An archive or a folder, absolute.
    Path(PathBuf),
}

/// A plugin that is within reach.
pub(in super::super) enum Obtained {
    /// Its folder.
    Folder(PathBuf),
    /// An archive.
    Archive {
        /// Where it lies.
        path: PathBuf,
        /// What it is called, which may say which plugin it is.
        name: String,
        /// The signature beside it, and where that is.
        signature: Option<(Signature, PathBuf)>,
        /// What was fetched, to be forgotten when all went well.
        downloaded: Option<Downloaded>,
    },
}

impl Source {
    /// Reads what a person typed.
    ///
    /// # Errors
    ///
    /// When nothing is there.
    pub(in super::super) fn from_argument(text: &str) -> Result<Self, Failure> {
        Self::from_lock(text, Path::new("."))
    }

    /// Reads what a lock in `folder` says.
    ///
    /// # Errors
    ///
    /// When nothing is there.
    pub(in super::super) fn from_lock(text: &str, folder: &Path) -> Result<Self, Failure> {
        if is_url(text) {
            return Ok(Self::Url(text.to_owned()));
        }
        let path = folder.join(text);
        path.canonicalize().map(Self::Path).map_err(|error| {
            Failure::not_found(format!("could not find `{}`", path.display()))
                .caused_by(&error)
                .hint("check the path, and that you may read it")
        })
    }

    /// Returns what the lock is to say.
    pub(in super::super) fn text(&self) -> String {
        match self {
            Self::Url(url) => url.clone(),
            Self::Path(path) => path.display().to_string(),
        }
    }
}

/// Gets hold of a plugin: fetches it where it is elsewhere.
///
/// # Errors
///
/// When it cannot be fetched, or its signature cannot be read.
pub(in super::super) fn obtain(
    source: &Source,
    store: &Store,
    terms: &Terms,
) -> Result<Obtained, Problem> {
    match source {
        Source::Url(url) => fetch(url, store, terms),
        Source::Path(path) if path.is_dir() => Ok(Obtained::Folder(path.clone())),
        Source::Path(path) => {
            let mut beside = path.clone().into_os_string();
            beside.push(".sig");
            let beside = PathBuf::from(beside);
            let signature =
                Signature::read(&beside).map_err(|error| failure_from_signature(&error))?;
            Ok(Obtained::Archive {
                name: name_of(path),
                path: path.clone(),
                signature: signature.map(|signature| (signature, beside)),
                downloaded: None,
            })
        }
    }
}

fn fetch(url: &str, store: &Store, terms: &Terms) -> Result<Obtained, Problem> {
    let runtime = resident::runtime()?;
    let fetched = runtime.block_on(download(url, &store.downloads(), &terms.way, &terms.limits));
    resident::end(runtime);
    let downloaded = fetched.map_err(|error| failure_from_download(&error))?;
    let beside = PathBuf::from(format!("{}.sig", downloaded.name));
    let signature = downloaded.signature.as_deref().map(Signature::parse);
    let signature = match signature {
        Some(Ok(signature)) => Some((signature, beside)),
        // Some servers answer every address with a page. Where a signature is required, this is none.
        Some(Err(_)) | None => None,
    };
    Ok(Obtained::Archive {
        path: downloaded.path.clone(),
        name: downloaded.name.clone(),
        signature,
        downloaded: Some(downloaded),
    })
}

impl Obtained {
    /// Deletes what was fetched for this.
    pub(in super::super) fn forget(self) {
        if let Self::Archive {
            downloaded: Some(downloaded),
            ..
        } = self
            && let Err(error) = downloaded.forget()
        {
            remark(&format!("note: could not delete what was fetched: {error}"));
        }
    }
}

/// Returns the last name of a path.
pub(in super::super) fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

pub(in super::super) fn failure_from_signature(error: &SignatureError) -> Failure {
    failure(FailureKind::Denied, error, error.hint())
}

fn failure_from_download(error: &DownloadError) -> Failure {
    let kind = match error {
        DownloadError::BadUrl { .. } | DownloadError::BadSettings { .. } => FailureKind::Invalid,
        DownloadError::BadRedirect { .. } => FailureKind::Denied,
        DownloadError::TooLarge { .. } => FailureKind::Limit,
        DownloadError::Busy { .. } => FailureKind::Conflict,
        DownloadError::Refused {
            status: 404 | 410, ..
        } => FailureKind::NotFound,
        _ => FailureKind::Unavailable,
    };
    failure(kind, error, error.hint())
}
