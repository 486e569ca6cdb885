//! What each service is asked and what it answers, one file each.

mod events;
mod files;
mod ftrack;
mod http;
mod jobs;
mod open;
mod secret;
mod settings;
mod store;

pub use events::{EventsHeard, EventsNext, EventsPublish, EventsSubscribe, HeardEvent};
pub use files::{FetchedFile, JobFolder};
pub use ftrack::{
    FtrackCall, FtrackCalled, FtrackDownload, Query, QueryPage, QueryResults, QueryRows,
};
pub use http::{HttpAnswer, HttpBody, HttpRequest, MAX_HTTP_BODY_BYTES};
pub use jobs::{AttachedFile, ChildJob, JobsAttach, JobsLaunch};
pub use open::Open;
pub use secret::{
    MAX_SECRET_BYTES, SecretGet, SecretKept, SecretPlace, SecretPut, SecretText, SecretValue,
};
pub use settings::{PluginSettings, PluginSettingsAsk, SettingsValues};
pub use store::{
    MAX_STORED_BYTES, StoreAppend, StoreAppended, StoreEntries, StoreGet, StoreKeys, StorePut,
    StoreSwap, StoreSwapped, StoreTrim, StoreValue, StoredEntries, StoredEntry, StoredKeys,
};
