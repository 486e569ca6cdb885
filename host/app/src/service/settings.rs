//! Settings of plugins, which are written by nobody else.

use callboard_protocol::{Failure, PluginSettingsAsk};
use engine::SettingsLayer;

use crate::settings::PluginLayers;

/// Writes settings of a plugin and returns every layer as it is then.
///
/// # Errors
///
/// When a file cannot be read or written, or the keyring is locked.
pub(crate) async fn write(
    layers: PluginLayers,
    ask: PluginSettingsAsk,
    secret_names: Vec<String>,
) -> Result<Vec<SettingsLayer>, Failure> {
    layers.change(&ask, &secret_names).await
}
