//! The event hub: who is connected, what they subscribed to, and who gets an event.
//!
//! Everything is synchronous and short, under one lock, so that the order in which events come in is
//! the order in which every connection gets them. The sockets themselves are in `hub/socket.rs`.

mod audience;
mod packet;
mod queue;
mod socket;
mod update;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::ws::Utf8Bytes;
use callboard_event::{Expression, REPLY_TOPIC, SubscriptionIndex};
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use uuid::Uuid;

pub(crate) use audience::Audience;
pub(crate) use socket::{Manners, SILENCE_LIMIT_SECS, serve};
pub(crate) use update::{encoded_event, update_event};

use packet::Packet;
use queue::{Incoming, Outgoing, Overrun, queue};

/// How long a handshake may wait for its socket.
const HANDSHAKE_LIFETIME: Duration = Duration::from_secs(60);
/// How many dropped clients are remembered.
const REMEMBERED: usize = 100;

/// The person behind a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) user_id: Arc<str>,
    pub(crate) username: Arc<str>,
}

/// A client that had to go, and why.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct DroppedClient {
    pub(crate) user: String,
    pub(crate) reason: String,
}

#[derive(Debug, Default)]
pub(crate) struct Hub {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    handshakes: HashMap<String, (Identity, Instant)>,
    connections: HashMap<u64, Connection>,
    /// The subscribers of all connections, by number.
    index: SubscriptionIndex<u64>,
    subscribers: HashMap<u64, Subscriber>,
    last_number: u64,
    dropped: VecDeque<DroppedClient>,
}

#[derive(Debug)]
struct Connection {
    identity: Identity,
    /// The number of each subscriber, by the id that the client gave it.
    ///
    /// Assumed: ids are of the connection alone, so a client that came back may use the ids of its dead connection.
    subscribers: HashMap<String, u64>,
    queue: Outgoing,
    /// Set when the socket must go.
    ending: watch::Sender<Option<Ending>>,
}

/// How the hub ends a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ending {
    /// Without a word, as a network does.
    Cut,
    /// With a reason, if the client still takes it.
    Refused(String),
}

#[derive(Debug)]
struct Subscriber {
    connection: u64,
    metadata: Json,
}

/// The socket's half of a connection.
struct Attached {
    id: u64,
    queue: Incoming,
    ending: watch::Receiver<Option<Ending>>,
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
        let (sender, queue) = queue();
        let (end, ending) = watch::channel(None);
        let mut state = self.state();
        let id = state.next_number();
        let connection = Connection {
            identity,
            subscribers: HashMap::new(),
            queue: sender,
            ending: end,
        };
        state.connections.insert(id, connection);
        Attached { id, queue, ending }
    }

    fn detach(&self, id: u64) {
        self.state().end(id, Ending::Cut);
    }

    /// Forgets sessions whose socket has not come yet.
    pub(crate) fn forget_sessions(&self) {
        self.state().handshakes.clear();
    }

    /// Closes every socket and returns how many there were.
    pub(crate) fn drop_connections(&self) -> usize {
        let mut state = self.state();
        let ids: Vec<u64> = state.connections.keys().copied().collect();
        for id in &ids {
            state.end(*id, Ending::Cut);
        }
        ids.len()
    }

    pub(crate) fn connection_count(&self) -> usize {
        self.state().connections.len()
    }

    /// Returns the clients that had to go, the latest last.
    pub(crate) fn dropped(&self) -> Vec<DroppedClient> {
        self.state().dropped.iter().cloned().collect()
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

    /// The users behind all connections.
    pub(crate) fn user_ids(&self) -> HashSet<Arc<str>> {
        let state = self.state();
        let users = state.connections.values();
        users
            .map(|connection| connection.identity.user_id.clone())
            .collect()
    }

    /// Sends an event of the server's own to everyone who wants it.
    #[cfg(test)]
    pub(crate) fn publish(&self, event: &Json) {
        self.publish_to(event, &|_| true);
    }

    /// Sends an event of the server's own to those who want it and may have it.
    pub(crate) fn publish_to(&self, event: &Json, is_for: &dyn Fn(&Arc<str>) -> bool) {
        if let Err(reason) = self.state().route(event, is_for) {
            tracing::warn!(reason, "an event of the server's own went nowhere");
        }
    }
}

impl State {
    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn event(&mut self, from: u64, mut event: Json) -> Result<(), String> {
        let Some(topic) = event.get("topic").and_then(Json::as_str) else {
            return Err("the event has no topic".to_owned());
        };
        match topic {
            "ftrack.meta.subscribe" => self.subscribe(from, &event["data"]),
            "ftrack.meta.unsubscribe" => {
                let subscriber = subscriber_id(&event["data"])?;
                self.unsubscribe(from, subscriber);
                Ok(())
            }
            // Assumed: what clients tell themselves, such as `ftrack.meta.connected`, is taken and goes nowhere.
            meta if meta.starts_with("ftrack.meta.") && meta != REPLY_TOPIC => Ok(()),
            _ => {
                let Some(connection) = self.connections.get(&from) else {
                    return Ok(());
                };
                enrich(&mut event, &connection.identity);
                self.route(&event, &|_| true)
            }
        }
    }

    /// Adds a subscriber, or replaces the one of the same id: clients do subscribe twice.
    fn subscribe(&mut self, from: u64, data: &Json) -> Result<(), String> {
        let id = subscriber_id(data)?;
        let subscription = data
            .get("subscription")
            .and_then(Json::as_str)
            .ok_or("there is no subscription")?;
        let expression = Expression::parse(subscription).map_err(|error| error.to_string())?;
        self.unsubscribe(from, id);
        let number = self.next_number();
        let Some(connection) = self.connections.get_mut(&from) else {
            return Ok(());
        };
        connection.subscribers.insert(id.to_owned(), number);
        self.index.insert(number, expression);
        let subscriber = Subscriber {
            connection: from,
            metadata: data["subscriber"].clone(),
        };
        self.subscribers.insert(number, subscriber);
        Ok(())
    }

    fn unsubscribe(&mut self, from: u64, id: &str) {
        let connection = self.connections.get_mut(&from);
        let number = connection.and_then(|connection| connection.subscribers.remove(id));
        self.forget(number);
    }

    fn forget(&mut self, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            self.index.remove(&number);
            self.subscribers.remove(&number);
        }
    }

    /// Sends an event once to each connection that has a subscriber for it and whose user it is for.
    fn route(&mut self, event: &Json, is_for: &dyn Fn(&Arc<str>) -> bool) -> Result<(), String> {
        let target = event
            .get("target")
            .and_then(Json::as_str)
            .filter(|target| !target.is_empty());
        // Assumed: the real server says so too, instead of dropping the event in silence.
        let target = target
            .map(Expression::parse)
            .transpose()
            .map_err(|error| format!("nobody gets it: the target cannot be read: {error}"))?;
        let wanting = self
            .index
            .matching(event)
            .filter_map(|number| self.subscribers.get(number))
            .filter(|subscriber| {
                target
                    .as_ref()
                    .is_none_or(|target| target.matches(&subscriber.metadata))
            });
        let mut connections: Vec<u64> = wanting.map(|subscriber| subscriber.connection).collect();
        connections.sort_unstable();
        connections.dedup();
        connections.retain(|id| {
            let connection = self.connections.get(id);
            connection.is_some_and(|connection| is_for(&connection.identity.user_id))
        });
        if !connections.is_empty() {
            let frame = Utf8Bytes::from(packet::event(event));
            for id in connections {
                self.send(id, frame.clone());
            }
        }
        Ok(())
    }

    fn send(&mut self, id: u64, frame: Utf8Bytes) {
        let Some(connection) = self.connections.get(&id) else {
            return;
        };
        if let Err(Overrun { frames, bytes }) = connection.queue.push(frame) {
            let user = connection.identity.username.to_string();
            let reason =
                format!("the client does not read: {frames} messages of {bytes} bytes wait");
            tracing::warn!(connection = id, %user, reason, "dropped a client of the event hub");
            if self.dropped.len() == REMEMBERED {
                self.dropped.pop_front();
            }
            self.dropped.push_back(DroppedClient {
                user,
                reason: reason.clone(),
            });
            self.end(id, Ending::Refused(reason));
        }
    }

    fn end(&mut self, id: u64, ending: Ending) {
        if let Some(connection) = self.connections.remove(&id) {
            connection.ending.send_replace(Some(ending));
            self.forget(connection.subscribers.into_values());
        }
    }
}

/// The id in `data` of a subscription or its end.
fn subscriber_id(data: &Json) -> Result<&str, String> {
    let id = data.pointer("/subscriber/id").and_then(Json::as_str);
    id.ok_or_else(|| "the subscriber has no id".to_owned())
}

/// Gives a packet to a hub of its own with one subscriber to everything, and returns whether the connection goes on.
pub(crate) fn takes(packet: &str) -> bool {
    let hub = Hub::default();
    let attached = hub.attach(Identity {
        user_id: Arc::from("1"),
        username: Arc::from("ada"),
    });
    let all = json!({"subscriber": {"id": "all"}, "subscription": "topic=* or not topic=*"});
    let subscription = json!({"topic": "ftrack.meta.subscribe", "data": all});
    hub.receive(attached.id, &packet::event(&subscription)) && hub.receive(attached.id, packet)
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
