//! Programs that belong to the person: what opens a file or a link outlives the host and is no plugin's.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;

use callboard_protocol::{Failure, FailureKind};
use tokio::process::{Child, Command};

use super::{Supervisor, lock};

/// What opens things on this system.
#[cfg(target_os = "linux")]
const OPENER: [&str; 1] = ["xdg-open"];
#[cfg(target_os = "macos")]
const OPENER: [&str; 1] = ["open"];
#[cfg(target_os = "windows")]
const OPENER: [&str; 2] = ["rundll32", "url.dll,FileProtocolHandler"];

/// The variable by which the host knows what it has opened, and leaves it alone when it looks for orphans.
const MARK: &str = "CALLBOARD_OPENED_BY";

/// How what is opened is told from what plugins leave behind.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    id: String,
}

impl Mark {
    /// Makes a mark that no plugin knows.
    pub(super) fn fresh() -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
        }
    }

    /// Returns the variable's name.
    pub(super) fn name(&self) -> &'static str {
        MARK
    }

    /// Returns the variable's value.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Returns the variable as it stands in a process's environment.
    pub(super) fn variable(&self) -> String {
        format!("{MARK}={}", self.id)
    }
}

impl Supervisor {
    /// Has the desktop open a path or a link, with the person's own environment; returns what opens it.
    ///
    /// # Errors
    ///
    /// When there is nothing that opens things here.
    pub(crate) async fn open(&self, target: &str) -> Result<Child, Failure> {
        let spawner = &self.shared.spawner;
        let (known, target) = (spawner.known(), target.to_owned());
        let (mark, environment) = (spawner.mark().clone(), self.shared.desktop.clone());
        let starting = tokio::task::spawn_blocking(move || {
            // While the lock is held nobody looks for orphans, so that this is not taken for one before it has its mark.
            let _known = lock(&known);
            start(&mark, environment, &target)
        });
        let started = starting.await.map_err(|_| no_opener())?;
        started.map_err(|error| no_opener().caused_by(&error))
    }
}

fn no_opener() -> Failure {
    Failure::new(
        FailureKind::Unavailable,
        format!("`{}` could not be started", OPENER[0]),
    )
    .hint("install it; on Linux it comes with `xdg-utils`")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the supervisor starts it; the person's programs outlive the host"
)]
fn start(mark: &Mark, environment: Vec<(OsString, OsString)>, target: &str) -> io::Result<Child> {
    let [program, arguments @ ..] = OPENER;
    Command::new(program)
        .args(arguments)
        .arg(target)
        .env_clear()
        .envs(environment)
        .env(MARK, &mark.id)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}
