//! Logs: readable lines on stderr, the same in daily files, and no key in either.

use std::io::{IsTerminal as _, Write};
use std::path::Path;

use anyhow::Context as _;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

use crate::settings::LogSettings;

/// How many lines may wait to be written before further ones are dropped: a log never holds up work, even where stderr
/// is a pipe that nobody reads.
const WAITING_LINES: usize = 4096;

/// Writes what waits when it is dropped.
pub(crate) struct LogGuard {
    _stderr: WorkerGuard,
    _file: Option<WorkerGuard>,
}

/// Starts logging to stderr, and to files in `folder`. A folder that cannot be written costs the files only.
///
/// # Errors
///
/// When logging was started before.
pub(crate) fn start(settings: &LogSettings, folder: &Path) -> anyhow::Result<LogGuard> {
    // A session bus that goes away at the end of a session is no news.
    let filter = EnvFilter::try_new(format!("zbus=error,{}", settings.level));
    let bad_filter = filter.as_ref().err().map(ToString::to_string);
    let (stderr, stderr_guard) = unhurried(std::io::stderr(), "log to stderr");
    let file = open(folder, settings.keep_days);
    let (file_layer, guard, file_error) = match file {
        Ok(file) => {
            let (writer, guard) = unhurried(file, "log");
            let layer = fmt::layer().with_ansi(false).with_writer(writer);
            (Some(layer), Some(guard), None)
        }
        Err(error) => (None, None, Some(error)),
    };
    tracing_subscriber::registry()
        .with(filter.unwrap_or_else(|_| EnvFilter::new("info")))
        .with(
            fmt::layer()
                .with_ansi(std::io::stderr().is_terminal())
                .with_writer(stderr),
        )
        .with(file_layer)
        .try_init()
        .context("could not start logging")?;
    if let Some(error) = bad_filter {
        tracing::warn!(
            "the log filter `{}` is wrong, `info` is used: {error}",
            settings.level
        );
    }
    if let Some(error) = file_error {
        tracing::warn!("no log files: {error:#}");
    }
    Ok(LogGuard {
        _stderr: stderr_guard,
        _file: guard,
    })
}

/// Returns a writer that a thread of its own empties into `writer`, however slow that is.
fn unhurried(writer: impl Write + Send + 'static, thread: &str) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .thread_name(thread)
        .finish(writer)
}

fn open(folder: &Path, keep_days: usize) -> anyhow::Result<RollingFileAppender> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("could not make `{}`", folder.display()))?;
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("callboard")
        .filename_suffix("log")
        .max_log_files(keep_days)
        .build(folder)
        .with_context(|| format!("could not write in `{}`", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, sync_channel};

    /// Writes nothing until it is let go.
    struct Stuck(Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            // Whether it was told or left alone, it was let go.
            self.0.recv().ok();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_nobody_reads_holds_up_nobody() {
        let (held, stuck) = sync_channel(0);
        let (mut log, _guard) = unhurried(Stuck(stuck), "log");
        for _ in 0..2 * WAITING_LINES {
            log.write_all(b"a line\n").unwrap();
        }
        drop(held);
    }
}
