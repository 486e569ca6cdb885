//! What plugins want to hear: the engine says it, the hub's connection and the bus look at it.

use std::collections::{BTreeMap, BTreeSet};

use callboard_event::Expression;
use ftrack::{EventHub, SubscribeError, SubscriberId};
use serde_json::Map;
use tokio::sync::watch;

/// What plugins want to hear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hearing {
    /// Expressions for the hub.
    pub(crate) hub: BTreeSet<String>,
    /// Whether events of the bus are wanted.
    pub(crate) bus: bool,
}

/// The subscriptions on one connection to the hub that are there for plugins.
pub(crate) struct HubHearing {
    hub: EventHub,
    wanted: watch::Receiver<Hearing>,
    subscribed: BTreeMap<String, SubscriberId>,
}

impl HubHearing {
    /// Subscribes to what is wanted now.
    ///
    /// # Errors
    ///
    /// When the hub was closed.
    pub(crate) async fn start(
        hub: EventHub,
        mut wanted: watch::Receiver<Hearing>,
    ) -> Result<Self, SubscribeError> {
        wanted.mark_changed();
        let mut hearing = Self {
            hub,
            wanted,
            subscribed: BTreeMap::new(),
        };
        hearing.follow().await?;
        Ok(hearing)
    }

    /// Waits until something else is wanted.
    pub(crate) async fn changed(&mut self) {
        if self.wanted.changed().await.is_err() {
            // The engine is gone, and the host ends.
            std::future::pending::<()>().await;
        }
    }

    /// Subscribes to what is wanted now, and ends what is wanted no longer.
    ///
    /// # Errors
    ///
    /// When the hub was closed.
    pub(crate) async fn follow(&mut self) -> Result<(), SubscribeError> {
        let wanted = self.wanted.borrow_and_update().hub.clone();
        let gone: Vec<String> = self
            .subscribed
            .keys()
            .filter(|expression| !wanted.contains(*expression))
            .cloned()
            .collect();
        for expression in gone {
            if let Some(id) = self.subscribed.remove(&expression) {
                self.hub.unsubscribe(&id).await?;
            }
        }
        for text in wanted {
            if self.subscribed.contains_key(&text) {
                continue;
            }
            match Expression::parse(&text) {
                Ok(expression) => {
                    let id = self.hub.subscribe(expression, Map::new()).await?;
                    self.subscribed.insert(text, id);
                }
                // The engine has read it before.
                Err(error) => tracing::warn!(%error, text, "a plugin's subscription is left out"),
            }
        }
        Ok(())
    }

    /// Tells whether one of these subscriptions is among `subscribers`.
    pub(crate) fn wants(&self, subscribers: &[SubscriberId]) -> bool {
        self.subscribed.values().any(|id| subscribers.contains(id))
    }
}
