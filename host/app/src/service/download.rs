//! Files and thumbnails of ftrack, into a job's folder.

use std::sync::Arc;
use std::time::Duration;

use callboard_protocol::{Failure, FailureKind, FetchedFile, FtrackDownload, Progress};
use ftrack::{Download, DownloadError, StorageError};
use tokio::time::{MissedTickBehavior, interval};

use super::job_folders::Unfinished;
use super::serve::Serving;
use super::{Server, sha256};

/// How often a download says how far it is.
const TELL: Duration = Duration::from_millis(250);

/// Fetches what a plugin asks for, and gives it to the job when it is whole.
///
/// # Errors
///
/// When there is no such file, it is too large, or it could not be fetched; nothing is left of it then.
pub(super) async fn download(
    serving: &Serving<'_>,
    asked: &FtrackDownload,
) -> Result<FetchedFile, Failure> {
    let services = serving.services;
    let session = services.server.session()?;
    let _room = services.transfers.acquire().await;
    let unfinished = services.folders.unfinished()?;
    let checksum = match asked.thumbnail {
        Some(size) => thumbnail(serving, &session, asked, size, &unfinished).await?,
        None => file(serving, &session, asked, &unfinished).await?,
    };
    let written = tokio::fs::metadata(unfinished.file()).await;
    let size_bytes = written.map_err(|error| not_written(&error))?.len();
    let path = serving.give(unfinished, &asked.name).await?;
    Ok(FetchedFile {
        path: path.display().to_string(),
        size_bytes,
        checksum,
    })
}

async fn thumbnail(
    serving: &Serving<'_>,
    session: &ftrack::Session,
    asked: &FtrackDownload,
    size: u32,
    unfinished: &Unfinished,
) -> Result<String, Failure> {
    let image = session.thumbnail(&asked.component_id, size).await;
    let image = image.map_err(|error| failure(&serving.services.server, error.into()))?;
    check_size(image.len() as u64, asked)?;
    let written = tokio::fs::write(unfinished.file(), &image).await;
    written.map_err(|error| not_written(&error))?;
    Ok(sha256(&image))
}

async fn file(
    serving: &Serving<'_>,
    session: &ftrack::Session,
    asked: &FtrackDownload,
    unfinished: &Unfinished,
) -> Result<String, Failure> {
    let to = unfinished.file();
    let progress = Arc::new(ftrack::Progress::default());
    let mut download = Download::new(&asked.component_id, &to);
    download.progress = Arc::clone(&progress);
    let mut fetching = std::pin::pin!(session.download(download));
    let mut tell = interval(TELL);
    tell.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let downloaded = loop {
        tokio::select! {
            downloaded = &mut fetching => break downloaded,
            _ = tell.tick() => {
                check_size(progress.total_bytes().max(progress.done_bytes()), asked)?;
                serving.advance(how_far(&progress, &asked.name)).await;
            }
        }
    };
    let downloaded = downloaded.map_err(|error| failure(&serving.services.server, error))?;
    check_size(downloaded.size_bytes, asked)?;
    Ok(format!("md5:{}", downloaded.md5))
}

fn how_far(progress: &ftrack::Progress, name: &str) -> Progress {
    let (done, total) = (progress.done_bytes(), progress.total_bytes());
    #[expect(
        clippy::cast_precision_loss,
        reason = "a fraction for a progress bar needs no more than a few digits"
    )]
    let fraction = (total > 0).then(|| (done as f64 / total as f64).min(1.0));
    Progress {
        fraction,
        text: format!("fetching {name}"),
        ..Progress::default()
    }
}

fn check_size(bytes: u64, asked: &FtrackDownload) -> Result<(), Failure> {
    match asked.max_bytes {
        Some(most) if bytes > most => Err(Failure::new(
            FailureKind::Limit,
            format!("the file has more than {most} bytes"),
        )
        .hint("allow more with `max_bytes`")),
        _ => Ok(()),
    }
}

fn failure(server: &Server, error: DownloadError) -> Failure {
    match error {
        DownloadError::Storage(StorageError::Connection(error)) => server.failure(&error),
        DownloadError::Storage(StorageError::Gone { .. }) => {
            Failure::not_found("ftrack has no such file, or not for this user")
                .hint("check the component's id")
        }
        DownloadError::Write { source, .. } => not_written(&source),
        error if error.is_transient() => {
            Failure::new(FailureKind::Unavailable, "ftrack did not give the file")
                .hint("try again")
                .caused_by(&error)
        }
        error => Failure::new(FailureKind::Ftrack, "ftrack did not give the file")
            .hint("look for the component in ftrack")
            .caused_by(&error),
    }
}

/// Says that a file could not be written.
pub(super) fn not_written(error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::Unavailable, "could not write the file")
        .hint("free some space on the disk")
        .caused_by(error)
}
