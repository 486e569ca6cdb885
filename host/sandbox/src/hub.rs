//! The event hub: who is connected, what they subscribed to, and who gets an event.
//!
//! Everything is synchronous and short, under one lock, so that the order in which events come in is
//! the order in which every connection gets them. The sockets themselves are in `hub/socket.rs`.

mod packet;
mod socket;
mod update;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::ws::Utf8Bytes;
use callboard_event::Expression;
use serde_json::{Value as Json, json};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

pub(crate) use socket::{Manners, SILENCE_LIMIT_SECS, serve};
pub(crate) use update::{encoded_event, update_event};

use packet::Packet;

/// Messages that may wait for a connection; one that lets more pile up is dropped.
const QUEUE: usize = 4096;
/// How long a handshake may wait for its socket.
const HANDSHAKE_LIFETIME: Duration = Duration::from_secs(60);

/// The person behind a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) user_id: Arc<str>,
    pub(crate) username: Arc<str>,
}

#[derive(Debug, Default)]
pub(crate) struct Hub {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    handshakes: HashMap<String, (Identity, Instant)>,
    connections: HashMap<u64, Connection>,
    next_connection: u64,
}

#[derive(Debug)]
struct Connection {
    identity: Identity,
    subscribers: HashMap<String, Subscriber>,
    queue: mpsc::Sender<Utf8Bytes>,
    /// Becomes true when the socket must go.
    is_dropped: watch::Sender<bool>,
}

#[derive(Debug)]
struct Subscriber {
    expression: Expression,
    metadata: Json,
}

/// The socket's half of a connection.
struct Attached {
    id: u64,
    queue: mpsc::Receiver<Utf8Bytes>,
    is_dropped: watch::Receiver<bool>,
}

impl Hub {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves nothing half changed here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a session and returns its id, which is all that the socket will bring along.
    pub(crate) fn handshake(&self, identity: Identity) -> String {
        let id = Uuid::new_v4().simple().to_string();
        let mut state = self.state();
        state
            .handshakes
            .retain(|_, (_, since)| since.elapsed() < HANDSHAKE_LIFETIME);
        state
            .handshakes
            .insert(id.clone(), (identity, Instant::now()));
        id
    }

    /// Takes a session that has been opened and not used yet.
    pub(crate) fn take_session(&self, id: &str) -> Option<Identity> {
        let (identity, since) = self.state().handshakes.remove(id)?;
        (since.elapsed() < HANDSHAKE_LIFETIME).then_some(identity)
    }

    fn attach(&self, identity: Identity) -> Attached {
        let (sender, queue) = mpsc::channel(QUEUE);
        let (drop_sender, is_dropped) = watch::channel(false);
        let mut state = self.state();
        state.next_connection += 1;
        let id = state.next_connection;
        let connection = Connection {
            identity,
            subscribers: HashMap::new(),
            queue: sender,
            is_dropped: drop_sender,
        };
        state.connections.insert(id, connection);
        Attached {
            id,
            queue,
            is_dropped,
        }
    }

    fn detach(&self, id: u64) {
        self.state().connections.remove(&id);
    }

    /// Forgets sessions whose socket has not come yet.
    pub(crate) fn forget_sessions(&self) {
        self.state().handshakes.clear();
    }

    /// Closes every socket and returns how many there were.
    pub(crate) fn drop_connections(&self) -> usize {
        let connections = std::mem::take(&mut self.state().connections);
        for connection in connections.values() {
            connection.is_dropped.send_replace(true);
        }
        connections.len()
    }

    pub(crate) fn connection_count(&self) -> usize {
        self.state().connections.len()
    }

    /// Handles a packet of connection `id`; false when it asked to be closed.
    fn receive(&self, id: u64, text: &str) -> bool {
        let packet = match packet::parse(text) {
            Ok(packet) => packet,
            Err(error) => {
                tracing::debug!(connection = id, %error, "ignored a packet");
                return true;
            }
        };
        match packet {
            Packet::Disconnect => return false,
            Packet::Event { acknowledge, event } => {
                let mut state = self.state();
                let outcome = match event {
                    Some(event) => state.event(id, event),
                    None => Err("the packet holds no event".to_owned()),
                };
                if let Some(number) = acknowledge {
                    // The official client's reader dies of any other shape: one object in a list.
                    let outcome = match outcome {
                        Ok(()) => json!([{"success": true}]),
                        Err(message) => json!([{"success": false, "message": message}]),
                    };
                    state.send(id, packet::acknowledgement(number, &outcome).into());
                }
            }
            Packet::Ignored => {}
        }
        true
    }

    /// Sends an event of the server's own to everyone who wants it.
    pub(crate) fn publish(&self, event: &Json) {
        self.state().route(event);
    }
}

impl State {
    fn event(&mut self, from: u64, mut event: Json) -> Result<(), String> {
        let Some(topic) = event.get("topic").and_then(Json::as_str) else {
            return Err("the event has no topic".to_owned());
        };
        match topic {
            "ftrack.meta.subscribe" => self.subscribe(from, &event["data"]),
            "ftrack.meta.unsubscribe" => {
                let subscriber = event.pointer("/data/subscriber/id").and_then(Json::as_str);
                let subscriber = subscriber.ok_or("the subscriber has no id")?;
                if let Some(connection) = self.connections.get_mut(&from) {
                    connection.subscribers.remove(subscriber);
                }
                Ok(())
            }
            _ => {
                let Some(connection) = self.connections.get(&from) else {
                    return Ok(());
                };
                enrich(&mut event, &connection.identity);
                self.route(&event);
                Ok(())
            }
        }
    }

    /// Adds a subscriber, or replaces the one of the same id: clients do subscribe twice.
    fn subscribe(&mut self, from: u64, data: &Json) -> Result<(), String> {
        let metadata = data.get("subscriber").cloned().unwrap_or_default();
        let id = metadata
            .get("id")
            .and_then(Json::as_str)
            .ok_or("the subscriber has no id")?
            .to_owned();
        let subscription = data
            .get("subscription")
            .and_then(Json::as_str)
            .ok_or("there is no subscription")?;
        let expression = Expression::parse(subscription).map_err(|error| error.to_string())?;
        if let Some(connection) = self.connections.get_mut(&from) {
            connection.subscribers.insert(
                id,
                Subscriber {
                    expression,
                    metadata,
                },
            );
        }
        Ok(())
    }

    /// Sends an event once to each connection that has a subscriber for it.
    fn route(&mut self, event: &Json) {
        let target = event
            .get("target")
            .and_then(Json::as_str)
            .filter(|target| !target.is_empty());
        let target = match target.map(Expression::parse).transpose() {
            Ok(target) => target,
            Err(error) => {
                tracing::debug!(%error, "nobody gets an event whose target cannot be read");
                return;
            }
        };
        let mut frame = None;
        let mut wanting = Vec::new();
        for (id, connection) in &self.connections {
            let is_wanted = connection.subscribers.values().any(|subscriber| {
                subscriber.expression.matches(event)
                    && target
                        .as_ref()
                        .is_none_or(|target| target.matches(&subscriber.metadata))
            });
            if is_wanted {
                wanting.push(*id);
            }
        }
        for id in wanting {
            let frame = frame.get_or_insert_with(|| Utf8Bytes::from(packet::event(event)));
            self.send(id, frame.clone());
        }
    }

    fn send(&mut self, id: u64, frame: Utf8Bytes) {
        let Some(connection) = self.connections.get(&id) else {
            return;
        };
        if connection.queue.try_send(frame).is_err() {
            tracing::warn!(connection = id, user = %connection.identity.username, "dropped a client that does not read");
            connection.is_dropped.send_replace(true);
            self.connections.remove(&id);
        }
    }
}

/// Says who published the event, and drops what the official client would choke on.
fn enrich(event: &mut Json, identity: &Identity) {
    const KEYS: [&str; 7] = [
        "id",
        "topic",
        "data",
        "target",
        "inReplyToEvent",
        "sent",
        "source",
    ];
    let Some(fields) = event.as_object_mut() else {
        return;
    };
    fields.retain(|key, _| KEYS.contains(&key.as_str()));
    let source = fields.entry("source").or_insert_with(|| json!({}));
    if !source.is_object() {
        *source = json!({});
    }
    if !source["user"].is_object() {
        source["user"] = json!({});
    }
    source["user"]["username"] = json!(&*identity.username);
    source["user"]["id"] = json!(&*identity.user_id);
}

#[cfg(test)]
#[path = "hub/tests.rs"]
mod tests;
