//! The process that a plugin lives in.
//!
//! `callboard runner PLUGIN_FOLDER` is two processes: a *guard*, which outlives the plugin and takes every process of it along when it ends, and the *worker*, which is the plugin.
//! This crate must never know ftrack, surfaces or what a message means.
//!
//! Read first: [`main`] (the process), [`command`] (how the supervisor starts it) and [`Lifeline`] (how the supervisor, alive or dead, ends it).
//!
//! Built and tested on Linux. On macOS, `guard` needs `kqueue` and a process group for what Linux has subreapers and parent-death signals for; on Windows a job object does all of it. Until somebody writes and runs these, the runner refuses to start there.

mod arguments;
#[cfg(target_os = "linux")]
mod births;
mod breach;
mod command;
#[cfg(target_os = "linux")]
mod confine;
mod environment;
#[cfg(target_os = "linux")]
mod guard;
#[cfg(target_os = "linux")]
mod library;
mod plugin_folder;
#[cfg(target_os = "linux")]
mod program;
mod refusal;
mod self_test;
#[cfg(target_os = "linux")]
mod system;
#[cfg(target_os = "linux")]
mod temporary;
#[cfg(target_os = "linux")]
mod worker;

use std::ffi::OsString;
use std::process::ExitCode;

use arguments::Arguments;
use callboard_protocol::Failure;

pub use breach::{Breach, Limit};
pub use command::{ConnectChild, Lifeline, Report, Runner, command};
pub use self_test::{close_this_process, isolation};
#[cfg(target_os = "linux")]
pub use temporary::remove_abandoned_folders;

/// Runs the plugin that `arguments` name: `PLUGIN_FOLDER [--library-path DIR] [--python-path DIR] [--private DIR]… [--lifeline FD] [--report FD]` and limits; for a folder of ftrack Connect's also `--connect ID --python FILE [--door-port PORT] [--permission PERMISSION]… [--windows] -- WORD…`.
///
/// Must be called before the process starts a thread, with stdin and stdout connected to the host.
/// A plugin that cannot be started says so in the place of its hello.
/// Ends as the plugin ended: with its exit code, or by the same signal.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match run(arguments) {
        Ok(code) => code,
        Err(failure) => refusal::refuse(failure),
    }
}

fn run(arguments: impl IntoIterator<Item = OsString>) -> Result<ExitCode, Failure> {
    let arguments = Arguments::parse(arguments)?;
    let plugin = plugin_folder::read(&arguments)?;
    #[cfg(target_os = "linux")]
    return guard::run(&plugin, &arguments);
    #[cfg(not(target_os = "linux"))]
    Err(refusal::unsupported(&plugin))
}
