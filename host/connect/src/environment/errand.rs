//! One run of an interpreter, with a deadline, and what it said.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// How much of what it says is read; pip says less.
const MAX_SAID_BYTES: u64 = 4 * 1024 * 1024;

/// How many of its last lines are shown.
const SHOWN_LINES: usize = 12;

/// Variables that would lead an interpreter elsewhere, or that are the host's.
const KEPT_BACK: [&str; 6] = [
    "CALLBOARD_",
    "FTRACK_",
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "__PYVENV_LAUNCHER__",
];

/// Why a run came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrandError {
    /// It could not be started, or not be listened to.
    #[error("could not run it")]
    NotRun(#[source] io::Error),
    /// It failed.
    #[error("it ended with {status}: {said}")]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// Its last lines.
        said: String,
    },
    /// It took too long.
    #[error("it had not ended after {} seconds", .0.as_secs())]
    TimedOut(Duration),
    /// It said something else than was asked.
    #[error("it answered with `{0}`")]
    Strange(String),
}

/// Runs a program and returns what it wrote to stdout. It is ended at the deadline, with what it started.
pub(super) async fn run(
    program: &Path,
    words: &[&OsStr],
    variables: &[(OsString, OsString)],
    deadline: Duration,
) -> Result<String, ErrandError> {
    let mut child = started(program, words, variables).map_err(ErrandError::NotRun)?;
    let finished = tokio::time::timeout(deadline, finished(&mut child)).await;
    match finished {
        Ok(said) => {
            let (status, stdout, stderr) = said.map_err(ErrandError::NotRun)?;
            if status.success() {
                return Ok(stdout);
            }
            let said = last_lines(&format!("{stdout}\n{stderr}"));
            Err(ErrandError::Failed { status, said })
        }
        Err(_) => {
            end(&mut child).await;
            Err(ErrandError::TimedOut(deadline))
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an interpreter that is looked at or set up is no plugin, which the supervisor starts"
)]
fn started(
    program: &Path,
    words: &[&OsStr],
    variables: &[(OsString, OsString)],
) -> io::Result<Child> {
    let mut command = Command::new(program);
    command
        .args(words)
        .env_clear()
        .envs(
            variables
                .iter()
                .filter(|(name, _)| !is_kept_back(name))
                .cloned(),
        )
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    command.spawn()
}

fn is_kept_back(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_uppercase();
    KEPT_BACK.iter().any(|prefix| name.starts_with(prefix))
}

async fn finished(child: &mut Child) -> io::Result<(ExitStatus, String, String)> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = tokio::try_join!(said(stdout), said(stderr))?;
    Ok((child.wait().await?, stdout, stderr))
}

async fn said(stream: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(MAX_SAID_BYTES).read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Ends a process and what it started: pip builds in processes of its own.
async fn end(child: &mut Child) {
    #[cfg(unix)]
    if let Some(pid) = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw)
        && let Err(error) = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL)
    {
        tracing::debug!("could not end an interpreter's processes: {error}");
    }
    if let Err(error) = child.kill().await {
        tracing::warn!("could not end an interpreter: {error}");
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_sees_neither_the_key_nor_another_environment() {
        for (name, expected) in [
            ("FTRACK_API_KEY", true),
            ("callboard_home", true),
            ("PYTHONPATH", true),
            ("PIP_INDEX_URL", false),
            ("HOME", false),
        ] {
            assert_eq!(is_kept_back(OsStr::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn only_the_last_lines_are_shown() {
        let text: String = (0..100).map(|line| format!("{line}\n\n")).collect();
        let shown = last_lines(&text);
        assert_eq!(shown.lines().next(), Some("88"));
        assert_eq!(shown.lines().count(), SHOWN_LINES);
        assert_eq!(last_lines(""), "");
    }
}
