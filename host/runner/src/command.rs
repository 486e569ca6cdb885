//! How the supervisor starts a runner, and how it ends one.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Command;

use crate::environment::without_withheld;

/// A runner to be started.
#[derive(Clone, Copy, Debug)]
pub struct Runner<'a> {
    /// The executable whose `runner` mode is [`main`](crate::main()).
    pub executable: &'a Path,
    /// The plugin's folder.
    pub folder: &'a Path,
    /// Where libraries are looked for that are not in the plugin's folder.
    pub library_path: Option<&'a Path>,
    /// Where Python finds the SDK.
    pub python_path: Option<&'a Path>,
}

/// What a runner hangs on. When it is dropped, or the process that holds it dies in whatever way, every process of the plugin is killed.
///
/// It does not depend on the thread that started the runner, as a parent-death signal would.
#[derive(Debug)]
pub struct Lifeline {
    _writer: io::PipeWriter,
}

/// Makes the command that starts a runner, and the lifeline that it hangs on.
///
/// `environment` is the person's; the host's own variables are withheld from it.
/// The caller pipes stdin, stdout and stderr, spawns, and drops the command. To end the plugin gently, close its stdin; to end it at once, drop the lifeline, and wait.
/// Killing the runner itself would leave behind what the plugin started.
///
/// # Errors
///
/// No pipe could be made.
#[cfg(unix)]
pub fn command(
    runner: &Runner<'_>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> io::Result<(Command, Lifeline)> {
    use std::os::fd::AsRawFd;
    use std::os::unix::process::CommandExt;

    let (reader, writer) = io::pipe()?;
    let lifeline = reader.as_raw_fd();
    let mut command = plain_command(runner, environment);
    command.arg("--lifeline").arg(lifeline.to_string());
    let inherit = move || {
        // The command owns the reader, so that its number is still its own when the child comes to be.
        let lifeline = reader.as_raw_fd();
        // SAFETY: fcntl takes any number and is safe to call between fork and exec.
        #[expect(
            unsafe_code,
            reason = "the standard library inherits no descriptor by itself"
        )]
        let inherited = unsafe { libc::fcntl(lifeline, libc::F_SETFD, 0) };
        if inherited < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    };
    // SAFETY: the closure does nothing but one call that is safe between fork and exec.
    #[expect(
        unsafe_code,
        reason = "the standard library inherits no descriptor by itself"
    )]
    unsafe {
        command.pre_exec(inherit);
    }
    Ok((command, Lifeline { _writer: writer }))
}

/// Makes the command that starts a runner. Untested: nothing hangs on the lifeline here yet.
///
/// # Errors
///
/// No pipe could be made.
#[cfg(not(unix))]
pub fn command(
    runner: &Runner<'_>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> io::Result<(Command, Lifeline)> {
    let (_, writer) = io::pipe()?;
    Ok((
        plain_command(runner, environment),
        Lifeline { _writer: writer },
    ))
}

#[expect(
    clippy::disallowed_methods,
    reason = "made here for the supervisor, which is the one that spawns it"
)]
fn plain_command(
    runner: &Runner<'_>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Command {
    let mut command = Command::new(runner.executable);
    command
        .env_clear()
        .envs(without_withheld(environment))
        .arg("runner")
        .arg(runner.folder);
    for (option, path) in [
        ("--library-path", runner.library_path),
        ("--python-path", runner.python_path),
    ] {
        if let Some(path) = path {
            command.arg(option).arg(path);
        }
    }
    command
}
