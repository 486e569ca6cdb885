//! The durable copy of the rows: one SQLite table, written in one transaction per commit.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, params};
use serde_json::{Map, Value as Json};

use super::{Row, Value};
use crate::disk::Disk;
use crate::schema::{Kind, ObjectType, Schema, SchemaError};

/// Raised when the layout of the database changes.
const FORMAT: i64 = 1;
const FILE: &str = "sandbox.sqlite3";
const LOCK_WAIT: Duration = Duration::from_secs(3);

/// The store on disk cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    #[error("could not make the folder `{}`", .folder.display())]
    Folder {
        folder: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("another sandbox is using `{}`; stop it, or name another folder", .folder.display())]
    InUse { folder: PathBuf },
    #[error(
        "`{}` was written by a newer version (format {found}, and this one knows {FORMAT}); update, or name another folder",
        .file.display()
    )]
    Newer { file: PathBuf, found: i64 },
    #[error("`{}` is damaged or no database of a sandbox; move it away to begin anew", .file.display())]
    Damaged {
        file: PathBuf,
        #[source]
        source: Box<DatabaseError>,
    },
    #[error("row {sequence} is damaged")]
    DamagedRow { sequence: u64 },
    #[error("could not use the sandbox's database")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the object types in the sandbox's database do not fit the schema")]
    ObjectTypes(#[from] SchemaError),
    #[error("could not write to the sandbox's disk")]
    Disk(#[from] std::io::Error),
}

#[derive(Debug)]
pub(super) struct Database {
    /// Never contended: reading happens at start-up, writing by whoever holds the store.
    connection: Mutex<Connection>,
}

/// Says what a person can do about an error of SQLite's while a database is opened and read.
fn explained(folder: &Path, error: DatabaseError) -> DatabaseError {
    let code = match &error {
        DatabaseError::Sqlite(error) => error.sqlite_error_code(),
        DatabaseError::DamagedRow { .. } => Some(ErrorCode::DatabaseCorrupt),
        _ => None,
    };
    match code {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DatabaseError::InUse {
            folder: folder.to_owned(),
        },
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => DatabaseError::Damaged {
            file: folder.join(FILE),
            source: Box::new(error),
        },
        _ => error,
    }
}

impl Database {
    /// Opens the database in `folder` and reads everything in it.
    ///
    /// The schema comes back with the object types that are kept there.
    pub(super) fn open(
        folder: &Path,
        schema: Arc<Schema>,
    ) -> Result<(Self, Arc<Schema>, Vec<Row>), DatabaseError> {
        let opened = Self::open_file(folder);
        let loaded = opened.and_then(|database| {
            let schema = database.extend(schema)?;
            let rows = database.load(&schema)?;
            Ok((database, schema, rows))
        });
        loaded.map_err(|error| explained(folder, error))
    }

    fn open_file(folder: &Path) -> Result<Self, DatabaseError> {
        std::fs::create_dir_all(folder).map_err(|source| DatabaseError::Folder {
            folder: folder.to_owned(),
            source,
        })?;
        let connection = Connection::open(folder.join(FILE))?;
        // Rows are also in memory, so two servers on one folder would undo each other's work: the first
        // one keeps the lock, and the second waits as long as the first may take to end.
        connection.busy_timeout(LOCK_WAIT)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found > FORMAT {
            return Err(DatabaseError::Newer {
                file: folder.join(FILE),
                found,
            });
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
    fn extend(&self, schema: Arc<Schema>) -> Result<Arc<Schema>, DatabaseError> {
        let kind = schema.expect_type("ObjectType");
        let rows = self.load_where(&schema, "type = ?1", &[&*kind.stored_as])?;
        if rows.is_empty() {
            return Ok(schema);
        }
        let object_types = rows.iter().map(|row| ObjectType::from_row(&schema, row));
        Ok(Arc::new(schema.with_object_types(object_types.collect())?))
    }

    fn load(&self, schema: &Schema) -> Result<Vec<Row>, DatabaseError> {
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
                    .ok_or(DatabaseError::DamagedRow { sequence })?,
            );
        }
        Ok(rows)
    }

    /// Writes rows that exist and removes those that do not.
    pub(super) fn write<'a>(
        &mut self,
        schema: &Schema,
        rows: impl Iterator<Item = (u64, Option<&'a Arc<Row>>)>,
        disk: &Disk,
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
                        let attributes = text_from_row(schema, row);
                        disk.write(attributes.len())?;
                        insert.execute(params![sequence.cast_signed(), kind, attributes])?
                    }
                    None => {
                        disk.write(1)?;
                        delete.execute(params![sequence.cast_signed()])?
                    }
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
