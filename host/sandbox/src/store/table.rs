//! The rows of one table, by order of creation, by key, and by indexed column.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Row, Value};
use crate::schema::{Schema, TableShape};

/// Rows that share a value, in order of creation.
type Bucket = BTreeMap<u64, Arc<Row>>;

#[derive(Debug)]
pub(super) struct Table {
    rows: Bucket,
    keys: HashMap<Arc<str>, Arc<Row>>,
    /// One per column; empty for those that are not indexed.
    indexes: Vec<Option<HashMap<Arc<str>, Bucket>>>,
}

impl Table {
    pub(super) fn new(shape: &TableShape) -> Self {
        let indexes = shape
            .indexed
            .iter()
            .map(|indexed| indexed.then(HashMap::new))
            .collect();
        Self {
            rows: BTreeMap::new(),
            keys: HashMap::new(),
            indexes,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Arc<Row>> {
        self.rows.values()
    }

    pub(super) fn last(&self) -> Option<&Arc<Row>> {
        self.rows.last_key_value().map(|(_, row)| row)
    }

    pub(super) fn by_sequence(&self, sequence: u64) -> Option<&Arc<Row>> {
        self.rows.get(&sequence)
    }

    pub(super) fn by_key(&self, key: &str) -> Option<&Arc<Row>> {
        self.keys.get(key)
    }

    fn bucket(&self, column: usize, text: &str) -> Option<&Bucket> {
        let index = self.indexes[column].as_ref();
        index.expect("only indexed columns are looked up").get(text)
    }

    pub(super) fn count(&self, column: usize, text: &str) -> usize {
        self.bucket(column, text).map_or(0, Bucket::len)
    }

    pub(super) fn by_index<'s>(
        &'s self,
        column: usize,
        text: &str,
    ) -> impl Iterator<Item = &'s Arc<Row>> + use<'s> {
        let bucket = self.bucket(column, text).into_iter();
        bucket.flat_map(Bucket::values)
    }

    /// Gives a new row the same copies of indexed texts as the rows that have them already: ids and
    /// names repeat a great deal, and what is one place in memory is near when many rows are read.
    pub(super) fn share_texts(&self, row: &mut Row) {
        for (index, value) in self.indexes.iter().zip(&mut row.values) {
            if let (Some(index), Value::Text(text)) = (index, value)
                && let Some((known, _)) = index.get_key_value(text)
            {
                *text = known.clone();
            }
        }
    }

    pub(super) fn insert(&mut self, schema: &Schema, row: Arc<Row>) {
        self.keys.insert(row.key(schema), row.clone());
        for (index, value) in self.indexes.iter_mut().zip(&row.values) {
            if let (Some(index), Some(text)) = (index, value.as_text()) {
                let bucket = index.entry(text.clone()).or_default();
                bucket.insert(row.sequence, row.clone());
            }
        }
        self.rows.insert(row.sequence, row);
    }

    pub(super) fn remove(&mut self, schema: &Schema, sequence: u64) -> Option<Arc<Row>> {
        let row = self.rows.remove(&sequence)?;
        let key = row.key(schema);
        // The key may have passed to another row meanwhile.
        let holder = self.keys.get(&key);
        if holder.is_some_and(|holder| holder.sequence == sequence) {
            self.keys.remove(&key);
        }
        for (index, value) in self.indexes.iter_mut().zip(&row.values) {
            let (Some(index), Some(text)) = (index, value.as_text()) else {
                continue;
            };
            if let Some(rows) = index.get_mut(text) {
                rows.remove(&sequence);
                if rows.is_empty() {
                    index.remove(text);
                }
            }
        }
        Some(row)
    }
}
