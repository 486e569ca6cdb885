//! Windows that show what an action asks.

use serde::{Deserialize, Serialize};

use crate::{ActionId, PluginId};

use super::DeclareError;

/// The least and the most that a side of a window may have, in points.
const SIDE: std::ops::RangeInclusive<u32> = 80..=8_000;

/// A window that launches an action and shows its view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its name within its plugin.
    pub name: String,
    /// The id of the action that it launches.
    pub action: String,
    /// What its frame and the tray say.
    pub title: String,
    /// How wide it opens, in points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// How high it opens, in points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Whether it has no frame.
    #[serde(default)]
    pub borderless: bool,
    /// Whether it stays above other windows.
    #[serde(default)]
    pub on_top: bool,
}

impl Window {
    pub(super) fn what(&self) -> String {
        format!("the window `{}`", self.name)
    }

    pub(super) fn check(&self) -> Result<(), DeclareError> {
        super::check_name(self.what(), &self.name)?;
        if self.title.trim().is_empty() {
            let what = format!("the title of {}", self.what());
            return Err(DeclareError::bad(what, "a few words"));
        }
        for (side, points) in [("width", self.width), ("height", self.height)] {
            if points.is_some_and(|points| !SIDE.contains(&points)) {
                let what = format!("the {side} of {}", self.what());
                let expected = format!("from {} to {} points", SIDE.start(), SIDE.end());
                return Err(DeclareError::bad(what, expected));
            }
        }
        Ok(())
    }
}

/// A window that some plugin declares, as `windows.list` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredWindow {
    /// Its name, with its plugin before the dot: `time_tracker.day`.
    pub id: String,
    /// The plugin that declares it.
    pub plugin: PluginId,
    /// The action that it launches, in full.
    pub launches: ActionId,
    /// How it looks.
    #[serde(flatten)]
    pub window: Window,
}
