//! What crosses the pipe of a Connect child: a process that serves the hooks of one ftrack Connect plugin.
//!
//! Events travel as ftrack writes them, since hooks put into them what they like.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a Connect child and the host say to each other, beside hello, `cancel` and `log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectMethod {
    /// `connect.loaded`, a notification to the host: [`ConnectLoaded`].
    Loaded,
    /// `connect.subscribed`, a notification to the host: [`ConnectSubscribed`].
    Subscribed,
    /// `connect.unsubscribed`, a notification to the host: [`ConnectUnsubscribed`].
    Unsubscribed,
    /// `connect.publish`, a request to the host: [`ConnectPublish`] to [`ConnectPublished`].
    Publish,
    /// `connect.handle`, a request to the child: [`ConnectHandle`] to [`ConnectHandled`].
    Handle,
}

impl ConnectMethod {
    /// Every method, in the order of the documentation.
    pub const ALL: &'static [Self] = &[
        Self::Loaded,
        Self::Subscribed,
        Self::Unsubscribed,
        Self::Publish,
        Self::Handle,
    ];

    /// Returns the method's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loaded => "connect.loaded",
            Self::Subscribed => "connect.subscribed",
            Self::Unsubscribed => "connect.unsubscribed",
            Self::Publish => "connect.publish",
            Self::Handle => "connect.handle",
        }
    }

    /// Returns the method with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|method| method.name() == name)
    }
}

/// Says what came of loading the plugin's hooks; said again when more is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectLoaded {
    /// The files that were loaded, in order.
    #[serde(default)]
    pub hooks: Vec<ConnectPart>,
    /// What hooks imported from Connect that is not there.
    #[serde(default)]
    pub missing: Vec<String>,
    /// Windows of the plugin.
    #[serde(default)]
    pub widgets: Vec<ConnectPart>,
    /// The names of locations that hooks have set up.
    #[serde(default)]
    pub locations: Vec<String>,
}

/// A hook or a window of a Connect plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectPart {
    /// The hook's file, or the window's name.
    #[serde(alias = "path")]
    pub name: String,
    /// Why it does not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Says that a hook subscribed to events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectSubscribed {
    /// The subscription's id, unique within the child.
    pub id: String,
    /// Which events, in ftrack's expression grammar.
    pub expression: String,
    /// Who goes first: the lowest number.
    #[serde(default = "default_priority")]
    pub priority: i64,
}

/// Says that a subscription ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectUnsubscribed {
    /// The subscription's id.
    pub id: String,
}

/// Asks every child's subscribers, the asking one's among them, in the order of their priority.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectPublish {
    /// The event.
    pub event: Value,
}

/// What came of an event that was published so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectPublished {
    /// What the subscribers returned, in order; nothing of those that returned nothing.
    pub results: Vec<Value>,
    /// The event, as the subscribers left it.
    pub event: Value,
    /// Whether one of them ended the row.
    #[serde(default)]
    pub stopped: bool,
}

/// Asks one subscriber.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectHandle {
    /// The subscription's id.
    pub subscription: String,
    /// The event, as the subscribers before left it.
    pub event: Value,
}

/// What a subscriber did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectHandled {
    /// What it returned; null when it returned nothing.
    #[serde(default)]
    pub result: Value,
    /// The event, as it left it.
    #[serde(default)]
    pub event: Value,
    /// Whether the subscribers after it are not asked any more.
    #[serde(default)]
    pub stopped: bool,
}

/// How a Connect plugin stands, as lists show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectSummary {
    /// What came of loading its hooks.
    #[serde(flatten)]
    pub loaded: ConnectLoaded,
    /// What it says about this machine at the start, for the person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
    /// What it says of itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub debug_information: Vec<Value>,
}

fn default_priority() -> i64 {
    100
}
