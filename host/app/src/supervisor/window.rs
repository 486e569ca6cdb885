//! The processes of windows: this program's mode `ui`, a program of the person's own like what opens a file.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use callboard_protocol::{Failure, FailureKind, WindowRef};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdout, Command};

use super::opener::Mark;
use super::{Supervisor, lock};

/// How much of what a process of a window prints is read.
const PRINTED_BYTES: u64 = 64 * 1024;

/// What the process of a window is started with.
pub(crate) struct WindowProcess {
    /// The window.
    pub(crate) window: WindowRef,
    /// The bus's socket.
    pub(crate) bus: PathBuf,
    /// What it proves with that the host started it.
    pub(crate) token: String,
}

/// A process of a window that runs.
pub(crate) struct StartedWindow {
    child: Child,
    printed: ChildStdout,
}

/// What a window prints when it cannot open.
#[derive(Deserialize)]
struct Printed {
    error: Failure,
}

impl Supervisor {
    /// Starts the process of a window.
    ///
    /// # Errors
    ///
    /// When the system starts none.
    pub(crate) async fn start_window(
        &self,
        process: WindowProcess,
    ) -> Result<StartedWindow, Failure> {
        let spawner = &self.shared.spawner;
        let (known, mark) = (spawner.known(), spawner.mark().clone());
        let executable = spawner.executable().to_owned();
        let environment = self.shared.desktop.clone();
        let token = process.token.clone();
        let starting = tokio::task::spawn_blocking(move || {
            // While the lock is held nobody looks for orphans, so that this is not taken for one before it has its mark.
            let _known = lock(&known);
            start(&executable, &mark, environment, &process)
        });
        let started = starting.await.map_err(|_| not_started())?;
        let mut child = started.map_err(|error| not_started().caused_by(&error))?;
        let (Some(mut stdin), Some(printed)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(not_started());
        };
        // A pipe takes so little at once; a process that has ended already is found by waiting for it.
        drop(stdin.write_all(format!("{token}\n").as_bytes()).await);
        Ok(StartedWindow { child, printed })
    }
}

impl StartedWindow {
    /// Waits until the process has ended, and returns why.
    pub(crate) async fn ended(&mut self) -> Failure {
        let mut printed = Vec::new();
        // What cannot be read says nothing of why it ended.
        drop(
            (&mut self.printed)
                .take(PRINTED_BYTES)
                .read_to_end(&mut printed)
                .await,
        );
        let status = self.child.wait().await;
        if let Ok(Printed { error }) = serde_json::from_slice(&printed) {
            return error;
        }
        let ended = Failure::new(FailureKind::Unavailable, "the window was closed");
        match status {
            Ok(status) if status.success() => ended,
            Ok(status) => Failure::new(FailureKind::Internal, "the window ended unasked")
                .because(status.to_string()),
            Err(error) => ended.caused_by(&error),
        }
    }

    /// Kills the process.
    pub(crate) async fn kill(&mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "the process of a window could not be killed");
        }
    }
}

fn not_started() -> Failure {
    Failure::new(
        FailureKind::Internal,
        "the process of a window could not be started",
    )
    .hint("look into the log of callboard")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the supervisor starts it; no plugin's limits hold for the person's own windows"
)]
fn start(
    executable: &Path,
    mark: &Mark,
    environment: Vec<(OsString, OsString)>,
    process: &WindowProcess,
) -> io::Result<Child> {
    let mut command = Command::new(executable);
    command
        .args(["--json", "ui", "--started-by-host", &process.window.window])
        .args(process.window.job.as_ref().map(|job| job.as_str()))
        .env_clear()
        .envs(environment)
        .env("CALLBOARD_BUS", &process.bus)
        .env(mark.name(), mark.id())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    // Ctrl-C in a terminal is the host's to hear, which ends its windows itself.
    #[cfg(unix)]
    command.process_group(0);
    command.spawn()
}
