//! The task that owns the connection and everything that outlives it.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use callboard_event::{Event, Expression, REPLY_TOPIC, RawEvent};
use futures_util::FutureExt;
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::backoff::Backoff;
use super::collection::Collection;
use super::connection::{Connection, Endpoint, Wire};
use super::link::Link;
use super::lost::ConnectionLost;
use super::mailbox::Mailbox;
use super::metrics::{Counters, count};
use super::outbox::{Confirm, Outbox, Room};
use super::packet::{HEARTBEAT, Packet};
use super::subscriptions::Subscriptions;
use super::{HubMessage, HubOptions, HubState, SubscriberId};
use crate::operation::new_id;

/// A connection that held for so long was a good one; the next failure is a new story.
const HELD: Duration = Duration::from_secs(10);

/// How many frames are taken at once when so many have come.
const BURST: usize = 64;

/// For how long the server may think about our subscriptions before the connection counts as up all the same.
const SUBSCRIBING: Duration = Duration::from_secs(5);

/// What sending the rest may take when the hub is closed.
const GOODBYE: Duration = Duration::from_secs(2);

/// No server's wish to be left alone is followed for longer than this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);

/// What the handle asks for.
#[derive(Debug)]
pub(super) enum Command {
    Subscribe {
        id: SubscriberId,
        expression: Expression,
        metadata: Value,
    },
    Unsubscribe {
        id: SubscriberId,
    },
    Publish {
        event: Box<Event>,
        permit: Room,
    },
    Confirm {
        event: Box<Event>,
        permit: Room,
        deadline: Instant,
        confirm: Confirm,
    },
    Collect {
        event: Box<Event>,
        permit: Room,
        deadline: Instant,
        at_most: usize,
        answer: oneshot::Sender<Vec<Event>>,
    },
    Renew {
        endpoint: Box<Endpoint>,
    },
    Nudge,
    Close,
}

/// How the worker and the handle hear of each other.
pub(super) struct Channels {
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) mailbox: Mailbox,
    pub(super) state: watch::Sender<HubState>,
    pub(super) counters: Arc<Counters>,
}

pub(super) struct Worker {
    /// What every event of the hub's own says of its sender; `id` is the hub's.
    source: Arc<Map<String, Value>>,
    endpoint: Endpoint,
    backoff: Backoff,
    refused_pause: Duration,
    commands: mpsc::Receiver<Command>,
    mailbox: Mailbox,
    state: watch::Sender<HubState>,
    subscriptions: Subscriptions,
    outbox: Outbox,
    /// Packets that go before all events, for the connection that is up.
    control: VecDeque<Message>,
    /// Subscriptions that the server has not answered yet.
    unanswered: HashSet<u64>,
    is_connected: bool,
    collections: HashMap<String, Collection>,
    /// When which event's time is over.
    deadlines: BTreeMap<(Instant, u64), String>,
    deadlines_made: u64,
    last_reason: Option<ConnectionLost>,
    counters: Arc<Counters>,
}

/// What a command asks of the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    GoOn,
    Nudge,
    Renew,
    Close,
}

/// Why a connection is no longer served.
enum End {
    Lost(ConnectionLost),
    /// The next one is to be made in another way.
    Renewed,
    Closed,
}

impl Worker {
    pub(super) fn new(
        source: Arc<Map<String, Value>>,
        endpoint: Endpoint,
        options: &HubOptions,
        channels: Channels,
    ) -> Self {
        let Channels {
            commands,
            mailbox,
            state,
            counters,
        } = channels;
        Self {
            source,
            endpoint,
            backoff: Backoff::new(options.first_pause, options.longest_pause, options.seed),
            refused_pause: options.refused_pause,
            commands,
            mailbox,
            state,
            subscriptions: Subscriptions::default(),
            outbox: Outbox::default(),
            control: VecDeque::new(),
            unanswered: HashSet::new(),
            is_connected: false,
            collections: HashMap::new(),
            deadlines: BTreeMap::new(),
            deadlines_made: 0,
            last_reason: None,
            counters,
        }
    }

    /// Connects and serves, again and again, until the hub is closed.
    pub(super) async fn run(mut self) {
        loop {
            let end = self.connect_and_serve().await;
            self.outbox.connection_lost();
            self.control.clear();
            self.unanswered.clear();
            self.is_connected = false;
            let reason = match end {
                End::Lost(reason) => reason,
                End::Renewed => continue,
                End::Closed => break,
            };
            let pause = self.pause_after(&reason);
            self.report(reason);
            if self.wait(pause).await == Turn::Close {
                break;
            }
        }
        self.state.send_replace(HubState::Closed);
    }

    async fn connect_and_serve(&mut self) -> End {
        self.state.send_if_modified(|state| {
            // Between two attempts after a refusal the refusal is what matters.
            let is_news = matches!(state, HubState::Disconnected { .. } | HubState::Connected);
            if is_news {
                *state = HubState::Connecting;
            }
            is_news
        });
        let mut connecting = pin!(self.endpoint.clone().connect());
        let connection = loop {
            tokio::select! {
                connection = &mut connecting => break connection,
                turn = self.turn() => match turn {
                    Turn::Close => return End::Closed,
                    Turn::Renew => return End::Renewed,
                    Turn::GoOn | Turn::Nudge => {}
                },
            }
        };
        match connection {
            Ok(connection) => self.serve(connection).await,
            Err(reason) => End::Lost(reason),
        }
    }

    fn pause_after(&mut self, reason: &ConnectionLost) -> Duration {
        let pause = if reason.is_refusal() {
            self.backoff.jittered(self.refused_pause)
        } else {
            self.backoff.next()
        };
        pause.max(
            reason
                .retry_after()
                .unwrap_or_default()
                .min(LONGEST_RETRY_AFTER),
        )
    }

    fn report(&mut self, reason: ConnectionLost) {
        let (sentence, hint) = (reason.sentence(), reason.hint());
        self.state.send_replace(if reason.is_refusal() {
            HubState::Refused { sentence, hint }
        } else {
            HubState::Disconnected { sentence, hint }
        });
        let error: &dyn std::error::Error = &reason;
        if self.last_reason.as_ref() == Some(&reason) {
            tracing::debug!(error, "still no connection to the event hub");
        } else {
            tracing::info!(error, "no connection to the event hub");
            self.last_reason = Some(reason.clone());
            self.mailbox.post(HubMessage::Disconnected { reason });
        }
    }

    /// Goes on with everything but the connection until `pause` is over or someone knows better.
    async fn wait(&mut self, pause: Duration) -> Turn {
        let end = Instant::now() + pause;
        loop {
            tokio::select! {
                () = sleep_until(end) => return Turn::GoOn,
                turn = self.turn() => if turn != Turn::GoOn { return turn },
            }
        }
    }

    /// Takes note of how many events wait to be sent.
    fn publishes_wait(&self) {
        let most = &self.counters.most_waiting_publishes;
        most.fetch_max(self.outbox.len(), Ordering::Relaxed);
    }

    /// Does the next thing that needs no connection. Nothing is lost when this is given up half way.
    async fn turn(&mut self) -> Turn {
        let deadline = self
            .deadlines
            .first_key_value()
            .map(|((deadline, _), _)| *deadline);
        tokio::select! {
            command = self.commands.recv() => {
                let turn = command.map_or(Turn::Close, |command| self.command(command));
                self.publishes_wait();
                turn
            }
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                self.expire();
                Turn::GoOn
            }
        }
    }

    fn command(&mut self, command: Command) -> Turn {
        match command {
            Command::Subscribe {
                id,
                expression,
                metadata,
            } => {
                if self.is_connected {
                    self.send_subscription(&expression, &metadata);
                }
                self.subscriptions.insert(id, expression, metadata);
            }
            Command::Unsubscribe { id } => {
                let metadata = self.subscriptions.remove(&id);
                if let Some(metadata) = metadata.filter(|_| self.is_connected) {
                    let data = json!({"subscriber": metadata});
                    self.send_control(
                        "ftrack.meta.unsubscribe",
                        data,
                        format!("the end of subscription `{id}`"),
                    );
                }
            }
            Command::Publish { event, permit } => self.outbox.push(event, permit, None),
            Command::Confirm {
                event,
                permit,
                deadline,
                confirm,
            } => {
                self.add_deadline(deadline, &event.id);
                self.outbox.push(event, permit, Some(confirm));
            }
            Command::Collect {
                event,
                permit,
                deadline,
                at_most,
                answer,
            } => {
                self.add_deadline(deadline, &event.id);
                self.collections.insert(
                    event.id.clone(),
                    Collection {
                        replies: Vec::new(),
                        at_most,
                        answer,
                    },
                );
                self.outbox.push(event, permit, None);
            }
            Command::Renew { endpoint } => {
                self.endpoint = *endpoint;
                return Turn::Renew;
            }
            Command::Nudge => return Turn::Nudge,
            Command::Close => return Turn::Close,
        }
        Turn::GoOn
    }

    fn add_deadline(&mut self, deadline: Instant, event_id: &str) {
        self.deadlines_made += 1;
        self.deadlines
            .insert((deadline, self.deadlines_made), event_id.to_owned());
    }

    fn expire(&mut self) {
        let now = Instant::now();
        while let Some(entry) = self.deadlines.first_entry()
            && entry.key().0 <= now
        {
            let event_id = entry.remove();
            self.outbox.expire(&event_id);
            if let Some(collection) = self.collections.remove(&event_id) {
                collection.finish();
            }
        }
    }

    async fn serve(&mut self, connection: Connection) -> End {
        let since = Instant::now();
        let mut wire = Wire::new(connection.socket);
        let mut link = Link::new(connection.patience);
        self.begin();
        let end = loop {
            match self.step(&mut wire, &mut link).await {
                Ok(Turn::Close) => {
                    self.say_goodbye(&mut wire).await;
                    break End::Closed;
                }
                Ok(Turn::Renew) => {
                    self.say_goodbye(&mut wire).await;
                    break End::Renewed;
                }
                Ok(Turn::Nudge) => {
                    self.control
                        .push_back(Message::Ping(tokio_tungstenite::tungstenite::Bytes::new()));
                    link.demand_sign_of_life();
                }
                Ok(Turn::GoOn) => {}
                Err(reason) => break End::Lost(reason),
            }
        };
        if since.elapsed() >= HELD {
            self.backoff.reset();
        }
        end
    }

    /// Subscribes to everything anew; the hub's own subscription to replies comes first.
    fn begin(&mut self) {
        self.is_connected = true;
        count(&self.counters.connections);
        let own = json!({"id": self.source.get("id")});
        let replies = format!("topic={REPLY_TOPIC}");
        let number = self.send_control(
            "ftrack.meta.subscribe",
            json!({"subscriber": own, "subscription": replies}),
            format!("the subscription `{replies}`"),
        );
        self.unanswered.insert(number);
        let subscriptions = std::mem::take(&mut self.subscriptions);
        for (expression, metadata) in subscriptions.in_order() {
            let number = self.send_subscription(expression, metadata);
            self.unanswered.insert(number);
        }
        self.subscriptions = subscriptions;
    }

    fn send_subscription(&mut self, expression: &Expression, metadata: &Value) -> u64 {
        let text = expression.to_string();
        let what = format!("the subscription `{text}`");
        self.send_control(
            "ftrack.meta.subscribe",
            json!({"subscriber": metadata, "subscription": text}),
            what,
        )
    }

    fn send_control(&mut self, topic: &str, data: Value, what: String) -> u64 {
        let mut event = Event::new(topic, data).with_id(new_id());
        event.source = Value::Object(Map::clone(&self.source));
        let (number, packet) = self.outbox.control_packet(&event, what);
        count(&self.counters.sent);
        self.control.push_back(Message::text(packet));
        number
    }

    /// Returns what is to be sent next.
    fn next_packet(&mut self) -> Option<Message> {
        if let Some(packet) = self.control.pop_front() {
            return Some(packet);
        }
        let packet = self.outbox.next_packet()?;
        count(&self.counters.sent);
        Some(Message::text(packet))
    }

    /// Takes a frame and those that have come with it, and hands over what they bring.
    fn frames(
        &mut self,
        frame: Message,
        wire: &mut Wire,
        link: &mut Link,
    ) -> Result<(), ConnectionLost> {
        let taken = self.burst(frame, wire, link);
        self.mailbox.hand_over();
        taken
    }

    /// Takes a frame and those that have come with it, a few at most, so that nothing else waits for long.
    fn burst(
        &mut self,
        mut frame: Message,
        wire: &mut Wire,
        link: &mut Link,
    ) -> Result<(), ConnectionLost> {
        for _ in 0..BURST {
            link.heard();
            self.frame(frame, link);
            match wire.split().0.frame().now_or_never() {
                Some(next) => frame = next?,
                None => return Ok(()),
            }
        }
        self.frame(frame, link);
        Ok(())
    }

    /// Does the next thing on an open connection.
    async fn step(&mut self, wire: &mut Wire, link: &mut Link) -> Result<Turn, ConnectionLost> {
        let collections = &self.collections;
        self.outbox.skip_abandoned(|event_id| {
            let collection = collections.get(event_id);
            collection.is_some_and(|collection| collection.answer.is_closed())
        });
        let has_packet = !self.control.is_empty() || !self.outbox.is_empty();
        let is_announced = *self.state.borrow() == HubState::Connected;
        link.has_work(has_packet);
        let (reader, writer) = wire.split();
        let write = async {
            if has_packet {
                writer.ready().await
            } else {
                writer.flushed().await
            }
        };
        tokio::select! {
            frame = reader.frame() => {
                self.frames(frame?, wire, link)?;
                if !is_announced && self.unanswered.is_empty() {
                    self.announce();
                }
            }
            written = write, if has_packet || link.is_unflushed => {
                written?;
                link.progressed();
                let packet = self.next_packet();
                link.is_unflushed = packet.is_some();
                if let Some(packet) = packet {
                    wire.split().1.give(packet)?;
                }
            }
            turn = self.turn() => return Ok(turn),
            () = sleep_until(link.next_limit()) => link.check()?,
            () = sleep_until(link.since + SUBSCRIBING), if !is_announced => self.announce(),
        }
        Ok(Turn::GoOn)
    }

    fn announce(&mut self) {
        tracing::info!("connected to the event hub");
        self.last_reason = None;
        self.state.send_replace(HubState::Connected);
        self.mailbox.post(HubMessage::Connected);
    }

    fn frame(&mut self, frame: Message, link: &mut Link) {
        let text = match &frame {
            Message::Text(text) => text.as_str(),
            // The library has the answer ready; it only has to leave.
            Message::Ping(_) => {
                link.is_unflushed = true;
                return;
            }
            _ => return,
        };
        match Packet::decode(text) {
            Ok(Packet::Event(event)) => self.event(event),
            // One answer serves them all when the server takes none.
            Ok(Packet::Heartbeat) if self.control.back() == Some(&Message::text(HEARTBEAT)) => {}
            Ok(Packet::Heartbeat) => self.control.push_back(Message::text(HEARTBEAT)),
            Ok(Packet::Acknowledge(number, outcome)) => {
                self.unanswered.remove(&number);
                if let Some(sentence) = self.outbox.acknowledge(number, outcome) {
                    self.mailbox.post(HubMessage::Warning { sentence });
                }
            }
            Ok(Packet::Disconnect) => link.end("the server asked for it".to_owned()),
            Ok(Packet::Error(reason)) => link.end(reason),
            Ok(Packet::Nothing) => {}
            Err(error) => skipped(&error),
        }
    }

    fn event(&mut self, event: Box<RawEvent>) {
        count(&self.counters.received);
        if event.topic == REPLY_TOPIC
            && let Some(answered) = event.in_reply_to_event.as_deref()
            && let Some(collection) = self.collections.get_mut(answered)
        {
            count(&self.counters.replies);
            let answered = answered.to_owned();
            match event.into_event() {
                Ok(reply) => collection.replies.push(reply),
                Err(error) => {
                    skipped(&error);
                    return;
                }
            }
            if collection.replies.len() >= collection.at_most
                && let Some(collection) = self.collections.remove(&answered)
            {
                collection.finish();
            }
            return;
        }
        let subscribers = self.subscriptions.wanting(&event);
        if !subscribers.is_empty() {
            count(&self.counters.matched);
            self.mailbox
                .collect(HubMessage::Event { event, subscribers });
        }
    }

    async fn say_goodbye(&mut self, wire: &mut Wire) {
        let goodbye = async {
            while let Some(packet) = self.next_packet() {
                wire.split().1.ready().await?;
                wire.split().1.give(packet)?;
            }
            wire.split().1.flushed().await?;
            wire.close().await
        };
        match timeout(GOODBYE, goodbye).await {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => tracing::debug!(%reason, "the event hub ended before the goodbye"),
            Err(_) => tracing::debug!("the event hub took too long for a goodbye"),
        }
    }
}

fn skipped(error: &(dyn std::error::Error + 'static)) {
    tracing::warn!(error, "skipped a frame of the event hub");
}
