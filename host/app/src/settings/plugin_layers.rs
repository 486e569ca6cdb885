//! Settings of plugins: `[plugin.ID]` in the studio's and the person's file, and what was set by a form or a command.
//!
//! The last lie in files of their own, so that nothing that a person wrote is ever written over. Secrets have one to
//! themselves, which names them; they are in the system's keyring, and in the file itself only where there is none.
//! Both files are open to this user only.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use callboard_protocol::{Failure, FailureKind, PluginId, PluginSettingsAsk, SecretText};
use engine::{Event, SettingsLayer};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;
use toml::Table;

use super::keyring::{self, Entry, KeyringError};
use super::layers::Layers;
use super::private_file::write_private;
use crate::engine_thread::EngineHandle;
use crate::home::Home;

/// How long to wait before a keyring that did not answer is asked again.
const KEYRING_AGAIN: Duration = Duration::from_secs(5);

/// The files that settings of plugins come from.
#[derive(Clone, Debug)]
pub(crate) struct PluginLayers {
    /// Files that people write, the studio's before the person's.
    written_by_people: Vec<PathBuf>,
    set: PathBuf,
    secrets: PathBuf,
    /// Held while the files that the host writes are changed.
    changing: Arc<Mutex<()>>,
    is_said: Arc<AtomicBool>,
}

/// What is set for plugins.
pub(crate) struct ReadLayers {
    /// The layers, the last over all others.
    pub(crate) layers: Vec<SettingsLayer>,
    /// Whether the keyring holds secrets that it did not give.
    pub(crate) lacks_secrets: bool,
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
            is_said: Arc::default(),
        }
    }

    /// Reads every layer. A file of people that cannot be read is named where all settings are read.
    pub(crate) async fn read(&self) -> ReadLayers {
        let _changing = self.changing.lock().await;
        self.read_all().await
    }

    /// Waits until the keyring gives every secret that it holds, and then tells the engine all layers.
    pub(crate) async fn complete(&self, engine: &EngineHandle) {
        let mut again = tokio::time::interval_at(Instant::now() + KEYRING_AGAIN, KEYRING_AGAIN);
        loop {
            again.tick().await;
            // What is changed meanwhile is told after this.
            let _changing = self.changing.lock().await;
            let read = self.read_all().await;
            if !read.lacks_secrets {
                return engine.tell(Event::SettingsRead(read.layers)).await;
            }
        }
    }

    async fn read_all(&self) -> ReadLayers {
        let people = self.written_by_people.iter().map(|file| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let table: Table = text.parse().unwrap_or_default();
            let section = table.get("plugin").and_then(toml::Value::as_table);
            layer(file, false, section.cloned().unwrap_or_default())
        });
        let mut layers: Vec<_> = people.collect();
        layers.push(layer(&self.set, false, table_or_none(&self.set)));
        let (secrets, lacks_secrets) = self.read_secrets().await;
        layers.push(layer(&self.secrets, true, secrets));
        ReadLayers {
            layers,
            lacks_secrets,
        }
    }

    /// Reads the secrets, and takes those that lie in the file into the keyring, where there is one by now.
    async fn read_secrets(&self) -> (Table, bool) {
        let mut named = table_or_none(&self.secrets);
        let mut secrets = named.clone();
        let (mut is_asked, mut lacks_secrets, mut has_moved) = (true, false, false);
        for (plugin, section) in &mut named {
            let of_plugin = secrets.get_mut(plugin).and_then(toml::Value::as_table_mut);
            let (Some(section), Some(of_plugin)) = (section.as_table_mut(), of_plugin) else {
                continue;
            };
            for (name, value) in section {
                let entry = self.entry(plugin, name);
                let in_keyring = is_in_keyring(value);
                let asked = match value.as_str() {
                    // Where it did not answer once, nobody waits for it again and again.
                    _ if !is_asked => Err(()),
                    Some(text) => {
                        let kept = keyring::put(&entry, Some(&SecretText(text.to_owned()))).await;
                        kept.map(|()| None).map_err(|error| self.say(error))
                    }
                    None => keyring::get(&entry).await.map_err(|error| self.say(error)),
                };
                is_asked &= asked.is_ok();
                match asked {
                    Ok(Some(SecretText(text))) => {
                        of_plugin.insert(name.clone(), text.into());
                    }
                    Ok(None) if in_keyring => {
                        of_plugin.remove(name);
                    }
                    Ok(None) => {
                        *value = in_keyring_mark();
                        has_moved = true;
                    }
                    Err(()) if in_keyring => {
                        of_plugin.remove(name);
                        lacks_secrets = true;
                    }
                    Err(()) => {}
                }
            }
        }
        if has_moved && let Err(failure) = write_table(&self.secrets, &named) {
            tracing::warn!(%failure, "secrets stay in the file as well as in the keyring");
        }
        (secrets, lacks_secrets)
    }

    /// Sets and resets what is asked for, and returns the layers as they are then.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or written, or the keyring is locked; what was set before is still there.
    pub(crate) async fn change(
        &self,
        ask: &PluginSettingsAsk,
        secret_names: &[String],
    ) -> Result<Vec<SettingsLayer>, Failure> {
        let _changing = self.changing.lock().await;
        let is_secret = |name: &String| secret_names.contains(name);
        for (file, secrets) in [(&self.set, false), (&self.secrets, true)] {
            let set = ask
                .set
                .iter()
                .filter(|(name, _)| is_secret(name) == secrets);
            let reset = ask.reset.iter().filter(|name| is_secret(name) == secrets);
            let (mut set, reset): (Map<_, _>, Vec<_>) = (
                set.map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
                reset.collect(),
            );
            if set.is_empty() && reset.is_empty() {
                continue;
            }
            let mut table = read_table(file)?;
            if secrets {
                for name in &reset {
                    self.keep(&ask.plugin, name, &mut Value::Null).await?;
                }
                for (name, value) in &mut set {
                    self.keep(&ask.plugin, name, value).await?;
                }
            }
            change_table(&mut table, ask.plugin.as_str(), &set, &reset)?;
            write_table(file, &table)?;
        }
        Ok(self.read_all().await.layers)
    }

    /// Keeps a secret in the keyring, where there is one, and leaves in its place what the file shall say.
    async fn keep(&self, plugin: &PluginId, name: &str, value: &mut Value) -> Result<(), Failure> {
        let secret = value.as_str().map(|text| SecretText(text.to_owned()));
        let entry = self.entry(plugin.as_str(), name);
        match keyring::put(&entry, secret.as_ref()).await {
            Ok(()) if secret.is_some() => *value = json!({ IN_KEYRING: true }),
            Ok(()) => {}
            Err(KeyringError::Refuses(failure)) => return Err(failure),
            Err(absent) => self.say(absent),
        }
        Ok(())
    }

    /// Returns what the keyring knows a secret by.
    fn entry(&self, plugin: &str, name: &str) -> Entry {
        Entry {
            label: format!("Callboard: the setting {name} of {plugin}"),
            attributes: BTreeMap::from([
                ("application", "callboard".to_owned()),
                ("home", self.secrets.display().to_string()),
                ("plugin", plugin.to_owned()),
                ("setting", name.to_owned()),
            ]),
        }
    }

    /// Says once what the keyring does not do.
    fn say(&self, error: KeyringError) {
        if self.is_said.swap(true, Ordering::Relaxed) {
            return;
        }
        match error {
            KeyringError::Absent(why) => tracing::warn!(
                why,
                file = %self.secrets.display(),
                "there is no keyring: secret settings of plugins are kept in a file that only you may read"
            ),
            KeyringError::Refuses(failure) => {
                tracing::warn!(%failure, "the keyring does not give the secret settings of plugins");
            }
        }
    }
}

/// What the file says of a secret that is in the keyring.
const IN_KEYRING: &str = "keyring";

fn in_keyring_mark() -> toml::Value {
    Table::from_iter([(IN_KEYRING.to_owned(), true.into())]).into()
}

fn is_in_keyring(value: &toml::Value) -> bool {
    value.get(IN_KEYRING).and_then(toml::Value::as_bool) == Some(true)
}

fn write_table(file: &Path, table: &Table) -> Result<(), Failure> {
    write_private(file, table.to_string().as_bytes()).map_err(|error| {
        Failure::new(
            FailureKind::Unavailable,
            format!("could not write the settings: `{}`", file.display()),
        )
        .hint("make its folder writable")
        .caused_by(&error)
    })
}

fn table_or_none(file: &Path) -> Table {
    read_table(file).unwrap_or_else(|failure| {
        tracing::warn!(%failure, "settings of plugins are left out");
        Table::new()
    })
}

fn change_table(
    table: &mut Table,
    plugin: &str,
    set: &Map<String, Value>,
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
            section.remove(name);
            continue;
        }
        let value = toml::Value::try_from(value).map_err(|error| {
            Failure::invalid(format!("`{name}` cannot be kept")).caused_by(&error)
        })?;
        section.insert(name.clone(), value);
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
