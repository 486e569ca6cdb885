//! Commands: verbs below `callboard`.

use serde::{Deserialize, Serialize};

use crate::{ActionId, Failure, Item, PluginId};

use super::DeclareError;

/// Arguments that every declared command has, so that no field may be called so.
const TAKEN: &[&str] = &["help", "json", "no_wait", "on", "timeout"];

/// A verb below `callboard` that launches an action: `callboard shots create --sequence SEQ010`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// One to three words of lower-case letters, digits and hyphens: `shots create`.
    pub name: String,
    /// The id of the action that it launches.
    pub action: String,
    /// One sentence on what it does; the action's own when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its arguments, as items of the action's view; `--sequence` for `sequence`. When there are none, any `--name value` is passed on, and the form that the action asks with says which it takes.
    #[serde(default, rename = "item", skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
}

impl Command {
    pub(super) fn what(&self) -> String {
        format!("the command `{}`", self.name)
    }

    pub(super) fn check(&self) -> Result<(), DeclareError> {
        let is_word = |word: &str| {
            word.starts_with(|first: char| first.is_ascii_lowercase())
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        let words = self.name.split(' ').count();
        if !(1..=3).contains(&words) || !self.name.split(' ').all(is_word) {
            let expected = "one to three words of lower-case letters, digits and hyphens";
            return Err(DeclareError::bad(self.what(), expected));
        }
        for (index, item) in self.items.iter().enumerate() {
            let what = format!("the field `{}` of {}", item.name, self.what());
            super::check_name(what.clone(), &item.name)?;
            if TAKEN.contains(&item.name.as_str()) {
                let expected = format!("called something else than {}", listed(TAKEN));
                return Err(DeclareError::bad(what, expected));
            }
            let earlier = &self.items[..index];
            if earlier.iter().any(|other| other.name == item.name) {
                return Err(DeclareError::Twice { what });
            }
        }
        Ok(())
    }
}

fn listed(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// A command that some plugin declares, as `commands.list` tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeclaredCommand {
    /// Its words: `shots create`.
    pub name: String,
    /// The plugin that declares it.
    pub plugin: PluginId,
    /// The action that it launches.
    pub action: ActionId,
    /// One sentence on what it does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its arguments, where the manifest names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// Why it is not offered: its words are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Failure>,
}
