//! What the bus tells of plugins and what may be done about them: lists, logs, enabling, and the search for a culprit.

use serde::{Deserialize, Serialize};

use crate::{ActionId, ConnectSummary, Failure, PluginId};

/// Where a plugin stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PluginState {
    /// Ready; no process runs.
    Idle,
    /// A process of it has been started and has not said hello yet.
    Starting,
    /// A process of it runs.
    Running,
    /// It crashed and waits before it is started again.
    BackingOff,
    /// It crashed too often: it rests for some minutes and is then given one more try.
    Quarantined,
    /// It is switched off: `why` says by what.
    Disabled,
    /// It cannot be used: its manifest or its files are wrong, or it does not fit this machine.
    Broken,
    /// Another version of it, or the same one in another place, is used: `why` says which.
    NotUsed,
    /// A state that this version does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// The kind of place that a plugin lies in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PluginSource {
    /// It came with the program.
    Bundled,
    /// The settings name its folder.
    Studio,
    /// `CALLBOARD_PLUGIN_PATH` names its folder.
    Path,
    /// It lies in the person's own folder.
    User,
    /// An argument of the command line names its folder.
    Argument,
    /// It lies in a folder of ftrack Connect plugins or hooks.
    Connect,
    /// A kind of place that this version does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A plugin as a list shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PluginSummary {
    /// The plugin.
    pub id: PluginId,
    /// Its version.
    pub version: String,
    /// Where it stands.
    pub state: PluginState,
    /// Its folder.
    pub path: String,
    /// The kind of place that the folder lies in.
    #[serde(default)]
    pub source: PluginSource,
    /// Why this version is used, or why it is not, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// When a rest after crashes ends, in milliseconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// The process ids of its running processes.
    #[serde(default)]
    pub pids: Vec<u32>,
    /// How much memory its processes hold with all they started, in bytes; shared pages by share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// How much processor time its running processes have taken with all they started, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
    /// How often a process of it was started since the host started.
    #[serde(default)]
    pub starts: u64,
    /// How often a process of it ended unasked since the host started.
    #[serde(default)]
    pub crashes: u64,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Failure>,
    /// What is odd about its folder and does not stop it, such as a key in its manifest that nobody knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Failure>,
    /// The actions it declares; with a Connect plugin, those that it offered last.
    #[serde(default)]
    pub actions: Vec<ActionId>,
    /// How its hooks stand, where it is one of ftrack Connect's and has run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<Box<ConnectSummary>>,
}

/// Names a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginRef {
    /// The plugin.
    pub plugin: PluginId,
}

/// What reading the plugin folders anew has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginsReloaded {
    /// Plugins that are new, gone, of another version, or whose files have changed.
    pub changed: Vec<PluginId>,
    /// Places that could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Failure>,
}

/// Asks for lines of a plugin's log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PluginLogs {
    /// The plugin.
    pub plugin: PluginId,
    /// How many of the last lines, at most 5000; only without `after`. 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u32>,
    /// The `next` of an earlier answer: only what was written since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How long to wait for a line where there is none yet, in seconds, at most 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_secs: Option<f64>,
}

/// Lines of a plugin's log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginLogLines {
    /// The lines, oldest first: each begins with time and level.
    pub lines: Vec<String>,
    /// What to ask with for the lines after these.
    pub next: String,
}

/// A step of the search for the plugin that is at fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BisectStep {
    /// Begin: every plugin that is in use is suspected, and all are switched off.
    Start,
    /// The trouble is gone while the suspects in question are off.
    Good,
    /// The trouble is there.
    Bad,
    /// End, and switch everything back on.
    Reset,
    /// Only tell how it stands.
    #[default]
    Show,
    /// A step that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Takes a step of the search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginsBisect {
    /// The step.
    pub step: BisectStep,
}

/// How the search stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bisected {
    /// Whether a search is going on.
    pub running: bool,
    /// Suspects that are switched on for this round.
    #[serde(default)]
    pub on: Vec<PluginId>,
    /// Suspects that are switched off for this round.
    #[serde(default)]
    pub off: Vec<PluginId>,
    /// How many rounds are left, at most.
    #[serde(default)]
    pub rounds: u32,
    /// The plugin that was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub culprit: Option<PluginId>,
    /// How it stands and what to do next, in a sentence.
    pub message: String,
}
