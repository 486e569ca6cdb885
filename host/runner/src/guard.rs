//! The guard: outlives the plugin, counts what it takes, and takes every process of it along.

mod descendants;
mod tally;

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use callboard_protocol::{Failure, FailureKind};

use crate::arguments::Arguments;
use crate::births::{self, Births};
use crate::breach::Breach;
use crate::plugin_folder::Plugin;
use crate::system::{self, Ended, Forked, Pid, Reaped, Signals, Woken};
use crate::temporary::Temporary;
use crate::worker;
use tally::Tally;

/// The descriptor that the lifeline has where none is named.
const USUAL_LIFELINE: RawFd = 3;

/// How often a plugin that runs is looked at, and one that rests.
const RUNNING: Duration = Duration::from_millis(100);
const RESTING: Duration = Duration::from_millis(250);

/// Runs a plugin in a worker, and ends as it ended.
///
/// Returns in both processes: in the worker when the plugin has ended, in the guard when every process of the plugin has.
pub(crate) fn run(plugin: &Plugin, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let cannot = |error: io::Error| {
        let message = format!("could not start a process for `{}`", plugin.id);
        Failure::new(FailureKind::Internal, message).caused_by(&error)
    };
    let threads = system::thread_count().map_err(cannot)?;
    if threads != 1 {
        let message = format!("the runner was called with {threads} threads running");
        return Err(Failure::new(FailureKind::Internal, message));
    }
    let lifeline = match arguments.lifeline {
        Some(descriptor) => Some(system::inherited(descriptor).map_err(cannot)?),
        None => system::inherited_pipe(USUAL_LIFELINE),
    };
    let report = arguments.report.map(system::inherited).transpose();
    let report = report.map_err(cannot)?.map(File::from);
    system::leave_session();
    system::adopt_orphans().map_err(cannot)?;
    system::forbid_dumps().map_err(cannot)?;
    let temporary = Temporary::make().map_err(cannot)?;
    let signals = Signals::block().map_err(cannot)?;
    let (announcer, births) = births::pair().map_err(cannot)?;
    let guard = system::own_pid();
    match system::fork().map_err(cannot)? {
        Forked::Child => {
            // What belongs to the guard is closed by number with everything else.
            std::mem::forget((signals, lifeline, report, births));
            let result = worker::run(plugin, arguments, guard, announcer, temporary.path());
            std::mem::forget(temporary);
            result
        }
        Forked::Parent { child } => {
            drop(announcer);
            let watch = Watch {
                worker: child,
                signals,
                lifeline,
                births,
                tally: Tally::new(&arguments.limits),
            };
            Ok(guard_worker(watch, report, temporary))
        }
    }
}

fn guard_worker(mut watch: Watch, report: Option<File>, temporary: Temporary) -> ExitCode {
    let watched = watch.run(report.as_ref(), temporary.lock());
    // Whatever woke the guard, even a failure of its own: no process of the plugin stays.
    let ended = descendants::kill_all(watch.worker);
    drop(temporary);
    let ended = match watched {
        Ok(End::Worker(ended)) => ended.into(),
        Ok(End::Breach(breach)) => {
            // Where nobody reads the report, the signal alone tells.
            report.map(|mut report| report.write_all(breach.line().as_bytes()));
            ended
        }
        Ok(End::Asked) | Err(_) => ended,
    };
    match ended {
        Some(Ended::Exited(code)) => ExitCode::from(code),
        Some(Ended::Signalled(signal)) => {
            system::die_by(signal);
            ExitCode::FAILURE
        }
        None => ExitCode::FAILURE,
    }
}

/// Why a guard stops watching.
enum End {
    /// The worker has ended.
    Worker(Ended),
    /// The plugin took too much.
    Breach(Breach),
    /// The host has ended, or somebody asks the guard to end.
    Asked,
}

/// What a guard watches.
struct Watch {
    worker: Pid,
    signals: Signals,
    lifeline: Option<OwnedFd>,
    births: Births,
    tally: Tally,
}

impl Watch {
    fn run(&mut self, report: Option<&File>, lock: &File) -> io::Result<End> {
        let lifeline = self.lifeline.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let mut keep = vec![self.signals.as_raw_fd(), self.births.as_raw_fd(), lifeline];
        keep.push(lock.as_raw_fd());
        keep.extend(report.map(AsRawFd::as_raw_fd));
        system::close_others(&keep)?;
        system::let_go_of_stdio()?;
        let mut next_look = Instant::now() + RUNNING;
        loop {
            let time = next_look.saturating_duration_since(Instant::now());
            if time.is_zero() {
                match self.look() {
                    Ok(pause) => next_look = Instant::now() + pause,
                    Err(breach) => return Ok(End::Breach(breach)),
                }
                continue;
            }
            match system::wait_for(lifeline, &self.signals, self.births.as_raw_fd(), time)? {
                Woken::Lifeline => return Ok(End::Asked),
                Woken::Signal => {
                    if !self.signals.take()? {
                        return Ok(End::Asked);
                    }
                    if let Some(ended) = self.reap()? {
                        return Ok(End::Worker(ended));
                    }
                }
                Woken::Birth => {
                    let Some(birth) = self.births.take() else {
                        continue;
                    };
                    // One that is not let happen keeps who asked for it waiting, until it is killed with all others.
                    match self.tally.birth() {
                        Ok(()) => birth.allow(),
                        Err(breach) => return Ok(End::Breach(breach)),
                    }
                }
                Woken::Time => {}
            }
        }
    }

    /// Reaps what has ended, and returns how the worker did if it is among that.
    fn reap(&self) -> io::Result<Option<Ended>> {
        while let Reaped::One(pid, ended) = system::reap()? {
            if pid == self.worker {
                return Ok(Some(ended));
            }
        }
        Ok(None)
    }

    /// Looks at what the plugin takes, and returns when to look again.
    fn look(&mut self) -> Result<Duration, Breach> {
        if self.lifeline.as_ref().is_some_and(system::was_written_to) {
            self.tally.begin_turn();
        }
        let has_run = self.tally.look()?;
        Ok(if has_run { RUNNING } else { RESTING })
    }
}
