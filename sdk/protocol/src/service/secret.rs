//! The `secret` service: values of a plugin's own that nobody else is to read.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest secret, in bytes.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

/// A text that no log shows.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(pub String);

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Asks for a secret that the plugin keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretGet {
    /// The secret's key.
    pub key: String,
}

/// A secret that the plugin keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretValue {
    /// The secret; null when there is none.
    pub value: Option<SecretText>,
}

/// Keeps a secret; null removes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretPut {
    /// The secret's key.
    pub key: String,
    /// The secret, of [`MAX_SECRET_BYTES`] at most.
    pub value: Option<SecretText>,
}

/// Where a secret is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretKept {
    /// The place.
    pub place: SecretPlace,
}

/// A place for secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SecretPlace {
    /// The system's keyring.
    Keyring,
    /// A file that only the person may read, where there is no keyring.
    #[default]
    File,
    /// A place that this version does not know.
    #[serde(other)]
    Unknown,
}
