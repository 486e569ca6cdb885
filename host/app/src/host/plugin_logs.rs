//! What plugins write to their logs: so many lines, of such a length, so that none of them fills the disk.

use std::collections::HashMap;
use std::time::Instant;

use callboard_protocol::{Log, LogLevel, PluginId};

use crate::plugin_log::PluginLog;
use crate::supervisor::{Bucket, LOG_LINE_BYTES, LOG_RATE};

/// What plugins say to be logged, bounded before it goes into their logs.
pub(super) struct PluginLogs {
    log: PluginLog,
    buckets: HashMap<PluginId, Written>,
}

struct Written {
    bucket: Bucket,
    dropped: u64,
}

impl PluginLogs {
    pub(super) fn new(log: PluginLog) -> Self {
        Self {
            log,
            buckets: HashMap::new(),
        }
    }

    /// Writes a line, or drops it where the plugin writes too many.
    pub(super) fn write(&mut self, plugin: &PluginId, log: &Log) {
        let now = Instant::now();
        let written = self
            .buckets
            .entry(plugin.clone())
            .or_insert_with(|| Written {
                bucket: Bucket::new(LOG_RATE, now),
                dropped: 0,
            });
        if !written.bucket.take(now) {
            written.dropped += 1;
            return;
        }
        if written.dropped > 0 {
            let dropped = std::mem::take(&mut written.dropped);
            let said = format!("{dropped} lines were dropped, there were too many");
            self.log.write(plugin, LogLevel::Warning, &said);
        }
        let line = cut(&log.message, LOG_LINE_BYTES);
        self.log.write(plugin, log.level, line);
    }
}

/// Returns the beginning of a text that has at most `bytes`.
fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_between_letters() {
        assert_eq!(cut("short", 10), "short");
        assert_eq!(cut("ünï", 2), "ü");
        assert_eq!(cut("ünï", 4), "ün");
    }

    #[tokio::test]
    async fn a_plugin_that_logs_too_much_loses_lines_and_others_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut logs = PluginLogs::new(PluginLog::start(folder.path().to_owned()));
        let log = Log::default();
        for _ in 0..5_000 {
            logs.write(&PluginId::from("loud"), &log);
        }
        logs.write(&PluginId::from("quiet"), &log);
        assert!(logs.buckets[&PluginId::from("loud")].dropped > 3_000);
        assert_eq!(logs.buckets[&PluginId::from("quiet")].dropped, 0);
    }
}
