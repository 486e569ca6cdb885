//! The Python with the official ftrack client.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::process::{self, Finished};
use crate::program::installed;

/// Returns the Python of the environment that `cargo xtask test` makes: `CALLBOARD_TEST_PYTHON`, else `target/python`.
///
/// # Errors
///
/// When there is none.
pub fn python() -> Result<PathBuf> {
    installed("CALLBOARD_TEST_PYTHON", "python/bin/python")
}

/// Runs `script` with `arguments` and these variables beside the usual ones.
///
/// # Errors
///
/// When there is no Python, or the script does not end in time. How it ended is for the caller to judge.
pub fn run_python<'a>(
    script: &Path,
    arguments: &[&str],
    environment: impl IntoIterator<Item = (&'a str, &'a str)>,
    deadline: Duration,
) -> Result<Finished> {
    let mut command = process::command(python()?);
    command
        .arg(script)
        .args(arguments)
        .envs(environment)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    process::run(&mut command, deadline)
}
