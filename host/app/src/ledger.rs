//! The ledger: what must survive, in one SQLite database that one thread owns.
//!
//! Writes that wait together are committed together, and each is answered when it is on disk.
//! The ledger does not know what its rows mean: they are JSON bodies beside the few columns that it looks things up by.

mod place;
mod rows;
mod schema;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use callboard_protocol::{Failure, FailureKind, LedgerStatus, PluginId};
use engine::{KeptJob, Row};
use rusqlite::{Connection, ErrorCode};
use serde_json::Value;

pub(crate) use place::Place;
pub(crate) use schema::OpenError;

/// How many requests may wait for the disk before further ones are refused.
const QUEUE: usize = 1024;

/// How many requests one transaction takes at most.
const GROUP: usize = 256;

/// Tells whoever asked what came of it.
type Answer<T> = Box<dyn FnOnce(Result<T, Failure>) + Send>;

enum Request {
    Keep {
        rows: Vec<Row>,
        answer: Answer<()>,
    },
    ReadStore {
        plugin: PluginId,
        key: String,
        answer: Answer<Value>,
    },
    Close,
}

/// What was in the ledger when it was opened.
pub(crate) struct Kept {
    /// Jobs, oldest first.
    pub(crate) jobs: Vec<KeptJob>,
    /// Rows that could not be read.
    pub(crate) problems: Vec<Failure>,
    /// The host's id, made when the ledger was.
    pub(crate) host: String,
}

/// A way to the ledger's thread.
#[derive(Clone)]
pub(crate) struct Ledger {
    queue: SyncSender<Request>,
    status: Arc<Mutex<LedgerStatus>>,
}

/// The ledger's thread, to end it.
pub(crate) struct LedgerThread {
    queue: SyncSender<Request>,
    thread: JoinHandle<()>,
}

impl Ledger {
    /// Opens the ledger and reads what is kept; `ended_jobs` bounds how much of what has ended stays.
    ///
    /// # Errors
    ///
    /// When the database cannot be opened, is damaged, or was written by a newer version.
    pub(crate) fn open(
        place: &Place,
        ended_jobs: usize,
    ) -> Result<(Self, LedgerThread, Kept), OpenError> {
        let mut connection = schema::open(place)?;
        let host = schema::host_id(&connection)?;
        rows::forget_ended(&mut connection, ended_jobs)?;
        let (jobs, problems) = rows::read_jobs(&connection)?;
        let status = LedgerStatus {
            path: place.file().display().to_string(),
            unfinished: rows::count_unfinished(&connection)?,
            problem: None,
        };
        let (queue, requests) = sync_channel(QUEUE);
        let status = Arc::new(Mutex::new(status));
        let mut owner = Owner {
            connection,
            status: Arc::clone(&status),
            folder: place.folder.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("ledger".into())
            .stack_size(1 << 20)
            .spawn(move || owner.run(&requests))
            .map_err(OpenError::Thread)?;
        let ledger = Self {
            queue: queue.clone(),
            status,
        };
        let kept = Kept {
            jobs,
            problems,
            host,
        };
        Ok((ledger, LedgerThread { queue, thread }, kept))
    }

    /// Writes rows in one transaction; `answer` is told on the ledger's thread when they are on disk. Never waits.
    ///
    /// # Errors
    ///
    /// When the disk is too far behind, or the ledger is closed; `answer` is not told then.
    pub(crate) fn keep(&self, rows: Vec<Row>, answer: Answer<()>) -> Result<(), Failure> {
        self.request(Request::Keep { rows, answer })
    }

    /// Reads a value that a plugin stored; null when there is none. Never waits.
    ///
    /// # Errors
    ///
    /// When the disk is too far behind, or the ledger is closed; `answer` is not told then.
    pub(crate) fn read_store(
        &self,
        plugin: PluginId,
        key: String,
        answer: Answer<Value>,
    ) -> Result<(), Failure> {
        self.request(Request::ReadStore {
            plugin,
            key,
            answer,
        })
    }

    /// Returns how the ledger stands.
    pub(crate) fn status(&self) -> LedgerStatus {
        self.status
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn request(&self, request: Request) -> Result<(), Failure> {
        self.queue.try_send(request).map_err(|_| {
            Failure::new(FailureKind::Unavailable, "the disk does not keep up")
                .hint("try again in a moment")
        })
    }
}

impl LedgerThread {
    /// Closes the ledger once everything that waits is on disk.
    pub(crate) fn close(self) {
        // The thread has ended already when nobody receives.
        drop(self.queue.send(Request::Close));
        if self.thread.join().is_err() {
            tracing::error!("the ledger's thread panicked");
        }
    }
}

/// What the thread owns.
struct Owner {
    connection: Connection,
    status: Arc<Mutex<LedgerStatus>>,
    folder: PathBuf,
}

/// A write whose answer is still to be told, with its place in the group.
type Write = (Vec<Row>, Answer<()>);

impl Owner {
    fn run(&mut self, requests: &Receiver<Request>) {
        let mut is_open = true;
        while is_open && let Ok(first) = requests.recv() {
            let mut writes = Vec::new();
            let mut reads = Vec::new();
            let mut next = Some(first);
            while let Some(request) = next {
                match request {
                    Request::Keep { rows, answer } => writes.push((rows, answer)),
                    Request::ReadStore {
                        plugin,
                        key,
                        answer,
                    } => reads.push((plugin, key, answer)),
                    Request::Close => is_open = false,
                }
                let has_room = is_open && writes.len() + reads.len() < GROUP;
                next = has_room.then(|| requests.try_recv().ok()).flatten();
            }
            self.keep(writes);
            for (plugin, key, answer) in reads {
                let value = rows::read_store(&self.connection, &plugin, &key);
                answer(value.map_err(|error| failure("could not read the ledger", &error)));
            }
        }
        if let Err(error) = schema::close(&self.connection) {
            tracing::warn!(%error, "could not mark the ledger as cleanly closed");
        }
    }

    /// Commits a group together; where that fails, each alone, so that one bad row costs only its own request.
    fn keep(&mut self, writes: Vec<Write>) {
        if writes.is_empty() {
            return;
        }
        let together = self.commit(writes.iter().map(|(rows, _)| rows.as_slice()));
        match together {
            Ok(()) => {
                self.note(None);
                for (_, answer) in writes {
                    answer(Ok(()));
                }
            }
            Err(error) if writes.len() == 1 => {
                let failure = self.write_failure(&error);
                self.note(Some(failure.clone()));
                for (_, answer) in writes {
                    answer(Err(failure.clone()));
                }
            }
            Err(_) => {
                for write in writes {
                    self.keep(vec![write]);
                }
            }
        }
    }

    fn commit<'a>(&mut self, groups: impl Iterator<Item = &'a [Row]>) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for rows in groups {
            rows::write(&transaction, rows)?;
        }
        transaction.commit()
    }

    fn note(&self, problem: Option<Failure>) {
        let unfinished = rows::count_unfinished(&self.connection);
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(unfinished) = unfinished {
            status.unfinished = unfinished;
        }
        status.problem = problem;
    }

    fn write_failure(&self, error: &rusqlite::Error) -> Failure {
        let folder = self.folder.display();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Failure::new(
                FailureKind::Unavailable,
                "the disk is full, nothing was begun",
            )
            .hint(format!("free some space for `{folder}` and try again")),
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Failure::new(FailureKind::Unavailable, "the ledger cannot be written")
                    .hint(format!("make `{folder}` writable and try again"))
            }
            _ => failure("could not write the ledger", error),
        }
    }
}

fn failure(message: &str, error: &rusqlite::Error) -> Failure {
    Failure::new(FailureKind::Unavailable, message)
        .hint("look at `callboard status` for where the ledger lies")
        .caused_by(error)
}

#[cfg(test)]
mod tests;
