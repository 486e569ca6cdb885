//! A download that is under way.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use md5::{Digest, Md5};
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderValue, IF_RANGE, RANGE};
use reqwest::{RequestBuilder, Response, StatusCode};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::time::Instant;

use super::{Download, DownloadError, Downloaded};
use crate::error::CallError;
use crate::http;
use crate::metrics::{Exchange, RequestKind};
use crate::session::Session;
use crate::transfer::{PIECE_BYTES, StorageError, unless_stalled};
use crate::upload::hex;

pub(super) struct Fetching<'a> {
    session: &'a Session,
    download: &'a Download<'a>,
    beside: PathBuf,
    file: File,
    /// How much is in the file, and its MD5.
    here: u64,
    digest: Md5,
    /// What the version of the file is called whose beginning is here, if that began in this run.
    e_tag: Option<HeaderValue>,
}

impl<'a> Fetching<'a> {
    pub(super) async fn run(
        session: &'a Session,
        download: &'a Download<'a>,
    ) -> Result<Downloaded, DownloadError> {
        let beside = beside(download);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let opened = options.open(&beside).await;
        let file = opened.map_err(|source| DownloadError::Write {
            path: beside.clone(),
            source,
        })?;
        let mut fetching = Self {
            session,
            download,
            beside,
            file,
            here: 0,
            digest: Md5::new(),
            e_tag: None,
        };
        fetching.take_over().await?;
        let mut resumed_bytes = fetching.here;
        let md5 = loop {
            fetching.fetch().await?;
            match fetching.check().await {
                Ok(md5) => break md5,
                // The beginning was of another file.
                Err(_) if resumed_bytes > 0 => {
                    resumed_bytes = 0;
                    fetching.begin_anew().await?;
                }
                Err(error) => {
                    let removed = tokio::fs::remove_file(&fetching.beside).await;
                    fetching.written(removed)?;
                    return Err(error);
                }
            }
        };
        let synced = fetching.file.sync_all().await;
        fetching.written(synced)?;
        let renamed = tokio::fs::rename(&fetching.beside, download.to).await;
        fetching.written(renamed)?;
        Ok(Downloaded {
            size_bytes: fetching.here,
            md5,
            resumed_bytes,
        })
    }

    fn written<T>(&self, result: io::Result<T>) -> Result<T, DownloadError> {
        result.map_err(|source| DownloadError::Write {
            path: self.beside.clone(),
            source,
        })
    }

    /// Reads what an earlier run left behind.
    async fn take_over(&mut self) -> Result<(), DownloadError> {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let read = self.file.read(&mut piece).await;
            match self.written(read)? {
                0 => break,
                read => {
                    self.digest.update(&piece[..read]);
                    self.here += read as u64;
                }
            }
        }
        self.download.progress.set_done(self.here);
        Ok(())
    }

    async fn begin_anew(&mut self) -> Result<(), DownloadError> {
        let emptied = self.file.set_len(0).await;
        self.written(emptied)?;
        let rewound = self.file.rewind().await;
        self.written(rewound)?;
        self.here = 0;
        self.digest = Md5::new();
        self.e_tag = None;
        self.download.progress.set_done(0);
        Ok(())
    }

    /// Fetches what is missing, as often as it takes.
    async fn fetch(&mut self) -> Result<(), DownloadError> {
        let mut trying = self.download.retries.begin();
        loop {
            let before = self.here;
            let error = match self.fetch_once().await {
                Ok(()) => return Ok(()),
                Err(DownloadError::Storage(error)) if error.is_transient() => error,
                Err(error) => return Err(error),
            };
            if self.here > before {
                trying = self.download.retries.begin();
            }
            if !trying.again(error.retry_after()).await {
                return Err(error.into());
            }
            tracing::debug!(%error, "taking the download up again");
        }
    }

    async fn fetch_once(&mut self) -> Result<(), DownloadError> {
        let began = Instant::now();
        let moved = AtomicU64::new(0);
        let result = self.fetch_from_here(&moved).await;
        self.session.transport().metrics.count(&Exchange {
            kind: RequestKind::Download,
            bytes_sent: 0,
            bytes_received: moved.load(Ordering::Relaxed),
            took: began.elapsed(),
            failure: result.as_ref().err().map(|error| match error {
                DownloadError::Storage(error) => error.kind(),
                DownloadError::Other { .. } => "damaged",
                DownloadError::Write { .. } => "file",
            }),
        });
        result
    }

    async fn fetch_from_here(&mut self, moved: &AtomicU64) -> Result<(), DownloadError> {
        let url = (self.session).file_url("/component/get", self.download.component_id);
        let (here, e_tag) = (self.here, self.e_tag.clone());
        let rest = |request: RequestBuilder| match (here, &e_tag) {
            (0, _) => request,
            (_, None) => request.header(RANGE, format!("bytes={here}-")),
            (_, Some(tag)) => request
                .header(RANGE, format!("bytes={here}-"))
                .header(IF_RANGE, tag),
        };
        let mut answer = match self.session.follow(url, rest, moved).await {
            // There is nothing behind what is here: all of it is, or it is of something else. Checks tell.
            Err(StorageError::Refused { status: 416, .. }) if here > 0 => return Ok(()),
            answer => answer?,
        };
        if !continues(&answer, here) {
            self.begin_anew().await?;
        }
        let total = total(&answer).or_else(|| length(&answer).filter(|_| self.here == 0));
        if let (Some(total), Some(expected)) = (total, self.download.size_bytes)
            && total != expected
        {
            return Err(other_size(expected, total));
        }
        self.download.progress.set_total(total.unwrap_or(0));
        if self.here == 0 {
            let is_strong = |tag: &&HeaderValue| !tag.as_bytes().starts_with(b"W/");
            self.e_tag = answer.headers().get(ETAG).filter(is_strong).cloned();
        }
        let stall = self.session.timeouts().stall;
        while let Some(piece) = next_piece(&mut answer, moved, stall).await? {
            let written = self.file.write_all(&piece).await;
            self.written(written)?;
            self.digest.update(&piece);
            self.here += piece.len() as u64;
            self.download.progress.add(piece.len() as u64);
        }
        if total.is_some_and(|total| self.here < total) {
            let detail = "it ended before the file did".to_owned();
            return Err(CallError::Interrupted { detail }.into());
        }
        Ok(())
    }

    /// Compares what is here with what should be, and returns its MD5.
    async fn check(&mut self) -> Result<String, DownloadError> {
        let flushed = self.file.flush().await;
        self.written(flushed)?;
        if let Some(expected) = self.download.size_bytes.filter(|size| *size != self.here) {
            return Err(other_size(expected, self.here));
        }
        let md5 = hex(&self.digest.clone().finalize());
        match self.download.md5 {
            Some(expected) if !expected.eq_ignore_ascii_case(&md5) => Err(DownloadError::Other {
                expected: format!("the MD5 {expected}"),
                found: format!("the MD5 {md5}"),
            }),
            _ => Ok(md5),
        }
    }
}

fn other_size(expected: u64, found: u64) -> DownloadError {
    DownloadError::Other {
        expected: format!("{expected} bytes"),
        found: format!("{found} bytes"),
    }
}

/// The file beside the place: of the same component, so that it can be taken up again, and of no other.
fn beside(download: &Download<'_>) -> PathBuf {
    let mut name = download.to.file_name().unwrap_or_default().to_owned();
    let is_plain = |character: &char| character.is_ascii_alphanumeric() || *character == '-';
    let component: String = download.component_id.chars().filter(is_plain).collect();
    name.push(format!(".{component}.part"));
    download.to.with_file_name(name)
}

/// Returns whether the answer goes on at `here`, instead of beginning from the start.
fn continues(answer: &Response, here: u64) -> bool {
    if answer.status() != StatusCode::PARTIAL_CONTENT {
        return here == 0;
    }
    let range = answer.headers().get(CONTENT_RANGE);
    let range = range.and_then(|range| range.to_str().ok()?.strip_prefix("bytes "));
    range.is_some_and(|range| range.split('-').next() == Some(here.to_string().as_str()))
}

/// Returns the size of the whole file, of which a part comes: `bytes 5-9/10`.
pub(super) fn total(answer: &Response) -> Option<u64> {
    let range = answer.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    range.rsplit_once('/')?.1.parse().ok()
}

pub(super) fn length(answer: &Response) -> Option<u64> {
    let length = answer.headers().get(CONTENT_LENGTH)?.to_str().ok()?;
    length.parse().ok()
}

/// Returns what comes next, or nothing at the end.
pub(super) async fn next_piece(
    answer: &mut Response,
    moved: &AtomicU64,
    stall: Duration,
) -> Result<Option<bytes::Bytes>, StorageError> {
    let piece = unless_stalled(moved, stall, answer.chunk()).await?;
    let piece = piece.map_err(|error| StorageError::Connection(http::failure(&error, stall)))?;
    moved.fetch_add(
        piece.as_ref().map_or(0, bytes::Bytes::len) as u64,
        Ordering::Relaxed,
    );
    Ok(piece)
}
