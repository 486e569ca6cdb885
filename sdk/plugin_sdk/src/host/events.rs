//! Events: what a turn hears, and what it publishes.

use std::time::Duration;

use callboard_protocol::{
    EventPlace, EventsHeard, EventsNext, EventsPublish, EventsSubscribe, Failure, HostMethod,
    Replies, Subscribed,
};
use serde_json::Value;

use super::Host;

impl Host {
    /// Asks for events, in ftrack's expression grammar, until the turn ends; returns the subscription's number. Needs `events`.
    ///
    /// # Errors
    ///
    /// The expression cannot be read, or the turn has too many subscriptions.
    pub fn subscribe(
        &self,
        on: EventPlace,
        subscription: impl Into<String>,
    ) -> Result<u64, Failure> {
        let subscription = subscription.into();
        let ask = EventsSubscribe { on, subscription };
        let answer: Subscribed = self.ask(HostMethod::EventsSubscribe, &ask)?;
        Ok(answer.subscription_id)
    }

    /// Ends a subscription.
    ///
    /// # Errors
    ///
    /// The host is gone.
    pub fn unsubscribe(&self, subscription_id: u64) -> Result<(), Failure> {
        let ask = Subscribed { subscription_id };
        self.ask::<Value>(HostMethod::EventsUnsubscribe, &ask)?;
        Ok(())
    }

    /// Waits for events of the turn's subscriptions, a minute at most, and returns those that came; none when the time is up. Needs `events`.
    ///
    /// # Errors
    ///
    /// The turn has subscribed to nothing, or was cancelled.
    pub fn next_events(&self, wait: Duration) -> Result<EventsHeard, Failure> {
        let wait_secs = wait.as_secs_f64();
        self.ask(HostMethod::EventsNext, &EventsNext { wait_secs })
    }

    /// Publishes an event: `json!({"topic": "studio.published", "data": {}})`. Needs `events`.
    ///
    /// # Errors
    ///
    /// The topic is not the plugin's to publish, or the hub is away.
    pub fn publish(&self, on: EventPlace, event: Value) -> Result<(), Failure> {
        let ask = EventsPublish {
            on,
            event,
            ..EventsPublish::default()
        };
        self.ask::<Replies>(HostMethod::EventsPublish, &ask)?;
        Ok(())
    }

    /// Publishes an event and returns the replies that come within `wait`, `most` at most. Needs `events`.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish). That nobody replies is no error.
    pub fn publish_and_wait(
        &self,
        on: EventPlace,
        event: Value,
        wait: Duration,
        most: u32,
    ) -> Result<Vec<Value>, Failure> {
        let ask = EventsPublish {
            on,
            event,
            wait_secs: Some(wait.as_secs_f64()),
            max_replies: Some(most),
        };
        let answer: Replies = self.ask(HostMethod::EventsPublish, &ask)?;
        Ok(answer.replies)
    }
}
