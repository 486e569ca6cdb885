//! The `store` service: values of a plugin's own, and logs that it appends to. All of it is on disk when it is answered.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest stored value, in bytes of its JSON.
pub const MAX_STORED_BYTES: usize = 256 * 1024;

/// Asks for a value that the plugin stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreGet {
    /// The value's key.
    pub key: String,
}

/// A value that the plugin stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoreValue {
    /// The value; null when there is none.
    pub value: Value,
}

/// Stores a value, durably; null removes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StorePut {
    /// The value's key.
    pub key: String,
    /// The value, of [`MAX_STORED_BYTES`] at most.
    pub value: Value,
}

/// Stores a value if the one that is there is the expected one; null stands for none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoreSwap {
    /// The value's key.
    pub key: String,
    /// What must be there.
    pub expected: Value,
    /// What takes its place.
    pub value: Value,
}

/// What came of [`StoreSwap`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoreSwapped {
    /// Whether it was the expected one, and was replaced.
    pub swapped: bool,
    /// The value that is there now.
    pub value: Value,
}

/// Asks which keys begin with a prefix, in the order of their bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreKeys {
    /// The prefix; every key has the empty one.
    #[serde(default)]
    pub prefix: String,
    /// Only keys behind this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Some keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredKeys {
    /// The keys, 1,000 at most.
    pub keys: Vec<String>,
    /// Whether there are more behind the last one.
    pub more: bool,
}

/// Appends an entry to a log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoreAppend {
    /// The log's name; it is there with its first entry.
    pub log: String,
    /// Names the entry: the same key again, while the entry is there, is the same entry and not a second one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The entry, of [`MAX_STORED_BYTES`] at most.
    pub value: Value,
}

/// Where an entry was appended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreAppended {
    /// Its number: the first entry of a log has 1, and none is ever given twice.
    pub number: u64,
}

/// Asks for entries of a log, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreEntries {
    /// The log's name.
    pub log: String,
    /// Only entries with greater numbers.
    #[serde(default)]
    pub after: u64,
    /// How many at most; 1,000 when none is given, and never more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Some entries of a log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredEntries {
    /// The entries; fewer than were asked for where they are large.
    pub entries: Vec<StoredEntry>,
    /// Whether there are more behind the last one.
    pub more: bool,
}

/// One entry of a log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredEntry {
    /// Its number.
    pub number: u64,
    /// Its key, where it was given one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The entry.
    pub value: Value,
}

/// Removes the oldest entries of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreTrim {
    /// The log's name.
    pub log: String,
    /// The number of the last entry that goes.
    pub until: u64,
}
