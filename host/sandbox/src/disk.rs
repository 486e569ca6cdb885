//! The disk as tests want it: full at some byte, or not to be written to.
//!
//! Whatever writes data asks here first. A disk that nobody has touched has room for everything.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How the disk is; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Disk(Arc<State>);

#[derive(Debug)]
struct State {
    is_read_only: AtomicBool,
    /// Bytes that may still be written.
    room: AtomicU64,
}

impl Default for Disk {
    fn default() -> Self {
        Self(Arc::new(State {
            is_read_only: AtomicBool::new(false),
            room: AtomicU64::new(u64::MAX),
        }))
    }
}

impl Disk {
    /// Leaves room for so many bytes.
    pub(crate) fn fill(&self, room: u64) {
        self.0.room.store(room, Ordering::Relaxed);
    }

    pub(crate) fn set_read_only(&self, is_read_only: bool) {
        self.0.is_read_only.store(is_read_only, Ordering::Relaxed);
    }

    pub(crate) fn mend(&self) {
        self.fill(u64::MAX);
        self.set_read_only(false);
    }

    /// Takes the room that `bytes` need.
    ///
    /// # Errors
    ///
    /// Fails as the operating system does when the disk is full or read only.
    pub(crate) fn write(&self, bytes: usize) -> io::Result<()> {
        if self.0.is_read_only.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let take = |room: u64| match room {
            u64::MAX => Some(room),
            _ => room.checked_sub(bytes),
        };
        let taken = self
            .0
            .room
            .try_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken
            .map(drop)
            .map_err(|_| io::ErrorKind::StorageFull.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_takes_nothing_until_it_is_mended() {
        let disk = Disk::default();
        disk.write(usize::MAX).unwrap();
        disk.fill(10);
        disk.write(6).unwrap();
        let error = disk.clone().write(6).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        disk.set_read_only(true);
        let error = disk.write(1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ReadOnlyFilesystem);
        disk.mend();
        disk.write(usize::MAX).unwrap();
    }
}
