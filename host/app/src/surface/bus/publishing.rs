//! Events from one client to others, and the replies on their way back.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use callboard_event::Event;
use callboard_protocol::{EventPlace, Failure};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::router::Router;
use super::{Shared, lock};

/// How many replies may wait for the one who published.
const REPLIES: usize = 256;

/// Subscriptions, and events whose replies are waited for.
#[derive(Default)]
pub(super) struct Publishing {
    router: Mutex<Router>,
    waiting: Mutex<HashMap<String, mpsc::Sender<Event>>>,
}

impl Publishing {
    pub(super) fn router(&self) -> MutexGuard<'_, Router> {
        lock(&self.router)
    }
}

impl Shared {
    /// Begins to wait for the replies to an event.
    pub(super) fn expect_replies(self: &std::sync::Arc<Self>, event_id: &str) -> Expected {
        let (sender, replies) = mpsc::channel(REPLIES);
        lock(&self.publishing.waiting).insert(event_id.to_owned(), sender.clone());
        Expected {
            shared: std::sync::Arc::clone(self),
            event_id: event_id.to_owned(),
            sender,
            replies,
        }
    }

    /// Brings an event to every client that wants it.
    ///
    /// # Errors
    ///
    /// When the event's target cannot be read.
    pub(super) fn route(&self, event: &Event) -> Result<(), Failure> {
        let sessions = self.publishing.router().wanted_by(event);
        let sessions = sessions.map_err(|error| {
            Failure::invalid("the event's `target` cannot be read")
                .hint("write an expression such as `id=…`, or leave it empty")
                .caused_by(&error)
        })?;
        for session in sessions {
            if let Some(client) = self.client(session) {
                client.outgoing.event(event);
            }
        }
        Ok(())
    }

    /// Tells the plugins' subscriptions of an event, where one wants to hear any.
    pub(super) async fn hear(&self, event: &Event) {
        if self.options.hearing.borrow().bus {
            let happened = engine::Event::Happened {
                on: EventPlace::Bus,
                event: Box::new(event.clone()),
            };
            self.options.engine.tell(happened).await;
        }
    }

    /// Brings a reply to whoever waits for it, or else to whom its target names.
    ///
    /// # Errors
    ///
    /// When the reply's target cannot be read.
    pub(super) fn reply(&self, reply: Event) -> Result<(), Failure> {
        let waiting = reply
            .in_reply_to_event
            .as_ref()
            .and_then(|id| lock(&self.publishing.waiting).get(id).cloned());
        match waiting {
            Some(waiting) => {
                if waiting.try_send(reply).is_err() {
                    tracing::warn!("a reply was dropped: too many came to one event");
                }
                Ok(())
            }
            None => self.route(&reply),
        }
    }
}

/// The replies to one event, as long as they are waited for.
pub(super) struct Expected {
    shared: std::sync::Arc<Shared>,
    event_id: String,
    sender: mpsc::Sender<Event>,
    replies: mpsc::Receiver<Event>,
}

impl Expected {
    /// Returns the replies that come until `deadline`, `at_most` of them.
    pub(super) async fn collect(mut self, deadline: Instant, at_most: usize) -> Vec<Event> {
        let mut replies = Vec::new();
        while replies.len() < at_most
            && let Ok(Some(reply)) = timeout_at(deadline, self.replies.recv()).await
        {
            replies.push(reply);
        }
        replies
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        let mut waiting = lock(&self.shared.publishing.waiting);
        // The same event may have been published again meanwhile, and that one is still waited for.
        let sender = waiting.get(&self.event_id);
        if sender.is_some_and(|sender| sender.same_channel(&self.sender)) {
            waiting.remove(&self.event_id);
        }
    }
}
