//! The `store` service of the fake host.

use callboard_protocol::{
    Failure, FailureKind, HostMethod, MAX_STORED_BYTES, Permission, StoreAppend, StoreAppended,
    StoreEntries, StoreGet, StoreKeys, StorePut, StoreSwap, StoreSwapped, StoreTrim, StoreValue,
    StoredEntries, StoredEntry, StoredKeys,
};
use serde_json::{Value, json};

use super::{FakeHost, read, write};

/// How many keys or entries are told at once, so that plugins meet pages.
const TOLD: usize = 3;

impl FakeHost {
    /// Answers what a plugin asks of its store; none where it asks for something else.
    pub(super) fn store(
        &mut self,
        method: HostMethod,
        params: &Value,
    ) -> Option<Result<Value, Failure>> {
        let params = params.clone();
        let answer = match method {
            HostMethod::StoreGet => read(params).and_then(|get| self.get(&get)),
            HostMethod::StorePut => read(params).and_then(|put| self.put(put)),
            HostMethod::StoreSwap => read(params).and_then(|swap| self.swap(swap)),
            HostMethod::StoreKeys => read(params).and_then(|keys| self.keys(&keys)),
            HostMethod::StoreAppend => read(params).and_then(|append| self.append(append)),
            HostMethod::StoreEntries => read(params).and_then(|entries| self.entries(&entries)),
            HostMethod::StoreTrim => read(params).and_then(|trim| self.trim(&trim)),
            _ => return None,
        };
        Some(self.need(&Permission::Store).and(answer))
    }

    fn get(&self, StoreGet { key }: &StoreGet) -> Result<Value, Failure> {
        let value = self.record.store.get(key).cloned().unwrap_or_default();
        write(&StoreValue { value })
    }

    fn put(&mut self, StorePut { key, value }: StorePut) -> Result<Value, Failure> {
        check_size(&value)?;
        if value.is_null() {
            self.record.store.shift_remove(&key);
        } else {
            self.record.store.insert(key, value);
        }
        Ok(json!({}))
    }

    fn swap(&mut self, swap: StoreSwap) -> Result<Value, Failure> {
        let StoreSwap {
            key,
            expected,
            value,
        } = swap;
        let found = self.record.store.get(&key).cloned().unwrap_or_default();
        let swapped = found == expected;
        if swapped {
            let value = value.clone();
            self.put(StorePut { key, value })?;
        }
        let value = if swapped { value } else { found };
        write(&StoreSwapped { swapped, value })
    }

    fn keys(&self, asked: &StoreKeys) -> Result<Value, Failure> {
        let after = asked.after.as_deref().unwrap_or_default();
        let all = self.record.store.keys();
        let wanted = all.filter(|key| key.starts_with(&asked.prefix) && key.as_str() > after);
        let mut keys: Vec<String> = wanted.cloned().collect();
        keys.sort();
        let more = keys.len() > TOLD;
        keys.truncate(TOLD);
        write(&StoredKeys { keys, more })
    }

    fn append(&mut self, append: StoreAppend) -> Result<Value, Failure> {
        check_size(&append.value)?;
        let log = self.logs.entry(append.log.clone()).or_default();
        let entries = self.record.store_logs.entry(append.log).or_default();
        let same = |entry: &&StoredEntry| entry.key.is_some() && entry.key == append.key;
        if let Some(entry) = entries.iter().find(same) {
            let number = entry.number;
            return write(&StoreAppended { number });
        }
        *log += 1;
        let number = *log;
        entries.push(StoredEntry {
            number,
            key: append.key,
            value: append.value,
        });
        write(&StoreAppended { number })
    }

    fn entries(&self, asked: &StoreEntries) -> Result<Value, Failure> {
        let all = self.record.store_logs.get(&asked.log).into_iter().flatten();
        let mut entries: Vec<StoredEntry> = all
            .filter(|entry| entry.number > asked.after)
            .cloned()
            .collect();
        let more = entries.len() > TOLD;
        entries.truncate(TOLD);
        write(&StoredEntries { entries, more })
    }

    fn trim(&mut self, trim: &StoreTrim) -> Result<Value, Failure> {
        if let Some(entries) = self.record.store_logs.get_mut(&trim.log) {
            entries.retain(|entry| entry.number > trim.until);
        }
        Ok(json!({}))
    }
}

fn check_size(value: &Value) -> Result<(), Failure> {
    let bytes = value.to_string().len();
    if bytes <= MAX_STORED_BYTES {
        return Ok(());
    }
    let message = format!("the value has {bytes} bytes, more than {MAX_STORED_BYTES}");
    Err(Failure::new(FailureKind::Limit, message))
}
