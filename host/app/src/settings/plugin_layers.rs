//! Settings of plugins: `[plugin.ID]` in the studio's and the person's file, and what was set by a form or a command.
//!
//! The last lie in files of their own, so that nothing that a person wrote is ever written over. Secrets have one to
//! themselves. Both are open to this user only.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use callboard_protocol::{Failure, FailureKind, PluginId, PluginSettingsAsk};
use engine::SettingsLayer;
use serde_json::{Map, Value};
use toml::Table;

use super::layers::Layers;
use super::private_file::write_private;
use crate::home::Home;

/// The files that settings of plugins come from.
#[derive(Clone, Debug)]
pub(crate) struct PluginLayers {
    /// Files that people write, the studio's before the person's.
    written_by_people: Vec<PathBuf>,
    set: PathBuf,
    secrets: PathBuf,
    /// Held while the files that the host writes are changed.
    changing: Arc<Mutex<()>>,
}

impl PluginLayers {
    /// Finds the files.
    pub(crate) fn find(home: &Home) -> Self {
        let user = home.settings_file();
        let studio = Layers::built_in().studio_file(&user);
        Self {
            written_by_people: studio.into_iter().chain([user]).collect(),
            set: home.config.join("plugin_settings.toml"),
            secrets: home.config.join("plugin_secrets.toml"),
            changing: Arc::default(),
        }
    }

    /// Reads every layer. A file of people that cannot be read is named where all settings are read.
    pub(crate) fn read(&self) -> Vec<SettingsLayer> {
        let people = self.written_by_people.iter().map(|file| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let table: Table = text.parse().unwrap_or_default();
            let section = table.get("plugin").and_then(toml::Value::as_table);
            layer(file, false, section.cloned().unwrap_or_default())
        });
        let ours = [(&self.set, false), (&self.secrets, true)].map(|(file, holds_secrets)| {
            let table = read_table(file).unwrap_or_else(|failure| {
                tracing::warn!(%failure, "settings of plugins are left out");
                Table::new()
            });
            layer(file, holds_secrets, table)
        });
        people.chain(ours).collect()
    }

    /// Sets and resets what is asked for, and returns the layers as they are then.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or written; what was set before is still there.
    pub(crate) fn change(
        &self,
        ask: &PluginSettingsAsk,
        secret_names: &[String],
    ) -> Result<Vec<SettingsLayer>, Failure> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let is_secret = |name: &String| secret_names.contains(name);
        for (file, secrets) in [(&self.set, false), (&self.secrets, true)] {
            let set = ask
                .set
                .iter()
                .filter(|(name, _)| is_secret(name) == secrets);
            let reset = ask.reset.iter().filter(|name| is_secret(name) == secrets);
            let (set, reset): (Vec<_>, Vec<_>) = (set.collect(), reset.collect());
            if set.is_empty() && reset.is_empty() {
                continue;
            }
            let mut table = read_table(file)?;
            change_table(&mut table, ask.plugin.as_str(), &set, &reset)?;
            write_private(file, table.to_string().as_bytes()).map_err(|error| {
                Failure::new(
                    FailureKind::Unavailable,
                    format!("could not write the settings: `{}`", file.display()),
                )
                .hint("make its folder writable")
                .caused_by(&error)
            })?;
        }
        Ok(self.read())
    }
}

fn change_table(
    table: &mut Table,
    plugin: &str,
    set: &[(&String, &Value)],
    reset: &[&String],
) -> Result<(), Failure> {
    let section = table
        .entry(plugin)
        .or_insert_with(|| toml::Value::Table(Table::new()));
    let Some(section) = section.as_table_mut() else {
        return Err(Failure::invalid(format!("`{plugin}` is no section")));
    };
    for name in reset {
        section.remove(*name);
    }
    for (name, value) in set {
        if value.is_null() {
            section.remove(*name);
            continue;
        }
        let value = toml::Value::try_from(value).map_err(|error| {
            Failure::invalid(format!("`{name}` cannot be kept")).caused_by(&error)
        })?;
        section.insert((*name).clone(), value);
    }
    if section.is_empty() {
        table.remove(plugin);
    }
    Ok(())
}

fn read_table(file: &Path) -> Result<Table, Failure> {
    let shown = file.display();
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Table::new()),
        Err(error) => {
            return Err(
                Failure::invalid(format!("could not read the settings: `{shown}`"))
                    .hint("make the file readable")
                    .caused_by(&error),
            );
        }
    };
    text.parse().map_err(|error: toml::de::Error| {
        Failure::invalid(format!("the settings are not TOML: `{shown}`"))
            .hint("mend the line that is named, or remove the file")
            .because(error.to_string().trim().to_owned())
    })
}

fn layer(file: &Path, holds_secrets: bool, table: Table) -> SettingsLayer {
    let mut plugins: BTreeMap<PluginId, Map<String, Value>> = BTreeMap::new();
    for (plugin, section) in table {
        if let Ok(Value::Object(values)) = serde_json::to_value(section) {
            plugins.insert(PluginId::from(plugin), values);
        }
    }
    SettingsLayer {
        origin: file.display().to_string(),
        holds_secrets,
        plugins,
    }
}
