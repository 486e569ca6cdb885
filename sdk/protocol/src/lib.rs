//! Callboard's messages: what plugins, bus clients and the host say to one another.
//!
//! This crate holds types and nothing else.
//! It must never know I/O, async, clocks or ftrack's entities: an entity is a kind and an id here, an operation is data.
//!
//! Read first: [`Launch`] (what a plugin is asked), [`Outcome`] (how a turn ends) and [`Message`] (the envelope both travel in).
//!
//! Every message is one JSON object, JSON-RPC shaped (`id`, `method`, `params`, `result` or `error`), in `snake_case`, the same on a plugin's pipe and on the local bus.
//! `docs/protocol.md` describes them for authors in other languages; `tests/golden/` holds one line of each.
#![warn(missing_docs)]

mod action;
mod bus;
mod connect;
mod context;
mod declare;
mod failure;
mod form;
mod hello;
mod id;
mod job;
mod launcher;
mod manifest;
mod message;
mod plugin;
mod plugin_list;
mod service;
mod step;
mod view;
mod window;

pub use action::{Action, Count, MenuItem, When};
pub use bus::{
    ActionItems, ActionRef, ActionsDiscover, ActionsLaunch, ApplicationBusy, BusMethod,
    ConnectionState, DescribeRow, Description, EventParams, HubStatus, Isolation, Items, JobAnswer,
    JobRef, JobWait, JobsList, KeptActions, Launched, LedgerStatus, Publish, Replies, SignInEnd,
    Status, Subscribe, Subscribed, TrayStatus, WhoAmI,
};
pub use connect::{
    ConnectHandle, ConnectHandled, ConnectLoaded, ConnectMethod, ConnectPart, ConnectPublish,
    ConnectPublished, ConnectSubscribed, ConnectSummary, ConnectUnsubscribed,
};
pub use context::{Context, DccContext, Entity, Surface};
pub use declare::{
    Command, DeclareError, DeclaredCommand, DeclaredWindow, EventInput, EventPlace,
    MAX_QUEUED_EVENTS, MAX_STATUS_CHARACTERS, Setting, SettingKind, Settings, StatusLine,
    StatusSet, StatusText, Subscription, Window,
};
pub use failure::{Failure, FailureKind};
pub use form::{
    Change, Changed, DraftKept, Edit, FieldEdit, JobBack, JobChange, JobChanged, JobDraft,
    MAX_DRAFT_BYTES, MAX_EDITS, Patch, ROW_ERROR, ROW_ID, ROW_STATE, RowState, apply_edits,
    is_blank,
};
pub use hello::{
    BusHello, BusWelcome, HostHello, PluginHello, SUPPORTED_VERSIONS, Scope, VERSION_1,
    highest_common_version,
};
pub use id::{ActionId, JobId, PluginId, SelectionId, StepId};
pub use job::{
    JobDetail, JobState, JobSummary, Launch, Outcome, Progress, StepReport, StepState, StepsReport,
    UnitReport, UnitState,
};
pub use launcher::{
    EntitiesList, EntitiesOf, EntityRow, RemoteDiscover, RemoteItem, RemoteLaunch, RemoteReply,
};
pub use manifest::{Limits, Manifest, ManifestError, Permission, Platform, Run, Verb};
pub use message::{Message, MessageError, MessageId};
pub use plugin::{
    Describe, HandOver, HostMethod, Log, LogLevel, Notify, NotifyLevel, PluginMethod,
};
pub use plugin_list::{
    BisectStep, Bisected, PluginLogLines, PluginLogs, PluginRef, PluginSource, PluginState,
    PluginSummary, PluginsBisect, PluginsReloaded,
};
pub use service::{
    AttachedFile, ChildJob, EventsHeard, EventsNext, EventsPublish, EventsSubscribe, FetchedFile,
    FtrackCall, FtrackCalled, FtrackDownload, HeardEvent, HttpAnswer, HttpBody, HttpRequest,
    JobFolder, JobsAttach, JobsLaunch, MAX_HTTP_BODY_BYTES, MAX_SECRET_BYTES, MAX_STORED_BYTES,
    Open, PluginSettings, PluginSettingsAsk, Query, QueryPage, QueryResults, QueryRows, SecretGet,
    SecretKept, SecretPlace, SecretPut, SecretText, SecretValue, SettingsValues, StoreAppend,
    StoreAppended, StoreEntries, StoreGet, StoreKeys, StorePut, StoreSwap, StoreSwapped, StoreTrim,
    StoreValue, StoredEntries, StoredEntry, StoredKeys,
};
pub use step::{Encode, InDoubt, Operation, Step, Unit, Upload, Work};
pub use view::{
    ChartSeries, ChartValue, Choice, Control, FileChoice, Item, ProgressValue, TimerValue, View,
};
pub use window::{WindowHeld, WindowNews, WindowRef, WindowSize};

/// The longest message, in bytes of its JSON line without the line feed, that either side accepts.
///
/// A longer one is refused by name and the connection lives on.
pub const MAX_MESSAGE_BYTES: usize = 8 * 1024 * 1024;

/// The longest opaque `state` that a turn may leave behind, in bytes of its JSON.
pub const MAX_STATE_BYTES: usize = 256 * 1024;
