//! What plugins store: values by key, and logs that are appended to. Each plugin has its own, up to a bound.

use callboard_protocol::{
    Failure, FailureKind, PluginId, StoreAppend, StoreAppended, StoreEntries, StoreKeys, StoreSwap,
    StoreSwapped, StoreTrim, StoreValue, StoredEntries, StoredEntry, StoredKeys,
};
use engine::StoreRequest;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Value, json};

use super::rows::{body, from_sql, to_sql};

/// How much one plugin may store, keys and values together.
const MOST_BYTES: i64 = 64 * 1024 * 1024;

/// How many keys or entries are told at once.
const MOST_TOLD: u32 = 1_000;

/// How large the entries that are told at once may be together; the first is told however large it is.
const MOST_TOLD_BYTES: usize = 4 * 1024 * 1024;

/// What a request comes to: the database's own trouble outside, what the plugin is answered inside.
type Done = rusqlite::Result<Result<Value, Failure>>;

/// Does what a plugin asks of its store, within a transaction. What is refused changes nothing.
pub(super) fn serve(connection: &Connection, plugin: &PluginId, request: &StoreRequest) -> Done {
    let store = Store { connection, plugin };
    match request {
        StoreRequest::Get(get) => {
            let value = store.get(&get.key)?;
            answer(&StoreValue { value })
        }
        StoreRequest::Put(put) => Ok(store.put(&put.key, &put.value)?.map(|()| json!({}))),
        StoreRequest::Swap(swap) => store.swap(swap),
        StoreRequest::Keys(keys) => store.keys(keys),
        StoreRequest::Append(append) => store.append(append),
        StoreRequest::Entries(entries) => store.entries(entries),
        StoreRequest::Trim(trim) => store.trim(trim),
    }
}

struct Store<'a> {
    connection: &'a Connection,
    plugin: &'a PluginId,
}

impl Store<'_> {
    fn get(&self, key: &str) -> rusqlite::Result<Value> {
        let text: Option<String> = self
            .connection
            .prepare_cached("SELECT value FROM store WHERE plugin = ?1 AND key = ?2")?
            .query_row(params![self.plugin.as_str(), key], |row| row.get(0))
            .optional()?;
        text.map_or(Ok(Value::Null), |text| {
            serde_json::from_str(&text).map_err(from_sql)
        })
    }

    /// Writes a value; null removes it.
    fn put(&self, key: &str, value: &Value) -> rusqlite::Result<Result<(), Failure>> {
        let plugin = self.plugin.as_str();
        let before: i64 = self
            .connection
            .prepare_cached(
                "SELECT octet_length(key) + octet_length(value) FROM store WHERE plugin = ?1 AND key = ?2",
            )?
            .query_row(params![plugin, key], |row| row.get(0))
            .optional()?
            .unwrap_or(0);
        if value.is_null() {
            self.connection
                .prepare_cached("DELETE FROM store WHERE plugin = ?1 AND key = ?2")?
                .execute(params![plugin, key])?;
            return Ok(Ok(self.grow(-before)?));
        }
        let text = body(value)?;
        let grown = length(key) + length(&text) - before;
        if let Err(failure) = self.has_room(grown)? {
            return Ok(Err(failure));
        }
        self.connection
            .prepare_cached(
                "INSERT INTO store (plugin, key, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (plugin, key) DO UPDATE SET value = excluded.value",
            )?
            .execute(params![plugin, key, text])?;
        Ok(Ok(self.grow(grown)?))
    }

    fn swap(&self, swap: &StoreSwap) -> Done {
        let value = self.get(&swap.key)?;
        if value != swap.expected {
            return answer(&StoreSwapped {
                swapped: false,
                value,
            });
        }
        match self.put(&swap.key, &swap.value)? {
            Ok(()) => answer(&StoreSwapped {
                swapped: true,
                value: swap.value.clone(),
            }),
            Err(failure) => Ok(Err(failure)),
        }
    }

    fn keys(&self, keys: &StoreKeys) -> Done {
        let mut statement = self.connection.prepare_cached(
            "SELECT key FROM store
             WHERE plugin = ?1 AND key > ?2 AND substr(key, 1, length(?3)) = ?3 AND key >= ?3
             ORDER BY key LIMIT ?4",
        )?;
        let after = keys.after.as_deref().unwrap_or_default();
        let found = statement.query_map(
            params![self.plugin.as_str(), after, keys.prefix, MOST_TOLD + 1],
            |row| row.get(0),
        )?;
        let mut keys = found.collect::<rusqlite::Result<Vec<String>>>()?;
        let more = keys.len() > MOST_TOLD as usize;
        keys.truncate(MOST_TOLD as usize);
        answer(&StoredKeys { keys, more })
    }

    fn append(&self, append: &StoreAppend) -> Done {
        let (plugin, log) = (self.plugin.as_str(), append.log.as_str());
        if let Some(key) = &append.key
            && let Some(number) = self.number_of(log, key)?
        {
            return answer(&StoreAppended { number });
        }
        let text = body(&append.value)?;
        let grown = length(append.key.as_deref().unwrap_or_default()) + length(&text);
        if let Err(failure) = self.has_room(grown)? {
            return Ok(Err(failure));
        }
        let number: i64 = self
            .connection
            .prepare_cached(
                "INSERT INTO store_log (plugin, log, last) VALUES (?1, ?2, 1)
                 ON CONFLICT (plugin, log) DO UPDATE SET last = last + 1 RETURNING last",
            )?
            .query_row(params![plugin, log], |row| row.get(0))?;
        self.connection
            .prepare_cached(
                "INSERT INTO store_entry (plugin, log, number, key, value) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![plugin, log, number, append.key, text])?;
        self.grow(grown)?;
        answer(&StoreAppended {
            number: number.unsigned_abs(),
        })
    }

    fn number_of(&self, log: &str, key: &str) -> rusqlite::Result<Option<u64>> {
        let number: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT number FROM store_entry WHERE plugin = ?1 AND log = ?2 AND key = ?3",
            )?
            .query_row(params![self.plugin.as_str(), log, key], |row| row.get(0))
            .optional()?;
        Ok(number.map(i64::unsigned_abs))
    }

    fn entries(&self, asked: &StoreEntries) -> Done {
        let limit = asked.limit.unwrap_or(MOST_TOLD).clamp(1, MOST_TOLD);
        let mut statement = self.connection.prepare_cached(
            "SELECT number, key, value FROM store_entry
             WHERE plugin = ?1 AND log = ?2 AND number > ?3 ORDER BY number LIMIT ?4",
        )?;
        let mut rows = statement.query(params![
            self.plugin.as_str(),
            asked.log,
            signed(asked.after),
            limit + 1
        ])?;
        let mut told = StoredEntries::default();
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let text: String = row.get(2)?;
            bytes += text.len();
            let is_first = told.entries.is_empty();
            if told.entries.len() == limit as usize || (bytes > MOST_TOLD_BYTES && !is_first) {
                told.more = true;
                break;
            }
            told.entries.push(StoredEntry {
                number: row.get::<_, i64>(0)?.unsigned_abs(),
                key: row.get(1)?,
                value: serde_json::from_str(&text).map_err(from_sql)?,
            });
        }
        answer(&told)
    }

    fn trim(&self, trim: &StoreTrim) -> Done {
        let of_trim = params![self.plugin.as_str(), trim.log, signed(trim.until)];
        let freed: i64 = self
            .connection
            .prepare_cached(
                "SELECT coalesce(sum(octet_length(coalesce(key, '')) + octet_length(value)), 0)
                 FROM store_entry WHERE plugin = ?1 AND log = ?2 AND number <= ?3",
            )?
            .query_row(of_trim, |row| row.get(0))?;
        self.connection
            .prepare_cached(
                "DELETE FROM store_entry WHERE plugin = ?1 AND log = ?2 AND number <= ?3",
            )?
            .execute(of_trim)?;
        self.grow(-freed)?;
        Ok(Ok(json!({})))
    }

    /// Tells whether so much more may be stored; less is always allowed.
    fn has_room(&self, grown: i64) -> rusqlite::Result<Result<(), Failure>> {
        let bytes: i64 = self
            .connection
            .prepare_cached("SELECT bytes FROM store_size WHERE plugin = ?1")?
            .query_row([self.plugin.as_str()], |row| row.get(0))
            .optional()?
            .unwrap_or(0);
        if grown <= 0 || bytes + grown <= MOST_BYTES {
            return Ok(Ok(()));
        }
        let mebibytes = MOST_BYTES / (1024 * 1024);
        let message = format!("the store of `{}` is full: {mebibytes} MiB", self.plugin);
        let failure = Failure::new(FailureKind::Limit, message);
        Ok(Err(failure.hint(
            "remove values or trim logs that are not needed any more",
        )))
    }

    fn grow(&self, bytes: i64) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO store_size (plugin, bytes) VALUES (?1, ?2)
                 ON CONFLICT (plugin) DO UPDATE SET bytes = bytes + excluded.bytes",
            )?
            .execute(params![self.plugin.as_str(), bytes])
            .map(drop)
    }
}

fn answer(answer: &impl serde::Serialize) -> Done {
    serde_json::to_value(answer).map(Ok).map_err(to_sql)
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
