//! What the person has switched off, kept beside the ledger.

use std::collections::BTreeSet;
use std::path::PathBuf;

use callboard_protocol::{Failure, FailureKind, PluginId, PluginSource};
use serde::{Deserialize, Serialize};

use super::bisect::Bisect;
use super::kept_file::{self, Durable};

/// What is switched off, and the file that says so.
#[derive(Debug)]
pub(super) struct Choice {
    path: PathBuf,
    pub(super) kept: Kept,
    /// Why only bundled plugins are used, where that is so.
    pub(super) safe: Option<String>,
}

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    /// Plugins that are disabled.
    pub(super) disabled: BTreeSet<PluginId>,
    /// A search for a culprit that is going on.
    pub(super) bisect: Option<Bisect>,
}

impl Choice {
    /// Reads the file.
    pub(super) fn read(path: PathBuf, safe: Option<String>) -> Self {
        Self {
            kept: kept_file::read(&path).unwrap_or_default(),
            path,
            safe,
        }
    }

    /// Writes what is kept from now on, before it is in force.
    ///
    /// # Errors
    ///
    /// When it cannot be written; then nothing has changed.
    pub(super) fn keep(&mut self, kept: Kept) -> Result<(), Failure> {
        kept_file::write(&self.path, &kept, Durable::Yes).map_err(|error| {
            let message = format!("could not write `{}`", self.path.display());
            Failure::new(FailureKind::Internal, message)
                .hint("make the folder writable, and look whether the disk is full")
                .caused_by(&error)
        })?;
        self.kept = kept;
        Ok(())
    }

    /// Returns why a plugin is switched off, where it is.
    pub(super) fn off(&self, plugin: &PluginId, source: PluginSource) -> Option<Failure> {
        if self.kept.disabled.contains(plugin) {
            return Some(
                Failure::denied(format!("`{plugin}` is disabled")).hint(format!(
                    "enable it with `callboard plugins enable {plugin}`"
                )),
            );
        }
        if self.safe.is_some() && source != PluginSource::Bundled {
            return Some(
                Failure::denied(format!(
                    "`{plugin}` is off in safe mode, in which only bundled plugins run"
                ))
                .hint("leave safe mode with `callboard run --normal`"),
            );
        }
        let bisect = self.kept.bisect.as_ref()?;
        bisect.is_off(plugin).then(|| {
            Failure::denied(format!(
                "`{plugin}` is off for this round of the search for a culprit"
            ))
            .hint("end the search with `callboard plugins bisect reset`")
        })
    }
}
