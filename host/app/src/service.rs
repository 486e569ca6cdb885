//! What the host does for plugins and for their steps, one file each. The engine has decided already that it may be done.

pub(crate) mod attach;
pub(crate) mod call;
pub(crate) mod describe;
mod download;
pub(crate) mod entities;
pub(crate) mod events;
pub(crate) mod facts;
mod failure;
pub(crate) mod http;
pub(crate) mod job_folders;
pub(crate) mod look_up;
mod open;
pub(crate) mod query;
pub(crate) mod remote;
mod rows;
mod secret;
pub(crate) mod serve;
pub(crate) mod settings;
pub(crate) mod store;

use std::sync::Arc;

use callboard_protocol::Failure;
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};

pub(crate) use failure::{failure_from_call, failure_from_connect, failure_from_lost};
pub(crate) use open::open as open_target;
pub(crate) use serve::{Outside, Services};

/// How many queries of plugins may be at the server at once. What menus and steps ask never waits behind them.
const QUERIES: usize = 64;

/// The way to the server, for services.
#[derive(Clone)]
pub(crate) struct Server {
    session: watch::Receiver<Option<ftrack::Session>>,
    /// Why there is no session.
    problem: watch::Receiver<Failure>,
    doubt: Arc<Notify>,
    room: Arc<Semaphore>,
}

impl Server {
    /// Makes a way to the server of whoever is signed in; `doubt` is told when the server refuses the credentials.
    pub(crate) fn new(
        session: watch::Receiver<Option<ftrack::Session>>,
        problem: watch::Receiver<Failure>,
        doubt: Arc<Notify>,
    ) -> Self {
        Self {
            session,
            problem,
            doubt,
            room: Arc::new(Semaphore::new(QUERIES)),
        }
    }

    /// Returns the session.
    ///
    /// # Errors
    ///
    /// Says why there is none.
    pub(crate) fn session(&self) -> Result<ftrack::Session, Failure> {
        let session = self.session.borrow().clone();
        session.ok_or_else(|| self.problem.borrow().clone())
    }

    /// Waits for a place among the plugins' queries that may be at the server at once.
    async fn room(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.room.acquire().await.ok()
    }

    /// Turns what the server said into a failure, and has the credentials looked at again where it refused them.
    pub(crate) fn failure(&self, error: &ftrack::CallError) -> Failure {
        if matches!(error, ftrack::CallError::Unauthorized(_)) {
            self.doubt.notify_one();
        }
        failure_from_call(error)
    }
}

/// Returns a hash with its name before it.
fn sha256(bytes: &[u8]) -> String {
    sha256_digits(&ring::digest::digest(&ring::digest::SHA256, bytes))
}

fn sha256_digits(digest: &ring::digest::Digest) -> String {
    let digits: String = digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{digits}")
}
