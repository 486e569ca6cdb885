//! Values that plugins store.

use callboard_protocol::{Failure, FailureKind, PluginId};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::ledger::Ledger;

/// Reads a value that a plugin stored; null when there is none.
///
/// # Errors
///
/// When the ledger cannot be read.
pub(crate) async fn read(ledger: &Ledger, plugin: PluginId, key: String) -> Result<Value, Failure> {
    let (sender, receiver) = oneshot::channel();
    let answer = Box::new(move |result| {
        // Whoever asked may be gone.
        drop(sender.send(result));
    });
    ledger.read_store(plugin, key, answer)?;
    receiver.await.unwrap_or_else(|_| {
        Err(Failure::new(
            FailureKind::Unavailable,
            "the ledger is closed",
        ))
    })
}
