//! What `/proc` tells of a process and all it started.

use std::collections::BTreeSet;
use std::fs;

/// How many processes of one tree are looked at.
const MAX_PROCESSES: usize = 1_000;

/// Returns processes with all their descendants, in the order of their numbers.
pub(crate) fn tree(roots: &[u32]) -> BTreeSet<u32> {
    let mut seen = BTreeSet::new();
    let mut waiting = roots.to_vec();
    while let Some(pid) = waiting.pop() {
        if seen.len() >= MAX_PROCESSES {
            break;
        }
        if seen.insert(pid) {
            waiting.extend(children(pid));
        }
    }
    seen
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let lists =
        tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok());
    lists
        .flat_map(|list| {
            let pids = list.split_whitespace().filter_map(|pid| pid.parse().ok());
            pids.collect::<Vec<u32>>()
        })
        .collect()
}

/// A process's line in `/proc/PID/stat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    /// The name of its program, cut by the kernel.
    pub(crate) name: String,
    /// Its state's letter.
    pub(crate) state: char,
    /// The processor time that it took, in the kernel's ticks.
    pub(crate) cpu_ticks: u64,
    /// How many threads it has.
    pub(crate) threads: u64,
}

impl Stat {
    /// Reads the line of a process.
    pub(crate) fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The name may hold anything, brackets and spaces too: it ends at the last bracket.
    fn parse(line: &str) -> Option<Self> {
        let (before, after) = line.rsplit_once(')')?;
        let name = before.split_once('(')?.1.to_owned();
        let fields: Vec<&str> = after.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            name,
            state: fields.first()?.chars().next()?,
            cpu_ticks: number(11)? + number(12)?,
            threads: number(17)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whatever_the_name() {
        let line = "42 (a) b (c) S 1 42 42 0 -1 4194304 90 0 0 0 7 3 0 0 20 0 5 0 1 2 3";
        let expected = Stat {
            name: "a) b (c".into(),
            state: 'S',
            cpu_ticks: 10,
            threads: 5,
        };
        assert_eq!(Stat::parse(line), Some(expected));
        assert_eq!(Stat::parse("nonsense"), None);
    }

    #[test]
    fn this_process_is_in_its_own_tree() {
        assert!(tree(&[std::process::id()]).contains(&std::process::id()));
    }
}
