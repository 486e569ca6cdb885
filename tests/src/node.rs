//! The packages with the official JavaScript client.

use std::path::PathBuf;

use anyhow::Result;

use crate::program::installed;

/// Returns the folder of packages that `cargo xtask test` makes: `CALLBOARD_TEST_NODE_MODULES`, else
/// `target/js/node_modules`.
///
/// # Errors
///
/// When there is none.
pub fn node_modules() -> Result<PathBuf> {
    installed("CALLBOARD_TEST_NODE_MODULES", "js/node_modules")
}
