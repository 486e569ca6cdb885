//! Starts other programs. Nothing else in this crate does, so what a task runs can be read here.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// Variables of a person's own Callboard or ftrack, which no build or test may pick up.
const PERSONAL_VARIABLES: [&str; 7] = [
    "CALLBOARD_BUS",
    "CALLBOARD_HOME",
    "CALLBOARD_LOG",
    "CALLBOARD_PLUGIN_PATH",
    "FTRACK_API_KEY",
    "FTRACK_API_USER",
    "FTRACK_SERVER",
];

/// Returns a command for `program`, without the variables of a person's own Callboard.
#[expect(
    clippy::disallowed_methods,
    reason = "xtask is a program that runs programs, and does it here only"
)]
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for name in PERSONAL_VARIABLES {
        command.env_remove(name);
    }
    command
}

/// Returns a command for cargo in the folder `root`.
pub(crate) fn cargo<'a>(root: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = command("cargo");
    command.current_dir(root).args(arguments);
    command
}

/// Runs `command` as the stage `name`, and says on standard error that it begins and how long it took.
///
/// # Errors
///
/// When the program cannot be started or does not exit with 0; the message names the stage.
pub(crate) fn run(name: &str, command: &mut Command) -> Result<()> {
    say(&format!("==> {name}"));
    let began = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("stage `{name}` could not start: `{}`", spelled(command)))?;
    say(&format!("==> {name} took {}", spent(began)));
    if !status.success() {
        bail!("stage `{name}` failed ({status}): `{}`", spelled(command));
    }
    Ok(())
}

/// Returns whether `command` runs and exits with 0, with its output thrown away.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Returns what `command` wrote to standard output.
///
/// # Errors
///
/// When it cannot be started, does not exit with 0, or did not write UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("could not start `{}`", spelled(command)))?;
    if !output.status.success() {
        bail!(
            "`{}` failed ({}): {}",
            spelled(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` did not write UTF-8", spelled(command)))
}

/// Returns where `program` lies, looking through `PATH` as a shell does.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = variable("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

/// Returns the environment variable `name`.
#[expect(
    clippy::disallowed_methods,
    reason = "xtask reads its own environment, and does it here only"
)]
pub(crate) fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

/// Writes one line to standard error, where cargo writes too, so that standard output stays the program's.
pub(crate) fn say(line: &str) {
    // A closed standard error is no reason to stop a build.
    writeln!(std::io::stderr().lock(), "{line}").ok();
}

/// Returns how long ago `began` was, as a person says it.
pub(crate) fn spent(began: Instant) -> String {
    let secs = began.elapsed().as_secs();
    if secs < 60 {
        format!("{secs} s")
    } else {
        format!("{} min {} s", secs / 60, secs % 60)
    }
}

fn spelled(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(OsStr::to_string_lossy));
    words.join(" ")
}
