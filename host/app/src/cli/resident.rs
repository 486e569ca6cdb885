//! A host that stays: started, shown in the tray on the main thread, and stopped in order.

use std::path::PathBuf;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::Session;
use super::problem::Problem;
use crate::home::Home;
use crate::host::{Host, HostOptions, Ready, StartMode};
use crate::instance::InstanceError;
use crate::logging;
use crate::settings::{Credentials, Settings};
use crate::tray::{self, Order, Platform, Tray as _};

/// How long tasks may take to end after the host has stopped.
const FAREWELL: Duration = Duration::from_secs(2);

/// The stack of the runtime's threads; nothing on them recurses deeply.
const STACK_BYTES: usize = 1024 * 1024;

/// What a resident host is started with.
pub(super) struct Resident {
    /// Where everything lies.
    pub(super) home: Home,
    /// Credentials that go before all others: the demo's.
    pub(super) credentials: Option<Credentials>,
    /// Further folders that hold plugins.
    pub(super) plugin_folders: Vec<PathBuf>,
    /// Whether to do without foreign plugins.
    pub(super) mode: StartMode,
    /// Whether there is to be no tray icon.
    pub(super) headless: bool,
}

/// How a resident host ended.
pub(super) enum Stay {
    /// It ran, and was asked to end.
    Over,
    /// It ran, and was asked to end and to start again.
    Again,
    /// There is one for this home already.
    Taken,
}

/// Makes the runtime that serves sockets, pipes and HTTP.
pub(super) fn runtime() -> Result<Runtime, Problem> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(16)
        .thread_name("runtime")
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
        .context("could not start the runtime")
        .map_err(Problem::from)
}

impl Resident {
    /// Runs the host until it is asked to end. `announce` is called once it is up.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub(super) fn stay(
        self,
        session: &Session,
        runtime: &Runtime,
        announce: impl FnOnce(&Ready) -> Result<(), Problem>,
    ) -> Result<Stay, Problem> {
        let loaded = Settings::load(&self.home, &session.environment);
        let _log = logging::start(&loaded.settings.log, &self.home.logs)?;
        forbid_core_dumps();
        let no_icon = self.headless.then_some("started with `--headless`");
        let options = HostOptions {
            home: self.home,
            environment: session.environment.clone(),
            settings: loaded.settings,
            problems: loaded.problems,
            credentials: self.credentials,
            plugin_folders: self.plugin_folders,
            mode: self.mode,
        };
        let host = match runtime.block_on(Host::start(options)) {
            Ok(host) => host,
            Err(error) => {
                return match error.downcast_ref() {
                    Some(InstanceError::Taken { .. }) => Ok(Stay::Taken),
                    _ => Err(error.into()),
                };
            }
        };
        {
            let _runtime = runtime.enter();
            end_on_signal(host.stopper());
        }
        keep_tray(&host, runtime, no_icon, announce)?;
        let again = host.starts_again();
        runtime.block_on(host.stop());
        Ok(if again { Stay::Again } else { Stay::Over })
    }
}

/// Keeps the API key out of core files.
#[cfg(target_os = "linux")]
fn forbid_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // At 0 the kernel still dumps into a pipe, at 1 it does not.
    // https://github.com/torvalds/linux/blob/v6.1/fs/coredump.c#L579
    let limit = Rlimit {
        current: Some(1),
        maximum: Some(1),
    };
    if let Err(error) = setrlimit(Resource::Core, limit) {
        tracing::warn!(%error, "a crash may leave a core file with the API key in it");
    }
}

/// Leaves core files to the system's settings.
#[cfg(not(target_os = "linux"))]
fn forbid_core_dumps() {}

/// Ends a runtime, whatever still runs on it.
pub(super) fn end(runtime: Runtime) {
    runtime.shutdown_timeout(FAREWELL);
}

/// Keeps the tray on this thread until the host is asked to end.
fn keep_tray(
    host: &Host,
    runtime: &Runtime,
    no_icon: Option<&str>,
    announce: impl FnOnce(&Ready) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let (desk, orders, commands) = tray::desk(host.tray_status(), runtime.handle().clone());
    let stopping = host.stopper().subscribe();
    runtime.spawn(end_tray(stopping, orders.clone()));
    if no_icon.is_none() {
        runtime.spawn(host.tray_surface(orders, commands).run());
    }
    announce(host.ready())?;
    match no_icon {
        Some(reason) => tray::run_without_icon(&desk, reason),
        None => Platform.run(desk),
    }
    Ok(())
}

/// Ends the tray when the host is asked to end.
async fn end_tray(mut stopping: watch::Receiver<bool>, orders: SyncSender<Order>) {
    // An error means that the host is gone, which is an end too.
    drop(stopping.wait_for(|stop| *stop).await);
    // The tray's queue is bounded: it may have to take a menu first.
    drop(tokio::task::spawn_blocking(move || orders.send(Order::End)).await);
}

/// Asks the host to end when the process is asked to, from the moment that this returns.
#[cfg(unix)]
pub(super) fn end_on_signal(stopper: watch::Sender<bool>) {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
        tracing::error!("signals cannot be waited for: `callboard` has to be ended by its menu");
        return;
    };
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stopper.send_replace(true);
    });
}

/// Asks the host to end when the process is asked to.
#[cfg(not(unix))]
pub(super) fn end_on_signal(stopper: watch::Sender<bool>) {
    tokio::spawn(async move {
        match tokio::signal::ctrl_c().await {
            Ok(()) => {
                stopper.send_replace(true);
            }
            Err(error) => tracing::error!(%error, "Ctrl-C cannot be waited for"),
        }
    });
}
