//! What a command of `callboard` answered.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::process::Finished;

/// What a command wrote, and its exit code.
#[derive(Debug)]
pub struct CommandResult {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl From<Finished> for CommandResult {
    fn from(finished: Finished) -> Self {
        Self {
            code: finished.status.code(),
            stdout: finished.stdout,
            stderr: finished.stderr,
        }
    }
}

impl CommandResult {
    /// Returns what `--json` wrote.
    ///
    /// # Errors
    ///
    /// When standard output is not one JSON value.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("no JSON came from {self:?}"))
    }

    /// Returns what `--json` wrote, of a command that was to succeed.
    ///
    /// # Errors
    ///
    /// When the exit code is not 0, or standard output is not one JSON value.
    pub fn done(&self) -> Result<Value> {
        ensure!(self.code == Some(0), "a command failed: {self:?}");
        self.json()
    }
}
