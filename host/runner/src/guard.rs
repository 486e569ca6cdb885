//! The guard: outlives the plugin, and takes every process of it along.

mod descendants;

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::process::ExitCode;

use callboard_protocol::{Failure, FailureKind};

use crate::plugin_folder::Plugin;
use crate::system::{self, Ended, Forked, Pid, Reaped, Signals, Woken};
use crate::worker;

/// The descriptor that the lifeline has where none is named.
const USUAL_LIFELINE: RawFd = 3;

/// Runs a plugin in a worker, and ends as it ended.
///
/// Returns in both processes: in the worker when the plugin has ended, in the guard when every process of the plugin has.
pub(crate) fn run(plugin: &Plugin, lifeline: Option<i32>) -> Result<ExitCode, Failure> {
    let cannot = |error: io::Error| {
        let message = format!("could not start a process for `{}`", plugin.id);
        Failure::new(FailureKind::Internal, message).caused_by(&error)
    };
    let threads = system::thread_count().map_err(cannot)?;
    if threads != 1 {
        let message = format!("the runner was called with {threads} threads running");
        return Err(Failure::new(FailureKind::Internal, message));
    }
    let lifeline = match lifeline {
        Some(descriptor) => Some(system::inherited(descriptor).map_err(cannot)?),
        None => system::inherited_pipe(USUAL_LIFELINE),
    };
    system::leave_session();
    system::adopt_orphans().map_err(cannot)?;
    system::forbid_dumps().map_err(cannot)?;
    let signals = Signals::block().map_err(cannot)?;
    let guard = system::own_pid();
    match system::fork().map_err(cannot)? {
        Forked::Child => {
            // What belongs to the guard is closed by number with everything else.
            std::mem::forget((signals, lifeline));
            worker::run(plugin, guard)
        }
        Forked::Parent { child } => Ok(guard_worker(child, signals, lifeline)),
    }
}

fn guard_worker(worker: Pid, mut signals: Signals, lifeline: Option<OwnedFd>) -> ExitCode {
    let watched = watch(worker, &mut signals, lifeline.as_ref());
    let ended_alone = watched.unwrap_or(None);
    // Whatever woke the guard, even a failure of its own: no process of the plugin stays.
    let ended = descendants::kill_all(worker).or(ended_alone);
    match ended {
        Some(Ended::Exited(code)) => ExitCode::from(code),
        Some(Ended::Signalled(signal)) => {
            system::die_by(signal);
            ExitCode::FAILURE
        }
        None => ExitCode::FAILURE,
    }
}

/// Waits until the worker has ended, or the host has, or somebody asks the guard to end.
fn watch(
    worker: Pid,
    signals: &mut Signals,
    lifeline: Option<&OwnedFd>,
) -> io::Result<Option<Ended>> {
    let mut keep = vec![signals.as_raw_fd()];
    keep.extend(lifeline.map(AsRawFd::as_raw_fd));
    system::close_others(&keep)?;
    system::let_go_of_stdio()?;
    loop {
        if system::wait_for(signals, lifeline)? == Woken::ByLifeline || !signals.take()? {
            return Ok(None);
        }
        while let Reaped::One(pid, ended) = system::reap()? {
            if pid == worker {
                return Ok(Some(ended));
            }
        }
    }
}
