//! Plugin processes: started, fed, watched and ended here, and nowhere else.
//!
//! Every process is a `callboard runner` with a lifeline: a pipe whose other end this host holds. When the host ends,
//! however it ends, the lifeline closes and the runner kills the plugin and all it started. What escapes from under a
//! runner becomes this process's child, for the host adopts orphans on Linux, and is killed too.
//! What the messages say is nobody's business here.

mod examine;
mod limits;
mod opener;
mod orphans;
mod process;
mod rate;
mod reader;
mod recent;
mod spawner;
mod window;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use callboard_protocol::{Failure, FailureKind, Limits, Message, PluginId};
use engine::{Event, ProcessEnd, ProcessId, Stop, Token};
use tokio::sync::mpsc;

use connect::OpenDoor;
use runner::ConnectChild;

use crate::engine_thread::EngineHandle;
use crate::plugin_log::PluginLog;
use crate::service::job_folders::JobFolders;
use rate::Rate;
use spawner::Spawner;

pub(crate) use limits::completed as completed_limits;
pub(crate) use rate::Bucket;
pub(crate) use window::WindowProcess;

/// How long a line of a plugin's log may be, in bytes; the rest of it is cut off.
pub(crate) const LOG_LINE_BYTES: usize = 4096;

/// How much a plugin may log.
pub(crate) const LOG_RATE: Rate = Rate {
    per_sec: 100,
    burst: 1000,
};

/// How many messages may wait for one process to read them.
const MAILBOX: usize = 256;

/// How long a process that was asked to end gently may take.
const GENTLE: Duration = Duration::from_secs(3);

/// How long a runner may take to kill its tree before it is killed itself.
const FIRM: Duration = Duration::from_secs(1);

/// What a supervisor is started with.
pub(crate) struct SupervisorOptions {
    /// What runs plugins.
    pub(crate) program: Program,
    /// All of the environment that a plugin sees.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// All of the environment that the person's own programs see.
    pub(crate) desktop: Vec<(OsString, OsString)>,
    /// Where what they print goes.
    pub(crate) log: PluginLog,
    /// Where plugins may read and write.
    pub(crate) job_folders: JobFolders,
    /// Folders that no plugin is given.
    pub(crate) private: Vec<PathBuf>,
    /// What a plugin may take that says nothing of it itself.
    pub(crate) limits: Limits,
    /// How many messages a process may send at once.
    pub(crate) messages_burst: u32,
}

/// How a plugin is started.
#[derive(Clone, Debug)]
pub(crate) struct Startable {
    /// Where it lies.
    pub(crate) folder: PathBuf,
    /// Its limits, where they differ from the usual ones.
    pub(crate) limits: Limits,
    /// How its folder is run, where it is one of ftrack Connect's.
    pub(crate) connect: Option<Arc<ConnectChild>>,
}

/// The program whose mode `runner` runs plugins: this one.
pub(crate) struct Program {
    /// Its file.
    pub(crate) executable: PathBuf,
    /// Where Python finds the SDK, where it lies beside the program.
    pub(crate) python_path: Option<PathBuf>,
}

/// Starts and ends plugin processes. Its methods never wait.
#[derive(Clone)]
pub(crate) struct Supervisor {
    shared: Arc<Shared>,
}

struct Shared {
    engine: EngineHandle,
    spawner: Spawner,
    desktop: Vec<(OsString, OsString)>,
    log: PluginLog,
    limits: Limits,
    messages_burst: u32,
    plugins: Mutex<HashMap<PluginId, Startable>>,
    mailboxes: Mutex<HashMap<ProcessId, mpsc::Sender<Mail>>>,
}

/// What a process's task is told.
enum Mail {
    Send(Message),
    Stop(Stop),
    Examine(Token),
}

impl Supervisor {
    /// Starts the supervisor and its spawner thread. Must be called within the runtime.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub(crate) fn start(engine: EngineHandle, options: SupervisorOptions) -> anyhow::Result<Self> {
        orphans::adopt();
        let SupervisorOptions {
            program,
            environment,
            desktop,
            log,
            job_folders,
            private,
            limits,
            messages_burst,
        } = options;
        Ok(Self {
            shared: Arc::new(Shared {
                engine,
                spawner: Spawner::start(program, environment, job_folders, private)?,
                desktop,
                log,
                limits,
                messages_burst,
                plugins: Mutex::default(),
                mailboxes: Mutex::default(),
            }),
        })
    }

    /// Learns how plugins are started, in place of what was known.
    pub(crate) fn set_plugins(&self, plugins: HashMap<PluginId, Startable>) {
        *lock(&self.shared.plugins) = plugins;
    }

    /// Starts a process of a plugin; the engine is told how that went.
    pub(crate) fn start_process(&self, process: ProcessId, plugin: PluginId) -> Option<Event> {
        let Some(startable) = lock(&self.shared.plugins).get(&plugin).cloned() else {
            let failure = Failure::not_found(format!("there is no plugin `{plugin}`"))
                .hint("look at `callboard plugins list`");
            return Some(not_started(process, failure));
        };
        self.run(process, plugin, startable, None)
    }

    /// Starts the child of a Connect plugin; `door` is kept for as long as it runs.
    pub(crate) fn start_child(
        &self,
        process: ProcessId,
        folder: PathBuf,
        child: ConnectChild,
        door: OpenDoor,
    ) -> Option<Event> {
        let plugin = child.plugin.clone();
        let startable = Startable {
            folder,
            limits: Limits::default(),
            connect: Some(Arc::new(child)),
        };
        self.run(process, plugin, startable, Some(door))
    }

    fn run(
        &self,
        process: ProcessId,
        plugin: PluginId,
        mut startable: Startable,
        door: Option<OpenDoor>,
    ) -> Option<Event> {
        limits::complete(&mut startable, &self.shared.limits);
        let rate = limits::rate(&startable.limits, self.shared.messages_burst);
        let (mailbox, mails) = mpsc::channel(MAILBOX);
        let Some(spawned) = self.shared.spawner.spawn(startable, plugin.clone()) else {
            let failure = Failure::new(FailureKind::Limit, "too many plugins start at once")
                .hint("try again in a moment");
            return Some(not_started(process, failure));
        };
        lock(&self.shared.mailboxes).insert(process, mailbox);
        let shared = Arc::clone(&self.shared);
        self.shared.engine.runtime().spawn(async move {
            let outward = door.as_ref().map(OpenDoor::outward);
            let end = process::run(&shared, process, &plugin, rate, outward, spawned, mails).await;
            lock(&shared.mailboxes).remove(&process);
            drop(door);
            let event = Event::ProcessEnded { process, end };
            shared.engine.tell(event).await;
        });
        None
    }

    /// Sends a message to a process. One that does not read is killed once too much waits for it.
    pub(crate) fn send(&self, process: ProcessId, message: Message) {
        self.mail(process, Mail::Send(message));
    }

    /// Ends a process.
    pub(crate) fn stop_process(&self, process: ProcessId, stop: Stop) {
        self.mail(process, Mail::Stop(stop));
    }

    /// Looks what a process is doing; the engine is told.
    pub(crate) fn examine(&self, process: ProcessId, token: Token) {
        self.mail(process, Mail::Examine(token));
    }

    fn mail(&self, process: ProcessId, mail: Mail) {
        let mut mailboxes = lock(&self.shared.mailboxes);
        let Some(mailbox) = mailboxes.get(&process) else {
            return;
        };
        if mailbox.try_send(mail).is_ok() {
            return;
        }
        // The place that a full mailbox lacks is made by taking the mailbox away: its task sees that as the overflow.
        mailboxes.remove(&process);
    }

    /// Kills every process and waits until none is left.
    pub(crate) async fn stop(&self) {
        let mailboxes: Vec<_> = lock(&self.shared.mailboxes).drain().collect();
        for (_, mailbox) in &mailboxes {
            // A full mailbox is closed below, which ends its process as well.
            drop(mailbox.try_send(Mail::Stop(Stop::Now)));
        }
        let closed = mailboxes
            .into_iter()
            .map(|(_, mailbox)| async move { mailbox.closed().await });
        let all = async {
            for one in closed.collect::<Vec<_>>() {
                one.await;
            }
        };
        if tokio::time::timeout(GENTLE + FIRM, all).await.is_err() {
            tracing::warn!("a plugin's process did not end in time");
        }
        self.shared.spawner.kill_orphans().await;
    }
}

pub(crate) fn not_started(process: ProcessId, failure: Failure) -> Event {
    Event::ProcessEnded {
        process,
        end: ProcessEnd::NotStarted(failure),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
