//! A plugin that is a program.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use callboard_protocol::{Failure, FailureKind};

use crate::confine::locate;
use crate::environment::{PLUGIN_DIR, TEMPORARY, without_withheld};
use crate::plugin_folder::Plugin;

const PYTHON_PATH: &str = "PYTHONPATH";

/// Where the system looks for programs where nobody says so.
pub(crate) const USUAL_SEARCH: &str = "/bin:/usr/bin";

/// Puts the program in this process's place. Returns only when that cannot be.
#[expect(
    clippy::disallowed_methods,
    reason = "the worker is the one place where a plugin's program starts, in an environment made here"
)]
pub(crate) fn exec(
    plugin: &Plugin,
    words: &[String],
    python_path: Option<&Path>,
    temporary: &Path,
) -> Failure {
    let Some((program, arguments)) = words.split_first() else {
        return Failure::invalid("`run.program` names no program");
    };
    let search = env::var_os("PATH").unwrap_or_else(|| USUAL_SEARCH.into());
    let found = locate(OsStr::new(program), &plugin.folder, &search);
    let mut command = Command::new(found.unwrap_or_else(|| program.into()));
    command
        .args(arguments)
        .current_dir(&plugin.folder)
        .env_clear();
    if plugin.connect.is_some() {
        // Its `FTRACK_…` are the door's, given by who started this.
        command.envs(env::vars_os());
    } else {
        command.envs(without_withheld(env::vars_os()));
    }
    command
        .env(PLUGIN_DIR, &plugin.folder)
        .envs(TEMPORARY.map(|name| (name, temporary)));
    if let Some(path) = python_path {
        command.env(PYTHON_PATH, joined(path, env::var_os(PYTHON_PATH)));
    }
    let error = command.exec();
    let message = format!("could not start the program `{program}` of `{}`", plugin.id);
    Failure::new(FailureKind::Plugin, message)
        .hint("install it, or make it executable")
        .caused_by(&error)
}

/// Puts a folder before those of a search path.
fn joined(first: &Path, rest: Option<OsString>) -> OsString {
    let mut joined = first.as_os_str().to_owned();
    if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
        joined.push(":");
        joined.push(rest);
    }
    joined
}
