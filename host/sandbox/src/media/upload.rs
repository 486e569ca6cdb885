//! Uploads: in one piece or in parts, kept over a restart until they are complete or expire.
//!
//! An open upload is a folder of its name below `incoming`, with what the client said of it and, under
//! their number and MD5, the parts that have arrived. Its name cannot be guessed, so it is also the
//! permission to send.

mod places;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use uuid::Uuid;

pub(super) use self::places::Placing;
use self::places::{Place, Source, WHOLE, size_in_place};
use super::{Media, MediaError, check_id};
use crate::disk::Disk;
use crate::time::Seconds;

/// Pieces that may wait for the disk; together they bound the memory that an upload takes.
const WAITING_PIECES: usize = 8;

/// How long the address of an upload holds. Assumed: a day, as such stores give it to uploads in parts.
const HOLDS_SECS: Seconds = 24 * 3600;

/// How long a client may send nothing in the middle of a file.
const SILENT_FOR: Duration = Duration::from_secs(120);

/// How often what was never completed is looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// The most parts of an upload. Assumed to be what S3 allows.
pub(crate) const MOST_PARTS: u64 = 10_000;

/// What a client said it would send.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Upload {
    pub(crate) component_id: String,
    /// Base64 of the MD5, if the client computed it.
    pub(crate) checksum: Option<String>,
    /// How many parts, if it is sent in parts.
    pub(crate) parts: Option<u64>,
}

/// An upload as it is kept.
#[derive(Debug, Deserialize, Serialize)]
struct Record {
    #[serde(flatten)]
    upload: Upload,
    expires: Seconds,
    is_complete: bool,
    /// How many bytes each part but the last has, once one has come.
    #[serde(default)]
    part_bytes: Option<u64>,
}

/// A part as the client counts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartTag {
    pub(crate) part: u64,
    pub(crate) tag: String,
}

/// What a request says of the bytes it carries.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Claim<'a> {
    pub(crate) part: Option<u64>,
    /// The header `Content-MD5`.
    pub(crate) md5: Option<&'a str>,
    /// The header `Content-Length`.
    pub(crate) length: Option<u64>,
}

impl Media {
    fn upload_folder(&self, id: &str) -> Result<PathBuf, MediaError> {
        check_id(id).map_err(|_| MediaError::UnknownUpload)?;
        Ok(self.folder()?.join("incoming").join(id))
    }

    /// Opens an upload and returns its id.
    pub(crate) fn begin(&self, upload: Upload, now: Seconds) -> Result<String, MediaError> {
        check_id(&upload.component_id)?;
        if let Some(checksum) = &upload.checksum {
            md5_from_base64(checksum)?;
        }
        self.sweep(now);
        let id = Uuid::new_v4().simple().to_string();
        let folder = self.upload_folder(&id)?;
        fs::create_dir(&folder)?;
        let record = Record {
            upload,
            expires: now + HOLDS_SECS,
            is_complete: false,
            part_bytes: None,
        };
        self.write_record(&folder, &record)?;
        Ok(id)
    }

    fn write_record(&self, folder: &Path, record: &Record) -> Result<(), MediaError> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut file, record).map_err(io::Error::from)?;
        if self.is_durable() {
            file.as_file().sync_all()?;
        }
        file.persist(folder.join("upload.json"))
            .map_err(|error| error.error)?;
        Ok(())
    }

    fn record(&self, id: &str) -> Result<(PathBuf, Record), MediaError> {
        let folder = self.upload_folder(id)?;
        let text = match fs::read(folder.join("upload.json")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(MediaError::UnknownUpload);
            }
            Err(error) => return Err(error.into()),
        };
        let record = serde_json::from_slice(&text).map_err(io::Error::from)?;
        Ok((folder, record))
    }

    /// Receives a whole file, or one part of it, and returns its MD5 in hexadecimal digits.
    ///
    /// What is sent again takes the place of what was there.
    pub(crate) async fn receive(
        &self,
        id: &str,
        claim: Claim<'_>,
        body: Body,
        now: Seconds,
    ) -> Result<String, MediaError> {
        let (folder, record) = self.record(id)?;
        if now >= record.expires {
            return Err(MediaError::Expired);
        }
        match (claim.part, record.upload.parts) {
            (None, None) => {}
            (Some(part), Some(parts)) if (1..=parts).contains(&part) => {}
            (Some(part), _) => return Err(MediaError::UnknownPart { part }),
            (None, Some(_)) => return Err(MediaError::UnknownUpload),
        }
        if record.is_complete {
            return Err(MediaError::UnknownUpload);
        }
        let expected = match (claim.md5, claim.part, &record.upload.checksum) {
            (Some(md5), ..) => Some(md5_from_base64(md5)?),
            (None, None, Some(checksum)) => Some(md5_from_base64(checksum)?),
            _ => None,
        };
        if let Some(part) = claim.part
            && let Some(place) = self.place(id, part, claim.length)?
        {
            let file = place.open(&folder)?;
            let held = Some(Arc::clone(&place));
            let tag = self.receive_file(file, body, held, expected).await?;
            let _turn = self
                .completing
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let note = place.note(&folder, &tag)?;
            forget_other_parts(&folder, part, &note)?;
            return Ok(tag);
        }
        // It goes when this is dropped, as it is when the client goes away, unless it was moved to its place.
        let (file, arriving) = tempfile::NamedTempFile::new_in(&folder)?.into_parts();
        let tag = self.receive_file(file, body, None, expected).await?;
        match claim.part {
            Some(part) => {
                let place = folder.join(part_name(part, &tag));
                // One at a time, so that two who send the same part do not remove each other's.
                let _turn = self
                    .completing
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                arriving.persist(&place).map_err(|error| error.error)?;
                forget_other_parts(&folder, part, &place)?;
            }
            None => {
                let component_id = &record.upload.component_id;
                let place = self.folder()?.join(component_id);
                arriving.persist(place).map_err(|error| error.error)?;
                self.forget_thumbnails(component_id);
                self.sync_folder()?;
            }
        }
        Ok(tag)
    }

    /// Writes and digests on a thread that may wait for the disk, while the next pieces arrive, and returns the MD5
    /// in hexadecimal digits.
    async fn receive_file(
        &self,
        file: File,
        body: Body,
        place: Option<Arc<Place>>,
        expected: Option<[u8; 16]>,
    ) -> Result<String, MediaError> {
        let mut body = body.into_data_stream();
        let (sender, pieces) = mpsc::channel(WAITING_PIECES);
        let (disk, is_durable) = (self.disk.clone(), self.is_durable());
        let writing = tokio::task::spawn_blocking(move || {
            // A request that breaks off is over before this is, and nobody else may have the place meanwhile.
            let announced = place.as_ref().map(|place| place.length);
            write_pieces(file, pieces, &disk, is_durable, announced)
        });
        loop {
            let next = tokio::time::timeout(SILENT_FOR, body.next()).await;
            let Some(piece) = next.map_err(|_| MediaError::Stalled)? else {
                break;
            };
            let piece = piece.map_err(MediaError::BrokenOff)?;
            if sender.send(piece).await.is_err() {
                // The writer has failed, and says why.
                break;
            }
        }
        drop(sender);
        let written = writing
            .await
            .map_err(|error| MediaError::File(io::Error::other(error)))?;
        let digest = written?;
        if expected.is_some_and(|expected| expected != digest) {
            return Err(MediaError::WrongChecksum);
        }
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Puts the parts of an upload together and returns the component's id. Once more does no harm: a client
    /// whose answer was lost asks again.
    pub(crate) fn complete(
        &self,
        id: &str,
        listed: &[PartTag],
        now: Seconds,
    ) -> Result<String, MediaError> {
        let (folder, record) = self.record(id)?;
        let component_id = record.upload.component_id.clone();
        if record.is_complete {
            return Ok(component_id);
        }
        if now >= record.expires {
            return Err(MediaError::Expired);
        }
        let parts = record.upload.parts.ok_or(MediaError::UnknownUpload)?;
        let _completing = Completing::begin(self, id)?;
        let sources = Source::of_parts(&folder, parts, |part| {
            let tag = listed.iter().find(|listed| listed.part == part);
            tag.map(|tag| tag.tag.clone())
        })?;
        match size_in_place(&sources) {
            Some(size) => self.take_whole(&folder, size, &component_id)?,
            None => self.copy_together(&folder, &sources, &component_id)?,
        }
        self.forget_thumbnails(&component_id);
        self.sync_folder()?;
        self.write_record(
            &folder,
            &Record {
                is_complete: true,
                ..record
            },
        )?;
        forget_parts(&folder)?;
        Ok(component_id)
    }

    /// Gives the file that the parts were written to its name.
    fn take_whole(&self, folder: &Path, size: u64, component_id: &str) -> Result<(), MediaError> {
        let whole = folder.join(WHOLE);
        let finished = self.folder()?.join(component_id);
        if !whole.exists() && finished.is_file() {
            // It was given its name before, by a server that was killed before it could note that.
            return Ok(());
        }
        let file = File::options().write(true).open(&whole)?;
        // A last part that never arrived may have been longer than the one that did.
        file.set_len(size)?;
        if self.is_durable() {
            file.sync_all()?;
        }
        Ok(fs::rename(whole, finished)?)
    }

    fn copy_together(
        &self,
        folder: &Path,
        sources: &[Source],
        component_id: &str,
    ) -> Result<(), MediaError> {
        let mut whole = tempfile::NamedTempFile::new_in(folder)?;
        for source in sources {
            let length = usize::try_from(source.length()?).unwrap_or(usize::MAX);
            self.disk.write(length)?;
            source.append_to(whole.as_file_mut(), folder)?;
        }
        if self.is_durable() {
            whole.as_file().sync_all()?;
        }
        let finished = self.folder()?.join(component_id);
        whole.persist(finished).map_err(|error| error.error)?;
        Ok(())
    }

    /// Removes uploads that have expired, and what a killed server was working on.
    fn sweep(&self, now: Seconds) {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.is_some_and(|last| last.elapsed() < SWEEP_EVERY) {
            return;
        }
        *swept = Some(Instant::now());
        drop(swept);
        if let Err(error) = self.remove_expired(now) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "could not clean up"
            );
        }
    }

    pub(super) fn remove_expired(&self, now: Seconds) -> Result<(), MediaError> {
        for entry in fs::read_dir(self.folder()?.join("incoming"))?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            // A folder that says nothing is that of an upload which was never told to anybody.
            let has_expired = match self.record(&name) {
                Ok((_, record)) => now >= record.expires,
                Err(MediaError::UnknownUpload) => is_older(&entry.path(), SWEEP_EVERY),
                Err(_) => true,
            };
            if has_expired {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

fn is_older(path: &Path, than: Duration) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > than))
}

/// Marks an upload as being put together, for as long as it lives.
struct Completing<'a> {
    media: &'a Media,
    id: &'a str,
}

impl<'a> Completing<'a> {
    fn begin(media: &'a Media, id: &'a str) -> Result<Self, MediaError> {
        let mut completing = media
            .completing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if completing.insert(id.to_owned()) {
            Ok(Self { media, id })
        } else {
            Err(MediaError::Busy)
        }
    }
}

impl Drop for Completing<'_> {
    fn drop(&mut self) {
        self.media
            .completing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(self.id);
    }
}

/// The name of a part. A client's tag is part of a path, so it is cut down to what a tag can be.
fn part_name(part: u64, tag: &str) -> String {
    let tag: String = tag.chars().filter(char::is_ascii_hexdigit).collect();
    format!("part-{part}-{}", tag.to_ascii_lowercase())
}

fn forget_other_parts(folder: &Path, part: u64, kept: &Path) -> io::Result<()> {
    let prefixes = [part_name(part, ""), format!("placed-{part}-")];
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_same_part = prefixes.iter().any(|prefix| name.starts_with(prefix));
        if is_same_part && entry.path() != kept {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Removes all that arrived of an upload which is complete.
fn forget_parts(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name == WHOLE || name.starts_with("part-") || name.starts_with("placed-") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn md5_from_base64(text: &str) -> Result<[u8; 16], MediaError> {
    let bytes = STANDARD.decode(text.trim()).ok();
    let digest = bytes.and_then(|bytes| bytes.try_into().ok());
    digest.ok_or_else(|| MediaError::BadChecksum {
        text: text.chars().take(64).collect(),
    })
}

fn write_pieces(
    mut file: File,
    mut pieces: mpsc::Receiver<Bytes>,
    disk: &Disk,
    is_durable: bool,
    announced: Option<u64>,
) -> io::Result<[u8; 16]> {
    let mut digest = Md5::new();
    let mut left = announced;
    while let Some(piece) = pieces.blocking_recv() {
        if let Some(left) = &mut left {
            // What comes behind the place is another part's.
            *left = left
                .checked_sub(piece.len() as u64)
                .ok_or_else(|| io::Error::other("more bytes came than were announced"))?;
        }
        digest.update(&piece);
        disk.write(piece.len())?;
        file.write_all(&piece)?;
    }
    if left.is_some_and(|left| left > 0) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if is_durable {
        file.sync_all()?;
    }
    Ok(digest.finalize().into())
}
