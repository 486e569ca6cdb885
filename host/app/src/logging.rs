//! Logs: readable lines on stderr, the same in daily files, and no key in either.

use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::Context as _;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

use crate::settings::LogSettings;

/// How many lines may wait for the file before further ones are dropped: a log never holds up work.
const WAITING_LINES: usize = 4096;

/// Writes what waits when it is dropped.
pub(crate) struct LogGuard {
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
    let file = open(folder, settings.keep_days);
    let (file_layer, guard, file_error) = match file {
        Ok(file) => {
            let (writer, guard) = NonBlockingBuilder::default()
                .buffered_lines_limit(WAITING_LINES)
                .thread_name("log")
                .finish(file);
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
                .with_writer(std::io::stderr),
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
    Ok(LogGuard { _file: guard })
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
