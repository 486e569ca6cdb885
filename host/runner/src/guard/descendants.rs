//! Every process that a plugin left behind.

use std::fs;
use std::path::Path;

use crate::system::{self, Ended, Pid, Reaped};

/// Kills every descendant, and returns how the worker ended if it was among them.
///
/// A process that left its session or its parent is a child all the same, since the guard adopts orphans: each round kills the children there are, which makes theirs the children of the next.
pub(crate) fn kill_all(worker: Pid) -> Option<Ended> {
    let mut worker_ended = None;
    loop {
        let children = children();
        let unkillable = children
            .iter()
            .filter(|child| !system::kill(**child))
            .count();
        if unkillable > 0 && unkillable == children.len() {
            // They belong to another user by now (`sudo`), and would be waited for for ever.
            return worker_ended;
        }
        // One that was killed ends, if not at once; waiting for it leaves the processor to it.
        let mut reaped = system::wait_and_reap();
        while let Ok(Reaped::One(pid, ended)) = reaped {
            if pid == worker {
                worker_ended = Some(ended);
            }
            reaped = system::reap();
        }
        match reaped {
            Ok(Reaped::AllLive | Reaped::One(..)) => {}
            Ok(Reaped::NoChildren) | Err(_) => return worker_ended,
        }
    }
}

/// Lists the children of this process.
fn children() -> Vec<Pid> {
    let own = system::own_pid();
    match fs::read_to_string(format!("/proc/self/task/{own}/children")) {
        Ok(list) => pids(&list).collect(),
        // A kernel built without the list.
        Err(_) => children_by_search(own),
    }
}

/// Lists the children of any process, whichever of its threads started them.
pub(super) fn children_of(parent: Pid) -> Vec<Pid> {
    if !Path::new("/proc/thread-self/children").exists() {
        return children_by_search(parent);
    }
    let Ok(threads) = fs::read_dir(format!("/proc/{parent}/task")) else {
        // It has just ended.
        return Vec::new();
    };
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok());
    lists
        .flat_map(|list| pids(&list).collect::<Vec<_>>())
        .collect()
}

fn pids(list: &str) -> impl Iterator<Item = Pid> {
    list.split_ascii_whitespace()
        .filter_map(|pid| pid.parse().ok())
}

/// Finds the children of a process among all processes.
fn children_by_search(parent: Pid) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| parent_of(*pid) == Some(parent))
        .collect()
}

fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // `PID (NAME) STATE PARENT …`, where the name may hold anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test needs a child to find")]
    fn a_child_is_found_with_and_without_the_kernels_list() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid = Pid::try_from(child.id()).unwrap();
        assert!(children_by_search(system::own_pid()).contains(&pid));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!children_by_search(system::own_pid()).contains(&pid));
    }
}
