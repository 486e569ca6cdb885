//! The `ftrack` service: queries, and calls that need no durability.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Operation;

/// Asks ftrack one or several things in one request to the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Expressions in ftrack's query language; values in them are quoted by the caller.
    pub expressions: Vec<String>,
}

/// What ftrack answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueryResults {
    /// One list of entities for each expression, in the same order.
    pub results: Vec<Vec<Map<String, Value>>>,
}

/// Asks ftrack for some rows of a longer answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryPage {
    /// An expression without `offset` and `limit` of its own; one with `order by` keeps its order from page to page.
    pub expression: String,
    /// How many rows to skip.
    #[serde(default)]
    pub offset: u64,
    /// How many rows to answer at most; 500 when none is given, and never more than 5,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Some rows of a longer answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueryRows {
    /// The rows.
    pub rows: Vec<Map<String, Value>>,
    /// The `offset` of the next page; none after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_offset: Option<u64>,
}

/// Carries out operations at once, all in one transaction or none of them.
///
/// It is never tried again, and may be lost with the plugin: what must happen is handed over as steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FtrackCall {
    /// The operations, in order.
    pub operations: Vec<Operation>,
}

/// What ftrack made of the operations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FtrackCalled {
    /// One for each operation: the entity that was made or changed, or `true` for a deletion.
    pub results: Vec<Value>,
}

/// Fetches the file or the thumbnail of a component into the job's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FtrackDownload {
    /// The component.
    pub component_id: String,
    /// What the file shall be called: a name, not a path. A file of that name is replaced.
    pub name: String,
    /// For a thumbnail: the side of the square that it fits into, in pixels. The file itself when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<u32>,
    /// The most bytes that are fetched; a larger file is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}
