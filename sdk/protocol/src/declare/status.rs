//! Status lines: what a plugin says in the tray.

use serde::{Deserialize, Serialize};

use crate::{ActionId, NotifyLevel, PluginId};

use super::DeclareError;

/// The longest text of a status line, in characters.
pub const MAX_STATUS_CHARACTERS: usize = 80;

/// A line in the tray's menu and in `callboard status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusLine {
    /// Its id within its plugin.
    pub id: String,
    /// What it says until the plugin says something else; it is not shown while it says nothing.
    #[serde(default)]
    pub text: String,
    /// The id of the action that a click launches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

impl StatusLine {
    pub(super) fn what(&self) -> String {
        format!("the status line `{}`", self.id)
    }

    pub(super) fn check(&self) -> Result<(), DeclareError> {
        super::check_name(self.what(), &self.id)?;
        if self.text.chars().count() > MAX_STATUS_CHARACTERS || self.text.contains('\n') {
            let what = format!("the text of {}", self.what());
            let expected = format!("one line of at most {MAX_STATUS_CHARACTERS} characters");
            return Err(DeclareError::bad(what, expected));
        }
        Ok(())
    }
}

/// Changes a status line that the manifest declares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusSet {
    /// The line.
    pub id: String,
    /// What it says now; the manifest's own text when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How much it matters.
    #[serde(default)]
    pub level: NotifyLevel,
    /// When it says the manifest's own text again, in milliseconds since 1970 UTC; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
}

/// A status line as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusText {
    /// The plugin.
    pub plugin: PluginId,
    /// The line's id.
    pub id: String,
    /// What it says.
    pub text: String,
    /// How much it matters.
    #[serde(default)]
    pub level: NotifyLevel,
    /// The action that a click launches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionId>,
}
