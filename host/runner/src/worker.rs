//! The worker: becomes the plugin.

use std::env;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use callboard_protocol::{Failure, FailureKind};

use crate::arguments::Arguments;
use crate::births::Announcer;
use crate::confine::{self, Surroundings};
use crate::plugin_folder::{Plugin, Start};
use crate::system::{self, Pid, Signals};
use crate::{library, program};

/// Runs the plugin in this process, which is the child of `guard`.
pub(crate) fn run(
    plugin: &Plugin,
    arguments: &Arguments,
    guard: Pid,
    announcer: Announcer,
    temporary: &Path,
) -> Result<ExitCode, Failure> {
    prepare(guard, announcer, arguments).map_err(|error| {
        let message = format!("could not prepare a process for `{}`", plugin.id);
        Failure::new(FailureKind::Internal, message).caused_by(&error)
    })?;
    confine::confine(plugin, &surroundings(arguments, temporary))?;
    match &plugin.start {
        Start::Library(file) => library::run(plugin, file, temporary),
        Start::Program { words, python_path } => Err(program::exec(
            plugin,
            words,
            python_path.as_deref(),
            temporary,
        )),
    }
}

fn prepare(guard: Pid, announcer: Announcer, arguments: &Arguments) -> io::Result<()> {
    Signals::unblock_all();
    system::die_with_parent()?;
    if system::parent_pid() != guard {
        // The guard died before the line above could take effect.
        return Err(io::Error::other("the guard is gone"));
    }
    system::close_others(&[announcer.as_raw_fd()])?;
    system::offer_to_memory_killer();
    if let Some(files) = arguments.limits.open_files {
        system::limit_open_files(files)?;
    }
    announcer.announce()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the worker is the plugin, and this is the plugin's environment"
)]
fn surroundings<'a>(arguments: &'a Arguments, temporary: &'a Path) -> Surroundings<'a> {
    Surroundings {
        temporary,
        files: arguments.files.as_deref(),
        private: &arguments.private,
        home: env::var_os("HOME").map(Into::into),
        modules: env::var_os("PYTHONPATH").unwrap_or_default(),
        search: env::var_os("PATH").unwrap_or_else(|| program::USUAL_SEARCH.into()),
    }
}
