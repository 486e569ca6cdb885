//! The first message each way: which versions are spoken, and who is speaking.

use serde::{Deserialize, Serialize};

use crate::Surface;

/// The first version of the protocol: hello, launch, steps, dcc, store; on the bus also events, jobs, plugins and status.
pub const VERSION_1: u32 = 1;

/// The versions that this crate speaks, lowest first.
pub const SUPPORTED_VERSIONS: &[u32] = &[VERSION_1];

/// Returns the highest version that both sides speak, if there is one.
pub fn highest_common_version(ours: &[u32], theirs: &[u32]) -> Option<u32> {
    ours.iter()
        .copied()
        .filter(|version| theirs.contains(version))
        .max()
}

/// A plugin's first message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginHello {
    /// The versions it speaks.
    pub versions: Vec<u32>,
    /// What it can do beyond its versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
}

/// The host's first message to a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostHello {
    /// The versions it speaks.
    pub versions: Vec<u32>,
    /// What it can do beyond its versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// The plugin's id, as its manifest gives it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub plugin: String,
}

/// What a client of the local bus may ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scope {
    /// An application: events, discovering and launching actions, and its own jobs.
    #[default]
    Dcc,
    /// A window that the host has started: everything.
    Ui,
    /// The command line: everything.
    Cli,
    /// A scope that this version does not know; treated as the least.
    #[serde(other)]
    Unknown,
}

/// The first message of a client on the local bus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusHello {
    /// The versions it speaks.
    pub versions: Vec<u32>,
    /// What it can do beyond its versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// What it wants to be allowed.
    #[serde(default)]
    pub scope: Scope,
    /// The menu that it draws.
    #[serde(default)]
    pub surface: Surface,
    /// What it calls itself: `flame 2025.2.2`.
    #[serde(default)]
    pub name: String,
    /// What proves that the host started it, for the scope `ui`: it is good for one connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// The host's answer to a [`BusHello`]. A client that has no version in common gets an error message instead, and end of file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusWelcome {
    /// The versions the host speaks; the highest common one is used.
    pub versions: Vec<u32>,
    /// What it can do beyond its versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// The host's own version.
    pub callboard: String,
    /// The host's id: one for each machine and profile.
    pub host: String,
    /// The number of this connection.
    pub session: u64,
}
