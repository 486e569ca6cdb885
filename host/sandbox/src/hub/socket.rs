//! One WebSocket: a reader, a writer with heartbeats, and the ways it ends.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::server::became_true;

use super::{Attached, Hub, Identity, packet};

/// The JavaScript client gives up after 15 s without one.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);
/// What the handshake tells clients, in seconds.
pub(crate) const SILENCE_LIMIT_SECS: u64 = 60;

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
    let Attached {
        id,
        queue,
        is_dropped,
    } = hub.attach(identity);
    let (sink, stream) = socket.split();
    let mut is_dropped_for_reader = is_dropped.clone();
    tokio::select! {
        () = write(sink, queue, is_dropped, manners) => {}
        () = read(&hub, id, stream) => {}
        () = became_true(&mut is_dropped_for_reader) => {}
    }
    hub.detach(id);
}

async fn read(hub: &Hub, id: u64, mut stream: SplitStream<WebSocket>) {
    let limit = Duration::from_secs(SILENCE_LIMIT_SECS);
    while let Ok(Some(Ok(message))) = timeout(limit, stream.next()).await {
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

async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut queue: mpsc::Receiver<Utf8Bytes>,
    mut is_dropped: watch::Receiver<bool>,
    manners: Manners,
) {
    let mut left = match manners {
        Manners::Usual => u64::MAX,
        Manners::ClosesAfter(packets) => packets,
        Manners::Silent => return became_true(&mut is_dropped).await,
    };
    let mut heartbeat = interval(HEARTBEAT_EVERY);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut next = Utf8Bytes::from_static(packet::CONNECT);
    while left > 0 {
        left -= 1;
        // A client that does not read holds up `send`, so the order to drop it must be seen there too.
        let sent = tokio::select! {
            sent = sink.send(Message::Text(next)) => sent,
            () = became_true(&mut is_dropped) => return,
        };
        if sent.is_err() {
            return;
        }
        next = tokio::select! {
            _ = heartbeat.tick() => Utf8Bytes::from_static(packet::HEARTBEAT),
            message = queue.recv() => match message {
                Some(message) => message,
                None => return,
            },
        };
    }
}
