//! Files to send and fetch, and ways to do it that suit a test.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ftrack::{Download, Retries, Session, UploadOptions};
use md5::{Digest, Md5};

pub(crate) const KIB: usize = 1024;

/// Bytes that repeat nowhere near.
pub(crate) fn content(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = vec![0; size];
    for eight in bytes.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        eight.copy_from_slice(&state.to_le_bytes()[..eight.len()]);
    }
    bytes
}

pub(crate) fn hex_md5(bytes: &[u8]) -> String {
    Md5::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A folder with a file in it.
pub(crate) struct Shelf {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

impl Shelf {
    pub(crate) fn with(size: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mov");
        let bytes = content(size);
        std::fs::write(&path, &bytes).unwrap();
        Self {
            folder,
            path,
            bytes,
        }
    }

    pub(crate) fn other(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Parts so small that a test has many of them, and pauses so short that it does not wait.
pub(crate) fn small_parts() -> UploadOptions {
    UploadOptions {
        part_bytes: Some(64 * KIB as u64),
        parallel: 3,
        retries: quick(),
    }
}

pub(crate) fn quick() -> Retries {
    Retries {
        attempts: 4,
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(5),
    }
}

pub(crate) async fn fetched(session: &Session, component_id: &str, to: &Path) -> Vec<u8> {
    session
        .download(Download::new(component_id, to))
        .await
        .unwrap();
    std::fs::read(to).unwrap()
}
