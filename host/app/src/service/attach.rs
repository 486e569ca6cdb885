//! Files that jobs attach: what is in them is measured, so that a later change is noticed.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use callboard_protocol::{AttachedFile, Failure, FailureKind};

use super::serve::Serving;

/// How much is read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Measures a file in the job's folder.
///
/// # Errors
///
/// When it is not there, is no file, or cannot be read.
pub(super) async fn attach(serving: &Serving<'_>, name: String) -> Result<AttachedFile, Failure> {
    let folder = serving.services.folders.of_job(serving.asker)?.path;
    let path = Path::new(&folder).join(&name);
    let measuring = tokio::task::spawn_blocking(move || {
        let (size_bytes, sha256) = measure(&path)?;
        Ok(AttachedFile {
            name,
            path: path.display().to_string(),
            size_bytes,
            sha256,
        })
    });
    measuring.await.unwrap_or_else(|_| {
        Err(Failure::new(
            FailureKind::Internal,
            "measuring the file stopped with an error",
        ))
    })
}

/// Returns a file's size and the SHA-256 of what is in it.
///
/// # Errors
///
/// When it is not there, is a link or no file, or cannot be read.
pub(crate) fn measure(path: &Path) -> Result<(u64, String), Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::not_found(format!("could not read the file: `{}`", path.display()))
            .hint("write it into the job's folder first")
            .caused_by(&error)
    };
    let found = std::fs::symlink_metadata(path).map_err(unreadable)?;
    if !found.is_file() {
        let message = format!("it is a folder, a link or a device: `{}`", path.display());
        return Err(Failure::invalid(message).hint("attach a file"));
    }
    let mut options = File::options();
    options.read(true);
    // A link that was put there since leads nowhere, and a pipe is not waited for.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits() as i32,
    );
    let mut file = options.open(path).map_err(unreadable)?;
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    let mut piece = vec![0; PIECE_BYTES];
    let mut size_bytes = 0;
    loop {
        let count = file.read(&mut piece).map_err(unreadable)?;
        if count == 0 {
            break;
        }
        size_bytes += count as u64;
        digest.update(&piece[..count]);
    }
    let hex = digest
        .finish()
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok((size_bytes, hex))
}
