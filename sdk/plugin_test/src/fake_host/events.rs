//! Events: what the test lets a turn hear, and what it publishes.

use callboard_protocol::{
    EventsHeard, EventsPublish, EventsSubscribe, Failure, HeardEvent, HostMethod, Permission,
    Replies, Subscribed,
};
use serde_json::{Value, json};

use super::{FakeHost, read, write};

impl FakeHost {
    /// Answers what is asked of the `events` service. The first subscription hears whatever the test has said.
    pub(super) fn events(&mut self, method: HostMethod, params: Value) -> Result<Value, Failure> {
        self.need(&Permission::Events)?;
        match method {
            HostMethod::EventsSubscribe => {
                let ask: EventsSubscribe = read(params)?;
                self.record.subscriptions.push(ask);
                let subscription_id = self.record.subscriptions.len() as u64;
                write(&Subscribed { subscription_id })
            }
            HostMethod::EventsNext => {
                let events = std::mem::take(&mut self.heard);
                let events = events.into_iter().map(|event| HeardEvent {
                    subscription_id: 1,
                    event,
                });
                write(&EventsHeard {
                    events: events.collect(),
                    dropped: 0,
                })
            }
            HostMethod::EventsPublish => {
                let publish: EventsPublish = read(params)?;
                let topic = publish.event["topic"].as_str().unwrap_or_default();
                if topic.starts_with("callboard.") || topic.starts_with("ftrack.meta.") {
                    let message = format!("a plugin may not publish `{topic}`");
                    return Err(Failure::denied(message));
                }
                self.record.published.push(publish);
                write(&Replies::default())
            }
            _ => Ok(json!({})),
        }
    }
}
