//! Actions as a manifest declares them and as a menu shows them.

use serde::{Deserialize, Serialize};

use crate::{ActionId, Surface};

/// One menu entry that a plugin declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// The action's id within its plugin: `create_shots`.
    pub id: String,
    /// What the menu says.
    pub label: String,
    /// The second line; entries with one label and several variants are grouped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// An icon: a file in the plugin's folder, a URL, or a name from ftrack's own set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// One sentence on what it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The surfaces it appears on; all of them when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surfaces: Vec<Surface>,
    /// What it applies to.
    #[serde(default)]
    pub when: When,
}

/// What an action applies to. Every condition that is given must hold; a list holds when one of it matches.
///
/// Conditions on entities must hold for every selected entity, and hold when nothing is selected: `count` says whether that may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// Entity types: `Project`, `Shot`, `AssetVersion`; `TypedContext` stands for every object type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Names of object types as the site calls them: `Asset Build`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub object_types: Vec<String>,
    /// How many entities may be selected.
    #[serde(default)]
    pub count: Count,
    /// Names of statuses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<String>,
    /// Names of task types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub task_type: Vec<String>,
    /// Names of projects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub project: Vec<String>,
    /// Names of security roles, one of which the person must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub role: Vec<String>,
}

/// How many entities an action wants selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// Any number, none included.
    #[default]
    Any,
    /// Nothing selected.
    None,
    /// Exactly one.
    One,
    /// One or more.
    Some,
    /// Two or more.
    Many,
}

impl Count {
    /// Tells whether `selected` entities are as many as wanted.
    pub fn admits(self, selected: usize) -> bool {
        match self {
            Self::Any => true,
            Self::None => selected == 0,
            Self::One => selected == 1,
            Self::Some => selected >= 1,
            Self::Many => selected >= 2,
        }
    }
}

/// One entry of a menu, in the form that ftrack's web page reads.
///
/// Keys that the page does not know come back untouched when the entry is chosen.
/// Source: the replies that published ftrack action handlers give to `ftrack.action.discover`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MenuItem {
    /// What the menu says.
    pub label: String,
    /// The second line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The tooltip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// An icon's URL or name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// What a launch of this entry names.
    pub action_identifier: ActionId,
    /// The host that offered it, so that the launch reaches the same one.
    pub callboard_host: String,
}
