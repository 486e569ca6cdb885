//! Where an action was chosen, by whom, and on what.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::SelectionId;

/// A place with a menu.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Surface {
    /// The Actions menu of ftrack's web page.
    Web,
    /// The system tray.
    Tray,
    /// The launcher window.
    Launcher,
    /// Autodesk Flame's menus.
    Flame,
    /// Another application's menus.
    Dcc,
    /// The command line.
    Cli,
    /// No menu: an event, or another job, launched it.
    Event,
    /// A surface that this version does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// One entity of a selection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entity {
    /// The schema's name (`Shot`, `Project`), or `TypedContext` where only that much is known.
    pub kind: String,
    /// The entity's id.
    pub id: String,
}

impl Entity {
    /// Names an entity by kind and id.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            id: id.into(),
        }
    }
}

/// Where an action was chosen, by whom, and on what selection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// The menu it was chosen from; on the bus it is the host that fills it in.
    #[serde(default)]
    pub surface: Surface,
    /// The ftrack user name of the person.
    #[serde(default)]
    pub user: String,
    /// The ftrack entities selected there; empty when there are none.
    #[serde(default)]
    pub selection: Vec<Entity>,
    /// What the connected application keeps for this launch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dcc: Option<DccContext>,
}

/// What a connected application says about itself and about the selection it keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DccContext {
    /// The application: `flame`, `blender`.
    #[serde(default)]
    pub application: String,
    /// The application's version as it prints it.
    #[serde(default)]
    pub version: String,
    /// The project open in the application, by the application's own name for it.
    #[serde(default)]
    pub project: String,
    /// The selection that the application keeps for `dcc.describe`.
    #[serde(default)]
    pub selection_id: SelectionId,
    /// How many things are selected there.
    #[serde(default)]
    pub count: u64,
    /// The bus connection that the application speaks on; set by the host, ignored when a client sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<u64>,
    /// Whatever else the application tells.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}
