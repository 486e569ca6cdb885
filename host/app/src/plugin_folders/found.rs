//! What was found in a place, as it is kept for the next start.

use std::fs::Metadata;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use callboard_protocol::{Failure, Manifest};
use serde::{Deserialize, Serialize};

/// What was found in one place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scanned {
    /// The plugin folders, in the order of their names.
    pub(crate) found: Vec<Found>,
    /// Which versions `callboard.lock` names there.
    pub(crate) locked: Vec<Locked>,
    /// What is wrong with the place itself.
    pub(crate) problem: Option<Failure>,
}

/// A plugin folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Found {
    /// The folder.
    pub(crate) path: PathBuf,
    /// Whose kind of plugin it is.
    pub(crate) family: Family,
    /// Its manifest's file when it was read.
    pub(crate) stamp: Stamp,
    /// Another number whenever one of the files that make the plugin has changed.
    pub(crate) revision: u64,
    /// What the manifest says, or why it cannot be read.
    pub(crate) manifest: Result<Manifest, Failure>,
    /// What is odd about it.
    pub(crate) warnings: Vec<Failure>,
}

/// Whose kind of plugin a folder holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Family {
    /// One with a `plugin.toml`.
    Callboard,
    /// Hooks of ftrack Connect.
    Connect {
        /// Why Connect does not load it, or why it cannot be loaded here.
        refusal: Option<String>,
        /// Whether Connect calls it out of date.
        is_deprecated: bool,
    },
}

/// How a file stood when it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Stamp {
    changed_ns: u64,
    bytes: u64,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let since = metadata
            .modified()
            .ok()
            .and_then(|changed| changed.duration_since(UNIX_EPOCH).ok())
            .unwrap_or_default();
        Self {
            changed_ns: u64::try_from(since.as_nanos()).unwrap_or(u64::MAX),
            bytes: metadata.len(),
        }
    }
}

/// A version that `callboard.lock` names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Locked {
    /// The plugin's id.
    pub(crate) id: String,
    /// The version that is meant.
    pub(crate) version: String,
    /// The name of its folder: of one version there may be two, where it was replaced.
    #[serde(default)]
    pub(crate) folder: String,
}

/// Returns a number for how several files stand.
pub(crate) fn revision(files: &[(PathBuf, Stamp)]) -> u64 {
    let mut hasher = DefaultHasher::new();
    files.hash(&mut hasher);
    hasher.finish()
}
