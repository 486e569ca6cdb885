//! The one thread that starts processes.
//!
//! A process that dies with its parent dies, on Linux, with the thread that started it: so that thread lives long.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use callboard_protocol::PluginId;
use runner::{Lifeline, Report, Runner};
use tokio::process::Child;
use tokio::sync::oneshot;

use super::opener::Mark;
use super::{Program, Startable, lock, orphans};
use crate::service::job_folders::JobFolders;

/// How many starts may wait for the thread.
const QUEUE: usize = 64;

/// A process that was started.
pub(super) struct Spawned {
    pub(super) child: Child,
    /// Closing it ends the runner and all below it.
    pub(super) lifeline: Option<Lifeline>,
    /// Says, once it has ended, whether that was for what it took.
    pub(super) report: Report,
    pub(super) pid: u32,
}

struct Order {
    startable: Startable,
    plugin: PluginId,
    answer: oneshot::Sender<io::Result<Spawned>>,
}

/// A way to the thread.
pub(super) struct Spawner {
    orders: SyncSender<Order>,
    executable: PathBuf,
    known: Known,
    mark: Mark,
}

/// The runners that are alive: a child of this process that is none of them is an orphan.
pub(super) type Known = Arc<Mutex<HashSet<u32>>>;

impl Spawner {
    pub(super) fn start(
        program: Program,
        environment: Vec<(OsString, OsString)>,
        job_folders: JobFolders,
        private: Vec<PathBuf>,
    ) -> anyhow::Result<Self> {
        let (orders, receiver) = sync_channel(QUEUE);
        let known = Known::default();
        let executable = program.executable.clone();
        let thread = Thread {
            program,
            environment,
            job_folders,
            private,
            known: Arc::clone(&known),
            runtime: tokio::runtime::Handle::current(),
        };
        std::thread::Builder::new()
            .name("spawner".into())
            .stack_size(256 << 10)
            .spawn(move || thread.run(&receiver))
            .context("could not start the spawner's thread")?;
        Ok(Self {
            orders,
            executable,
            known,
            mark: Mark::fresh(),
        })
    }

    /// Starts a runner for a plugin; none when too many starts wait already.
    pub(super) fn spawn(
        &self,
        startable: Startable,
        plugin: PluginId,
    ) -> Option<oneshot::Receiver<io::Result<Spawned>>> {
        let (answer, receiver) = oneshot::channel();
        let order = Order {
            startable,
            plugin,
            answer,
        };
        self.orders.try_send(order).ok()?;
        Some(receiver)
    }

    /// Returns the runners that are alive; while they are locked nobody looks for orphans.
    pub(super) fn known(&self) -> Known {
        Arc::clone(&self.known)
    }

    /// Returns this program's own file.
    pub(super) fn executable(&self) -> &Path {
        &self.executable
    }

    /// Returns what is set on the person's own programs.
    pub(super) fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Forgets a runner that has ended and was waited for.
    pub(super) fn forget(&self, pid: u32) {
        lock(&self.known).remove(&pid);
    }

    /// Kills what runners have left behind.
    pub(super) async fn kill_orphans(&self) {
        let known = Arc::clone(&self.known);
        let opened = self.mark.variable();
        let killing = tokio::task::spawn_blocking(move || {
            // While the lock is held nothing is started, so that a runner just started is no orphan.
            orphans::kill(&lock(&known), &opened);
            remove_abandoned_folders();
        });
        if killing.await.is_err() {
            tracing::error!("the search for orphans panicked");
        }
    }
}

/// Removes the temporary folders that runners could not remove, because they were killed: of this host, and of earlier ones.
fn remove_abandoned_folders() {
    #[cfg(target_os = "linux")]
    {
        let removed = runner::remove_abandoned_folders();
        if removed > 0 {
            tracing::info!(
                removed,
                "removed temporary folders of plugins that were killed"
            );
        }
    }
}

struct Thread {
    program: Program,
    environment: Vec<(OsString, OsString)>,
    job_folders: JobFolders,
    private: Vec<PathBuf>,
    known: Known,
    runtime: tokio::runtime::Handle,
}

impl Thread {
    fn run(&self, orders: &Receiver<Order>) {
        let _runtime = self.runtime.enter();
        // Not on this thread: a plugin may be waited for.
        drop(self.runtime.spawn_blocking(remove_abandoned_folders));
        while let Ok(Order {
            startable,
            plugin,
            answer,
        }) = orders.recv()
        {
            let mut known = lock(&self.known);
            let spawned = self.spawn(&startable, &plugin);
            if let Ok(spawned) = &spawned {
                known.insert(spawned.pid);
            }
            drop(known);
            // Without somebody to wait for it, the process is dropped, and with it its lifeline.
            drop(answer.send(spawned));
        }
    }

    fn spawn(&self, startable: &Startable, plugin: &PluginId) -> io::Result<Spawned> {
        let files = self.job_folders.of_plugin(plugin)?;
        let runner = Runner {
            executable: &self.program.executable,
            folder: &startable.folder,
            library_path: None,
            python_path: self.program.python_path.as_deref(),
            files: Some(&files),
            private: &self.private,
            limits: startable.limits.clone(),
            connect: startable.connect.as_deref(),
        };
        let (mut command, lifeline, report) =
            runner::command(&runner, self.environment.iter().cloned())?;
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Ctrl-C in a terminal is the host's to hear; what follows from it for plugins the host decides.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = tokio::process::Command::from(command).spawn()?;
        let pid = child
            .id()
            .ok_or_else(|| io::Error::other("it has ended already"))?;
        Ok(Spawned {
            child,
            lifeline: Some(lifeline),
            report,
            pid,
        })
    }
}
