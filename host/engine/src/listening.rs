//! Who hears which event: subscriptions that manifests declare, and those of turns that run.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use callboard_event::{Event as Happened, Expression, SubscriptionIndex};
use callboard_protocol::{
    EventPlace, EventsHeard, EventsNext, EventsPublish, EventsSubscribe, Failure, FailureKind,
    HeardEvent, HostMethod, PluginId, Subscribed,
};
use serde_json::{Value, json};

use crate::Engine;
use crate::event::{Effect, ProcessId};
use crate::process::Turn;
use crate::subscription::Gathered;
use crate::turn::{as_json, read};
use crate::waiting::{Service, Waiting};

/// How many subscriptions a turn may have.
const MAX_SUBSCRIPTIONS: usize = 16;

/// How many events, and how many bytes of them, may wait for a turn.
const MAX_WAITING: usize = 256;
const MAX_WAITING_BYTES: usize = 4 * 1024 * 1024;

/// The longest that a turn may wait for an event, in seconds.
const MAX_WAIT_SECS: f64 = 60.0;

/// How many events are remembered, to notice one that is published again.
const MAX_HEARD_IDS: usize = 512;

/// What events of a plugin say of where they come from.
const OF_PLUGIN: &str = "callboardPlugin";

/// Who hears an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Hearer {
    /// A subscription that a manifest declares.
    Declared { plugin: PluginId, id: String },
    /// A subscription of a turn.
    Turn { process: ProcessId, number: u64 },
}

/// The subscriptions, by place.
#[derive(Debug, Default)]
pub(crate) struct Listening {
    hub: Index,
    bus: Index,
    turns: BTreeMap<ProcessId, Listener>,
    last_number: u64,
    /// The ids of events that plugins published on the hub, oldest first.
    heard_ids: VecDeque<String>,
    /// What was last told of what is to be heard.
    told: (BTreeSet<String>, bool),
}

#[derive(Debug)]
struct Index(SubscriptionIndex<Hearer>);

impl Default for Index {
    fn default() -> Self {
        Self(SubscriptionIndex::new())
    }
}

/// What a turn has subscribed to and not taken yet.
#[derive(Debug, Default)]
struct Listener {
    subscriptions: BTreeMap<u64, (EventPlace, String)>,
    events: VecDeque<(HeardEvent, usize)>,
    bytes: usize,
    dropped: u64,
    waiter: Option<Service>,
    /// Counts the waits, so that only the end of the latest one counts.
    waits: u64,
}

impl Listening {
    fn place(&mut self, on: EventPlace) -> &mut SubscriptionIndex<Hearer> {
        match on {
            EventPlace::Bus => &mut self.bus.0,
            _ => &mut self.hub.0,
        }
    }

    /// Tells whether a plugin's event was heard on the hub before: a step whose confirmation was lost publishes it once more.
    fn is_repeated(&mut self, event: &Happened) -> bool {
        if event.id.is_empty() || event.source.get(OF_PLUGIN).is_none() {
            return false;
        }
        if self.heard_ids.contains(&event.id) {
            return true;
        }
        if self.heard_ids.len() == MAX_HEARD_IDS {
            self.heard_ids.pop_front();
        }
        self.heard_ids.push_back(event.id.clone());
        false
    }
}

impl Engine {
    /// The manifests were read: what they declare is heard from now on.
    pub(crate) fn listen_as_declared(&mut self) {
        let old: Vec<Hearer> = self
            .gathered
            .keys()
            .map(|(plugin, id)| Hearer::Declared {
                plugin: plugin.clone(),
                id: id.clone(),
            })
            .collect();
        for hearer in &old {
            self.listening.hub.0.remove(hearer);
            self.listening.bus.0.remove(hearer);
        }
        let mut gathered = BTreeMap::new();
        for entry in self.catalog.present() {
            let plugin = &entry.manifest.id;
            for declared in &entry.manifest.subscriptions {
                // The manifest was checked when it was read.
                let Ok(expression) = Expression::parse(&declared.expression) else {
                    continue;
                };
                let hearer = Hearer::Declared {
                    plugin: plugin.clone(),
                    id: declared.id.clone(),
                };
                self.listening.place(declared.on).insert(hearer, expression);
                let key = (plugin.clone(), declared.id.clone());
                let kept = self.gathered.remove(&key);
                gathered.insert(key, kept.unwrap_or_else(|| Gathered::new(declared.on)));
            }
        }
        self.gathered = gathered;
        self.tell_what_is_heard();
    }

    /// Tells what is to be heard on the hub and on the bus, where that changed.
    fn tell_what_is_heard(&mut self) {
        let declared = self.catalog.present().flat_map(|entry| {
            let declared = &entry.manifest.subscriptions;
            declared.iter().map(|one| (one.on, one.expression.clone()))
        });
        let turns = self.listening.turns.values();
        let of_turns = turns.flat_map(|listener| listener.subscriptions.values().cloned());
        let mut hub = BTreeSet::new();
        let mut bus = false;
        for (on, expression) in declared.chain(of_turns) {
            match on {
                EventPlace::Bus => bus = true,
                _ => {
                    hub.insert(expression);
                }
            }
        }
        let told = (hub, bus);
        if told != self.listening.told {
            self.listening.told = told.clone();
            let (hub, bus) = told;
            self.out.push(Effect::Hear { hub, bus });
        }
    }

    /// An event was published.
    pub(crate) fn happened(&mut self, on: EventPlace, event: &Happened) {
        let hearers: Vec<Hearer> = self
            .listening
            .place(on)
            .matching(event)
            .filter(|hearer| on != EventPlace::Bus || is_meant(event, hearer))
            .cloned()
            .collect();
        if hearers.is_empty() || (on != EventPlace::Bus && self.listening.is_repeated(event)) {
            return;
        }
        let envelope = as_json(event);
        let bytes = envelope.to_string().len();
        for hearer in hearers {
            match hearer {
                Hearer::Declared { plugin, id } => {
                    if !self.is_unwanted_echo(&plugin, &id, event) {
                        self.gather(&plugin, &id, envelope.clone(), bytes);
                    }
                }
                Hearer::Turn { process, number } => {
                    self.hear(process, number, envelope.clone(), bytes);
                }
            }
        }
    }

    /// Tells whether an event is what this host itself changed, or the plugin itself published, and is not to be heard.
    fn is_unwanted_echo(&self, plugin: &PluginId, id: &str, event: &Happened) -> bool {
        let text =
            |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let is_echo = text(&event.data, "clientToken")
            .is_some_and(|token| token == self.config.host)
            || text(&event.source, OF_PLUGIN).is_some_and(|by| by == plugin.as_str());
        let wants_echoes = self.catalog.plugin(plugin).is_some_and(|entry| {
            let mut declared = entry.manifest.subscriptions.iter();
            declared.any(|one| one.id == id && one.echoes)
        });
        is_echo && !wants_echoes
    }

    /// Does what a turn asks of the `events` service.
    pub(crate) fn ask_events(
        &mut self,
        turn: &Turn,
        service: Service,
        method: HostMethod,
        params: Value,
    ) -> Result<(), Failure> {
        let name = method.name();
        let process = service.process;
        match method {
            HostMethod::EventsSubscribe => {
                let number = self.subscribe(process, read(name, params)?)?;
                self.serve(
                    &service,
                    Ok(json!(Subscribed {
                        subscription_id: number
                    })),
                );
            }
            HostMethod::EventsUnsubscribe => {
                let Subscribed { subscription_id } = read(name, params)?;
                self.unsubscribe(process, subscription_id);
                self.serve(&service, Ok(json!({})));
            }
            HostMethod::EventsNext => self.next_events(service, &read(name, params)?)?,
            _ => {
                let mut publish: EventsPublish = read(name, params)?;
                publish.event = self.checked_event(process, publish.event)?;
                let params = as_json(&publish);
                return self.ask_service(turn, service, method, params);
            }
        }
        Ok(())
    }

    fn subscribe(&mut self, process: ProcessId, ask: EventsSubscribe) -> Result<u64, Failure> {
        let expression = Expression::parse(&ask.subscription).map_err(|error| {
            Failure::invalid(format!(
                "the subscription cannot be read: `{}`",
                ask.subscription
            ))
            .hint("write an expression such as `topic=ftrack.update`")
            .caused_by(&error)
        })?;
        if ask.on == EventPlace::Unknown {
            return Err(Failure::invalid("`on` must be `hub` or `bus`"));
        }
        let listener = self.listening.turns.entry(process).or_default();
        if listener.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return Err(Failure::new(
                FailureKind::Limit,
                format!("a turn may have {MAX_SUBSCRIPTIONS} subscriptions"),
            )
            .hint("write one expression for several topics"));
        }
        self.listening.last_number += 1;
        let number = self.listening.last_number;
        let listener = self.listening.turns.entry(process).or_default();
        listener
            .subscriptions
            .insert(number, (ask.on, ask.subscription));
        let hearer = Hearer::Turn { process, number };
        self.listening.place(ask.on).insert(hearer, expression);
        self.tell_what_is_heard();
        Ok(number)
    }

    fn unsubscribe(&mut self, process: ProcessId, number: u64) {
        let Some(listener) = self.listening.turns.get_mut(&process) else {
            return;
        };
        if let Some((on, _)) = listener.subscriptions.remove(&number) {
            let hearer = Hearer::Turn { process, number };
            self.listening.place(on).remove(&hearer);
            self.tell_what_is_heard();
        }
    }

    /// A turn is over, and with it what it listened to.
    pub(crate) fn stop_listening(&mut self, process: ProcessId) {
        let Some(listener) = self.listening.turns.remove(&process) else {
            return;
        };
        for (number, (on, _)) in listener.subscriptions {
            let hearer = Hearer::Turn { process, number };
            self.listening.place(on).remove(&hearer);
        }
        self.tell_what_is_heard();
    }

    fn hear(&mut self, process: ProcessId, number: u64, event: Value, bytes: usize) {
        let Some(listener) = self.listening.turns.get_mut(&process) else {
            return;
        };
        if listener.events.len() >= MAX_WAITING || listener.bytes + bytes > MAX_WAITING_BYTES {
            listener.dropped += 1;
            return;
        }
        listener.bytes += bytes;
        let heard = HeardEvent {
            subscription_id: number,
            event,
        };
        listener.events.push_back((heard, bytes));
        if let Some(waiter) = listener.waiter.take() {
            self.answer_events(&waiter);
        }
    }

    fn next_events(&mut self, service: Service, ask: &EventsNext) -> Result<(), Failure> {
        if !(0.0..=MAX_WAIT_SECS).contains(&ask.wait_secs) {
            return Err(Failure::invalid(format!(
                "a wait must be between 0 and {MAX_WAIT_SECS} seconds: `{}`",
                ask.wait_secs
            )));
        }
        let process = service.process;
        let listener = self.listening.turns.get_mut(&process).ok_or_else(|| {
            Failure::invalid("the turn has subscribed to nothing").hint("subscribe first")
        })?;
        if listener.waiter.is_some() {
            return Err(
                Failure::new(FailureKind::Conflict, "the turn waits for events already")
                    .hint("wait in one thread"),
            );
        }
        if !listener.events.is_empty() || ask.wait_secs == 0.0 {
            self.answer_events(&service);
            return Ok(());
        }
        listener.waits += 1;
        let wait = listener.waits;
        if let Some(listener) = self.listening.turns.get_mut(&process) {
            listener.waiter = Some(service);
        }
        let after_ms = (ask.wait_secs * 1000.0) as u64;
        self.set_timer(after_ms, Waiting::EventsOver { process, wait });
        Ok(())
    }

    pub(crate) fn wait_for_events_is_over(&mut self, process: ProcessId, wait: u64) {
        let listener = self.listening.turns.get_mut(&process);
        let waiter = listener
            .filter(|listener| listener.waits == wait)
            .and_then(|listener| listener.waiter.take());
        if let Some(waiter) = waiter {
            self.answer_events(&waiter);
        }
    }

    /// A cancelled turn waits for no more events.
    pub(crate) fn wake_listener(&mut self, process: ProcessId) {
        let listener = self.listening.turns.get_mut(&process);
        if let Some(waiter) = listener.and_then(|listener| listener.waiter.take()) {
            self.answer_events(&waiter);
        }
    }

    fn answer_events(&mut self, waiter: &Service) {
        let Some(listener) = self.listening.turns.get_mut(&waiter.process) else {
            return;
        };
        listener.bytes = 0;
        let events = std::mem::take(&mut listener.events);
        let heard = EventsHeard {
            events: events.into_iter().map(|(event, _)| event).collect(),
            dropped: std::mem::take(&mut listener.dropped),
        };
        self.serve(waiter, Ok(as_json(&heard)));
    }

    /// Checks what a plugin wants published, and fills in who it is.
    pub(crate) fn checked_event(&self, process: ProcessId, event: Value) -> Result<Value, Failure> {
        let mut event: Happened = serde_json::from_value(event).map_err(|error| {
            Failure::invalid("the event cannot be read")
                .hint("give it a `topic` and an object as `data`")
                .caused_by(&error)
        })?;
        let identity = self.signed_in().map_err(Clone::clone)?;
        let own =
            |prefix: &str| event.topic == prefix || event.topic.starts_with(&format!("{prefix}."));
        if event.topic.trim().is_empty() {
            return Err(Failure::invalid("the event has no topic"));
        }
        if own("callboard") || own("ftrack.meta") {
            return Err(
                Failure::denied(format!("a plugin may not publish `{}`", event.topic))
                    .hint("use a topic of your own, such as `studio.published`"),
            );
        }
        let of_another = event.username().is_some_and(|user| user != identity.user)
            || event.user_id().is_some_and(|id| id != identity.user_id);
        if of_another {
            return Err(Failure::denied(format!(
                "`{}` may not be published as another user",
                event.topic
            ))
            .hint("leave `source.user` out"));
        }
        let plugin = self.plugin_of(process);
        let mut source = match event.source.take() {
            Value::Object(source) => source,
            _ => serde_json::Map::new(),
        };
        source.insert(
            "user".to_owned(),
            json!({"id": identity.user_id, "username": identity.user}),
        );
        source.insert(OF_PLUGIN.to_owned(), plugin.as_str().into());
        event.source = Value::Object(source);
        Ok(as_json(&event))
    }
}

/// Tells whether an event of the bus that is meant for some is meant for this one.
fn is_meant(event: &Happened, hearer: &Hearer) -> bool {
    let target = event.target.trim();
    if target.is_empty() {
        return true;
    }
    let subscriber = match hearer {
        Hearer::Declared { plugin, .. } => json!({ OF_PLUGIN: plugin }),
        Hearer::Turn { .. } => json!({}),
    };
    Expression::parse(target).is_ok_and(|target| target.matches(&subscriber))
}
