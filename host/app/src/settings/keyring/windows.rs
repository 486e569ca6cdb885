//! The Credential Manager of Windows. Untested.

use callboard_protocol::SecretText;
use keyring::{Entry as Credential, Error};

use super::{Entry, Keyring, KeyringError, blocking, refuses};

const SERVICE: &str = "callboard";

/// The person's own credentials.
pub(super) struct CredentialManager;

impl Keyring for CredentialManager {
    async fn get(&self, entry: &Entry) -> Result<Option<SecretText>, KeyringError> {
        let name = entry.name();
        blocking(move || Ok(found(credential(&name)?.get_password())?.map(SecretText))).await
    }

    async fn put(&self, entry: &Entry, secret: Option<&SecretText>) -> Result<(), KeyringError> {
        let (name, secret) = (entry.name(), secret.cloned());
        blocking(move || {
            let credential = credential(&name)?;
            match secret {
                Some(secret) => credential
                    .set_password(&secret.0)
                    .map_err(|error| refuses(&error.to_string())),
                None => found(credential.delete_credential()).map(drop),
            }
        })
        .await
    }
}

fn credential(name: &str) -> Result<Credential, KeyringError> {
    Credential::new(SERVICE, name).map_err(|error| refuses(&error.to_string()))
}

fn found<T>(answer: Result<T, Error>) -> Result<Option<T>, KeyringError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(refuses(&error.to_string())),
    }
}
