//! Settings of plugins, which are written by nobody else.

use callboard_protocol::{Failure, FailureKind, PluginSettingsAsk};
use engine::SettingsLayer;

use crate::settings::PluginLayers;

/// Writes settings of a plugin and returns every layer as it is then.
///
/// # Errors
///
/// When a file cannot be read or written.
pub(crate) async fn write(
    layers: PluginLayers,
    ask: PluginSettingsAsk,
    secret_names: Vec<String>,
) -> Result<Vec<SettingsLayer>, Failure> {
    let writing = tokio::task::spawn_blocking(move || layers.change(&ask, &secret_names));
    writing.await.unwrap_or_else(|_| {
        Err(Failure::new(
            FailureKind::Internal,
            "writing the settings stopped with an error",
        )
        .hint("report this"))
    })
}
