//! What all processes of a plugin take together.

use std::fs;

use callboard_protocol::Limits;

use super::descendants;
use crate::breach::{Breach, Limit};
use crate::system::{self, Pid};

const KIB_PER_MIB: u64 = 1024;

/// What a plugin takes, seen beside what it may take.
pub(super) struct Tally {
    limits: Limits,
    /// Processor time in all, when it was looked at last.
    ticks: u64,
    /// Processor time in all, before the turn that runs.
    ticks_before_turn: u64,
    /// How many processes and threads there are at most: those that were counted, and those that were born since.
    tasks: u64,
}

/// What one look around found.
#[derive(Debug, Default)]
struct Taken {
    processes: Vec<Pid>,
    memory_kib: u64,
    ticks: u64,
    tasks: u64,
    /// Of the one process that has most of them.
    open_files: u64,
}

impl Tally {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            ticks: 0,
            ticks_before_turn: 0,
            tasks: 1,
        }
    }

    /// A turn began since the last look around: what was taken before does not count.
    pub(super) fn begin_turn(&mut self) {
        self.ticks_before_turn = self.ticks;
    }

    /// Looks around; tells whether anything ran since the last time, or which limit was gone over.
    pub(super) fn look(&mut self) -> Result<bool, Breach> {
        let taken = Taken::look();
        let has_run = taken.ticks > self.ticks;
        self.ticks = taken.ticks;
        self.tasks = taken.tasks;
        if let Some(allowed) = self.limits.memory_mb {
            let allowed_kib = u64::from(allowed) * KIB_PER_MIB;
            if taken.memory_kib > allowed_kib && taken.shared_memory_kib() > allowed_kib {
                return Err(breach(Limit::MemoryMb, allowed));
            }
        }
        if let Some(allowed) = self.limits.processes
            && taken.tasks > allowed.into()
        {
            return Err(breach(Limit::Processes, allowed));
        }
        if let Some(allowed) = self.limits.cpu_secs {
            let ticks = self.ticks.saturating_sub(self.ticks_before_turn);
            if ticks / system::ticks_per_sec() >= allowed.into() {
                return Err(breach(Limit::CpuSecs, allowed));
            }
        }
        match self.limits.open_files {
            Some(allowed) if taken.open_files >= allowed.into() => {
                Err(breach(Limit::OpenFiles, allowed))
            }
            _ => Ok(has_run),
        }
    }

    /// Counts one birth more; tells which limit that would go over.
    pub(super) fn birth(&mut self) -> Result<(), Breach> {
        self.tasks += 1;
        match self.limits.processes {
            Some(allowed) if self.tasks > allowed.into() => {
                // Some may have ended since they were counted; the one to be born is not among them.
                self.tasks = Taken::look().tasks + 1;
                if self.tasks > allowed.into() {
                    return Err(breach(Limit::Processes, allowed));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn breach(limit: Limit, allowed: u32) -> Breach {
    Breach { limit, allowed }
}

impl Taken {
    fn look() -> Self {
        let mut taken = Self {
            // Of those that have ended, and that this process has waited for.
            ticks: stat("self").map_or(0, |stat| stat.ticks_of_ended),
            ..Self::default()
        };
        let mut next = descendants::children_of(system::own_pid());
        while let Some(pid) = next.pop() {
            // One that has just ended takes nothing.
            let Some(stat) = stat(&pid.to_string()) else {
                continue;
            };
            taken.ticks += stat.ticks + stat.ticks_of_ended;
            taken.tasks += stat.threads;
            taken.memory_kib += resident_kib(pid);
            taken.open_files = taken.open_files.max(open_files(pid));
            taken.processes.push(pid);
            next.extend(descendants::children_of(pid));
        }
        taken
    }

    /// Counts memory that several processes share once. Slower, and not allowed of every process.
    fn shared_memory_kib(&self) -> u64 {
        let each = self.processes.iter().map(|pid| {
            let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"));
            match text {
                Ok(text) => field(&text, "Pss_Anon:") + field(&text, "Pss_Shmem:"),
                Err(_) => resident_kib(*pid),
            }
        });
        each.sum()
    }
}

struct Stat {
    ticks: u64,
    ticks_of_ended: u64,
    threads: u64,
}

fn stat(process: &str) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // `PID (NAME) STATE …`, where the name may hold anything.
    let (_, after_name) = text.rsplit_once(") ")?;
    let words: Vec<&str> = after_name.split_ascii_whitespace().collect();
    let number = |index: usize| words.get(index)?.parse::<u64>().ok();
    Some(Stat {
        ticks: number(11)? + number(12)?,
        ticks_of_ended: number(13)? + number(14)?,
        threads: number(17)?,
    })
}

/// Returns what a process holds in memory that is no file's.
fn resident_kib(pid: Pid) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    field(&text, "RssAnon:") + field(&text, "RssShmem:")
}

fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_ascii_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn open_files(pid: Pid) -> u64 {
    let folder = format!("/proc/{pid}/fd");
    // Since Linux 6.2 the folder's size is their number, for everybody to see.
    match fs::metadata(&folder).map(|folder| folder.len()) {
        Ok(count @ 1..) => count,
        _ => fs::read_dir(&folder).map_or(0, |entries| entries.count() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(limits: Limits, expected: Option<Limit>) {
        let breach = Tally::new(&limits).look().err();
        assert_eq!(breach.map(|breach| breach.limit), expected);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test needs a child to count")]
    fn what_a_child_takes_is_counted() {
        let mut child = std::process::Command::new("sleep")
            .arg("100")
            .spawn()
            .unwrap();
        let pid = Pid::try_from(child.id()).unwrap();
        assert!(resident_kib(pid) > 0 && open_files(pid) >= 3);
        check(Limits::default(), None);
        let one = Limits {
            processes: Some(1),
            ..Limits::default()
        };
        let mut tally = Tally::new(&one);
        assert_eq!(tally.birth(), Err(breach(Limit::Processes, 1)));
        let nothing = Some(0);
        for (limits, expected) in [
            (
                Limits {
                    memory_mb: nothing,
                    ..Limits::default()
                },
                Limit::MemoryMb,
            ),
            (
                Limits {
                    processes: nothing,
                    ..Limits::default()
                },
                Limit::Processes,
            ),
            (
                Limits {
                    cpu_secs: nothing,
                    ..Limits::default()
                },
                Limit::CpuSecs,
            ),
            (
                Limits {
                    open_files: Some(3),
                    ..Limits::default()
                },
                Limit::OpenFiles,
            ),
        ] {
            check(limits, Some(expected));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
