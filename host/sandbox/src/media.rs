//! The files of components: uploads in one piece or in parts, and what has arrived.
//!
//! A file is written beside its place and renamed into it when it is whole and its checksum fits, so
//! nobody reads half a file. Uploads come before the component exists, because the official Python
//! client sends them in that order.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use axum::body::{Body, BodyDataStream};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use md5::{Digest, Md5};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use crate::disk::Disk;

/// How much of a file is in memory at a time.
const PIECE: usize = 256 * 1024;

/// Where files lie, and which uploads are open.
#[derive(Debug)]
pub(crate) struct Media {
    data: Option<PathBuf>,
    /// Made with the first upload, so that a sandbox without files leaves no trace.
    folder: OnceLock<Folder>,
    uploads: Mutex<HashMap<String, Upload>>,
    disk: Disk,
}

#[derive(Debug)]
enum Folder {
    Kept(PathBuf),
    /// Goes with the sandbox.
    Temporary(TempDir),
}

/// What a client said it would send.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) component_id: String,
    /// Base64 of the MD5, if the client computed it.
    pub(crate) checksum: Option<String>,
    /// How many parts, if it is sent in parts.
    pub(crate) parts: Option<u64>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum MediaError {
    #[error("there is no such upload")]
    UnknownUpload,
    #[error("`{id}` is no id")]
    BadId { id: String },
    #[error("the checksum of what arrived is another")]
    WrongChecksum,
    #[error("the upload broke off")]
    BrokenOff(#[source] axum::Error),
    #[error("could not keep the file")]
    File(#[from] io::Error),
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
        Self {
            disk,
            data: data.map(Path::to_owned),
            folder: OnceLock::new(),
            uploads: Mutex::default(),
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
                std::fs::create_dir_all(made.path().join("incoming"))?;
                self.folder.get_or_init(|| made)
            }
        };
        Ok(folder.path())
    }

    fn uploads(&self) -> MutexGuard<'_, HashMap<String, Upload>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens an upload; its id is also the permission to send.
    pub(crate) fn begin(&self, upload: Upload) -> Result<String, MediaError> {
        check_id(&upload.component_id)?;
        let id = Uuid::new_v4().simple().to_string();
        self.uploads().insert(id.clone(), upload);
        Ok(id)
    }

    fn upload(&self, id: &str) -> Result<Upload, MediaError> {
        self.uploads()
            .get(id)
            .cloned()
            .ok_or(MediaError::UnknownUpload)
    }

    fn incoming(&self, name: &str) -> io::Result<PathBuf> {
        Ok(self.folder()?.join("incoming").join(name))
    }

    /// Where the file of a component lies, if it has arrived.
    pub(crate) fn path(&self, component_id: &str) -> Option<PathBuf> {
        check_id(component_id).ok()?;
        Some(self.folder().ok()?.join(component_id)).filter(|path| path.is_file())
    }

    pub(crate) fn remove(&self, component_id: &str) -> io::Result<()> {
        match self.path(component_id) {
            Some(path) => std::fs::remove_file(path),
            None => Ok(()),
        }
    }

    /// Receives a whole file, or one part of it, and returns its MD5 in hexadecimal digits.
    pub(crate) async fn receive(
        &self,
        id: &str,
        part: Option<u64>,
        body: Body,
    ) -> Result<String, MediaError> {
        let upload = self.upload(id)?;
        // A part that is sent again while the first is still arriving must not mix with it.
        let arriving = self.incoming(&Uuid::new_v4().simple().to_string())?;
        let outcome = receive_file(&arriving, body.into_data_stream(), &self.disk).await;
        let outcome = outcome.and_then(|digest| {
            let is_wrong = upload
                .checksum
                .as_ref()
                .is_some_and(|wanted| *wanted != STANDARD.encode(digest));
            if part.is_none() && is_wrong {
                Err(MediaError::WrongChecksum)
            } else {
                Ok(digest)
            }
        });
        let place = match part {
            Some(part) => self.incoming(&format!("{id}.{part}"))?,
            None => self.folder()?.join(&upload.component_id),
        };
        match outcome {
            Ok(digest) => {
                tokio::fs::rename(&arriving, place).await?;
                Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
            }
            Err(error) => {
                if let Err(error) = tokio::fs::remove_file(&arriving).await {
                    tracing::debug!(%error, "nothing to clean up");
                }
                Err(error)
            }
        }
    }

    /// Puts the parts of an upload together and returns the component's id.
    pub(crate) fn complete(&self, id: &str) -> Result<String, MediaError> {
        let upload = self.upload(id)?;
        let parts = upload.parts.ok_or(MediaError::UnknownUpload)?;
        self.disk.write(1)?;
        let whole = self.incoming(&format!("{id}.whole"))?;
        let mut target = File::create(&whole)?;
        for part in 1..=parts {
            io::copy(
                &mut File::open(self.incoming(&format!("{id}.{part}"))?)?,
                &mut target,
            )?;
        }
        target.sync_all()?;
        std::fs::rename(whole, self.folder()?.join(&upload.component_id))?;
        for part in 1..=parts {
            std::fs::remove_file(self.incoming(&format!("{id}.{part}"))?)?;
        }
        self.uploads().remove(id);
        Ok(upload.component_id)
    }
}

/// Ids become file names, so they must not lead elsewhere.
fn check_id(id: &str) -> Result<(), MediaError> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || character == '-';
    if !id.is_empty() && id.len() <= 64 && id.chars().all(is_plain) && id != "incoming" {
        return Ok(());
    }
    Err(MediaError::BadId {
        id: id.chars().take(64).collect(),
    })
}

async fn receive_file(
    path: &Path,
    mut body: BodyDataStream,
    disk: &Disk,
) -> Result<[u8; 16], MediaError> {
    let mut file = tokio::fs::File::create(path).await?;
    let mut digest = Md5::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(MediaError::BrokenOff)?;
        digest.update(&piece);
        disk.write(piece.len())?;
        file.write_all(&piece).await?;
    }
    file.sync_all().await?;
    Ok(digest.finalize().into())
}

/// Sends a file piece by piece.
pub(crate) async fn body_from_file(path: &Path) -> io::Result<(u64, Body)> {
    let file = tokio::fs::File::open(path).await?;
    let size_bytes = file.metadata().await?.len();
    let pieces = futures_util::stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        Ok::<_, io::Error>((read > 0).then_some((piece, file)))
    });
    Ok((size_bytes, Body::from_stream(pieces)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_lead_out_of_the_folder() {
        for (id, expected) in [
            ("3a372bde-05bc-11e4-8908-20c9d081909b", true),
            ("../secret", false),
            ("a/b", false),
            ("", false),
            ("incoming", false),
        ] {
            assert_eq!(check_id(id).is_ok(), expected, "{id}");
        }
    }

    #[tokio::test]
    async fn parts_are_put_together_in_their_order_and_a_wrong_checksum_keeps_nothing() {
        let media = Media::new(None, Disk::default());
        let upload = |checksum: Option<&str>, parts| Upload {
            component_id: "c".to_owned(),
            checksum: checksum.map(str::to_owned),
            parts,
        };
        let id = media.begin(upload(None, Some(2))).unwrap();
        media
            .receive(&id, Some(2), Body::from("world"))
            .await
            .unwrap();
        let etag = media
            .receive(&id, Some(1), Body::from("hello "))
            .await
            .unwrap();
        assert_eq!(etag, "f814893777bcc2295fff05f00e508da6");
        assert_eq!(media.complete(&id).unwrap(), "c");
        assert_eq!(
            std::fs::read(media.path("c").unwrap()).unwrap(),
            b"hello world"
        );

        let id = media.begin(upload(Some("nonsense"), None)).unwrap();
        let error = media
            .receive(&id, None, Body::from("other"))
            .await
            .unwrap_err();
        assert!(matches!(error, MediaError::WrongChecksum));
        assert_eq!(
            std::fs::read(media.path("c").unwrap()).unwrap(),
            b"hello world"
        );
        media.remove("c").unwrap();
        assert_eq!(media.path("c"), None);
    }
}
