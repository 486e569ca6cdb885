//! Opening the database: its tables, their migrations, and checks after an unclean end.

use std::error::Error as _;
use std::path::PathBuf;

use callboard_protocol::{Failure, FailureKind};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::Place;

/// Each step takes a ledger one version further. Only ever add to this list.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE about (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;
    CREATE TABLE job (
        id TEXT PRIMARY KEY,
        state TEXT NOT NULL,
        ended INTEGER NOT NULL,
        created_ms INTEGER NOT NULL,
        event_id TEXT,
        body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX job_by_ended ON job (ended, created_ms);
    CREATE TABLE hand_over (
        number INTEGER PRIMARY KEY,
        job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (job, key)
    ) STRICT;
    CREATE TABLE unit (
        job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
        hand_over TEXT NOT NULL,
        step TEXT NOT NULL,
        key TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (job, hand_over, step, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE store (
        plugin TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (plugin, key)
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE store_size (
        plugin TEXT PRIMARY KEY,
        bytes INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO store_size
        SELECT plugin, sum(octet_length(key) + octet_length(value)) FROM store GROUP BY plugin;
    CREATE TABLE store_log (
        plugin TEXT NOT NULL,
        log TEXT NOT NULL,
        last INTEGER NOT NULL,
        PRIMARY KEY (plugin, log)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE store_entry (
        plugin TEXT NOT NULL,
        log TEXT NOT NULL,
        number INTEGER NOT NULL,
        key TEXT,
        value TEXT NOT NULL,
        PRIMARY KEY (plugin, log, number)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX store_entry_by_key ON store_entry (plugin, log, key) WHERE key IS NOT NULL;
",
    "
    CREATE TABLE draft (
        job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (job, key)
    ) STRICT, WITHOUT ROWID;
",
];

/// Why a ledger could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The database refused.
    #[error("could not open the ledger")]
    Database(#[from] rusqlite::Error),
    /// It was written by a later version.
    #[error("the ledger was written by a newer Callboard: version {found}, this one knows {known}")]
    Newer {
        /// The version found.
        found: usize,
        /// The newest version known.
        known: usize,
        /// The file.
        path: PathBuf,
    },
    /// The check after an unclean end found damage.
    #[error("the ledger is damaged: {what}")]
    Damaged {
        /// What the check found first.
        what: String,
        /// The file.
        path: PathBuf,
    },
    /// The system gives no thread.
    #[error("could not start the ledger's thread")]
    Thread(#[source] std::io::Error),
}

impl OpenError {
    /// Tells a person what is wrong and what to do.
    pub(crate) fn failure(&self) -> Failure {
        let failure = Failure::new(FailureKind::Unavailable, self.to_string());
        let failure = match self {
            Self::Newer { path, .. } => failure.hint(format!(
                "start the newer one, or move `{}` away to begin an empty ledger",
                path.display()
            )),
            Self::Damaged { path, .. } => failure.hint(format!(
                "put a copy in the place of `{0}`, or move it away to begin an empty ledger",
                path.display()
            )),
            Self::Database(_) | Self::Thread(_) => failure.hint("make its folder writable"),
        };
        match self.source() {
            Some(source) => failure.caused_by(source),
            None => failure,
        }
    }
}

/// Opens the database, checks it where it was not closed cleanly, and brings it up to date.
pub(super) fn open(place: &Place) -> Result<Connection, OpenError> {
    let path = place.file();
    let mut connection = Connection::open(&path)?;
    // The ledger's own pages are few; SQLite's usual cache of 2 MB would be most of an idle host.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -256; PRAGMA busy_timeout = 2000;",
    )?;
    let found = version(&connection)?;
    let known = MIGRATIONS.len();
    if found > known {
        return Err(OpenError::Newer { found, known, path });
    }
    if found > 0 && !was_closed(&connection)? {
        let what: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if what != "ok" {
            return Err(OpenError::Damaged { what, path });
        }
    }
    migrate(&mut connection, place, found, MIGRATIONS)?;
    set(&connection, "closed", "no")?;
    Ok(connection)
}

/// Brings a ledger of version `found` up to date in one transaction, after a copy of what there was.
fn migrate(
    connection: &mut Connection,
    place: &Place,
    found: usize,
    migrations: &[&str],
) -> rusqlite::Result<()> {
    if found == migrations.len() {
        return Ok(());
    }
    if found > 0 {
        let copy = place.folder.join(format!("ledger.version-{found}.sqlite"));
        if !copy.exists() {
            connection.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
        }
    }
    let transaction = connection.transaction()?;
    for migration in &migrations[found..] {
        transaction.execute_batch(migration)?;
    }
    let version = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Marks the ledger as closed in order, so that the next start need not check it.
pub(super) fn close(connection: &Connection) -> rusqlite::Result<()> {
    set(connection, "closed", "yes")
}

/// Returns the host's id, which is made once and lives as long as the ledger.
pub(super) fn host_id(connection: &Connection) -> rusqlite::Result<String> {
    if let Some(host) = get(connection, "host")? {
        return Ok(host);
    }
    let host = uuid::Uuid::new_v4().to_string();
    set(connection, "host", &host)?;
    Ok(host)
}

fn was_closed(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(get(connection, "closed")?.as_deref() == Some("yes"))
}

fn get(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    connection
        .query_row("SELECT value FROM about WHERE name = ?1", [name], |row| {
            row.get(0)
        })
        .optional()
}

fn set(connection: &Connection, name: &str, value: &str) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT INTO about (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            params![name, value],
        )
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, Place) {
        let folder = tempfile::tempdir().unwrap();
        let place = Place {
            folder: folder.path().to_owned(),
            instead_of: None,
        };
        (folder, place)
    }

    #[test]
    fn a_newer_ledger_is_refused_with_a_sentence() {
        let (_folder, place) = place();
        let connection = open(&place).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        let error = open(&place).unwrap_err().to_string();
        assert!(error.starts_with("the ledger was written by a newer Callboard: version 99"));
    }

    #[test]
    fn a_migration_keeps_a_copy_of_what_was_there() {
        let (_folder, place) = place();
        let mut connection = open(&place).unwrap();
        let further = [MIGRATIONS[0], "ALTER TABLE job ADD COLUMN colour TEXT;"];
        migrate(&mut connection, &place, 1, &further).unwrap();
        assert_eq!(version(&connection).unwrap(), 2);
        connection.prepare("SELECT colour FROM job").unwrap();
        let copy = Connection::open(place.folder.join("ledger.version-1.sqlite")).unwrap();
        assert!(copy.prepare("SELECT colour FROM job").is_err());
    }

    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let (_folder, place) = place();
        let mut connection = open(&place).unwrap();
        let broken = [
            MIGRATIONS[0],
            "ALTER TABLE job ADD COLUMN colour TEXT; SELECT nonsense;",
        ];
        migrate(&mut connection, &place, 1, &broken).unwrap_err();
        assert!(connection.prepare("SELECT colour FROM job").is_err());
    }

    #[test]
    fn damage_is_found_after_an_unclean_end() {
        let (_folder, place) = place();
        let connection = open(&place).unwrap();
        for number in 0..200 {
            set(&connection, &format!("filler {number}"), &"x".repeat(200)).unwrap();
        }
        drop(connection);
        let mut bytes = std::fs::read(place.file()).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 4096].fill(0xff);
        std::fs::write(place.file(), bytes).unwrap();
        assert!(matches!(
            open(&place),
            Err(OpenError::Damaged { .. } | OpenError::Database(_))
        ));
    }

    #[test]
    fn the_hosts_id_stays() {
        let (_folder, place) = place();
        let first = host_id(&open(&place).unwrap()).unwrap();
        assert_eq!(host_id(&open(&place).unwrap()).unwrap(), first);
    }
}
