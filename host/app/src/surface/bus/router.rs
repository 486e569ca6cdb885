//! Who wants which event.

use std::collections::HashMap;

use callboard_event::{Event, Expression, ParseError, SubscriptionIndex};
use serde_json::{Map, Value};

/// A subscription: its client, and its number there.
type Key = (u64, u64);

/// The subscriptions of all clients.
#[derive(Default)]
pub(super) struct Router {
    index: SubscriptionIndex<Key>,
    /// What targets are matched against.
    subscribers: HashMap<Key, Value>,
    next: u64,
}

impl Router {
    /// Adds a subscription and returns its number.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the expression.
    pub(super) fn subscribe(
        &mut self,
        session: u64,
        expression: &str,
        mut subscriber: Map<String, Value>,
    ) -> Result<u64, ParseError> {
        let expression = Expression::parse(expression)?;
        self.next += 1;
        let key = (session, self.next);
        subscriber
            .entry("id")
            .or_insert_with(|| source_id(session).into());
        self.subscribers.insert(key, Value::Object(subscriber));
        self.index.insert(key, expression);
        Ok(self.next)
    }

    /// Ends a subscription; tells whether there was one.
    pub(super) fn unsubscribe(&mut self, session: u64, number: u64) -> bool {
        self.subscribers.remove(&(session, number));
        self.index.remove(&(session, number)).is_some()
    }

    /// Ends every subscription of a client.
    pub(super) fn forget(&mut self, session: u64) {
        let keys: Vec<Key> = self
            .subscribers
            .keys()
            .filter(|(owner, _)| *owner == session)
            .copied()
            .collect();
        for key in keys {
            self.unsubscribe(key.0, key.1);
        }
    }

    /// Returns the clients that want an event, each once.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the event's target.
    pub(super) fn wanted_by(&self, event: &Event) -> Result<Vec<u64>, ParseError> {
        let target = match event.target.trim() {
            "" => None,
            target => Some(Expression::parse(target)?),
        };
        let mut sessions = Vec::new();
        for key in self.index.matching(event) {
            let is_meant = match (&target, self.subscribers.get(key)) {
                (None, _) => true,
                (Some(target), Some(subscriber)) => target.matches(subscriber),
                (Some(_), None) => false,
            };
            if is_meant && !sessions.contains(&key.0) {
                sessions.push(key.0);
            }
        }
        Ok(sessions)
    }
}

/// Returns what a client is called as the source of events.
pub(super) fn source_id(session: u64) -> String {
    format!("callboard-session-{session}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn subscriber(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn an_event_reaches_each_client_once_and_only_those_it_is_meant_for() {
        let mut router = Router::default();
        router.subscribe(1, "topic=a*", Map::new()).unwrap();
        let number = router.subscribe(1, "topic=a.b", Map::new()).unwrap();
        let flame = subscriber(json!({"application": "flame"}));
        router.subscribe(2, "topic=a.b", flame).unwrap();
        router.subscribe(3, "topic=c", Map::new()).unwrap();
        let sessions = |router: &Router, target: &str| {
            let event = Event::new("a.b", json!({})).with_target(target);
            let mut sessions = router.wanted_by(&event).unwrap();
            sessions.sort_unstable();
            sessions
        };
        assert_eq!(sessions(&router, ""), [1, 2]);
        assert_eq!(sessions(&router, "application=flame"), [2]);
        assert_eq!(sessions(&router, "id=callboard-session-1"), [1]);
        assert!(router.unsubscribe(1, number));
        assert!(!router.unsubscribe(1, number));
        assert!(!router.unsubscribe(2, 1), "another client's");
        assert_eq!(sessions(&router, ""), [1, 2]);
        router.forget(1);
        assert_eq!(sessions(&router, ""), [2]);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let mut router = Router::default();
        assert!(router.subscribe(1, "(", Map::new()).is_err());
        let event = Event::new("a", json!({})).with_target("(");
        assert!(router.wanted_by(&event).is_err());
    }
}
