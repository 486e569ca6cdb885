//! What goes to one client: a bounded queue, one writer, and an end for whoever does not read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callboard_event::Event;
use callboard_protocol::{BusMethod, EventParams, Failure, FailureKind, Message, MessageId};
use callboard_wire::encode;
use serde_json::Value;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};

/// How many bytes may wait for one client.
const WAITING_BYTES: usize = 32 * 1024 * 1024;

/// How much is written at once.
const WRITE_BYTES: usize = 64 * 1024;

/// How long what waits may take when the host ends.
const FINISH: Duration = Duration::from_millis(500);

/// How long a last line may take.
const LAST_LINE: Duration = Duration::from_millis(100);

/// A way to one client.
#[derive(Clone)]
pub(super) struct Outgoing {
    lines: mpsc::Sender<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
    ending: Arc<watch::Sender<Ending>>,
}

/// Whether the connection is to end.
#[derive(Clone, Debug, PartialEq)]
enum Ending {
    No,
    /// With a reason as the last line.
    Because(Failure),
    /// Once everything is written.
    Finished,
    /// The writer has ended.
    Done,
}

/// The other end of an [`Outgoing`].
pub(super) struct Writer {
    lines: mpsc::Receiver<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
    ending: Arc<watch::Sender<Ending>>,
}

impl Outgoing {
    pub(super) fn new(queue_messages: usize) -> (Self, Writer) {
        let (sender, receiver) = mpsc::channel(queue_messages);
        let waiting = Arc::new(AtomicUsize::new(0));
        let ending = Arc::new(watch::Sender::new(Ending::No));
        let outgoing = Self {
            lines: sender,
            waiting: Arc::clone(&waiting),
            ending: Arc::clone(&ending),
        };
        let writer = Writer {
            lines: receiver,
            waiting,
            ending,
        };
        (outgoing, writer)
    }

    /// Sends a line, or ends the connection of a client that lets too much wait.
    pub(super) fn line(&self, line: Vec<u8>) {
        let bytes = line.len();
        let waiting = self.waiting.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if waiting <= WAITING_BYTES && self.lines.try_send(line).is_ok() {
            return;
        }
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        self.end(Failure::new(
            FailureKind::Limit,
            "the client does not read what it is sent",
        ));
    }

    /// Sends a message; one that is too long becomes a failure that is not.
    pub(super) fn message(&self, message: &Message) {
        match encode(message) {
            Ok(line) => self.line(line),
            Err(error) => {
                let failure = Failure::new(FailureKind::Limit, "the answer is too long")
                    .hint("ask for less at once")
                    .caused_by(&error);
                if let Message::Answer { id, .. } = message {
                    self.answer(*id, Err(failure));
                } else {
                    tracing::warn!(%error, "a message to a client of the bus was dropped");
                }
            }
        }
    }

    /// Answers a request.
    pub(super) fn answer(&self, id: Option<MessageId>, result: Result<Value, Failure>) {
        self.message(&Message::Answer { id, result });
    }

    /// Sends an event.
    pub(super) fn event(&self, event: &Event) {
        let params = serde_json::to_value(event)
            .and_then(|event| serde_json::to_value(EventParams { event }))
            .expect("an event is JSON values and strings, which always serialise");
        self.message(&Message::Notification {
            method: BusMethod::Event.name().into(),
            params,
        });
    }

    /// Ends the connection for a reason.
    pub(super) fn end(&self, reason: Failure) {
        self.ending.send_if_modified(|ending| {
            let is_first = *ending == Ending::No;
            if is_first {
                *ending = Ending::Because(reason);
            }
            is_first
        });
    }

    /// Ends the connection once everything that waits is written, or it takes too long.
    pub(super) async fn finish(&self) {
        self.ending.send_if_modified(|ending| {
            let is_first = *ending == Ending::No;
            if is_first {
                *ending = Ending::Finished;
            }
            is_first
        });
        let mut ending = self.ending.subscribe();
        let done = ending.wait_for(|ending| *ending == Ending::Done);
        if tokio::time::timeout(FINISH, done).await.is_err() {
            tracing::debug!("a client of the bus did not read to the end");
        }
    }

    /// Waits until the connection is to end.
    pub(super) async fn ended(&self) {
        let mut ending = self.ending.subscribe();
        // The sender lives in this very struct.
        drop(ending.wait_for(|ending| *ending != Ending::No).await);
    }
}

impl Writer {
    /// Writes until the connection ends.
    pub(super) async fn run(mut self, mut stream: impl AsyncWrite + Unpin) {
        let mut ending = self.ending.subscribe();
        let mut last_line = None;
        let mut batch = Vec::new();
        loop {
            let line = tokio::select! {
                biased;
                changed = ending.wait_for(|ending| *ending != Ending::No) => {
                    if let Ok(ending) = changed && let Ending::Because(reason) = &*ending {
                        last_line = Some(callboard_wire::refuse_hello(reason.clone()));
                    }
                    break;
                }
                line = self.lines.recv() => line,
            };
            let Some(line) = line else { break };
            batch.clear();
            batch.extend_from_slice(&line);
            while batch.len() < WRITE_BYTES
                && let Ok(line) = self.lines.try_recv()
            {
                batch.extend_from_slice(&line);
            }
            let is_cut = tokio::select! {
                biased;
                written = stream.write_all(&batch) => written.is_err(),
                // In the middle of a line nothing more can be said.
                _ = ending.wait_for(|ending| matches!(ending, Ending::Because(_))) => true,
            };
            self.waiting.fetch_sub(batch.len(), Ordering::Relaxed);
            if is_cut {
                self.ending.send_replace(Ending::Done);
                return;
            }
            if batch.capacity() > 4 * WRITE_BYTES {
                batch = Vec::new();
            }
        }
        let rest = async {
            if let Some(line) = last_line {
                return stream.write_all(&line).await;
            }
            while let Ok(line) = self.lines.try_recv() {
                stream.write_all(&line).await?;
            }
            stream.shutdown().await
        };
        // Whoever does not read a last line goes without it.
        drop(tokio::time::timeout(LAST_LINE, rest).await);
        self.ending.send_replace(Ending::Done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    #[tokio::test]
    async fn a_client_that_does_not_read_is_ended_and_the_rest_does_not_wait() {
        let (outgoing, writer) = Outgoing::new(4);
        let (mut theirs, ours) = tokio::io::duplex(64);
        let writing = tokio::spawn(writer.run(ours));
        for _ in 0..100 {
            outgoing.line(vec![b'x'; 100]);
        }
        outgoing.ended().await;
        writing.await.unwrap();
        let mut read = Vec::new();
        theirs.read_to_end(&mut read).await.unwrap();
        assert!(read.len() < 1000);
    }

    #[tokio::test]
    async fn a_reason_is_the_last_line_where_it_can_be_written() {
        let (outgoing, writer) = Outgoing::new(4);
        let (mut theirs, ours) = tokio::io::duplex(1024);
        outgoing.end(Failure::new(FailureKind::Limit, "too much"));
        writer.run(ours).await;
        let mut read = String::new();
        theirs.read_to_string(&mut read).await.unwrap();
        assert_eq!(
            read,
            "{\"error\":{\"kind\":\"limit\",\"message\":\"too much\"}}\n"
        );
    }

    #[tokio::test]
    async fn what_waits_is_written_when_the_host_ends() {
        let (outgoing, writer) = Outgoing::new(4);
        let (mut theirs, ours) = tokio::io::duplex(1024);
        outgoing.line(b"one\n".to_vec());
        outgoing.line(b"two\n".to_vec());
        let writing = tokio::spawn(writer.run(ours));
        outgoing.finish().await;
        writing.await.unwrap();
        let mut read = String::new();
        theirs.read_to_string(&mut read).await.unwrap();
        assert_eq!(read, "one\ntwo\n");
    }
}
