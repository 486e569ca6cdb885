//! The `secret` service, as a plugin sees it.

use callboard_protocol::{
    Failure, HostMethod, SecretGet, SecretKept, SecretPlace, SecretPut, SecretText, SecretValue,
};

use super::Host;

/// The plugin's own secrets, in the system's keyring; made by [`Host::secret`]. Needs `secret`.
///
/// Where there is no keyring they are in a file that only the person may read.
#[derive(Clone, Copy, Debug)]
pub struct Secret<'a> {
    host: &'a Host,
}

impl<'a> Secret<'a> {
    pub(crate) fn new(host: &'a Host) -> Self {
        Self { host }
    }

    /// Returns the secret that was kept under `key`, if there is one.
    ///
    /// # Errors
    ///
    /// The keyring is locked, or the turn was cancelled.
    pub fn get(&self, key: &str) -> Result<Option<String>, Failure> {
        let get = SecretGet {
            key: key.to_owned(),
        };
        let found: SecretValue = self.host.ask(HostMethod::SecretGet, &get)?;
        Ok(found.value.map(|SecretText(text)| text))
    }

    /// Keeps a secret of 64 KiB at most under `key`, and returns where it is kept.
    ///
    /// # Errors
    ///
    /// The keyring is locked, or the secret could not be written.
    pub fn put(&self, key: &str, secret: impl Into<String>) -> Result<SecretPlace, Failure> {
        self.change(key, Some(SecretText(secret.into())))
    }

    /// Removes the secret kept under `key`, if there is one.
    ///
    /// # Errors
    ///
    /// The keyring is locked, or the secret could not be removed.
    pub fn remove(&self, key: &str) -> Result<(), Failure> {
        self.change(key, None).map(drop)
    }

    fn change(&self, key: &str, value: Option<SecretText>) -> Result<SecretPlace, Failure> {
        let key = key.to_owned();
        let put = SecretPut { key, value };
        let kept: SecretKept = self.host.ask(HostMethod::SecretPut, &put)?;
        Ok(kept.place)
    }
}
