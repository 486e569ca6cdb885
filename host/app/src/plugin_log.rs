//! Each plugin's own log: a file of bounded length, written behind, read by `callboard plugins logs`.
//!
//! A line goes to the host's log as well. Nobody who logs ever waits: what the disk does not keep up with is dropped and
//! counted.

mod file;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use callboard_protocol::{LogLevel, PluginId, PluginLogLines};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};

use file::LogFile;

/// How many lines may wait for the disk.
const WAITING_LINES: usize = 2048;

/// How many lines are written at once.
const BATCH: usize = 512;

/// How long the last lines may take when the host ends.
const LAST_LINES: Duration = Duration::from_secs(2);

/// The logs of all plugins.
#[derive(Clone)]
pub(crate) struct PluginLog {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    orders: mpsc::Sender<Order>,
    dropped: AtomicU64,
    /// Changes whenever lines were written.
    written: watch::Sender<u64>,
}

enum Order {
    Write { plugin: PluginId, line: String },
    Finish(oneshot::Sender<()>),
}

impl PluginLog {
    /// Starts the logs in a folder. Must be called within the runtime.
    pub(crate) fn start(folder: PathBuf) -> Self {
        let (orders, waiting) = mpsc::channel(WAITING_LINES);
        let shared = Arc::new(Shared {
            folder: folder.clone(),
            orders,
            dropped: AtomicU64::new(0),
            written: watch::Sender::new(0),
        });
        tokio::spawn(write_behind(folder, waiting, shared.written.clone()));
        Self { shared }
    }

    /// Writes a line, here and into the host's log.
    pub(crate) fn write(&self, plugin: &PluginId, level: LogLevel, text: &str) {
        let word = match level {
            LogLevel::Debug => {
                tracing::debug!(target: "plugin", %plugin, "{text}");
                "debug"
            }
            LogLevel::Warning => {
                tracing::warn!(target: "plugin", %plugin, "{text}");
                "warning"
            }
            LogLevel::Error => {
                tracing::error!(target: "plugin", %plugin, "{text}");
                "error"
            }
            _ => {
                tracing::info!(target: "plugin", %plugin, "{text}");
                "info"
            }
        };
        let now = jiff::Timestamp::now();
        let dropped = self.shared.dropped.swap(0, Ordering::Relaxed);
        let lost = match dropped {
            0 => String::new(),
            lost => {
                format!("{now:.3} warning {lost} lines of plugins were dropped, the disk is slow\n")
            }
        };
        // A line feed within a text would begin a line without a time.
        let text = text.replace('\n', "\n    ");
        let order = Order::Write {
            plugin: plugin.clone(),
            line: format!("{lost}{now:.3} {word} {text}\n"),
        };
        if self.shared.orders.try_send(order).is_err() {
            self.shared
                .dropped
                .fetch_add(dropped + 1, Ordering::Relaxed);
        }
    }

    /// Tells whether a plugin has ever logged anything.
    pub(crate) fn has(&self, plugin: &PluginId) -> bool {
        self.file(plugin).is_some_and(|file| file.exists())
    }

    /// Returns the last lines of a plugin's log.
    pub(crate) async fn last(&self, plugin: &PluginId, count: usize) -> PluginLogLines {
        self.read(plugin, move |file| file.last(count)).await
    }

    /// Returns what was written after an earlier answer, and waits for it until `deadline` where there is nothing yet.
    pub(crate) async fn after(
        &self,
        plugin: &PluginId,
        cursor: String,
        deadline: Instant,
    ) -> PluginLogLines {
        let mut written = self.shared.written.subscribe();
        loop {
            written.mark_unchanged();
            let asked = cursor.clone();
            let lines = self.read(plugin, move |file| file.after(&asked)).await;
            if !lines.lines.is_empty() || timeout_at(deadline, written.changed()).await.is_err() {
                return lines;
            }
        }
    }

    /// Writes what waits. Nothing is written after that.
    pub(crate) async fn finish(&self) {
        let (sender, done) = oneshot::channel();
        let all = async {
            if self.shared.orders.send(Order::Finish(sender)).await.is_ok() {
                done.await.ok();
            }
        };
        if timeout(LAST_LINES, all).await.is_err() {
            tracing::warn!("the last lines of plugins' logs could not be written in time");
        }
    }

    fn file(&self, plugin: &PluginId) -> Option<LogFile> {
        LogFile::of(&self.shared.folder, plugin)
    }

    async fn read(
        &self,
        plugin: &PluginId,
        read: impl FnOnce(&LogFile) -> PluginLogLines + Send + 'static,
    ) -> PluginLogLines {
        let Some(file) = self.file(plugin) else {
            return PluginLogLines::default();
        };
        let reading = tokio::task::spawn_blocking(move || read(&file));
        match reading.await {
            Ok(lines) => lines,
            Err(error) => {
                tracing::error!(%error, "reading a plugin's log panicked");
                PluginLogLines::default()
            }
        }
    }
}

/// Writes lines as they come, many at once where many wait.
async fn write_behind(
    folder: PathBuf,
    mut orders: mpsc::Receiver<Order>,
    written: watch::Sender<u64>,
) {
    let mut has_failed = false;
    while let Some(first) = orders.recv().await {
        let mut texts: BTreeMap<PluginId, String> = BTreeMap::new();
        let mut finished = None;
        let mut next = Some(first);
        let mut taken = 0;
        while let Some(order) = next.take() {
            match order {
                Order::Write { plugin, line } => texts.entry(plugin).or_default().push_str(&line),
                Order::Finish(sender) => finished = Some(sender),
            }
            taken += 1;
            if taken < BATCH {
                next = orders.try_recv().ok();
            }
        }
        let folder = folder.clone();
        let writing = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
            std::fs::create_dir_all(&folder)?;
            for (plugin, text) in texts {
                if let Some(file) = LogFile::of(&folder, &plugin) {
                    file.append(text.as_bytes())?;
                }
            }
            Ok(())
        });
        let result = writing
            .await
            .unwrap_or_else(|_| Err(std::io::Error::other("it panicked")));
        if let Err(error) = &result
            && !has_failed
        {
            // Said once: the host's own log has every line too.
            tracing::warn!(%error, "plugins' logs cannot be written");
        }
        has_failed = result.is_err();
        written.send_modify(|count| *count += 1);
        if let Some(finished) = finished {
            finished.send(()).ok();
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_read_back_and_followed() {
        let folder = tempfile::tempdir().unwrap();
        let log = PluginLog::start(folder.path().join("plugins"));
        let plugin = PluginId::from("hello");
        assert!(!log.has(&plugin));
        let mut written = log.shared.written.subscribe();
        log.write(&plugin, LogLevel::Info, "one\ntwo");
        log.write(&PluginId::from("other"), LogLevel::Info, "not this");
        written.changed().await.unwrap();
        let soon = || Instant::now() + Duration::from_secs(30);
        let mut first = log.last(&plugin, 10).await;
        if first.lines.is_empty() {
            first = log.after(&plugin, first.next, soon()).await;
        }
        assert_eq!(first.lines.len(), 2, "{first:?}");
        assert!(first.lines[0].ends_with(" info one"), "{first:?}");
        assert_eq!(first.lines[1], "    two");
        let following = {
            let (log, plugin) = (log.clone(), plugin.clone());
            tokio::spawn(async move { log.after(&plugin, first.next, soon()).await })
        };
        log.write(&plugin, LogLevel::Error, "three");
        let next = following.await.unwrap();
        assert!(next.lines[0].ends_with(" error three"), "{next:?}");
        let nothing = log.after(&plugin, next.next.clone(), Instant::now()).await;
        assert_eq!((nothing.lines.len(), nothing.next), (0, next.next));
        log.finish().await;
    }

    #[tokio::test]
    async fn an_id_that_is_a_path_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret.log"), "key\n").unwrap();
        let log = PluginLog::start(folder.path().join("plugins"));
        let plugin = PluginId::from("../secret");
        assert!(!log.has(&plugin));
        assert_eq!(log.last(&plugin, 10).await, PluginLogLines::default());
    }
}
