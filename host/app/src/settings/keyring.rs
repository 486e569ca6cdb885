//! The system's keyring: where the API key and the secrets of plugins rest.
//!
//! One file for each operating system, behind one trait. macOS and Windows are untested.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

use std::collections::BTreeMap;
use std::time::Duration;

use callboard_protocol::{Failure, FailureKind, SecretText};
use tokio::time::timeout;

#[cfg(target_os = "linux")]
use linux::SecretService as Platform;
#[cfg(target_os = "macos")]
use macos::Keychain as Platform;
#[cfg(windows)]
use windows::CredentialManager as Platform;

/// How long the keyring may take. It answers at once, or waits for a person who may not be there.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is kept, and what it is found by.
pub(super) struct Entry {
    /// What a person reads in the keyring's own window.
    pub(super) label: String,
    /// What it is found by; all of them have to fit.
    pub(super) attributes: BTreeMap<&'static str, String>,
}

/// Why the keyring did not do something.
pub(super) enum KeyringError {
    /// There is none.
    Absent(String),
    /// There is one, and it does not let us.
    Refuses(Failure),
}

/// One operating system's keyring.
trait Keyring {
    /// Returns a secret, if there is one.
    async fn get(&self, entry: &Entry) -> Result<Option<SecretText>, KeyringError>;

    /// Keeps a secret in the place of an earlier one, or removes it.
    async fn put(&self, entry: &Entry, secret: Option<&SecretText>) -> Result<(), KeyringError>;
}

/// Returns a secret, if there is one.
pub(super) async fn get(entry: &Entry) -> Result<Option<SecretText>, KeyringError> {
    timeout(PATIENCE, Platform.get(entry))
        .await
        .map_err(|_| silent())?
}

/// Keeps a secret in the place of an earlier one, or removes it.
pub(super) async fn put(entry: &Entry, secret: Option<&SecretText>) -> Result<(), KeyringError> {
    timeout(PATIENCE, Platform.put(entry, secret))
        .await
        .map_err(|_| silent())?
}

fn silent() -> KeyringError {
    KeyringError::Refuses(
        Failure::new(FailureKind::TimedOut, "the keyring does not answer")
            .hint("unlock it, or answer what it asks, and try again"),
    )
}

/// Asks a keyring whose calls block, on a thread that may.
#[cfg(not(target_os = "linux"))]
async fn blocking<T: Send + 'static>(
    ask: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, KeyringError> {
    let asked = tokio::task::spawn_blocking(ask).await;
    asked.unwrap_or_else(|error| Err(refuses(&error.to_string())))
}

impl Entry {
    /// Returns the attributes as one name, for keyrings that find by a name alone.
    #[cfg(not(target_os = "linux"))]
    fn name(&self) -> String {
        let values: Vec<_> = self.attributes.values().map(String::as_str).collect();
        values.join(" ")
    }
}

fn refuses(why: &str) -> KeyringError {
    KeyringError::Refuses(
        Failure::new(FailureKind::Unavailable, "the keyring did not do it")
            .hint("look at the desktop's keyring")
            .because(why.to_owned()),
    )
}
