//! Secrets of plugins: in the system's keyring, and where there is none in a file that only the user may read.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use callboard_protocol::{Failure, FailureKind, PluginId, SecretPlace, SecretText};
use tokio::sync::Mutex;

use super::keyring::{self, Entry, KeyringError};
use super::private_file::{is_open_to_others, write_private};

/// Whose secret, and which.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    /// The plugin.
    pub(crate) plugin: PluginId,
    /// The key that the plugin gave it.
    pub(crate) key: String,
}

/// The secrets of all plugins of one host.
#[derive(Clone)]
pub(crate) struct Secrets {
    folder: PathBuf,
    /// One change of a file at a time.
    changing: Arc<Mutex<()>>,
    is_said: Arc<AtomicBool>,
}

impl Secrets {
    /// Keeps secrets in the keyring, or else in `folder`.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            changing: Arc::default(),
            is_said: Arc::default(),
        }
    }

    /// Returns a secret, if there is one.
    ///
    /// # Errors
    ///
    /// When the keyring is locked, or the file cannot be read.
    pub(crate) async fn get(&self, name: &Name) -> Result<Option<SecretText>, Failure> {
        let found = match keyring::get(&self.entry(name)).await {
            Ok(found) => found,
            Err(KeyringError::Absent(why)) => {
                self.say(&why);
                None
            }
            Err(KeyringError::Refuses(failure)) => return Err(failure),
        };
        match found {
            Some(secret) => Ok(Some(secret)),
            // It may have been kept while there was no keyring.
            None => {
                let _changing = self.changing.lock().await;
                let mut secrets = self.read(&name.plugin)?;
                Ok(secrets.remove(&name.key))
            }
        }
    }

    /// Keeps a secret, or removes it, and says where it is kept.
    ///
    /// # Errors
    ///
    /// When the keyring is locked, or the file cannot be written.
    pub(crate) async fn put(
        &self,
        name: &Name,
        secret: Option<&SecretText>,
    ) -> Result<SecretPlace, Failure> {
        let place = match keyring::put(&self.entry(name), secret).await {
            Ok(()) => SecretPlace::Keyring,
            Err(KeyringError::Absent(why)) => {
                self.say(&why);
                SecretPlace::File
            }
            Err(KeyringError::Refuses(failure)) => return Err(failure),
        };
        let _changing = self.changing.lock().await;
        let mut secrets = self.read(&name.plugin)?;
        // What is in the keyring now must not stay in a file.
        let changed = match secret.filter(|_| place == SecretPlace::File) {
            Some(secret) => {
                secrets.insert(name.key.clone(), secret.clone()).as_ref() != Some(secret)
            }
            None => secrets.remove(&name.key).is_some(),
        };
        if changed {
            let text = serde_json::to_vec(&secrets).map_err(|error| unusable(&error))?;
            write_private(&self.file(&name.plugin), &text).map_err(|error| unusable(&error))?;
        }
        Ok(place)
    }

    /// Returns what the keyring knows a secret by.
    fn entry(&self, name: &Name) -> Entry {
        Entry {
            label: format!("Callboard: {} of {}", name.key, name.plugin),
            attributes: BTreeMap::from([
                ("application", "callboard".to_owned()),
                ("home", self.folder.display().to_string()),
                ("plugin", name.plugin.to_string()),
                ("key", name.key.clone()),
            ]),
        }
    }

    fn file(&self, plugin: &PluginId) -> PathBuf {
        self.folder.join(format!("{plugin}.json"))
    }

    fn read(&self, plugin: &PluginId) -> Result<BTreeMap<String, SecretText>, Failure> {
        let path = self.file(plugin);
        let text = match read_private(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
            text => text.map_err(|error| unusable(&error))?,
        };
        // The parser's own words would quote the text.
        serde_json::from_slice(&text).map_err(|_| {
            let shown = path.display();
            Failure::new(
                FailureKind::Unavailable,
                format!("the file of secrets is damaged: `{shown}`"),
            )
            .hint("remove it, and give the plugin its secrets again")
        })
    }

    /// Says once that there is no keyring.
    fn say(&self, why: &str) {
        if !self.is_said.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                why,
                folder = %self.folder.display(),
                "there is no keyring: secrets of plugins are kept in files that only you may read"
            );
        }
    }
}

fn read_private(path: &Path) -> io::Result<Vec<u8>> {
    let text = fs::read(path)?;
    if is_open_to_others(path)? {
        let open = format!("others may read `{}`", path.display());
        return Err(io::Error::new(ErrorKind::PermissionDenied, open));
    }
    Ok(text)
}

fn unusable(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(
        FailureKind::Unavailable,
        "could not use the file of secrets",
    )
    .hint("make it readable and writable for you, and for nobody else")
    .caused_by(error)
}
