//! The worker: becomes the plugin.

use std::io;
use std::process::ExitCode;

use callboard_protocol::{Failure, FailureKind};

use crate::plugin_folder::{Plugin, Start};
use crate::system::{self, Pid, Signals};
use crate::{library, program};

/// Runs the plugin in this process, which is the child of `guard`.
pub(crate) fn run(plugin: &Plugin, guard: Pid) -> Result<ExitCode, Failure> {
    prepare(guard).map_err(|error| {
        let message = format!("could not prepare a process for `{}`", plugin.id);
        Failure::new(FailureKind::Internal, message).caused_by(&error)
    })?;
    match &plugin.start {
        Start::Library(file) => library::run(plugin, file),
        Start::Program { words, python_path } => {
            Err(program::exec(plugin, words, python_path.as_deref()))
        }
    }
}

fn prepare(guard: Pid) -> io::Result<()> {
    Signals::unblock_all();
    system::die_with_parent()?;
    if system::parent_pid() != guard {
        // The guard died before the line above could take effect.
        return Err(io::Error::other("the guard is gone"));
    }
    system::close_others(&[])
}
