//! What each service is asked and what it answers, one file each.

mod files;
mod ftrack;
mod settings;

pub use files::{FetchedFile, JobFolder};
pub use ftrack::{
    FtrackCall, FtrackCalled, FtrackDownload, Query, QueryPage, QueryResults, QueryRows,
};
pub use settings::{PluginSettings, PluginSettingsAsk, SettingsValues};
