//! Why there is no connection.

use std::time::Duration;

use crate::error::CallError;

/// Why a connection to the event hub broke or did not come about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionLost {
    /// The server could not be reached, or did not let us in.
    #[error("could not connect to the event hub")]
    NotConnected(#[source] CallError),
    /// The server offers no WebSocket, or does not make one of the connection.
    #[error("the event hub offers no websocket: {detail}")]
    NoWebSocket {
        /// What it did instead.
        detail: String,
    },
    /// The connection ended.
    #[error("the connection to the event hub ended: {detail}")]
    Closed {
        /// How, in the words of the server or the system.
        detail: String,
    },
    /// Nothing was heard for too long, so the other end is likely gone.
    #[error("nothing was heard from the event hub for {} s", after.as_secs())]
    Silent {
        /// For how long.
        after: Duration,
    },
    /// The server does not take what we send.
    #[error("the event hub takes nothing any more")]
    Stalled,
}

impl ConnectionLost {
    /// Returns whether the server does not accept the credentials, so that trying again changes nothing.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::NotConnected(CallError::Unauthorized(_) | CallError::Forbidden(_))
        )
    }

    /// Returns how long the server wants to be left alone, if it says so.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NotConnected(error) => error.retry_after(),
            _ => None,
        }
    }

    /// Returns one short sentence for a person.
    pub fn sentence(&self) -> String {
        match self {
            Self::NotConnected(error) => error.sentence(),
            Self::NoWebSocket { .. } => "ftrack's event hub offers no WebSocket.".to_owned(),
            Self::Closed { .. } => "The connection to ftrack's event hub ended.".to_owned(),
            Self::Silent { .. } => "ftrack's event hub went silent.".to_owned(),
            Self::Stalled => "ftrack's event hub takes no more events.".to_owned(),
        }
    }

    /// Returns what a person can do about it, in the imperative.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotConnected(error) => error.hint(),
            Self::NoWebSocket { .. } => {
                "Check whether a proxy between here and the server lets WebSockets through."
            }
            Self::Closed { .. } | Self::Silent { .. } | Self::Stalled => {
                "Wait; the connection is made again by itself."
            }
        }
    }
}
