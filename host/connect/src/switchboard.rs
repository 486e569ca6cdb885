//! The host's one connection to the event hub, shared by every Connect child.
//!
//! A child's subscriptions are made on the host's hub under names of the switchboard's own, each expression once however
//! many children have it, and they are made again on every new hub. What children publish goes out as theirs: each child
//! subscribes to the replies to its own id, which is how the hub routes them.

mod filter;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callboard_event::{Event, Expression, REPLY_TOPIC, RawEvent};
use ftrack::{EventHub, SubscriberId};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use filter::{is_for_another_host, is_of_another_user};

/// How many events may wait for a child; what comes beyond is lost to it.
const WAITING: usize = 1024;

/// How many subscriptions one child may have.
const SUBSCRIPTIONS: usize = 1000;

/// The longest id that a subscriber may give itself.
const MAX_ID_BYTES: usize = 128;

/// Carries events between the host's hub and its Connect children. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Switchboard {
    shared: Arc<Mutex<Shared>>,
    /// Held while the hub is told what changed, so that it is told in order.
    telling: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The id of the host, which entries of menus carry so that a launch of them comes back here.
    host: String,
    hub: Option<EventHub>,
    user: String,
    /// The id of the switchboard's own subscription on the hub.
    own: String,
    members: HashMap<u64, mpsc::Sender<Arc<Event>>>,
    last_member: u64,
    /// What is subscribed on the hub, by the id it has there.
    wanted: HashMap<String, Wanted>,
    /// The ids by what is subscribed.
    ids: HashMap<String, String>,
}

/// One subscription on the hub.
#[derive(Debug)]
struct Wanted {
    expression: Expression,
    metadata: Map<String, Value>,
    /// Its place in `ids`; none for replies, which belong to one child.
    key: Option<String>,
    /// Which children want it, with the names that they gave it.
    by: HashSet<(u64, String)>,
}

/// What a hub must be told: it, the id, and what is subscribed for whom.
type News = (EventHub, String, Expression, Map<String, Value>);

/// Why a subscription was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SubscribeError {
    #[error("the subscription cannot be read: {0}")]
    Unreadable(String),
    #[error("a subscriber needs an id of at most 128 bytes")]
    NoId,
    #[error("the id belongs to another subscriber")]
    Taken,
    #[error("there are too many subscriptions")]
    TooMany,
}

impl Switchboard {
    /// Makes a switchboard that no hub is connected to, for the host of this id.
    pub fn new(host: &str) -> Self {
        let shared = Shared {
            host: host.to_owned(),
            ..Shared::default()
        };
        Self {
            shared: Arc::new(Mutex::new(shared)),
            telling: Arc::default(),
        }
    }

    /// Connects a hub in place of the last, as `user`; the children's subscriptions are made on it.
    pub async fn connect(&self, hub: EventHub, user: &str) {
        let _telling = self.telling.lock().await;
        let own = uuid::Uuid::new_v4().simple().to_string();
        let wanted: Vec<_> = {
            let mut shared = self.shared();
            shared.hub = Some(hub.clone());
            user.clone_into(&mut shared.user);
            shared.own.clone_from(&own);
            let wanted = shared.wanted.iter();
            wanted
                .map(|(id, wanted)| (id.clone(), wanted.narrowed(user), wanted.metadata.clone()))
                .collect()
        };
        if let Some(asked) = filter::asks_for_connect(user) {
            subscribe(&hub, &own, asked, Map::new()).await;
        }
        for (id, expression, metadata) in wanted {
            subscribe(&hub, &id, expression, metadata).await;
        }
    }

    /// Lets go of the hub: it was closed.
    pub fn disconnect(&self) {
        self.shared().hub = None;
    }

    /// Takes an event that the hub delivered for `subscribers`; returns whether all of them are children's.
    pub fn deliver(&self, event: &RawEvent, subscribers: &[SubscriberId]) -> bool {
        let mut shared = self.shared();
        let meant: Vec<&Wanted> = subscribers
            .iter()
            .filter_map(|id| shared.wanted.get(id.as_str()))
            .collect();
        let is_own = subscribers.iter().any(|id| id.as_str() == shared.own);
        let is_theirs = meant.len() + usize::from(is_own) == subscribers.len();
        if meant.is_empty() && !is_own {
            return is_theirs;
        }
        let event = match event.clone().into_event() {
            Ok(event) => Arc::new(event),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "skipped an event for Connect's plugins");
                return is_theirs;
            }
        };
        if is_own && !shared.members.is_empty() {
            shared.say_connect_is_here(&event);
        }
        if meant.is_empty()
            || is_of_another_user(&event, &shared.user)
            || is_for_another_host(&event, &shared.host)
        {
            return is_theirs;
        }
        let members: HashSet<u64> = meant
            .iter()
            .flat_map(|wanted| wanted.by.iter().map(|(member, _)| *member))
            .collect();
        for member in members {
            let sent = shared
                .members
                .get(&member)
                .map(|sender| sender.try_send(Arc::clone(&event)));
            match sent {
                Some(Err(mpsc::error::TrySendError::Full(_))) => {
                    tracing::warn!(
                        topic = event.topic,
                        "a Connect plugin takes its events too slowly: one was dropped"
                    );
                }
                Some(Err(mpsc::error::TrySendError::Closed(_))) => {
                    shared.members.remove(&member);
                }
                _ => {}
            }
        }
        is_theirs
    }

    /// Lets a child in: it hears what it subscribes to, until the member is dropped.
    pub(crate) fn join(&self) -> (Member, mpsc::Receiver<Arc<Event>>) {
        let (sender, events) = mpsc::channel(WAITING);
        let mut shared = self.shared();
        shared.last_member += 1;
        let number = shared.last_member;
        shared.members.insert(number, sender);
        let member = Member {
            board: self.clone(),
            number,
        };
        (member, events)
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wanted {
    /// Returns the expression that the hub is given: menus of other users are not even asked for.
    fn narrowed(&self, user: &str) -> Expression {
        filter::narrowed(&self.expression, user)
    }
}

/// One child's place at the switchboard.
#[derive(Debug)]
pub(crate) struct Member {
    board: Switchboard,
    number: u64,
}

impl Member {
    /// Subscribes in the name of a child; a name that it has used already is given the new expression.
    pub(crate) async fn subscribe(
        &self,
        expression: &str,
        metadata: &Map<String, Value>,
    ) -> Result<(), SubscribeError> {
        let parsed = Expression::parse(expression)
            .map_err(|error| SubscribeError::Unreadable(error.to_string()))?;
        let name = metadata
            .get("id")
            .and_then(Value::as_str)
            .filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES)
            .ok_or(SubscribeError::NoId)?;
        self.unsubscribe(name).await;
        let _telling = self.board.telling.lock().await;
        let new = self.note(parsed, expression, name, metadata)?;
        if let Some((hub, id, expression, metadata)) = new {
            subscribe(&hub, &id, expression, metadata).await;
        }
        Ok(())
    }

    /// Writes a subscription down; returns what the hub must be told, if it must.
    fn note(
        &self,
        parsed: Expression,
        text: &str,
        name: &str,
        metadata: &Map<String, Value>,
    ) -> Result<Option<News>, SubscribeError> {
        let mut shared = self.board.shared();
        if shared.of_member(self.number) >= SUBSCRIPTIONS {
            return Err(SubscribeError::TooMany);
        }
        let by = (self.number, name.to_owned());
        let mut metadata = metadata.clone();
        let is_for_replies = filter::topic(&parsed) == Some(REPLY_TOPIC);
        let (id, key) = if is_for_replies {
            let is_hosts = shared.hub.as_ref().is_some_and(|hub| hub.id() == name);
            if is_hosts || shared.wanted.contains_key(name) {
                return Err(SubscribeError::Taken);
            }
            (name.to_owned(), None)
        } else {
            metadata.remove("id");
            let key = format!("{text}\n{}", Value::Object(metadata.clone()));
            if let Some(id) = shared.ids.get(&key).cloned()
                && let Some(wanted) = shared.wanted.get_mut(&id)
            {
                wanted.by.insert(by);
                return Ok(None);
            }
            (uuid::Uuid::new_v4().simple().to_string(), Some(key))
        };
        if let Some(key) = &key {
            shared.ids.insert(key.clone(), id.clone());
        }
        let wanted = Wanted {
            expression: parsed,
            metadata: metadata.clone(),
            key,
            by: HashSet::from([by]),
        };
        let narrowed = wanted.narrowed(&shared.user);
        shared.wanted.insert(id.clone(), wanted);
        let hub = shared.hub.clone();
        Ok(hub.map(|hub| (hub, id, narrowed, metadata)))
    }

    /// Ends a subscription of the child's.
    pub(crate) async fn unsubscribe(&self, name: &str) {
        let _telling = self.board.telling.lock().await;
        let gone = self
            .board
            .shared()
            .forget(|by| by.0 == self.number && by.1 == name);
        self.board.end(gone).await;
    }

    /// Publishes an event of the child's.
    pub(crate) fn publish(&self, mut event: Event) -> Result<(), String> {
        let hub = {
            let shared = self.board.shared();
            filter::offered_here(&mut event, &shared.host);
            shared.hub.clone()
        };
        let hub = hub.ok_or("the host is not connected to the event hub")?;
        hub.publish(event)
            .map(drop)
            .map_err(|error| error.to_string())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let gone = {
            let mut shared = self.board.shared();
            shared.members.remove(&self.number);
            shared.forget(|by| by.0 == self.number)
        };
        if gone.is_empty() {
            return;
        }
        let board = self.board.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _telling = board.telling.lock().await;
                board.end(gone).await;
            });
        }
    }
}

impl Shared {
    /// Answers the web page, which asks whether Connect is running.
    fn say_connect_is_here(&self, event: &Event) {
        let replied = self
            .hub
            .as_ref()
            .map(|hub| hub.reply(event, Value::Bool(true)));
        if let Some(Err(error)) = replied {
            tracing::warn!(%error, "could not say that Connect's plugins run here");
        }
    }

    fn of_member(&self, member: u64) -> usize {
        self.wanted
            .values()
            .flat_map(|wanted| &wanted.by)
            .filter(|(number, _)| *number == member)
            .count()
    }

    /// Forgets who wants what; returns the ids of what nobody wants any more.
    fn forget(&mut self, is_gone: impl Fn(&(u64, String)) -> bool) -> Vec<String> {
        let mut gone = Vec::new();
        for (id, wanted) in &mut self.wanted {
            wanted.by.retain(|by| !is_gone(by));
            if wanted.by.is_empty() {
                gone.push(id.clone());
            }
        }
        for id in &gone {
            if let Some(key) = self.wanted.remove(id).and_then(|wanted| wanted.key) {
                self.ids.remove(&key);
            }
        }
        gone
    }
}

impl Switchboard {
    async fn end(&self, gone: Vec<String>) {
        let hub = self.shared().hub.clone();
        let Some(hub) = hub else { return };
        for id in gone {
            // A hub that is closed has forgotten it too.
            drop(hub.unsubscribe(&SubscriberId::from(id)).await);
        }
    }
}

async fn subscribe(
    hub: &EventHub,
    id: &str,
    expression: Expression,
    mut metadata: Map<String, Value>,
) {
    metadata.insert("id".to_owned(), id.into());
    // A hub that is closed is replaced, and the next is told.
    drop(hub.subscribe(expression, metadata).await);
}
