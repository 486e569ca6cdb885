//! The Python child that serves Connect's hooks, with a test in the host's place and the sandbox as server.
//!
//! The checks and the plugins are in `tests/connect_plugins`.

use anyhow::Result;

use crate::pytest;

/// A run that finds fewer checks has lost some.
const FEWEST_CHECKS: u32 = 50;

#[test]
fn connects_plugins_run_unchanged_in_a_child() -> Result<()> {
    pytest("tests/connect_plugins", FEWEST_CHECKS)
}
