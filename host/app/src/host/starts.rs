//! How the last starts went: a host that dies again and again right after its start is started without foreign plugins.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::plugin_folders::{Durable, read_kept, write_kept};

/// How many starts in a row must have died early.
const EARLY_DEATHS: u32 = 3;

/// How long a host must live so that its death is no early one.
const EARLY: Duration = Duration::from_secs(60);

/// How a host is to be started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum StartMode {
    /// With all plugins, unless the last starts died early.
    #[default]
    Usual,
    /// With bundled plugins only.
    Safe,
    /// With all plugins, whatever happened.
    Normal,
}

/// The count of starts that died early, this one included until it has lived for a while.
#[derive(Clone)]
pub(super) struct Starts {
    path: PathBuf,
    /// Why only bundled plugins are used, where that is so.
    pub(super) safe: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    early_deaths: u32,
}

impl Starts {
    /// Counts this start.
    pub(super) fn begin(folder: &Path, mode: StartMode) -> Self {
        let path = folder.join("starts.json");
        let before = match mode {
            StartMode::Normal => 0,
            _ => read_kept::<Kept>(&path).unwrap_or_default().early_deaths,
        };
        let safe = match mode {
            StartMode::Safe => Some("it was started with `--safe`".to_owned()),
            StartMode::Usual if before >= EARLY_DEATHS => Some(format!(
                "the last {before} starts ended unasked within a minute"
            )),
            _ => None,
        };
        let starts = Self { path, safe };
        starts.keep(before.saturating_add(1));
        starts
    }

    /// Forgets earlier deaths once the host has lived for a while; in safe mode that says nothing of the other plugins.
    pub(super) async fn watch(self, mut stopping: watch::Receiver<bool>) {
        if self.safe.is_none()
            && timeout(EARLY, stopping.wait_for(|stop| *stop))
                .await
                .is_err()
        {
            self.ended_well();
        }
    }

    /// The host ends as it was asked to.
    pub(super) fn ended_well(&self) {
        self.keep(0);
    }

    fn keep(&self, early_deaths: u32) {
        let kept = Kept { early_deaths };
        if let Err(error) = write_kept(&self.path, &kept, Durable::No) {
            tracing::warn!(%error, "it is not kept that this start went well");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_safe(folder: &Path, mode: StartMode) -> bool {
        Starts::begin(folder, mode).safe.is_some()
    }

    #[test]
    fn the_fourth_start_after_three_early_deaths_is_safe_until_one_ends_well() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for _ in 0..3 {
            assert!(!is_safe(folder, StartMode::Usual));
        }
        assert!(is_safe(folder, StartMode::Usual));
        let safe = Starts::begin(folder, StartMode::Usual);
        assert!(safe.safe.is_some(), "it stays so");
        safe.ended_well();
        assert!(!is_safe(folder, StartMode::Usual));
    }

    #[test]
    fn a_person_has_the_last_word() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert!(is_safe(folder, StartMode::Safe));
        for _ in 0..5 {
            is_safe(folder, StartMode::Usual);
        }
        assert!(!is_safe(folder, StartMode::Normal));
        assert!(!is_safe(folder, StartMode::Usual), "the count began anew");
    }
}
