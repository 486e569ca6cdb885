//! What crosses a plugin's pipe: the methods each way and their parameters.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{SelectionId, Step};

/// What the host asks of or tells a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PluginMethod {
    /// `launch`, a request: [`Launch`](crate::Launch) to [`Outcome`](crate::Outcome).
    Launch,
    /// `change`, a request: [`Change`](crate::Change) to [`Changed`](crate::Changed).
    Change,
    /// `cancel`, a notification: end the running turn soon.
    Cancel,
}

impl PluginMethod {
    /// Returns the method's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Launch => "launch",
            Self::Change => "change",
            Self::Cancel => "cancel",
        }
    }

    /// Returns the method with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Launch, Self::Change, Self::Cancel]
            .into_iter()
            .find(|method| method.name() == name)
    }
}

/// What a plugin asks of or tells the host, while a turn of it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostMethod {
    /// `ftrack.query`, a request: [`Query`](crate::Query) to [`QueryResults`](crate::QueryResults). Needs `ftrack.read`.
    Query,
    /// `ftrack.page`, a request: [`QueryPage`](crate::QueryPage) to [`QueryRows`](crate::QueryRows). Needs `ftrack.read`.
    QueryPage,
    /// `ftrack.call`, a request: [`FtrackCall`](crate::FtrackCall) to [`FtrackCalled`](crate::FtrackCalled). Needs a permission for each operation.
    FtrackCall,
    /// `ftrack.download`, a request: [`FtrackDownload`](crate::FtrackDownload) to [`FetchedFile`](crate::FetchedFile). Needs `ftrack.read`.
    FtrackDownload,
    /// `http.request`, a request: [`HttpRequest`](crate::HttpRequest) to [`HttpAnswer`](crate::HttpAnswer). Needs `http:HOST`.
    HttpRequest,
    /// `secret.get`, a request: [`SecretGet`](crate::SecretGet) to [`SecretValue`](crate::SecretValue). Needs `secret`.
    SecretGet,
    /// `secret.put`, a request: [`SecretPut`](crate::SecretPut) to [`SecretKept`](crate::SecretKept). Needs `secret`.
    SecretPut,
    /// `open`, a request: [`Open`](crate::Open) to `{}`. Needs `open`.
    Open,
    /// `job.folder`, a request without parameters, answered with [`JobFolder`](crate::JobFolder).
    JobFolder,
    /// `steps.hand_over`, a request: [`HandOver`] to `{}`, answered once it is on disk. Needs a permission for each operation.
    HandOver,
    /// `dcc.describe`, a request: [`Describe`] to [`Description`](crate::Description). Needs `dcc`.
    Describe,
    /// `store.get`, a request: [`StoreGet`](crate::StoreGet) to [`StoreValue`](crate::StoreValue). Needs `store`.
    StoreGet,
    /// `store.put`, a request: [`StorePut`](crate::StorePut) to `{}`, answered once it is on disk. Needs `store`.
    StorePut,
    /// `events.subscribe`, a request: [`EventsSubscribe`](crate::EventsSubscribe) to [`Subscribed`](crate::Subscribed). Needs `events`.
    EventsSubscribe,
    /// `events.unsubscribe`, a request: [`Subscribed`](crate::Subscribed) to `{}`. Needs `events`.
    EventsUnsubscribe,
    /// `events.next`, a request: [`EventsNext`](crate::EventsNext) to [`EventsHeard`](crate::EventsHeard). Needs `events`.
    EventsNext,
    /// `events.publish`, a request: [`EventsPublish`](crate::EventsPublish) to [`Replies`](crate::Replies). Needs `events`.
    EventsPublish,
    /// `jobs.launch`, a request: [`JobsLaunch`](crate::JobsLaunch) to [`ChildJob`](crate::ChildJob). Needs `jobs`.
    JobsLaunch,
    /// `jobs.attach`, a request: [`JobsAttach`](crate::JobsAttach) to [`AttachedFile`](crate::AttachedFile), once it is on disk.
    JobsAttach,
    /// `settings.get`, a request: `{}` to [`SettingsValues`](crate::SettingsValues).
    SettingsGet,
    /// `store.swap`, a request: [`StoreSwap`](crate::StoreSwap) to [`StoreSwapped`](crate::StoreSwapped). Needs `store`.
    StoreSwap,
    /// `store.keys`, a request: [`StoreKeys`](crate::StoreKeys) to [`StoredKeys`](crate::StoredKeys). Needs `store`.
    StoreKeys,
    /// `store.append`, a request: [`StoreAppend`](crate::StoreAppend) to [`StoreAppended`](crate::StoreAppended), answered once it is on disk. Needs `store`.
    StoreAppend,
    /// `store.entries`, a request: [`StoreEntries`](crate::StoreEntries) to [`StoredEntries`](crate::StoredEntries). Needs `store`.
    StoreEntries,
    /// `store.trim`, a request: [`StoreTrim`](crate::StoreTrim) to `{}`, answered once it is on disk. Needs `store`.
    StoreTrim,
    /// `status.set`, a request: [`StatusSet`](crate::StatusSet) to `{}`, for a line that the manifest declares.
    StatusSet,
    /// `notify`, a notification: [`Notify`]. Needs `notify`.
    Notify,
    /// `log`, a notification: [`Log`].
    Log,
    /// `progress`, a notification: [`Progress`](crate::Progress).
    Progress,
}

impl HostMethod {
    /// Every method, in the order of the documentation.
    pub const ALL: &'static [Self] = &[
        Self::Query,
        Self::QueryPage,
        Self::FtrackCall,
        Self::FtrackDownload,
        Self::HttpRequest,
        Self::SecretGet,
        Self::SecretPut,
        Self::Open,
        Self::JobFolder,
        Self::HandOver,
        Self::Describe,
        Self::StoreGet,
        Self::StorePut,
        Self::EventsSubscribe,
        Self::EventsUnsubscribe,
        Self::EventsNext,
        Self::EventsPublish,
        Self::JobsLaunch,
        Self::JobsAttach,
        Self::SettingsGet,
        Self::StoreSwap,
        Self::StoreKeys,
        Self::StoreAppend,
        Self::StoreEntries,
        Self::StoreTrim,
        Self::StatusSet,
        Self::Notify,
        Self::Log,
        Self::Progress,
    ];

    /// Returns the method's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "ftrack.query",
            Self::QueryPage => "ftrack.page",
            Self::FtrackCall => "ftrack.call",
            Self::FtrackDownload => "ftrack.download",
            Self::HttpRequest => "http.request",
            Self::SecretGet => "secret.get",
            Self::SecretPut => "secret.put",
            Self::Open => "open",
            Self::JobFolder => "job.folder",
            Self::HandOver => "steps.hand_over",
            Self::Describe => "dcc.describe",
            Self::StoreGet => "store.get",
            Self::StorePut => "store.put",
            Self::EventsSubscribe => "events.subscribe",
            Self::EventsUnsubscribe => "events.unsubscribe",
            Self::EventsNext => "events.next",
            Self::EventsPublish => "events.publish",
            Self::JobsLaunch => "jobs.launch",
            Self::JobsAttach => "jobs.attach",
            Self::SettingsGet => "settings.get",
            Self::StoreSwap => "store.swap",
            Self::StoreKeys => "store.keys",
            Self::StoreAppend => "store.append",
            Self::StoreEntries => "store.entries",
            Self::StoreTrim => "store.trim",
            Self::StatusSet => "status.set",
            Self::Notify => "notify",
            Self::Log => "log",
            Self::Progress => "progress",
        }
    }

    /// Tells whether nothing durable comes of it: a plugin may ask it while a form is filled in.
    pub fn only_reads(self) -> bool {
        matches!(
            self,
            Self::Query
                | Self::QueryPage
                | Self::FtrackDownload
                | Self::HttpRequest
                | Self::JobFolder
                | Self::Describe
                | Self::SecretGet
                | Self::StoreGet
                | Self::StoreKeys
                | Self::StoreEntries
                | Self::SettingsGet
        )
    }

    /// Returns the method with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|method| method.name() == name)
    }
}

/// Hands work over to the host. From the answer on the plugin may die: the work will be done, exactly once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HandOver {
    /// Names the work within its job: the same key twice is the same work.
    pub key: String,
    /// The steps.
    pub steps: Vec<Step>,
    /// What the turn that comes after the steps is given back, at most [`MAX_STATE_BYTES`](crate::MAX_STATE_BYTES).
    #[serde(default)]
    pub state: Value,
}

/// Asks the application, where the job was launched, what its selection is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Describe {
    /// The selection, from the launch's context.
    pub selection_id: SelectionId,
    /// How many rows to skip.
    #[serde(default)]
    pub offset: u64,
    /// How many rows to answer at most.
    #[serde(default)]
    pub limit: u64,
}

/// How much a notification matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NotifyLevel {
    /// Good to know.
    #[default]
    Info,
    /// Something odd that still worked.
    Warning,
    /// Something failed.
    Error,
    /// A level that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Tells the person something, where they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// How much it matters.
    #[serde(default)]
    pub level: NotifyLevel,
    /// A few words.
    pub title: String,
    /// One sentence.
    #[serde(default)]
    pub message: String,
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LogLevel {
    /// For whoever writes the plugin.
    Debug,
    /// For whoever looks after the machine.
    #[default]
    Info,
    /// Something odd that still worked.
    Warning,
    /// Something failed.
    Error,
    /// A level that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Writes a line to the plugin's log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// How much it matters.
    #[serde(default)]
    pub level: LogLevel,
    /// The line.
    pub message: String,
}
