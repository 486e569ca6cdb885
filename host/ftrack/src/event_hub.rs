//! The event hub: a connection that stays up by itself, with subscriptions that outlive it.
//!
//! ftrack serves events over Socket.IO 0.9: a handshake over HTTP, then a WebSocket with one small packet per frame.
//! One task owns the connection and everything that must survive it. The handle talks to it over bounded channels, so
//! no caller waits for the network, and what does not fit is refused or reported, never kept without end.

pub(crate) mod backoff;
mod collection;
mod connection;
mod link;
mod lost;
mod mailbox;
mod metrics;
mod outbox;
mod packet;
mod subscriptions;
mod worker;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use callboard_event::{Event, Expression, RawEvent};
use serde_json::{Map, Value, json};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::config::Config;
use crate::error::ConnectError;
use crate::http::{self, Purpose};
use crate::operation::new_id;
use crate::server_url::ServerUrl;

use connection::Endpoint;
pub use lost::ConnectionLost;
pub use mailbox::HubMessages;
use mailbox::mailbox;
use metrics::Counters;
pub use metrics::HubMetrics;
use worker::{Channels, Command, Worker};

/// More replies to one event are not waited for.
const MAX_REPLIES: usize = 10_000;

/// How an event hub introduces itself, and how patient it is.
#[derive(Clone, Debug)]
pub struct HubOptions {
    /// Which program publishes; becomes `source.applicationId`.
    pub application_id: Option<String>,
    /// The name of this machine; becomes `source.host`.
    pub host_name: Option<String>,
    /// What the jitter of the back-off is made from. Machines that share it reconnect all at the same moment.
    pub seed: u64,
    /// The pause before the second attempt to connect; it doubles with each further one. The first is made at once.
    pub first_pause: Duration,
    /// What the pause grows to at most.
    pub longest_pause: Duration,
    /// The pause after the server refused the credentials, which no attempt changes.
    pub refused_pause: Duration,
    /// How many events may wait to be sent, while there is no connection above all.
    pub waiting_publishes: usize,
    /// How many messages may wait for the program to take them before events are dropped.
    pub waiting_messages: usize,
}

impl Default for HubOptions {
    fn default() -> Self {
        Self {
            application_id: None,
            host_name: None,
            seed: uuid::Uuid::new_v4().as_u64_pair().0,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            refused_pause: Duration::from_secs(60),
            waiting_publishes: 1000,
            waiting_messages: 4096,
        }
    }
}

/// What the hub tells the program, in order.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum HubMessage {
    /// The connection is up, all subscriptions are under way.
    Connected,
    /// The connection broke or did not come about. The hub goes on trying; it says so again when the reason changes.
    Disconnected {
        /// Why.
        reason: ConnectionLost,
    },
    /// An event that some subscription wants.
    Event {
        /// The event, of which only what the subscriptions ask for was read.
        event: Box<RawEvent>,
        /// The subscriptions that want it, at least one.
        subscribers: Vec<SubscriberId>,
    },
    /// Something odd that still works, such as a subscription that the server does not accept.
    Warning {
        /// One short sentence.
        sentence: String,
    },
    /// Events were dropped because the program took too long to take them.
    Dropped {
        /// How many.
        events: u64,
    },
}

/// How things stand.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum HubState {
    /// An attempt to connect is under way.
    Connecting,
    /// Events flow.
    Connected,
    /// Waiting for the next attempt.
    Disconnected {
        /// Why there is no connection.
        sentence: String,
        /// What a person can do about it.
        hint: &'static str,
    },
    /// The server does not accept the credentials. It is asked again, but seldom.
    Refused {
        /// What it does not accept.
        sentence: String,
        /// What a person can do about it.
        hint: &'static str,
    },
    /// The hub was closed.
    Closed,
}

/// The identity of a subscription, the same over all connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriberId(Arc<str>);

impl SubscriberId {
    /// Returns it as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for SubscriberId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl fmt::Display for SubscriberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a subscription could not be made or ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The hub was closed.
    #[error("the event hub is closed")]
    Closed,
}

/// Why a hub goes on with the configuration that it has.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenewError {
    /// The configuration cannot be used.
    #[error("could not use the new configuration")]
    BadConfig(#[from] ConnectError),
    /// The hub was closed.
    #[error("the event hub is closed")]
    Closed,
}

/// Why an event was not published, or why that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// Too many events wait to be sent. This one was not taken.
    #[error("too many events are waiting to be sent")]
    QueueFull,
    /// The hub was closed. The event was not sent.
    #[error("the event hub is closed")]
    Closed,
    /// There was no connection until the deadline. The event was not sent and will not be.
    #[error("there was no connection to send the event over")]
    NotSent,
    /// The event was sent, but the server did not confirm it. It may have been delivered.
    #[error("the server did not confirm the event")]
    Unconfirmed,
    /// The server does not deliver the event.
    #[error("the server does not deliver the event: {message}")]
    Rejected {
        /// The server's words.
        message: String,
    },
}

impl PublishError {
    /// Returns whether the event may have been delivered.
    pub fn outcome_unknown(&self) -> bool {
        matches!(self, Self::Unconfirmed)
    }
}

/// A handle to the event hub. Clones talk to the same one; it closes when the last is dropped.
#[derive(Clone)]
pub struct EventHub {
    id: Arc<str>,
    source: Arc<Map<String, Value>>,
    commands: mpsc::Sender<Command>,
    room: Arc<Semaphore>,
    state: watch::Receiver<HubState>,
    counters: Arc<Counters>,
}

impl EventHub {
    /// Starts a hub on the current tokio runtime. It connects at once, and again whenever the connection breaks.
    ///
    /// The messages carry what arrives. A program that does not take them loses events, and is told how many.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the configuration. That the server cannot be reached is no error here.
    pub fn start(
        config: &Config,
        options: HubOptions,
    ) -> Result<(Self, HubMessages), ConnectError> {
        let endpoint = endpoint(config)?;
        let id: Arc<str> = new_id().into();
        let (commands, command_queue) = mpsc::channel(options.waiting_publishes + 64);
        let counters = Arc::<Counters>::default();
        let (mailbox, messages) = mailbox(options.waiting_messages, Arc::clone(&counters));
        let (state_sender, state) = watch::channel(HubState::Connecting);
        let hub = Self {
            source: Arc::new(source(&id, config.user.trim(), &options)),
            room: Arc::new(Semaphore::new(options.waiting_publishes)),
            id,
            commands,
            state,
            counters,
        };
        let channels = Channels {
            commands: command_queue,
            mailbox,
            state: state_sender,
            counters: Arc::clone(&hub.counters),
        };
        let worker = Worker::new(Arc::clone(&hub.source), endpoint, &options, channels);
        tokio::spawn(worker.run());
        Ok((hub, messages))
    }

    /// Returns the hub's id, which replies are addressed to.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns how things stand.
    pub fn state(&self) -> HubState {
        self.state.borrow().clone()
    }

    /// Returns what the hub has done since it was started.
    pub fn metrics(&self) -> HubMetrics {
        self.counters.read()
    }

    /// Connects anew with what `config` says, such as a key that took the place of an expired one.
    ///
    /// Subscriptions stay, and what waits to be sent is sent over the new connection. The user must be the same.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the configuration, or that the hub was closed; the connection then stays as it is.
    pub async fn renew(&self, config: &Config) -> Result<(), RenewError> {
        let endpoint = Box::new(endpoint(config)?);
        let renewed = self.commands.send(Command::Renew { endpoint }).await;
        renewed.map_err(|_| RenewError::Closed)
    }

    /// Returns a watch over how things stand.
    pub fn watch_state(&self) -> watch::Receiver<HubState> {
        self.state.clone()
    }

    /// Subscribes to the events that match `expression`, now and after every reconnection.
    ///
    /// `metadata` is what targets are matched against. An `id` in it becomes the subscriber's id.
    ///
    /// # Errors
    ///
    /// Returns that the hub was closed. A subscription that the server does not accept is a [`HubMessage::Warning`].
    pub async fn subscribe(
        &self,
        expression: Expression,
        mut metadata: Map<String, Value>,
    ) -> Result<SubscriberId, SubscribeError> {
        let given = metadata
            .get("id")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let id = SubscriberId(given.unwrap_or_else(new_id).into());
        metadata.insert("id".to_owned(), id.as_str().into());
        let command = Command::Subscribe {
            id: id.clone(),
            expression,
            metadata: Value::Object(metadata),
        };
        self.commands
            .send(command)
            .await
            .map_err(|_| SubscribeError::Closed)?;
        Ok(id)
    }

    /// Ends a subscription.
    ///
    /// # Errors
    ///
    /// Returns that the hub was closed.
    pub async fn unsubscribe(&self, id: &SubscriberId) -> Result<(), SubscribeError> {
        let command = Command::Unsubscribe { id: id.clone() };
        self.commands
            .send(command)
            .await
            .map_err(|_| SubscribeError::Closed)
    }

    /// Publishes an event and returns its id. Without a connection it waits for one.
    ///
    /// An id and a source are filled in where the event has none.
    ///
    /// # Errors
    ///
    /// Returns that the event was not taken. What the server does not accept is a [`HubMessage::Warning`].
    pub fn publish(&self, event: Event) -> Result<String, PublishError> {
        let event = self.completed(event);
        let id = event.id.clone();
        self.send(event, |event, permit| Command::Publish { event, permit })?;
        Ok(id)
    }

    /// Publishes an event and waits until the server has confirmed it, `deadline` at most.
    ///
    /// An event that has not left when the future is dropped is never sent.
    ///
    /// # Errors
    ///
    /// Returns what became of the event; [`PublishError::outcome_unknown`] says whether it may have been delivered.
    pub async fn publish_confirmed(
        &self,
        event: Event,
        deadline: Duration,
    ) -> Result<String, PublishError> {
        let event = self.completed(event);
        let id = event.id.clone();
        let deadline = Instant::now() + deadline;
        let (confirm, confirmed) = oneshot::channel();
        self.send(event, |event, permit| Command::Confirm {
            event,
            permit,
            deadline,
            confirm,
        })?;
        confirmed
            .await
            .map_err(|_| PublishError::Closed)?
            .map(|()| id)
    }

    /// Publishes an event and returns the replies that arrive until `deadline`, or the first 10,000.
    ///
    /// An event that has not left when the future is dropped is never sent.
    ///
    /// # Errors
    ///
    /// Returns that the event was not taken. An event that nobody answers has no replies, which is no error.
    pub async fn publish_and_collect(
        &self,
        event: Event,
        deadline: Duration,
    ) -> Result<Vec<Event>, PublishError> {
        self.collect(event, deadline, MAX_REPLIES).await
    }

    /// Publishes an event and returns the first reply that arrives until `deadline`.
    ///
    /// # Errors
    ///
    /// Returns that the event was not taken.
    pub async fn request(
        &self,
        event: Event,
        deadline: Duration,
    ) -> Result<Option<Event>, PublishError> {
        Ok(self.collect(event, deadline, 1).await?.pop())
    }

    async fn collect(
        &self,
        event: Event,
        deadline: Duration,
        at_most: usize,
    ) -> Result<Vec<Event>, PublishError> {
        let event = self.completed(event);
        let deadline = Instant::now() + deadline;
        let (answer, answers) = oneshot::channel();
        self.send(event, |event, permit| Command::Collect {
            event,
            permit,
            deadline,
            at_most,
            answer,
        })?;
        answers.await.map_err(|_| PublishError::Closed)
    }

    /// Publishes the answer to `event`, which reaches its publisher only.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    pub fn reply(&self, event: &Event, data: Value) -> Result<String, PublishError> {
        self.publish(Event::reply_to(event, data))
    }

    /// Looks at once whether the connection still stands, or tries at once to make one.
    ///
    /// For moments when it likely broke unnoticed, such as waking from sleep or changing the network.
    pub fn nudge(&self) {
        if let Err(error) = self.commands.try_send(Command::Nudge) {
            tracing::debug!(%error, "the event hub is too busy to be nudged");
        }
    }

    /// Sends what is waiting, as far as that is possible within two seconds, and ends the connection.
    pub async fn close(&self) {
        let mut state = self.state.clone();
        let closing = async {
            if self.commands.send(Command::Close).await.is_ok() {
                state
                    .wait_for(|state| *state == HubState::Closed)
                    .await
                    .map(drop)
                    .ok();
            }
        };
        if tokio::time::timeout(Duration::from_secs(5), closing)
            .await
            .is_err()
        {
            tracing::warn!("the event hub did not close in time");
        }
    }

    fn send(
        &self,
        event: Event,
        command: impl FnOnce(Box<Event>, outbox::Room) -> Command,
    ) -> Result<(), PublishError> {
        let room = Arc::clone(&self.room)
            .try_acquire_owned()
            .map_err(|_| PublishError::QueueFull)?;
        self.commands
            .try_send(command(Box::new(event), room))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => PublishError::QueueFull,
                mpsc::error::TrySendError::Closed(_) => PublishError::Closed,
            })
    }

    /// Fills in the id and whatever of the source the event does not say itself.
    fn completed(&self, mut event: Event) -> Event {
        if event.id.is_empty() {
            event.id = new_id();
        }
        let mut source = Map::clone(&self.source);
        if let Value::Object(given) = std::mem::take(&mut event.source) {
            source.extend(given);
        }
        event.source = Value::Object(source);
        event
    }
}

impl fmt::Debug for EventHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventHub")
            .field("id", &self.id)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// Reads a packet, and returns whether it is one.
pub(crate) fn reads_packet(text: &str) -> bool {
    packet::Packet::decode(text).is_ok()
}

fn endpoint(config: &Config) -> Result<Endpoint, ConnectError> {
    let server = ServerUrl::parse(&config.server).map_err(ConnectError::BadServer)?;
    Ok(Endpoint {
        client: http::client(config, &server, Purpose::Events)?,
        server,
        timeout: config.timeouts.query,
    })
}

fn source(id: &str, user: &str, options: &HubOptions) -> Map<String, Value> {
    let mut source = BTreeMap::from([("id", json!(id)), ("user", json!({"username": user}))]);
    source.extend(
        options
            .application_id
            .as_ref()
            .map(|application| ("applicationId", json!(application))),
    );
    source.extend(options.host_name.as_ref().map(|host| ("host", json!(host))));
    source
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
