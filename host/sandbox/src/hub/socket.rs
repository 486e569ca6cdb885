//! One WebSocket: a reader, a writer with heartbeats, and the ways it ends.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::queue::Incoming;
use super::{Attached, Ending, Hub, Identity, packet};

/// The JavaScript client gives up after 15 s without one.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);
/// What the handshake tells clients, in seconds. A client that says nothing for so long, not even to heartbeats, is dead.
pub(crate) const SILENCE_LIMIT_SECS: u64 = 60;
/// Messages that leave together when so many wait.
const BATCH: usize = 64;
/// How long a client that has to go may take to hear why.
const GOODBYE: Duration = Duration::from_secs(2);

/// How a connection is treated. All but the first are faults that a test asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Manners {
    #[default]
    Usual,
    /// Nothing is ever sent, heartbeats neither.
    Silent,
    /// The socket is closed after so many packets were sent.
    ClosesAfter(u64),
}

/// Serves a connection until either side ends it.
pub(crate) async fn serve(hub: Arc<Hub>, identity: Identity, socket: WebSocket, manners: Manners) {
    let Attached { id, queue, ending } = hub.attach(identity);
    let (mut sink, stream) = socket.split();
    let ending = tokio::select! {
        () = write(&mut sink, queue, manners) => Ending::Cut,
        () = read(&hub, id, stream, Duration::from_secs(SILENCE_LIMIT_SECS)) => Ending::Cut,
        ending = ended(ending) => ending,
    };
    hub.detach(id);
    if let Ending::Refused(reason) = ending {
        let frame = CloseFrame {
            code: close_code::POLICY,
            reason: reason.into(),
        };
        match timeout(GOODBYE, sink.send(Message::Close(Some(frame)))).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(connection = id, %error, "a dropped client is gone"),
            Err(_) => tracing::debug!(connection = id, "a dropped client never heard why"),
        }
    }
}

async fn ended(mut ending: watch::Receiver<Option<Ending>>) -> Ending {
    match ending.wait_for(Option::is_some).await {
        Ok(ending) => ending.clone().unwrap_or(Ending::Cut),
        Err(_) => Ending::Cut,
    }
}

async fn read<E>(
    hub: &Hub,
    id: u64,
    mut stream: impl Stream<Item = Result<Message, E>> + Unpin,
    silence_limit: Duration,
) {
    while let Ok(Some(Ok(message))) = timeout(silence_limit, stream.next()).await {
        let goes_on = match message {
            Message::Text(text) => hub.receive(id, &text),
            Message::Close(_) => false,
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => true,
        };
        if !goes_on {
            return;
        }
    }
}

async fn write(sink: &mut (impl Sink<Message> + Unpin), mut queue: Incoming, manners: Manners) {
    let mut left = match manners {
        Manners::Usual => u64::MAX,
        Manners::ClosesAfter(packets) => packets,
        Manners::Silent => return std::future::pending().await,
    };
    let mut heartbeat = interval(HEARTBEAT_EVERY);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut frames: Vec<Utf8Bytes> = Vec::new();
    let mut own = Some(Utf8Bytes::from_static(packet::CONNECT));
    while left > 0 {
        let own_packet = own.take().map(|packet| (packet, 0));
        let from_queue = frames.drain(..).map(|frame| {
            let len = frame.len();
            (frame, len)
        });
        for (packet, queued_bytes) in own_packet.into_iter().chain(from_queue) {
            if left == 0 {
                break;
            }
            left -= 1;
            if sink.feed(Message::Text(packet)).await.is_err() {
                return;
            }
            queue.gone(queued_bytes);
        }
        if sink.flush().await.is_err() {
            return;
        }
        tokio::select! {
            _ = heartbeat.tick() => own = Some(Utf8Bytes::from_static(packet::HEARTBEAT)),
            has_more = queue.take(&mut frames, BATCH) => if !has_more {
                return;
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    fn text(text: &str) -> Result<Message, Infallible> {
        Ok(Message::Text(text.into()))
    }

    fn attached(hub: &Hub) -> Attached {
        hub.attach(Identity {
            user_id: Arc::from("1"),
            username: Arc::from("ada"),
        })
    }

    #[tokio::test]
    async fn a_client_that_says_nothing_is_given_up() {
        let hub = Hub::default();
        let attached = attached(&hub);
        let stream = stream::iter([text("2::")]).chain(stream::pending());
        let silence_limit = Duration::from_millis(20);
        let reading = read(&hub, attached.id, stream, silence_limit);
        assert!(timeout(Duration::from_secs(20), reading).await.is_ok());
    }

    #[tokio::test]
    async fn a_goodbye_ends_the_reading() {
        let hub = Hub::default();
        let attached = attached(&hub);
        for goodbye in [text("0::"), Ok(Message::Close(None))] {
            let stream = stream::iter([text("2::"), goodbye]).chain(stream::pending());
            read(&hub, attached.id, stream, Duration::from_secs(20)).await;
        }
    }

    #[tokio::test]
    async fn a_connection_begins_with_connect_and_a_heartbeat() {
        let hub = Hub::default();
        let attached = attached(&hub);
        let mut written = Vec::new();
        {
            let mut sink = Box::pin(futures_util::sink::unfold(
                &mut written,
                |written: &mut Vec<Message>, message| async move {
                    written.push(message);
                    match written.len() {
                        2 => Err("enough"),
                        _ => Ok(written),
                    }
                },
            ));
            write(&mut sink, attached.queue, Manners::Usual).await;
        }
        assert_eq!(
            written,
            [Message::Text("1::".into()), Message::Text("2::".into())]
        );
    }
}
