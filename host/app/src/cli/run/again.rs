//! A host that was asked to start again: the same program, with the same arguments.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};

/// The argument that a person gave for one start only.
const ONLY_ONCE: &str = "--safe";

/// Starts the program again. On Unix it stays the same process, so that whoever looks after it goes on doing so.
///
/// Everything that the host had open is closed before. Only a failure returns.
#[cfg(unix)]
pub(super) fn start_again() -> anyhow::Error {
    use std::os::unix::process::CommandExt as _;
    match command() {
        Ok(mut command) => anyhow!(command.exec()).context("could not start again"),
        Err(error) => error,
    }
}

/// Starts the program again, as another process. Written for Windows and not tried there.
#[cfg(not(unix))]
pub(super) fn start_again() -> anyhow::Error {
    match command().and_then(|mut command| Ok(command.spawn()?)) {
        Ok(_) => std::process::exit(0),
        Err(error) => error.context("could not start again"),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "no host and no supervisor is left that could start it"
)]
fn command() -> anyhow::Result<std::process::Command> {
    let program = std::env::current_exe().context("could not find this program's own file")?;
    let mut command = std::process::Command::new(in_its_place(program));
    command.args(
        std::env::args_os()
            .skip(1)
            .filter(|argument| argument != ONLY_ONCE),
    );
    Ok(command)
}

/// Returns the file that lies where the program's own lay: Linux says so of one that was replaced since the start.
fn in_its_place(program: PathBuf) -> PathBuf {
    let replaced = program
        .to_str()
        .and_then(|path| path.strip_suffix(" (deleted)"));
    match replaced {
        Some(path) if !program.exists() => PathBuf::from(path),
        _ => program,
    }
}
