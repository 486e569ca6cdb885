//! The Keychain of macOS. Untested.

use callboard_protocol::SecretText;
use security_framework::base::Error;
use security_framework::passwords::{
    delete_generic_password, get_generic_password, set_generic_password,
};

use super::{Entry, Keyring, KeyringError, blocking, refuses};

const SERVICE: &str = "callboard";

/// What Keychain answers when there is no such item.
/// <https://developer.apple.com/documentation/security/errsecitemnotfound>
const NOT_FOUND: i32 = -25300;

/// The person's default keychain.
pub(super) struct Keychain;

impl Keyring for Keychain {
    async fn get(&self, entry: &Entry) -> Result<Option<SecretText>, KeyringError> {
        let name = entry.name();
        blocking(move || match found(get_generic_password(SERVICE, &name))? {
            None => Ok(None),
            Some(bytes) => String::from_utf8(bytes)
                .map(|text| Some(SecretText(text)))
                .map_err(|_| refuses("it holds something that is no text")),
        })
        .await
    }

    async fn put(&self, entry: &Entry, secret: Option<&SecretText>) -> Result<(), KeyringError> {
        let (name, secret) = (entry.name(), secret.cloned());
        blocking(move || match secret {
            Some(secret) => set_generic_password(SERVICE, &name, secret.0.as_bytes())
                .map_err(|error| refuses(&error.to_string())),
            None => found(delete_generic_password(SERVICE, &name)).map(drop),
        })
        .await
    }
}

fn found<T>(answer: Result<T, Error>) -> Result<Option<T>, KeyringError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code() == NOT_FOUND => Ok(None),
        Err(error) => Err(refuses(&error.to_string())),
    }
}
