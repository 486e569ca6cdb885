//! Subscriptions: events that start a plugin.

use callboard_event::Expression;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::DeclareError;

/// The most events that may wait for one subscription.
pub const MAX_QUEUED_EVENTS: u32 = 1_000;

/// The longest that events may be gathered, in milliseconds.
const MAX_COALESCE_MS: u64 = 600_000;

/// Where events are heard.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventPlace {
    /// ftrack's event hub.
    #[default]
    Hub,
    /// The local bus.
    Bus,
    /// A place that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Events that launch an action. They reach it in [`Launch::event`](crate::Launch::event).
///
/// At most one job of a subscription is under way; what comes meanwhile is gathered and given to the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its id within its plugin.
    pub id: String,
    /// Where the events are heard.
    pub on: EventPlace,
    /// Which events, in ftrack's expression grammar.
    pub expression: String,
    /// The id of the action that is launched; one with `surfaces = ["event"]` is in no menu.
    pub action: String,
    /// How long events are gathered after the first, in milliseconds; none when 0.
    #[serde(default)]
    pub coalesce_ms: u64,
    /// How many events may wait; what comes on top of that is dropped and counted.
    #[serde(default = "default_queue")]
    pub queue: u32,
    /// Whether it also hears the changes that this host itself made.
    #[serde(default)]
    pub echoes: bool,
}

impl Subscription {
    pub(super) fn what(&self) -> String {
        format!("the subscription `{}`", self.id)
    }

    pub(super) fn check(&self) -> Result<(), DeclareError> {
        super::check_name(self.what(), &self.id)?;
        let of = |key: &str| format!("`{key}` of {}", self.what());
        if self.on == EventPlace::Unknown {
            return Err(DeclareError::bad(of("on"), "`hub` or `bus`"));
        }
        if !(1..=MAX_QUEUED_EVENTS).contains(&self.queue) {
            let expected = format!("from 1 to {MAX_QUEUED_EVENTS}");
            return Err(DeclareError::bad(of("queue"), expected));
        }
        if self.coalesce_ms > MAX_COALESCE_MS {
            let expected = format!("at most {MAX_COALESCE_MS}");
            return Err(DeclareError::bad(of("coalesce_ms"), expected));
        }
        if let Err(error) = Expression::parse(&self.expression) {
            let what = format!("the expression of {}", self.what());
            let expected = format!("in ftrack's grammar, such as `topic=ftrack.update`: {error}");
            return Err(DeclareError::bad(what, expected));
        }
        Ok(())
    }
}

fn default_queue() -> u32 {
    100
}

/// The events that a subscription launches an action with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventInput {
    /// The subscription's id.
    pub subscription: String,
    /// Where they were heard.
    #[serde(default)]
    pub on: EventPlace,
    /// The events, oldest first, at least one.
    pub events: Vec<Value>,
    /// How many were dropped since the last launch, because too many came.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped: u64,
    /// Whether the host was away from the hub since the last launch, so that others may have been missed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missed: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if passes a reference"
)]
fn is_zero(value: &u64) -> bool {
    *value == 0
}
