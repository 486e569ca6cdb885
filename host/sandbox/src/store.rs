//! The entity store: every row in memory with its indexes, every committed change in SQLite.
//!
//! Reading never touches the disk. A writer changes the memory, then [`Store::commit`] writes the
//! changed rows in one durable SQLite transaction; when that fails, or the operation does,
//! [`Store::rollback`] puts the rows back.

mod database;
mod row;
mod table;
mod value;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

pub(crate) use database::DatabaseError;
pub(crate) use row::{Row, key_from_parts};
pub(crate) use value::Value;

use crate::disk::Disk;
use crate::schema::{Join, ObjectType, Schema, SchemaError, TableId, TypeId};
use crate::time::Clock;
use database::Database;
use table::Table;

/// What a row takes on the disk of a test, when the store is in memory only.
const MEMORY_ROW_BYTES: usize = 200;

/// All entities.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) schema: Arc<Schema>,
    tables: Vec<Table>,
    database: Option<Database>,
    next_sequence: u64,
    journal: Journal,
    disk: Disk,
    pub(crate) clock: Clock,
}

/// What the open transaction has changed, in the order of the first change.
#[derive(Debug, Default)]
struct Journal {
    order: Vec<(TableId, u64)>,
    before: HashMap<(TableId, u64), Option<Arc<Row>>>,
}

/// A row before and after a transaction.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) before: Option<Arc<Row>>,
    pub(crate) after: Option<Arc<Row>>,
}

impl Store {
    /// Opens a store in memory only.
    pub(crate) fn in_memory(schema: Arc<Schema>) -> Self {
        let tables = schema.tables.iter().map(Table::new).collect();
        Self {
            schema,
            tables,
            database: None,
            next_sequence: 1,
            journal: Journal::default(),
            disk: Disk::default(),
            clock: Clock::default(),
        }
    }

    /// Opens the store kept in `folder`, which is created if there is none.
    ///
    /// # Errors
    ///
    /// Fails when the database cannot be opened, or was written by a newer version.
    pub(crate) fn open(schema: Arc<Schema>, folder: &Path) -> Result<Self, DatabaseError> {
        let (database, schema, rows) = Database::open(folder, schema)?;
        let mut store = Self::in_memory(schema);
        for mut row in rows {
            store.next_sequence = store.next_sequence.max(row.sequence + 1);
            let table = store.schema.entity_type(row.kind).table;
            let table = &mut store.tables[usize::from(table.0)];
            table.share_texts(&mut row);
            table.insert(&store.schema, Arc::new(row));
        }
        store.database = Some(database);
        Ok(store)
    }

    /// Puts the store on a disk and under a clock that tests may set wrong.
    pub(crate) fn set_surroundings(&mut self, disk: Disk, clock: Clock) {
        self.disk = disk;
        self.clock = clock;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tables.iter().all(Table::is_empty)
    }

    fn table_of(&self, kind: TypeId) -> &Table {
        &self.tables[usize::from(self.schema.entity_type(kind).table.0)]
    }

    /// The row of this type (or one below it) with this key.
    pub(crate) fn find(&self, kind: TypeId, key: &str) -> Option<&Arc<Row>> {
        self.table_of(kind)
            .by_key(key)
            .filter(|row| self.schema.is_kind_of(row.kind, kind))
    }

    /// All rows of a type and those below it, in order of creation.
    pub(crate) fn rows(&self, kind: TypeId) -> impl Iterator<Item = &Arc<Row>> {
        let kinds = &self.schema.entity_type(kind).kinds;
        self.table_of(kind)
            .rows()
            .filter(move |row| kinds.contains(&row.kind))
    }

    /// How many rows the whole table has that this type's rows lie in.
    pub(crate) fn table_len(&self, kind: TypeId) -> usize {
        self.table_of(kind).len()
    }

    /// The rows of a type whose indexed column holds `text`, in order of creation.
    pub(crate) fn each_with<'s>(
        &'s self,
        kind: TypeId,
        column: usize,
        text: &str,
    ) -> impl Iterator<Item = &'s Arc<Row>> + use<'s> {
        let kinds = &self.schema.entity_type(kind).kinds;
        self.table_of(kind)
            .by_index(column, text)
            .filter(|row| kinds.contains(&row.kind))
    }

    /// As [`Self::each_with`], for a caller who then changes the store.
    pub(crate) fn rows_with(&self, kind: TypeId, column: usize, text: &str) -> Vec<Arc<Row>> {
        self.each_with(kind, column, text).cloned().collect()
    }

    /// How many rows of the whole table have `text` in an indexed column.
    pub(crate) fn count_with(&self, kind: TypeId, column: usize, text: &str) -> usize {
        self.table_of(kind).count(column, text)
    }

    /// As [`Self::rows_with`], with the column's name.
    pub(crate) fn rows_where(&self, kind: &str, column: &str, text: &str) -> Vec<Arc<Row>> {
        let entity = self.schema.expect_type(kind);
        self.rows_with(entity.id, entity.expect_column(column), text)
    }

    /// The rows of a whole table whose indexed column holds `text`.
    pub(crate) fn rows_in(&self, table: TableId, column: usize, text: &str) -> Vec<Arc<Row>> {
        self.tables[usize::from(table.0)]
            .by_index(column, text)
            .cloned()
            .collect()
    }

    /// The latest row of a type's table.
    pub(crate) fn last(&self, kind: TypeId) -> Option<&Arc<Row>> {
        self.table_of(kind).last()
    }

    /// The present state of a row, if it still exists.
    pub(crate) fn current(&self, row: &Row) -> Option<Arc<Row>> {
        self.table_of(row.kind).by_sequence(row.sequence).cloned()
    }

    pub(crate) fn is_indexed(&self, kind: TypeId, column: usize) -> bool {
        let table = self.schema.entity_type(kind).table;
        self.schema.tables[usize::from(table.0)].indexed[column]
    }

    /// The members of a stored collection.
    pub(crate) fn members(&self, owner: &Row, target: TypeId, join: &Join) -> Vec<Arc<Row>> {
        let key = owner.key(&self.schema);
        match join {
            Join::Nothing => Vec::new(),
            Join::Column { column, filter } => {
                let mut rows = self.rows_with(target, *column, &key);
                if let Some((column, wanted)) = filter {
                    rows.retain(|row| row.values[*column].as_text() == Some(wanted));
                }
                rows
            }
            Join::Through { link, own, other } => {
                let links = self.rows_with(*link, *own, &key);
                let keys = links
                    .iter()
                    .filter_map(|link| link.values[*other].as_text());
                keys.filter_map(|key| self.find(target, key))
                    .cloned()
                    .collect()
            }
        }
    }

    /// Adds a row and gives it its place in the order of creation.
    pub(crate) fn insert(&mut self, mut row: Row) -> Arc<Row> {
        row.sequence = self.next_sequence;
        self.next_sequence += 1;
        let table = self.schema.entity_type(row.kind).table;
        self.journal.note(table, row.sequence, None);
        let table = &mut self.tables[usize::from(table.0)];
        table.share_texts(&mut row);
        let row = Arc::new(row);
        table.insert(&self.schema, row.clone());
        row
    }

    /// Replaces the row of the same sequence.
    pub(crate) fn replace(&mut self, mut row: Row) -> Arc<Row> {
        let id = self.schema.entity_type(row.kind).table;
        let table = &mut self.tables[usize::from(id.0)];
        let before = table.remove(&self.schema, row.sequence);
        self.journal.note(id, row.sequence, before);
        table.share_texts(&mut row);
        let row = Arc::new(row);
        table.insert(&self.schema, row.clone());
        row
    }

    pub(crate) fn remove(&mut self, row: &Row) {
        let id = self.schema.entity_type(row.kind).table;
        if let Some(before) = self.tables[usize::from(id.0)].remove(&self.schema, row.sequence) {
            self.journal.note(id, row.sequence, Some(before));
        }
    }

    /// The schema that fits the object types there are now, if the open transaction has changed them.
    ///
    /// # Errors
    ///
    /// Fails when two entity types would have one name.
    pub(crate) fn renewed_schema(&self) -> Result<Option<Schema>, SchemaError> {
        let kind = self.schema.expect_type("ObjectType");
        let mut places = self.journal.order.iter();
        if !places.any(|(table, _)| *table == kind.table) {
            return Ok(None);
        }
        let rows = self.rows(kind.id);
        let object_types = rows.map(|row| ObjectType::from_row(&self.schema, row));
        self.schema
            .with_object_types(object_types.collect())
            .map(Some)
    }

    /// What the open transaction has changed so far.
    pub(crate) fn changes(&self) -> Vec<Change> {
        let change = |place: &(TableId, u64)| Change {
            before: self.journal.before[place].clone(),
            after: self.tables[usize::from(place.0.0)]
                .by_sequence(place.1)
                .cloned(),
        };
        let changes = self.journal.order.iter().map(change);
        changes
            .filter(|change| change.before != change.after)
            .collect()
    }

    /// Makes the open transaction durable and ends it.
    ///
    /// # Errors
    ///
    /// Fails when the database refuses; the transaction is then still open.
    pub(crate) fn commit(&mut self) -> Result<(), DatabaseError> {
        if let Some(database) = &mut self.database {
            let tables = &self.tables;
            let rows = self.journal.order.iter();
            let rows = rows.map(|(table, sequence)| {
                (
                    *sequence,
                    tables[usize::from(table.0)].by_sequence(*sequence),
                )
            });
            database.write(&self.schema, rows, &self.disk)?;
        } else if !self.journal.order.is_empty() {
            self.disk
                .write(self.journal.order.len() * MEMORY_ROW_BYTES)?;
        }
        self.journal = Journal::default();
        Ok(())
    }

    /// Undoes the open transaction and ends it.
    pub(crate) fn rollback(&mut self) {
        let mut journal = std::mem::take(&mut self.journal);
        for place in journal.order.into_iter().rev() {
            let table = &mut self.tables[usize::from(place.0.0)];
            table.remove(&self.schema, place.1);
            if let Some(Some(before)) = journal.before.remove(&place) {
                table.insert(&self.schema, before);
            }
        }
    }
}

impl Journal {
    fn note(&mut self, table: TableId, sequence: u64, before: Option<Arc<Row>>) {
        let place = (table, sequence);
        if let std::collections::hash_map::Entry::Vacant(entry) = self.before.entry(place) {
            entry.insert(before);
            self.order.push(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Store {
        Store::in_memory(Arc::new(Schema::built_in().unwrap()))
    }

    fn scope(store: &Store, id: &str, name: &str) -> Row {
        let schema = store.schema.clone();
        let mut row = Row::new(&schema, schema.expect_type("Scope"));
        row.set(&schema, "id", Value::text(id));
        row.set(&schema, "name", Value::text(name));
        row
    }

    #[test]
    fn a_rollback_leaves_nothing_behind() {
        let mut store = store();
        let kind = store.schema.expect_type("Scope").id;
        let first = store.insert(scope(&store, "a", "one"));
        store.commit().unwrap();

        let mut changed = Row::clone(&first);
        changed.set(&store.schema.clone(), "name", Value::text("two"));
        store.replace(changed);
        store.insert(scope(&store, "b", "three"));
        assert_eq!(store.rows_where("Scope", "name", "two").len(), 1);
        store.rollback();

        assert_eq!(store.rows_where("Scope", "name", "one").len(), 1);
        assert!(store.rows_where("Scope", "name", "two").is_empty());
        assert!(store.find(kind, "b").is_none());
        assert!(store.changes().is_empty());
    }

    #[test]
    fn data_that_cannot_be_used_are_refused_in_a_sentence() {
        let schema = Arc::new(Schema::built_in().unwrap());
        let refused = |prepare: &dyn Fn(&Path), expected: &str| {
            let folder = tempfile::tempdir().unwrap();
            drop(Store::open(schema.clone(), folder.path()).unwrap());
            prepare(&folder.path().join("sandbox.sqlite3"));
            let error = Store::open(schema.clone(), folder.path()).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        };
        let sql = |file: &Path, sql: &str| {
            let connection = rusqlite::Connection::open(file).unwrap();
            connection.execute_batch(sql).unwrap();
        };
        refused(
            &|file| sql(file, "PRAGMA user_version = 99"),
            "was written by a newer version (format 99",
        );
        refused(
            &|file| std::fs::write(file, "no database at all, and longer than one").unwrap(),
            "is damaged or no database of a sandbox",
        );
        refused(
            &|file| sql(file, "INSERT INTO entity VALUES (7, 'Scope', 'no JSON')"),
            "is damaged or no database of a sandbox",
        );

        let folder = tempfile::tempdir().unwrap();
        let _first = Store::open(schema.clone(), folder.path()).unwrap();
        let error = Store::open(schema, folder.path()).unwrap_err();
        assert!(
            error.to_string().starts_with("another sandbox is using `"),
            "{error}"
        );
    }

    #[test]
    fn a_full_disk_fails_a_commit_whole() {
        let folder = tempfile::tempdir().unwrap();
        let schema = Arc::new(Schema::built_in().unwrap());
        let on_disk = Store::open(schema.clone(), folder.path()).unwrap();
        for mut store in [on_disk, Store::in_memory(schema.clone())] {
            let disk = Disk::default();
            store.set_surroundings(disk.clone(), Clock::default());
            // Room for the first row and not for the second.
            disk.fill(250);
            let long = "x".repeat(190);
            store.insert(scope(&store, "a", &long));
            store.insert(scope(&store, "b", &long));
            assert!(matches!(store.commit(), Err(DatabaseError::Disk(_))));
            store.rollback();
            disk.mend();
            store.insert(scope(&store, "c", "kept"));
            store.commit().unwrap();
            assert_eq!(store.rows(store.schema.expect_type("Scope").id).count(), 1);
        }
        let store = Store::open(schema, folder.path()).unwrap();
        assert_eq!(store.rows(store.schema.expect_type("Scope").id).count(), 1);
    }

    #[test]
    fn committed_rows_are_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let schema = Arc::new(Schema::built_in().unwrap());
        let mut store = Store::open(schema.clone(), folder.path()).unwrap();
        store.insert(scope(&store, "a", "kept"));
        store.commit().unwrap();
        store.insert(scope(&store, "b", "lost"));
        drop(store);

        let store = Store::open(schema, folder.path()).unwrap();
        assert_eq!(store.rows_where("Scope", "name", "kept").len(), 1);
        assert!(store.rows_where("Scope", "name", "lost").is_empty());
    }
}
