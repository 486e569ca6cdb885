//! What plugins' processes hold, with all they started: looked up when somebody asks, and at no other time.

use callboard_protocol::PluginSummary;

/// Fills in memory and processor time of every plugin with a process, where the system tells.
pub(crate) async fn filled_in(mut plugins: Vec<PluginSummary>) -> Vec<PluginSummary> {
    let processes: Vec<Vec<u32>> = plugins.iter().map(|plugin| plugin.pids.clone()).collect();
    if processes.iter().all(Vec::is_empty) {
        return plugins;
    }
    let looking = move || -> Vec<_> { processes.iter().map(|pids| system::of(pids)).collect() };
    match tokio::task::spawn_blocking(looking).await {
        Ok(usages) => {
            for (plugin, usage) in plugins.iter_mut().zip(usages) {
                plugin.memory_bytes = usage.map(|usage| usage.memory_bytes);
                plugin.cpu_ms = usage.map(|usage| usage.cpu_ms);
            }
        }
        Err(error) => tracing::error!(%error, "looking at plugins' processes panicked"),
    }
    plugins
}

/// What some processes hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Usage {
    memory_bytes: u64,
    cpu_ms: u64,
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::Usage;

    pub(super) fn of(_pids: &[u32]) -> Option<Usage> {
        None
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;

    use super::Usage;
    use crate::process_tree::{Stat, tree};

    pub(super) fn of(pids: &[u32]) -> Option<Usage> {
        if pids.is_empty() {
            return None;
        }
        let ticks_per_sec = rustix::param::clock_ticks_per_second().max(1);
        let mut usage = Usage::default();
        for pid in tree(pids) {
            let Some(stat) = Stat::read(pid) else {
                continue;
            };
            usage.cpu_ms += stat.cpu_ticks * 1000 / ticks_per_sec;
            usage.memory_bytes += memory_bytes(pid);
        }
        Some(usage)
    }

    /// Returns the memory of one process, shared pages by share; of one that may not be looked at, shared pages in full.
    fn memory_bytes(pid: u32) -> u64 {
        let field = |file: &str, name: &str| {
            let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
            let line = text.lines().find(|line| line.starts_with(name))?;
            let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
            Some(kilobytes * 1024)
        };
        field("smaps_rollup", "Pss:")
            .or_else(|| field("status", "VmRSS:"))
            .unwrap_or_default()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn this_process_holds_something() {
            let usage = of(&[std::process::id()]).unwrap();
            assert!(usage.memory_bytes > 100_000, "{usage:?}");
            assert_eq!(of(&[]), None);
        }
    }
}
