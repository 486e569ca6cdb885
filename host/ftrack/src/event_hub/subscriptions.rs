//! What the program wants to hear of, kept over all connections.

use std::collections::HashMap;

use callboard_event::{Expression, RawEvent, SubscriptionIndex};
use serde_json::Value;

use super::SubscriberId;

/// The subscriptions, which outlive every connection.
#[derive(Default)]
pub(super) struct Subscriptions {
    index: SubscriptionIndex<SubscriberId>,
    metadata: HashMap<SubscriberId, Value>,
    order: Vec<SubscriberId>,
}

impl Subscriptions {
    pub(super) fn insert(&mut self, id: SubscriberId, expression: Expression, metadata: Value) {
        if self.metadata.insert(id.clone(), metadata).is_none() {
            self.order.push(id.clone());
        }
        self.index.insert(id, expression);
    }

    /// Removes a subscription and returns its subscriber's metadata.
    pub(super) fn remove(&mut self, id: &SubscriberId) -> Option<Value> {
        self.order.retain(|other| other != id);
        self.index.remove(id);
        self.metadata.remove(id)
    }

    pub(super) fn in_order(&self) -> impl Iterator<Item = (&Expression, &Value)> {
        self.order
            .iter()
            .filter_map(|id| Some((self.index.get(id)?, self.metadata.get(id)?)))
    }

    /// Returns who wants `event`. The server asks the same, but only per connection.
    pub(super) fn wanting(&self, event: &RawEvent) -> Vec<SubscriberId> {
        let target = match event.target.as_str() {
            "" => None,
            text => match Expression::parse(text) {
                Ok(target) => Some(target),
                Err(error) => {
                    tracing::debug!(%error, topic = event.topic, "skipped an event whose target cannot be read");
                    return Vec::new();
                }
            },
        };
        let is_meant = |id: &&SubscriberId| {
            target.as_ref().is_none_or(|target| {
                self.metadata
                    .get(*id)
                    .is_some_and(|metadata| target.matches(metadata))
            })
        };
        self.index
            .matching(event)
            .filter(is_meant)
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wanting(target: &str) -> Vec<String> {
        let mut subscriptions = Subscriptions::default();
        for (id, application) in [("1", "a"), ("2", "b")] {
            let expression = Expression::parse("topic=x").unwrap();
            let metadata = json!({"id": id, "applicationId": application});
            subscriptions.insert(SubscriberId(id.into()), expression, metadata);
        }
        let event = serde_json::from_value(json!({"topic": "x", "target": target})).unwrap();
        let mut ids: Vec<_> = subscriptions
            .wanting(&event)
            .iter()
            .map(ToString::to_string)
            .collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn a_target_picks_subscribers_by_their_metadata() {
        assert_eq!(wanting(""), ["1", "2"]);
        assert_eq!(wanting("applicationId=b"), ["2"]);
        assert_eq!(wanting("id=1 or applicationId=b"), ["1", "2"]);
        assert_eq!(wanting("id=3"), Vec::<String>::new());
        assert_eq!(wanting("not an expression"), Vec::<String>::new());
    }
}
