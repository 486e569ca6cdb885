//! Events: what a turn hears, and what it publishes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::EventPlace;

/// Asks for events until the turn ends; answered with [`Subscribed`](crate::Subscribed).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsSubscribe {
    /// Where they are heard.
    pub on: EventPlace,
    /// Which events, in ftrack's expression grammar.
    pub subscription: String,
}

/// Waits for events of the turn's subscriptions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventsNext {
    /// How long to wait for the first one, in seconds, at most 60; the answer is empty then.
    pub wait_secs: f64,
}

/// The events that came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventsHeard {
    /// The events, oldest first; an event that two subscriptions want is there twice.
    pub events: Vec<HeardEvent>,
    /// How many were dropped since the last answer, because too many came.
    #[serde(default)]
    pub dropped: u64,
}

/// One event, for one subscription.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeardEvent {
    /// The subscription.
    pub subscription_id: u64,
    /// ftrack's own envelope.
    pub event: Value,
}

/// Publishes an event; answered with [`Replies`](crate::Replies).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventsPublish {
    /// Where.
    pub on: EventPlace,
    /// The event; who publishes it is filled in.
    pub event: Value,
    /// How long to wait for replies, in seconds, at most 60; no waiting when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_secs: Option<f64>,
    /// How many replies end the waiting early; the first one does when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_replies: Option<u32>,
}
