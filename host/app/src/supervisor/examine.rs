//! What a process that does not answer is doing: as far as the system tells, and its own interpreter.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::recent::Recent;

/// How long an interpreter may take to say where it is.
const STACKS: Duration = Duration::from_millis(500);

/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(50);

/// What was seen of a process.
pub(super) struct Examined {
    /// What it comes to, in a few sentences.
    pub(super) sentences: Vec<String>,
    /// All of it, for the plugin's log.
    pub(super) lines: Vec<String>,
}

/// Looks at a process, all it started, and the last that passed between it and the host.
pub(super) async fn examine(pid: u32, recent: &Recent) -> Examined {
    let before = recent.lines();
    let looked = tokio::task::spawn_blocking(move || system::look(pid));
    let system::Looked {
        mut sentences,
        lines: seen,
        asked,
    } = looked.await.unwrap_or_default();
    let mut stacks = Vec::new();
    if asked {
        stacks = stacks_printed(recent, before).await;
        sentences.extend(innermost(&stacks));
    }
    let mut lines = vec!["it does not answer; this is what it is doing:".to_owned()];
    let passed = recent.sentences();
    lines.extend(passed.iter().chain(&seen).cloned());
    lines.extend(stacks);
    Examined {
        sentences: passed.into_iter().chain(sentences).collect(),
        lines,
    }
}

/// Waits for what an interpreter prints when it is asked where it is, until it has been silent for a moment.
async fn stacks_printed(recent: &Recent, before: u64) -> Vec<String> {
    let deadline = Instant::now() + STACKS;
    let mut seen = before;
    loop {
        sleep_until((Instant::now() + LOOK).min(deadline)).await;
        let lines = recent.lines();
        if Instant::now() >= deadline || (lines == seen && lines > before) {
            return recent.printed_since(before);
        }
        seen = lines;
    }
}

/// Returns where the thread that the interpreter calls its current one stands, from what `faulthandler` prints.
fn innermost(stacks: &[String]) -> Option<String> {
    let begins = stacks
        .iter()
        .position(|line| line.starts_with("Current thread"))
        .or_else(|| stacks.iter().position(|line| line.starts_with("Thread")))?;
    let frame = stacks.get(begins + 1)?.trim();
    Some(format!(
        "its Python stands at {}",
        frame.strip_prefix("File ")?
    ))
}

#[cfg(not(target_os = "linux"))]
mod system {
    #[derive(Default)]
    pub(super) struct Looked {
        pub(super) sentences: Vec<String>,
        pub(super) lines: Vec<String>,
        pub(super) asked: bool,
    }

    pub(super) fn look(_pid: u32) -> Looked {
        Looked::default()
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;

    use rustix::process::{Pid, Signal, kill_process};

    use crate::process_tree::{Stat, tree};

    /// How many processes are looked at.
    const PROCESSES: usize = 16;

    /// How many threads of one process are looked at.
    const THREADS: usize = 32;

    /// The signal by which an SDK lets its interpreter say where it is. A process is asked only where it catches it.
    const WHERE: Signal = Signal::USR2;

    #[derive(Default)]
    pub(super) struct Looked {
        pub(super) sentences: Vec<String>,
        pub(super) lines: Vec<String>,
        /// Whether an interpreter was asked where it is.
        pub(super) asked: bool,
    }

    pub(super) fn look(pid: u32) -> Looked {
        let mut looked = Looked::default();
        for pid in tree(&[pid]).into_iter().take(PROCESSES) {
            let Some(stat) = Stat::read(pid) else {
                continue;
            };
            let process = format!("/proc/{pid}");
            looked.lines.push(format!(
                "process {pid} `{}`: {}, {} threads, {} ticks of processor time",
                stat.name,
                state_word(stat.state),
                stat.threads,
                stat.cpu_ticks
            ));
            for task in tasks(pid) {
                looked
                    .lines
                    .extend(thread_lines(&format!("{process}/task/{task}"), task));
            }
            // The runner's own guard sleeps in every healthy plugin.
            if pid != looked_at_first(&looked) || stat.state != 'S' {
                looked.sentences.push(format!(
                    "its process {pid} `{}` {}{}",
                    stat.name,
                    state_word(stat.state),
                    sleeps_in(&process)
                        .map(|place| format!(" in `{place}`"))
                        .unwrap_or_default()
                ));
            }
            if catches(&process, WHERE) {
                let asked = i32::try_from(pid)
                    .ok()
                    .and_then(Pid::from_raw)
                    .is_some_and(|pid| kill_process(pid, WHERE).is_ok());
                looked.asked |= asked;
            }
        }
        looked
    }

    /// Returns the number of the process that is the runner's guard: the first that was looked at.
    fn looked_at_first(looked: &Looked) -> u32 {
        let first = looked.lines.first().and_then(|line| line.split(' ').nth(1));
        first.and_then(|pid| pid.parse().ok()).unwrap_or_default()
    }

    fn tasks(pid: u32) -> Vec<u32> {
        let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else {
            return Vec::new();
        };
        let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let mut ids: Vec<u32> = ids.take(THREADS).collect();
        ids.sort_unstable();
        ids
    }

    /// Says what one thread does: its name, where it sleeps, its system call, its stack in the kernel where that may be read.
    fn thread_lines(folder: &str, task: u32) -> Vec<String> {
        let read = |file: &str| fs::read_to_string(format!("{folder}/{file}")).ok();
        let name = read("comm").unwrap_or_default();
        let mut line = format!("  thread {task} `{}`", name.trim());
        if let Some(place) = sleeps_in(folder) {
            line.push_str(&format!(" sleeps in `{place}`"));
        }
        // Numbers of the call alone: what it was given may be anything.
        if let Some(call) = read("syscall").and_then(|call| {
            let number = call.split_whitespace().next()?.to_owned();
            number.parse::<u32>().ok()
        }) {
            line.push_str(&format!(", in system call {call}"));
        }
        let mut lines = vec![line];
        if let Some(stack) = read("stack") {
            lines.extend(stack.lines().take(12).map(|frame| format!("    {frame}")));
        }
        lines
    }

    fn sleeps_in(folder: &str) -> Option<String> {
        let place = fs::read_to_string(format!("{folder}/wchan")).ok()?;
        (!place.is_empty() && place != "0").then_some(place)
    }

    fn state_word(state: char) -> &'static str {
        match state {
            'R' => "runs",
            'S' => "sleeps",
            'D' => "waits for a disk or a share",
            'T' | 't' => "is stopped",
            'Z' => "has ended and nobody fetched it",
            _ => "is in a state of its own",
        }
    }

    /// Tells whether a process has a handler for a signal.
    fn catches(process: &str, signal: Signal) -> bool {
        let Ok(status) = fs::read_to_string(format!("{process}/status")) else {
            return false;
        };
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        caught.is_some_and(|mask| mask & (1 << (signal.as_raw() - 1)) != 0)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn this_process_is_seen_with_its_threads() {
            let looked = look(std::process::id());
            let seen = looked.lines.join("\n");
            assert!(
                seen.contains(&format!("process {}", std::process::id())),
                "{seen}"
            );
            assert!(seen.contains("  thread "), "{seen}");
            assert!(!looked.asked, "nobody here catches the signal");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_python_stands_is_taken_from_what_it_prints() {
        let printed = [
            "Thread 0x00007f (most recent call first):",
            "  File \"callboard.py\", line 9 in _read",
            "Current thread 0x00007e (most recent call first):",
            "  File \"hello.py\", line 12 in greet",
        ];
        let printed: Vec<String> = printed.iter().map(ToString::to_string).collect();
        assert_eq!(
            innermost(&printed).as_deref(),
            Some("its Python stands at \"hello.py\", line 12 in greet")
        );
        assert_eq!(innermost(&[]), None);
    }
}
