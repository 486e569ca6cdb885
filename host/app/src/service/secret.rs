//! Secrets that plugins keep.

use callboard_protocol::{Failure, SecretGet, SecretKept, SecretPut, SecretValue};
use engine::Asker;

use crate::settings::{SecretName, Secrets};

/// Returns a plugin's secret.
///
/// # Errors
///
/// When the keyring is locked, or the file cannot be read.
pub(super) async fn get(
    secrets: &Secrets,
    asker: &Asker,
    get: SecretGet,
) -> Result<SecretValue, Failure> {
    let value = secrets.get(&name(asker, get.key)).await?;
    Ok(SecretValue { value })
}

/// Keeps or removes a plugin's secret.
///
/// # Errors
///
/// When the keyring is locked, or the file cannot be written.
pub(super) async fn put(
    secrets: &Secrets,
    asker: &Asker,
    put: SecretPut,
) -> Result<SecretKept, Failure> {
    let place = secrets
        .put(&name(asker, put.key), put.value.as_ref())
        .await?;
    Ok(SecretKept { place })
}

fn name(asker: &Asker, key: String) -> SecretName {
    SecretName {
        plugin: asker.plugin.clone(),
        key,
    }
}
