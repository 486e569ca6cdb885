//! Settings of a plugin's own: what it reads, and what a form of them is made of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Failure, PluginId, View};

/// A plugin's settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SettingsValues {
    /// The values, secrets included; a setting that has none is missing.
    pub values: Map<String, Value>,
}

/// Asks for a plugin's settings, and changes some of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PluginSettingsAsk {
    /// The plugin.
    pub plugin: PluginId,
    /// Values to set for this person; all of them, or none where one is wrong.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub set: Map<String, Value>,
    /// Settings that shall be as the studio or the plugin has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reset: Vec<String>,
}

/// A plugin's settings as a form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PluginSettings {
    /// The plugin.
    pub plugin: PluginId,
    /// The form; what it is submitted with goes into [`PluginSettingsAsk::set`].
    pub view: View,
    /// The values in force, without secrets.
    pub values: Map<String, Value>,
    /// Where each value comes from: a file, or `plugin.toml`.
    pub origins: BTreeMap<String, String>,
    /// What is wrong with the values in files; each names file, key and what is expected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Failure>,
}
