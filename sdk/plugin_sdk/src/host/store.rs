//! The `store` service, as a plugin sees it.

use callboard_protocol::{
    Failure, HostMethod, StoreAppend, StoreAppended, StoreEntries, StoreGet, StoreKeys, StorePut,
    StoreSwap, StoreSwapped, StoreTrim, StoreValue, StoredEntries, StoredEntry, StoredKeys,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Host;

/// The plugin's own values and logs, which last; made by [`Host::store`]. Needs `store`.
///
/// Whatever changes something returns once it is on disk.
/// A value may have 256 KiB as JSON, a key 512 bytes, and everything together 64 MiB.
#[derive(Clone, Copy, Debug)]
pub struct Store<'a> {
    host: &'a Host,
}

impl<'a> Store<'a> {
    pub(crate) fn new(host: &'a Host) -> Self {
        Self { host }
    }

    /// Returns the value that was stored under `key`, in this job or an earlier one.
    ///
    /// # Errors
    ///
    /// The value has another form than `T`, or the turn was cancelled.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Failure> {
        let get = StoreGet {
            key: key.to_owned(),
        };
        let stored: StoreValue = self.host.ask(HostMethod::StoreGet, &get)?;
        if stored.value.is_null() {
            return Ok(None);
        }
        read(key, stored.value).map(Some)
    }

    /// Stores a value under `key`.
    ///
    /// # Errors
    ///
    /// The value or the store is too large, or the host could not write it.
    pub fn put<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), Failure> {
        let value = write(key, value)?;
        let key = key.to_owned();
        let put = StorePut { key, value };
        self.host.ask::<Value>(HostMethod::StorePut, &put).map(drop)
    }

    /// Removes the value stored under `key`, if there is one.
    ///
    /// # Errors
    ///
    /// The host could not remove it.
    pub fn remove(&self, key: &str) -> Result<(), Failure> {
        self.put(key, &Value::Null)
    }

    /// Stores `value` under `key` if the value there is `expected`, and tells whether it was. `None` stands for no value, on either side.
    ///
    /// That is how two jobs change the same value without losing what the other did: get, compute, swap, and again when it was not swapped.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    pub fn swap<T: Serialize>(
        &self,
        key: &str,
        expected: Option<&T>,
        value: Option<&T>,
    ) -> Result<bool, Failure> {
        let swap = StoreSwap {
            key: key.to_owned(),
            expected: write(key, &expected)?,
            value: write(key, &value)?,
        };
        let swapped: StoreSwapped = self.host.ask(HostMethod::StoreSwap, &swap)?;
        Ok(swapped.swapped)
    }

    /// Returns the keys that begin with `prefix`, in the order of their bytes; all of them for an empty one.
    ///
    /// # Errors
    ///
    /// The turn was cancelled.
    pub fn keys(&self, prefix: &str) -> Result<Vec<String>, Failure> {
        let mut keys: Vec<String> = Vec::new();
        loop {
            let asked = StoreKeys {
                prefix: prefix.to_owned(),
                after: keys.last().cloned(),
            };
            let told: StoredKeys = self.host.ask(HostMethod::StoreKeys, &asked)?;
            let is_last = !told.more || told.keys.is_empty();
            keys.extend(told.keys);
            if is_last {
                return Ok(keys);
            }
        }
    }

    /// Returns a log of this name; it is there with its first entry.
    pub fn log(&self, name: impl Into<String>) -> StoreLog<'a> {
        StoreLog {
            host: self.host,
            name: name.into(),
        }
    }
}

/// A log that the plugin appends to; made by [`Store::log`].
#[derive(Clone, Debug)]
pub struct StoreLog<'a> {
    host: &'a Host,
    name: String,
}

/// An entry of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry<T> {
    /// Its number.
    pub number: u64,
    /// Its key, where it was given one.
    pub key: Option<String>,
    /// What was appended.
    pub value: T,
}

impl StoreLog<'_> {
    /// Appends an entry and returns its number: the first of a log has 1, and none is ever given twice.
    ///
    /// # Errors
    ///
    /// The value or the store is too large, or the host could not write it.
    pub fn append<T: Serialize + ?Sized>(&self, value: &T) -> Result<u64, Failure> {
        self.append_as(None, value)
    }

    /// Appends an entry unless one with this key is there, and returns its number: repeating it is safe.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn append_once<T: Serialize + ?Sized>(
        &self,
        key: impl Into<String>,
        value: &T,
    ) -> Result<u64, Failure> {
        self.append_as(Some(key.into()), value)
    }

    fn append_as<T: Serialize + ?Sized>(
        &self,
        key: Option<String>,
        value: &T,
    ) -> Result<u64, Failure> {
        let append = StoreAppend {
            log: self.name.clone(),
            key,
            value: write(&self.name, value)?,
        };
        let appended: StoreAppended = self.host.ask(HostMethod::StoreAppend, &append)?;
        Ok(appended.number)
    }

    /// Returns the entries behind the number `after`, oldest first; all of them behind 0.
    ///
    /// # Errors
    ///
    /// An entry has another form than `T`, or the turn was cancelled.
    pub fn entries<T: DeserializeOwned>(&self, after: u64) -> Result<Vec<LogEntry<T>>, Failure> {
        let mut entries: Vec<LogEntry<T>> = Vec::new();
        loop {
            let asked = StoreEntries {
                log: self.name.clone(),
                after: entries.last().map_or(after, |entry| entry.number),
                limit: None,
            };
            let told: StoredEntries = self.host.ask(HostMethod::StoreEntries, &asked)?;
            let is_last = !told.more || told.entries.is_empty();
            for StoredEntry { number, key, value } in told.entries {
                let value = read(&self.name, value)?;
                entries.push(LogEntry { number, key, value });
            }
            if is_last {
                return Ok(entries);
            }
        }
    }

    /// Removes the entries up to the number `until`, that one too.
    ///
    /// # Errors
    ///
    /// The host could not remove them.
    pub fn trim(&self, until: u64) -> Result<(), Failure> {
        let log = self.name.clone();
        let trim = StoreTrim { log, until };
        self.host
            .ask::<Value>(HostMethod::StoreTrim, &trim)
            .map(drop)
    }
}

fn write<T: Serialize + ?Sized>(name: &str, value: &T) -> Result<Value, Failure> {
    serde_json::to_value(value).map_err(|error| {
        Failure::invalid(format!("could not write the value to store: `{name}`")).caused_by(&error)
    })
}

fn read<T: DeserializeOwned>(name: &str, value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|error| {
        Failure::invalid(format!("the stored value has another form: `{name}`")).caused_by(&error)
    })
}
