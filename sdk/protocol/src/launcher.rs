//! What a launcher asks: where an action may be launched, and what others offer there.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Entity, View};

/// Asks for entities to choose from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntitiesList {
    /// Which ones.
    #[serde(flatten)]
    pub of: EntitiesOf,
    /// How many at most; 200 when absent, and never more than 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Which entities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntitiesOf {
    /// The tasks that the person is assigned to, in active projects.
    Mine,
    /// Active projects.
    Projects,
    /// What lies directly below a project or another entity.
    Children {
        /// What it lies below.
        parent: Entity,
    },
    /// What has this text in its name, in active projects.
    Search {
        /// The text.
        text: String,
    },
    /// A list that this version does not know.
    #[serde(other)]
    Unknown,
}

/// An entity as a list shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityRow {
    /// The entity.
    #[serde(flatten)]
    pub entity: Entity,
    /// Its name.
    pub name: String,
    /// The names of what it lies below, from the project on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub below: Vec<String>,
    /// What it is, as the site calls it: `Shot`, `Compositing`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub type_name: String,
    /// Its status.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
}

/// Asks what others offer for a selection: other machines, and the studio's servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteDiscover {
    /// The selection.
    #[serde(default)]
    pub selection: Vec<Entity>,
}

/// An action that runs elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RemoteItem {
    /// What the menu says.
    pub label: String,
    /// The second line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// One sentence on what it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it runs, as far as that was told: the name of a machine, or of who offers it.
    #[serde(default)]
    pub place: String,
    /// The entry as it was offered; its launch brings it back.
    pub item: Map<String, Value>,
}

/// Launches an action that runs elsewhere, or sends the form that it asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RemoteLaunch {
    /// The entry as it was offered.
    pub item: Map<String, Value>,
    /// The selection.
    #[serde(default)]
    pub selection: Vec<Entity>,
    /// The form's values, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Map<String, Value>>,
}

/// What an action elsewhere answers to its launch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RemoteReply {
    /// Whether it says that all went well.
    #[serde(default)]
    pub success: bool,
    /// What it says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The form that it asks for. Its values go with another launch of the same entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
    /// A page that it wants shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}
