//! Running ffmpeg and ffprobe: each with a deadline, and none of them longer than the server lives.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

/// What is kept of what a program says. Facts of a file are a few thousand bytes, and a decoder may complain of every
/// frame.
const KEPT_BYTES: usize = 256 * 1024;

/// How long a program may take to say its version.
const VERSION_WITHIN: Duration = Duration::from_secs(20);

/// The words that go before a program so that it is killed when its parent dies in whatever way.
///
/// The kernel ties this to the thread that starts the program, so one thread starts them all.
#[cfg(target_os = "linux")]
const GUARD: &[&str] = &["setpriv", "--pdeathsig", "KILL"];
#[cfg(not(target_os = "linux"))]
const GUARD: &[&str] = &[];

/// The programs of this machine.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    guard: &'static [&'static str],
    pub(super) film_encoder: FilmEncoder,
}

/// What ffmpeg makes H.264 with. Not every build may come with the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FilmEncoder {
    X264,
    OpenH264,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ToolError {
    #[error("could not start `{program}`")]
    Start {
        program: String,
        #[source]
        source: std::io::Error,
    },
    #[error("`{program}` took longer than {} s", deadline.as_secs())]
    Deadline { program: String, deadline: Duration },
    #[error("{message}")]
    Failed { message: String },
}

impl Tools {
    /// Looks for both programs; `None` when one is missing, or cannot make a film that browsers play.
    pub(super) async fn find() -> Option<Self> {
        for guard in [GUARD, &[]] {
            if let Some(tools) = Self::find_behind(guard).await {
                return Some(tools);
            }
        }
        None
    }

    async fn find_behind(guard: &'static [&'static str]) -> Option<Self> {
        let mut tools = Self {
            guard,
            film_encoder: FilmEncoder::X264,
        };
        let here = Path::new(".");
        let ask = async |program, question: &'static str| {
            let words = question.split(' ');
            tools.run(program, words, here, VERSION_WITHIN).await.ok()
        };
        ask("ffprobe", "-version").await?;
        let encoders = ask("ffmpeg", "-hide_banner -encoders").await?;
        let encoders = String::from_utf8_lossy(&encoders);
        let has = |name: &str| encoders.split_whitespace().any(|word| word == name);
        tools.film_encoder = match (has("libx264"), has("libopenh264")) {
            (true, _) => FilmEncoder::X264,
            (false, true) => FilmEncoder::OpenH264,
            (false, false) => return None,
        };
        Some(tools)
    }

    /// Runs a program in `folder` and returns what it writes.
    ///
    /// # Errors
    ///
    /// Fails with the last line of its complaints, or when the deadline has passed; it is then killed.
    pub(super) async fn run(
        &self,
        program: &str,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        folder: &Path,
        deadline: Duration,
    ) -> Result<Vec<u8>, ToolError> {
        let mut words = self.guard.iter().copied().chain([program]);
        let mut command = command(words.next().unwrap_or(program));
        command
            .args(words)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let cannot_start = |source| ToolError::Start {
            program: program.to_owned(),
            source,
        };
        let mut child = command.spawn().map_err(cannot_start)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let ending = async {
            let (said, complaints) = tokio::join!(read_tail(stdout), read_tail(stderr));
            child.wait().await.map(|status| (status, said, complaints))
        };
        // Dropping the child kills it.
        let ended = tokio::time::timeout(deadline, ending).await;
        let ended = ended.map_err(|_| ToolError::Deadline {
            program: program.to_owned(),
            deadline,
        })?;
        let (status, said, complaints) = ended.map_err(cannot_start)?;
        if status.success() {
            return Ok(said);
        }
        let complaints = String::from_utf8_lossy(&complaints);
        let last = complaints.lines().rfind(|line| !line.trim().is_empty());
        Err(ToolError::Failed {
            message: match last {
                Some(line) => format!("{program}: {}", line.trim()),
                None => format!("{program} ended with {status}"),
            },
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox stands alone and has no supervisor; its programs are started here only"
)]
fn command(program: &str) -> Command {
    Command::new(program)
}

/// Reads to the end and keeps the last bytes of it.
async fn read_tail(stream: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut stream) = stream else {
        return kept;
    };
    let mut piece = vec![0; 8192];
    // A pipe that breaks says as much as one that ends.
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        kept.extend_from_slice(&piece[..read]);
        if kept.len() > 2 * KEPT_BYTES {
            kept.drain(..kept.len() - KEPT_BYTES);
        }
    }
    kept
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    async fn shell(script: &str, deadline: Duration) -> Result<Vec<u8>, ToolError> {
        let tools = Tools {
            guard: &[],
            film_encoder: FilmEncoder::X264,
        };
        tools
            .run("sh", ["-c", script], Path::new("."), deadline)
            .await
    }

    #[tokio::test]
    async fn the_last_complaint_is_the_reason() {
        let soon = Duration::from_secs(20);
        assert_eq!(shell("echo said", soon).await.unwrap(), b"said\n");
        for (script, expected) in [
            ("echo first >&2; echo last >&2; exit 1", "sh: last"),
            ("exit 3", "sh ended with exit status: 3"),
        ] {
            let error = shell(script, soon).await.unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[tokio::test]
    async fn a_program_that_takes_too_long_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("echo $$ > {}; exec sleep 1000", file.display());
        let error = shell(&script, Duration::from_secs(1)).await.unwrap_err();
        assert!(matches!(error, ToolError::Deadline { .. }), "{error}");
        let pid = std::fs::read_to_string(file).unwrap();
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        // Its end may take the kernel a moment.
        let gone = async {
            while state().is_ok_and(|state| !state.contains(") Z ")) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), gone)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_talkative_program_does_not_fill_the_memory() {
        let said = shell("head -c 3000000 /dev/zero", Duration::from_secs(20)).await;
        assert!(said.unwrap().len() <= 2 * KEPT_BYTES);
    }
}
