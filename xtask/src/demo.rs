//! `cargo xtask demo`: from a clean clone to a running demo.

use anyhow::Result;

use crate::stage;
use crate::tool;
use crate::workspace::{Profile, Workspace};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Use the release profile; comes before what is passed on.
    #[arg(long)]
    release: bool,
    /// Passed on to `callboard demo`, for example `--headless --json`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    passed_on: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let profile = Profile::from_release_flag(arguments.release);
    stage::build(workspace, profile)?;
    stage::stage(workspace, profile)?;
    let mut command = tool::command(workspace.program(profile));
    command.arg("demo").args(&arguments.passed_on);
    become_program(&mut command)
}

/// Turns this process into the demo, so that Ctrl-C and SIGTERM reach it and its exit code is ours.
#[cfg(unix)]
fn become_program(command: &mut std::process::Command) -> Result<()> {
    use std::os::unix::process::CommandExt;

    tool::say("==> demo");
    let error = command.exec();
    Err(anyhow::Error::new(error).context("could not start the demo"))
}

#[cfg(not(unix))]
fn become_program(command: &mut std::process::Command) -> Result<()> {
    tool::run("demo", command)
}
