//! The durable copy of the rows: one SQLite table, written in one transaction per commit.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, params};
use serde_json::{Map, Value as Json};

use super::{Row, Value};
use crate::schema::{Kind, ObjectType, Schema, SchemaError};

/// Raised when the layout of the database changes.
const FORMAT: i64 = 1;
const LOCK_WAIT: Duration = Duration::from_secs(3);

/// The store on disk cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    #[error("could not make the sandbox's folder")]
    Folder(#[source] std::io::Error),
    #[error("could not use the sandbox's database")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the sandbox's database has format {found}, newer than {FORMAT}")]
    Newer { found: i64 },
    #[error("the object types in the sandbox's database do not fit the schema")]
    ObjectTypes(#[from] SchemaError),
    #[error("row {sequence} of the sandbox's database is damaged")]
    Damaged { sequence: u64 },
}

#[derive(Debug)]
pub(super) struct Database {
    /// Never contended: reading happens at start-up, writing by whoever holds the store.
    connection: Mutex<Connection>,
}

impl Database {
    pub(super) fn open(folder: &Path) -> Result<Self, DatabaseError> {
        std::fs::create_dir_all(folder).map_err(DatabaseError::Folder)?;
        let connection = Connection::open(folder.join("sandbox.sqlite3"))?;
        // Rows are also in memory, so two servers on one folder would undo each other's work: the first
        // one keeps the lock, and the second waits as long as the first may take to end.
        connection.busy_timeout(LOCK_WAIT)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found > FORMAT {
            return Err(DatabaseError::Newer { found });
        }
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS entity (
                sequence INTEGER PRIMARY KEY,
                type TEXT NOT NULL,
                attributes TEXT NOT NULL
            )",
        )?;
        connection.pragma_update(None, "user_version", FORMAT)?;
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }

    /// Returns the schema with the object types that are kept here, if there are any.
    pub(super) fn extend(&self, schema: Arc<Schema>) -> Result<Arc<Schema>, DatabaseError> {
        let kind = schema.expect_type("ObjectType");
        let rows = self.load_where(&schema, "type = ?1", &[&*kind.stored_as])?;
        if rows.is_empty() {
            return Ok(schema);
        }
        let object_types = rows.iter().map(|row| ObjectType::from_row(&schema, row));
        Ok(Arc::new(schema.with_object_types(object_types.collect())?))
    }

    pub(super) fn load(&self, schema: &Schema) -> Result<Vec<Row>, DatabaseError> {
        self.load_where(schema, "TRUE", &[])
    }

    fn load_where(
        &self,
        schema: &Schema,
        criteria: &str,
        parameters: &[&str],
    ) -> Result<Vec<Row>, DatabaseError> {
        let connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut statement = connection.prepare(&format!(
            "SELECT sequence, type, attributes FROM entity WHERE {criteria} ORDER BY sequence"
        ))?;
        let parameters = rusqlite::params_from_iter(parameters);
        let found = statement.query_map(parameters, |row| {
            Ok((
                row.get::<_, i64>(0)?.cast_unsigned(),
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
            ))
        })?;
        let mut rows = Vec::new();
        for found in found {
            let (sequence, kind, attributes) = found?;
            rows.push(
                row_from_text(schema, sequence, &kind, &attributes)
                    .ok_or(DatabaseError::Damaged { sequence })?,
            );
        }
        Ok(rows)
    }

    /// Writes rows that exist and removes those that do not.
    pub(super) fn write<'a>(
        &mut self,
        schema: &Schema,
        rows: impl Iterator<Item = (u64, Option<&'a Arc<Row>>)>,
    ) -> Result<(), DatabaseError> {
        let connection = self
            .connection
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO entity (sequence, type, attributes) VALUES (?1, ?2, ?3)
                 ON CONFLICT (sequence) DO UPDATE SET type = ?2, attributes = ?3",
            )?;
            let mut delete =
                transaction.prepare_cached("DELETE FROM entity WHERE sequence = ?1")?;
            for (sequence, row) in rows {
                match row {
                    Some(row) => {
                        let kind = &*schema.entity_type(row.kind).stored_as;
                        insert.execute(params![
                            sequence.cast_signed(),
                            kind,
                            text_from_row(schema, row)
                        ])?
                    }
                    None => delete.execute(params![sequence.cast_signed()])?,
                };
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

/// Attributes by name, so that a later version may add, drop or reorder columns.
fn text_from_row(schema: &Schema, row: &Row) -> String {
    let entity = schema.entity_type(row.kind);
    let mut attributes = Map::new();
    for attribute in &entity.attributes {
        let Kind::Scalar { column, .. } = attribute.kind else {
            continue;
        };
        let value = &row.values[column];
        if !value.is_null() {
            attributes.insert(attribute.name.to_string(), value.to_client());
        }
    }
    Json::Object(attributes).to_string()
}

fn row_from_text(schema: &Schema, sequence: u64, kind: &str, attributes: &str) -> Option<Row> {
    let entity = schema
        .types
        .iter()
        .find(|entity| &*entity.stored_as == kind)?;
    let attributes: Map<String, Json> = serde_json::from_str(attributes).ok()?;
    let mut row = Row::new(schema, entity);
    row.sequence = sequence;
    for (name, json) in &attributes {
        let Some(Kind::Scalar { column, scalar, .. }) =
            entity.attribute(name).map(|attribute| &attribute.kind)
        else {
            continue;
        };
        row.values[*column] = Value::from_client(json, *scalar).ok()?;
    }
    Some(row)
}
