//! Processes that have escaped from under a runner.
//!
//! On Linux this process adopts them (`PR_SET_CHILD_SUBREAPER`), so they are found among its children. Elsewhere the
//! runner's process group is all there is to go by.

#[cfg(target_os = "linux")]
pub(super) use linux::{adopt, kill};

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::{adopt, kill};

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::collections::HashSet;

    pub(in super::super) fn adopt() {}

    pub(in super::super) fn kill(_known: &HashSet<u32>, _opened: &str) {}
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashSet;
    use std::fs;
    use std::os::fd::AsFd as _;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::process::{
        Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, getpid, pidfd_open, pidfd_send_signal,
        set_child_subreaper, waitid,
    };

    /// How often the search is repeated: what an orphan leaves behind becomes an orphan in turn.
    const ROUNDS: usize = 16;

    /// Makes this process the parent of orphaned descendants.
    pub(in super::super) fn adopt() {
        if let Err(error) = set_child_subreaper(Some(getpid())) {
            tracing::warn!(%error, "what plugins leave behind cannot be adopted");
        }
    }

    /// Kills and reaps every child of this process that is not `known`, and does not have the variable `opened`.
    pub(in super::super) fn kill(known: &HashSet<u32>, opened: &str) {
        for _ in 0..ROUNDS {
            let orphans: Vec<Pid> = children()
                .into_iter()
                .filter(|pid| !known.contains(&pid.as_raw_nonzero().get().unsigned_abs()))
                .filter(|pid| !has_variable(*pid, opened))
                .collect();
            if orphans.is_empty() {
                return;
            }
            for orphan in orphans {
                kill_one(orphan);
            }
        }
        tracing::warn!("plugins leave processes behind faster than they can be killed");
    }

    /// Kills one child. Its number stays its own until it is reaped here, so that nobody else is hit.
    fn kill_one(pid: Pid) {
        let ended = pidfd_open(pid, PidfdFlags::empty()).and_then(|handle| {
            pidfd_send_signal(handle.as_fd(), Signal::KILL)?;
            let mut polled = [PollFd::new(&handle, PollFlags::IN)];
            let second = Timespec {
                tv_sec: 1,
                tv_nsec: 0,
            };
            poll(&mut polled, Some(&second))?;
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            waitid(WaitId::PidFd(handle.as_fd()), options).map(drop)
        });
        match ended {
            Ok(()) => tracing::info!(
                pid = pid.as_raw_nonzero().get(),
                "killed what a plugin left behind"
            ),
            Err(error) => {
                tracing::warn!(pid = pid.as_raw_nonzero().get(), %error, "could not kill what a plugin left behind");
            }
        }
    }

    /// Tells whether a process was started with this variable.
    fn has_variable(pid: Pid, variable: &str) -> bool {
        let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()));
        environment.is_ok_and(|environment| {
            let mut variables = environment.split(|byte| *byte == 0);
            variables.any(|found| found == variable.as_bytes())
        })
    }

    /// Returns the children of this process, whichever of its threads started or adopted them.
    fn children() -> Vec<Pid> {
        let Ok(tasks) = fs::read_dir("/proc/self/task") else {
            return Vec::new();
        };
        let lists =
            tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok());
        lists
            .flat_map(|list| {
                let pids = list.split_whitespace().filter_map(|pid| pid.parse().ok());
                pids.filter_map(Pid::from_raw).collect::<Vec<_>>()
            })
            .collect()
    }
}
