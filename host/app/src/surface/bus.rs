//! The local bus: one socket for this user, one JSON object a line, requests and events.
//!
//! `docs/protocol.md` is its contract. Whoever connects is the user's own process: the socket lies in a folder of the
//! user's, and the system is asked whose the other end is.

mod applications;
mod connection;
mod hello;
mod host_topics;
mod launcher;
mod listener;
mod outgoing;
mod person;
mod plugins;
mod publishing;
mod requests;
mod router;
mod sign_in;
mod windows;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use callboard_protocol::{BusHello, Failure, JobDetail, JobId, Scope, WindowNews};
use tokio::sync::{broadcast, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::about::About;
use crate::engine_thread::{Announcement, EngineHandle, now};
use crate::hearing::Hearing;
use crate::plugin_folders::PluginFolders;
use crate::plugin_log::PluginLog;
use crate::service::Server;
use crate::sign_in::SignInDesk;
use crate::windows::Windows;
use outgoing::Outgoing;
use publishing::Publishing;

pub(crate) use applications::Applications;
use person::Busy;

/// How long a client may take to say hello.
const HELLO: Duration = Duration::from_secs(5);

/// How many clients may be connected at once.
const CLIENTS: usize = 256;

/// What the bus is started with.
pub(crate) struct BusOptions {
    /// The socket.
    pub(crate) path: PathBuf,
    /// How many requests a client may have in flight.
    pub(crate) requests_in_flight: usize,
    /// How many messages may wait for a client that does not read.
    pub(crate) queue_messages: usize,
    /// The way to the engine.
    pub(crate) engine: EngineHandle,
    /// What the host says of itself.
    pub(crate) about: Arc<About>,
    /// What plugins want to hear.
    pub(crate) hearing: watch::Receiver<Hearing>,
    /// The plugins, which a client may read anew or switch on and off.
    pub(crate) plugins: PluginFolders,
    /// What plugins have logged.
    pub(crate) plugin_log: PluginLog,
    /// Where a person is signed in and out.
    pub(crate) sign_in: SignInDesk,
    /// The way to the server, for what a launcher shows.
    pub(crate) server: Server,
    /// The way to the event hub, for what others offer.
    pub(crate) hub: watch::Receiver<Option<ftrack::EventHub>>,
    /// The windows, whose processes are clients.
    pub(crate) windows: Windows,
    /// Where a client's `quit` goes.
    pub(crate) stopping: watch::Sender<bool>,
    /// Where a client's `restart` goes; none where the host cannot start again.
    pub(crate) restart: Option<watch::Sender<bool>>,
}

/// The bus, as long as it is served.
pub(crate) struct Bus {
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
    announcing: JoinHandle<()>,
}

struct Shared {
    options: BusOptions,
    next_session: AtomicU64,
    clients: Mutex<HashMap<u64, Arc<Client>>>,
    publishing: Publishing,
    /// Jobs that a client was told have started, and who is to be told how they end.
    started: Mutex<HashMap<JobId, u64>>,
    /// The applications that are busy.
    busy: Busy,
}

/// One connection, as others see it.
struct Client {
    session: u64,
    hello: BusHello,
    outgoing: Outgoing,
    applications: applications::Questions,
    /// The jobs it launched.
    jobs: Mutex<HashSet<JobId>>,
    /// Whether it is a window, which is told what changes.
    is_window: AtomicBool,
}

impl Bus {
    /// Starts to serve the bus.
    ///
    /// # Errors
    ///
    /// When the socket cannot be made, or another process serves it.
    pub(crate) async fn start(options: BusOptions) -> anyhow::Result<Self> {
        let listener = listener::listen(&options.path).await?;
        let announcements = options.engine.announcements();
        let shared = Arc::new(Shared {
            // Numbers of an earlier run are never used again: a job may remember the session it came from.
            next_session: AtomicU64::new(now()),
            clients: Mutex::default(),
            publishing: Publishing::default(),
            started: Mutex::default(),
            busy: Busy::default(),
            options,
        });
        let accepting = tokio::spawn(listener::accept(listener, Arc::clone(&shared)));
        let announcing = tokio::spawn(announce(announcements, Arc::clone(&shared)));
        Ok(Self {
            shared,
            accepting,
            announcing,
        })
    }

    /// Returns the way to connected applications.
    pub(crate) fn applications(&self) -> Applications {
        Applications::new(Arc::clone(&self.shared))
    }

    /// Returns the way to whoever signs the person out.
    pub(crate) fn sign_in(&self) -> SignInDesk {
        self.shared.options.sign_in.clone()
    }

    /// Returns the applications that are busy and what they are doing, now and when that changes.
    pub(crate) fn busy(&self) -> watch::Receiver<BTreeMap<u64, String>> {
        self.shared.busy.subscribe()
    }

    /// Closes every connection and removes the socket.
    pub(crate) async fn stop(self) {
        self.accepting.abort();
        self.announcing.abort();
        let clients: Vec<_> = lock(&self.shared.clients).drain().collect();
        let mut finishing = JoinSet::new();
        for (_, client) in clients {
            finishing.spawn(async move { client.outgoing.finish().await });
        }
        while finishing.join_next().await.is_some() {}
        if let Err(error) = std::fs::remove_file(&self.shared.options.path) {
            tracing::debug!(%error, "the bus's socket could not be removed");
        }
    }
}

impl Client {
    /// Refuses an application a job that it did not launch; command line and windows see every job.
    ///
    /// An application that has connected anew publishes its launch again, with the event's own id, and has its job back.
    fn check_sees(&self, job: &JobId) -> Result<(), Failure> {
        let sees_all = matches!(self.hello.scope, Scope::Cli | Scope::Ui);
        if sees_all || lock(&self.jobs).contains(job) {
            return Ok(());
        }
        Err(Failure::denied("the job was launched elsewhere")
            .hint("look at it with `callboard jobs`"))
    }
}

impl Shared {
    fn client(&self, session: u64) -> Option<Arc<Client>> {
        lock(&self.clients).get(&session).cloned()
    }

    fn next_session(&self) -> u64 {
        self.next_session.fetch_add(1, Ordering::Relaxed)
    }

    /// Tells whoever launched a job how it stands now, and nobody else.
    ///
    /// An application that has connected anew asks by publishing its launch again: another of its kind is not told.
    fn tell_job(&self, session: Option<u64>, job: &JobDetail) {
        let event = host_topics::job_event(job);
        if let Some(client) = session.and_then(|session| self.client(session)) {
            return client.outgoing.event(&event);
        }
        for client in lock(&self.clients).values() {
            if lock(&client.jobs).contains(&job.summary.id) {
                client.outgoing.event(&event);
            }
        }
    }

    fn forget(&self, session: u64) {
        lock(&self.clients).remove(&session);
        self.options.windows.left(session);
        self.publishing.router().forget(session);
        lock(&self.started).retain(|_, owner| *owner != session);
        self.busy
            .send_if_modified(|all| all.remove(&session).is_some());
    }
}

/// Tells clients about jobs that came to rest after they had been told "started".
async fn announce(mut announcements: broadcast::Receiver<Announcement>, shared: Arc<Shared>) {
    loop {
        match announcements.recv().await {
            Ok(announcement) => {
                if let Some(news) = windows::news(&announcement) {
                    shared.tell_windows(&news);
                }
                if let Announcement::JobRested(job) = announcement {
                    let session = lock(&shared.started).remove(&job.summary.id);
                    shared.tell_job(session, &job);
                }
            }
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "the bus missed announcements");
                shared.tell_windows(&WindowNews::Everything);
                host_topics::tell_rested(&shared).await;
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
