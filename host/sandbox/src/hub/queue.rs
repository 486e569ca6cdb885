//! What waits for one connection: bounded by number and by size, so that a client that does not read costs little.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::mpsc;

/// Messages that may wait. At 20,000 events a second it is most of a second.
const FRAMES: usize = 16_384;
/// Bytes that may wait. One message more is taken when there are fewer, however large, since it is needed anyway.
const BYTES: usize = 64 * 1024 * 1024;

/// The hub's end.
#[derive(Debug)]
pub(super) struct Outgoing {
    frames: mpsc::Sender<Utf8Bytes>,
    waiting_bytes: Arc<AtomicUsize>,
}

/// The socket's end.
#[derive(Debug)]
pub(super) struct Incoming {
    frames: mpsc::Receiver<Utf8Bytes>,
    waiting_bytes: Arc<AtomicUsize>,
}

/// There is no more room.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overrun {
    pub(super) frames: usize,
    pub(super) bytes: usize,
}

pub(super) fn queue() -> (Outgoing, Incoming) {
    let (sender, receiver) = mpsc::channel(FRAMES);
    let waiting_bytes = Arc::new(AtomicUsize::new(0));
    let outgoing = Outgoing {
        frames: sender,
        waiting_bytes: waiting_bytes.clone(),
    };
    let incoming = Incoming {
        frames: receiver,
        waiting_bytes,
    };
    (outgoing, incoming)
}

impl Outgoing {
    /// Adds a frame without waiting. A socket that is gone takes everything.
    pub(super) fn push(&self, frame: Utf8Bytes) -> Result<(), Overrun> {
        let len = frame.len();
        let bytes = self.waiting_bytes.fetch_add(len, Ordering::Relaxed);
        let overrun = Overrun {
            frames: FRAMES - self.frames.capacity(),
            bytes,
        };
        if bytes > BYTES {
            return Err(overrun);
        }
        match self.frames.try_send(frame) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => Err(overrun),
        }
    }
}

impl Incoming {
    /// Waits for at least one frame and moves up to `limit` into `frames`. False when no more will come.
    ///
    /// They count as waiting until they are [`gone`](Self::gone). Nothing is lost when this is given up half way.
    pub(super) async fn take(&mut self, frames: &mut Vec<Utf8Bytes>, limit: usize) -> bool {
        self.frames.recv_many(frames, limit).await > 0
    }

    /// Takes note that a frame of so many bytes waits no more.
    pub(super) fn gone(&self, bytes: usize) {
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(super) fn try_take(&mut self) -> Option<Utf8Bytes> {
        let frame = self.frames.try_recv().ok()?;
        self.gone(frame.len());
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_the_number_and_the_size_of_what_waits_are_bounded() {
        let (outgoing, _incoming) = queue();
        for _ in 0..FRAMES {
            assert_eq!(outgoing.push(Utf8Bytes::from_static("x")), Ok(()));
        }
        let overrun = Overrun {
            frames: FRAMES,
            bytes: FRAMES,
        };
        assert_eq!(outgoing.push(Utf8Bytes::from_static("x")), Err(overrun));

        let (outgoing, mut incoming) = queue();
        let large = Utf8Bytes::from("x".repeat(BYTES + 1));
        assert_eq!(outgoing.push(large.clone()), Ok(()));
        let overrun = Overrun {
            frames: 1,
            bytes: BYTES + 1,
        };
        assert_eq!(outgoing.push(Utf8Bytes::from_static("x")), Err(overrun));
        assert!(incoming.try_take().is_some());
        assert_eq!(outgoing.push(large), Ok(()));
    }

    #[tokio::test]
    async fn frames_are_taken_in_order_as_many_as_there_are() {
        let (outgoing, mut incoming) = queue();
        let mut frames = Vec::new();
        for text in ["a", "b", "c"] {
            outgoing.push(Utf8Bytes::from_static(text)).unwrap();
        }
        assert!(incoming.take(&mut frames, 2).await);
        assert_eq!(frames, ["a", "b"]);
        assert!(incoming.take(&mut frames, 2).await);
        assert_eq!(frames, ["a", "b", "c"]);
        drop(outgoing);
        assert!(!incoming.take(&mut frames, 2).await);
    }
}
