//! Windows as the host and their processes speak of them on the bus.

use serde::{Deserialize, Serialize};

use crate::{DeclaredWindow, JobId, JobSummary};

/// Names a window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WindowRef {
    /// Its name: one of the host's own (`jobs`), or a plugin's with the plugin before the dot.
    pub window: String,
    /// The job that it shows, for the window `job`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
}

/// What the process of a window learns when it takes the window's place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowHeld {
    /// Whether the place is its own. Otherwise another process has it, which was asked to come to the front.
    pub held: bool,
    /// The plugin's declaration, where a plugin declares the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<DeclaredWindow>,
    /// How large it was when it was closed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<WindowSize>,
}

/// How large a window is inside, in points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowSize {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

/// Something that windows show has changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[non_exhaustive]
pub enum WindowNews {
    /// A job.
    Job {
        /// How it stands now.
        job: Box<JobSummary>,
    },
    /// The actions, or how a plugin fares.
    Catalog,
    /// What plugins say in their status lines.
    Status,
    /// The connection to the server.
    Hub,
    /// So much changed that not all of it was told: everything may be out of date.
    Everything,
    /// Something that this version does not know.
    #[serde(other)]
    Unknown,
}
