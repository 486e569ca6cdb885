//! The ledger: what must survive, in one SQLite database that one thread owns.
//!
//! Writes that wait together are committed together, and each is answered when it is on disk.
//! The ledger does not know what its rows mean: they are JSON bodies beside the few columns that it looks things up by.

mod place;
mod rows;
mod schema;
mod store;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use callboard_protocol::{Failure, FailureKind, LedgerStatus, PluginId};
use engine::{KeptJob, Row, StoreRequest};
use rusqlite::{Connection, ErrorCode, Transaction};
use serde_json::Value;

pub(crate) use place::{Place, is_on_network, wanted};
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
    Store {
        plugin: PluginId,
        request: StoreRequest,
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
    /// Counts the jobs that have not ended in a ledger that no host has open.
    ///
    /// # Errors
    ///
    /// When there is a ledger and it cannot be read.
    pub(crate) fn count_unfinished(place: &Place) -> rusqlite::Result<u64> {
        let file = place.file();
        if !file.exists() {
            return Ok(0);
        }
        // Not only for reading: what an unclean end left is put in order first.
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        rows::count_unfinished(&rusqlite::Connection::open_with_flags(file, flags)?)
    }

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

    /// Does what a plugin asks of its store; `answer` is told on the ledger's thread, when it is on disk. Never waits.
    ///
    /// # Errors
    ///
    /// When the disk is too far behind, or the ledger is closed; `answer` is not told then.
    pub(crate) fn store(
        &self,
        plugin: PluginId,
        request: StoreRequest,
        answer: Answer<Value>,
    ) -> Result<(), Failure> {
        self.request(Request::Store {
            plugin,
            request,
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

/// Work whose answer is still to be told.
enum Work {
    Keep(Vec<Row>, Answer<()>),
    Store(PluginId, StoreRequest, Answer<Value>),
}

/// What came of work that is on disk: for the store, what the plugin is answered.
enum Done {
    Kept,
    Stored(Result<Value, Failure>),
}

impl Work {
    fn do_in(&self, transaction: &Transaction<'_>) -> rusqlite::Result<Done> {
        match self {
            Self::Keep(rows, _) => rows::write(transaction, rows).map(|()| Done::Kept),
            Self::Store(plugin, request, _) => {
                store::serve(transaction, plugin, request).map(Done::Stored)
            }
        }
    }

    fn only_reads(&self) -> bool {
        use StoreRequest::{Entries, Get, Keys};
        matches!(self, Self::Store(_, Get(_) | Keys(_) | Entries(_), _))
    }

    fn answer(self, done: Done) {
        match (self, done) {
            (Self::Keep(_, answer), _) => answer(Ok(())),
            (Self::Store(_, _, answer), Done::Stored(result)) => answer(result),
            (Self::Store(_, _, answer), Done::Kept) => answer(Ok(Value::Null)),
        }
    }

    fn fail(self, failure: Failure) {
        match self {
            Self::Keep(_, answer) => answer(Err(failure)),
            Self::Store(_, _, answer) => answer(Err(failure)),
        }
    }
}

impl Owner {
    fn run(&mut self, requests: &Receiver<Request>) {
        let mut is_open = true;
        while is_open && let Ok(first) = requests.recv() {
            let mut group = Vec::new();
            let mut next = Some(first);
            while let Some(request) = next {
                match request {
                    Request::Keep { rows, answer } => group.push(Work::Keep(rows, answer)),
                    Request::Store {
                        plugin,
                        request,
                        answer,
                    } => group.push(Work::Store(plugin, request, answer)),
                    Request::Close => is_open = false,
                }
                let has_room = is_open && group.len() < GROUP;
                next = has_room.then(|| requests.try_recv().ok()).flatten();
            }
            self.work(group);
        }
        if let Err(error) = schema::close(&self.connection) {
            tracing::warn!(%error, "could not mark the ledger as cleanly closed");
        }
    }

    /// Commits a group together, in its order; where that fails, each alone, so that one bad row costs only its own request.
    fn work(&mut self, mut group: Vec<Work>) {
        if group.is_empty() {
            return;
        }
        // A read says nothing of whether the disk takes what is written.
        let only_reads = group.iter().all(Work::only_reads);
        match self.commit(&group) {
            Ok(done) => {
                if !only_reads {
                    self.note(None);
                }
                for (work, done) in group.into_iter().zip(done) {
                    work.answer(done);
                }
            }
            Err(error) if group.len() == 1 => {
                let failure = self.write_failure(&error);
                if !only_reads {
                    self.note(Some(failure.clone()));
                }
                for work in group.drain(..) {
                    work.fail(failure.clone());
                }
            }
            Err(_) => {
                for work in group {
                    self.work(vec![work]);
                }
            }
        }
    }

    fn commit(&mut self, group: &[Work]) -> rusqlite::Result<Vec<Done>> {
        let transaction = self.connection.transaction()?;
        let done = group.iter().map(|work| work.do_in(&transaction));
        let done = done.collect::<rusqlite::Result<Vec<_>>>()?;
        transaction.commit()?;
        Ok(done)
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
            _ => failure("could not use the ledger", error),
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
