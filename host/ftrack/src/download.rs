//! Files on their way from the server.

mod fetching;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use reqwest::header::{ACCEPT_ENCODING, RANGE};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};

use crate::error::CallError;
use crate::session::Session;
use crate::transfer::{Progress, Retries, StorageError, send};

use fetching::{Fetching, length, next_piece, total};

/// How many times the server may point elsewhere before it has the file.
const MOST_REDIRECTS: usize = 5;

/// Thumbnails are far below this.
const LARGEST_THUMBNAIL: usize = 32 * 1024 * 1024;

/// A file that is to be fetched.
#[derive(Debug)]
pub struct Download<'a> {
    /// The component whose file it is.
    pub component_id: &'a str,
    /// Where it goes. What is there is replaced, when the new file is whole.
    pub to: &'a Path,
    /// How large it is; a file of another size is refused.
    pub size_bytes: Option<u64>,
    /// Its MD5 in hexadecimal digits; a file with another is refused.
    pub md5: Option<&'a str>,
    /// How often it is tried.
    pub retries: Retries,
    /// Says how far it is.
    pub progress: Arc<Progress>,
}

impl<'a> Download<'a> {
    /// Fetches the file of a component, whatever its size.
    pub fn new(component_id: &'a str, to: &'a Path) -> Self {
        Self {
            component_id,
            to,
            size_bytes: None,
            md5: None,
            retries: Retries::default(),
            progress: Arc::default(),
        }
    }
}

/// A file that is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// Its size.
    pub size_bytes: u64,
    /// Its MD5 in hexadecimal digits.
    pub md5: String,
    /// How much of it was here from an earlier run.
    pub resumed_bytes: u64,
}

/// Why a file is not here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The server did not give it. [`StorageError::Gone`] means that there is none, or that the user may not have it.
    #[error("could not fetch the file")]
    Storage(#[from] StorageError),
    /// What came is not what should have come.
    #[error("the file has {found}, not {expected}")]
    Other {
        /// What should have come.
        expected: String,
        /// What came.
        found: String,
    },
    /// It could not be written.
    #[error("could not write `{}`", path.display())]
    Write {
        /// Where it should go.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl From<CallError> for DownloadError {
    fn from(error: CallError) -> Self {
        Self::Storage(StorageError::Connection(error))
    }
}

impl DownloadError {
    /// Returns whether the same may succeed later with nothing changed here.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Storage(error) if error.is_transient())
    }

    /// Returns one short sentence for a person.
    pub fn sentence(&self) -> String {
        match self {
            Self::Storage(StorageError::Gone { .. }) => {
                "ftrack has no such file, or not for this user.".to_owned()
            }
            Self::Storage(error) => error.sentence(),
            Self::Other { .. } => "ftrack has another file than expected.".to_owned(),
            Self::Write { path, .. } => format!("{} could not be written.", path.display()),
        }
    }
}

impl Session {
    /// Fetches the file of a component into a file beside its place, and renames it when it is whole.
    ///
    /// A connection that breaks is taken up again where it broke, and so is what an earlier run left behind. Dropping
    /// the future gives up, and leaves what has come for the next time.
    ///
    /// # Errors
    ///
    /// Returns why the file is not here.
    pub async fn download(&self, download: Download<'_>) -> Result<Downloaded, DownloadError> {
        tokio::select! {
            biased;
            () = self.transport().closed() => Err(CallError::Cancelled.into()),
            result = Fetching::run(self, &download) => result,
        }
    }

    /// Returns the image of a thumbnail, fitted into a square of `size` pixels.
    ///
    /// # Errors
    ///
    /// Returns why there is none.
    pub async fn thumbnail(&self, component_id: &str, size: u32) -> Result<Vec<u8>, StorageError> {
        let mut url = self.file_url("/component/thumbnail", component_id);
        url.query_pairs_mut().append_pair("size", &size.to_string());
        let stall = self.timeouts().stall;
        let moved = AtomicU64::new(0);
        let mut answer = self.follow(url, |request| request, &moved).await?;
        let mut image = Vec::new();
        while let Some(piece) = next_piece(&mut answer, &moved, stall).await? {
            image.extend_from_slice(&piece);
            if image.len() > LARGEST_THUMBNAIL {
                let detail = "the thumbnail does not end".to_owned();
                return Err(StorageError::Connection(CallError::Interrupted { detail }));
            }
        }
        Ok(image)
    }

    /// Returns the size of a component's file, or `None` where there is no file.
    ///
    /// # Errors
    ///
    /// Returns why that cannot be told.
    pub async fn stored_size(&self, component_id: &str) -> Result<Option<u64>, StorageError> {
        let url = self.file_url("/component/get", component_id);
        let first_byte = |request: RequestBuilder| request.header(RANGE, "bytes=0-0");
        match self.follow(url, first_byte, &AtomicU64::new(0)).await {
            Ok(answer) if answer.status() == StatusCode::PARTIAL_CONTENT => Ok(total(&answer)),
            Ok(answer) => Ok(length(&answer)),
            Err(StorageError::Gone { .. }) => Ok(None),
            // The first byte of nothing.
            Err(StorageError::Refused { status: 416, .. }) => Ok(Some(0)),
            Err(error) => Err(error),
        }
    }

    /// Files are asked for with the credentials in the address, so it is never shown or logged.
    fn file_url(&self, path: &str, component_id: &str) -> Url {
        let mut url = self.server().join(path);
        url.query_pairs_mut().append_pair("id", component_id);
        self.transport().add_credentials(&mut url);
        url
    }

    /// Asks for a file, and at the places that the server points to. Those are given no credentials.
    async fn follow(
        &self,
        url: Url,
        with: impl Fn(RequestBuilder) -> RequestBuilder,
        moved: &AtomicU64,
    ) -> Result<Response, StorageError> {
        let mut url = url;
        for _ in 0..=MOST_REDIRECTS {
            let request = with(self.transport().request(Method::GET, url.clone()));
            // What is packed on the way has neither the size nor the ranges of the file.
            let request = request.header(ACCEPT_ENCODING, "identity");
            let stall = self.timeouts().stall;
            match send(request, moved, stall).await {
                Err(StorageError::Redirected { to }) => {
                    let target = url
                        .join(to.expose())
                        .ok()
                        .filter(|target| is_as_safe(&url, target));
                    url = target.ok_or(StorageError::Refused {
                        status: 302,
                        said: "it points to no address that could be used".to_owned(),
                    })?;
                }
                result => return result,
            }
        }
        Err(StorageError::Refused {
            status: 302,
            said: "it points elsewhere again and again".to_owned(),
        })
    }
}

/// A server with TLS does not send its callers to where there is none.
fn is_as_safe(from: &Url, to: &Url) -> bool {
    matches!(to.scheme(), "https" | "http") && (from.scheme() == "http" || to.scheme() == "https")
}
