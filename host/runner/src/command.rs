//! How the supervisor starts a runner, and how it ends one.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use callboard_protocol::{Limits, Permission, PluginId};

use crate::breach::Breach;
use crate::environment::without_withheld;

/// A runner to be started.
#[derive(Clone, Debug)]
pub struct Runner<'a> {
    /// The executable whose `runner` mode is [`main`](crate::main()).
    pub executable: &'a Path,
    /// The plugin's folder.
    pub folder: &'a Path,
    /// Where libraries are looked for that are not in the plugin's folder.
    pub library_path: Option<&'a Path>,
    /// Where Python finds the SDK.
    pub python_path: Option<&'a Path>,
    /// The folder of the plugin's jobs, which it may read and write whatever else it may not.
    pub files: Option<&'a Path>,
    /// Folders that no plugin is given, whatever its manifest asks for: the host's own.
    pub private: &'a [PathBuf],
    /// What the plugin may take; the limits that a runner does not know of are passed over.
    pub limits: Limits,
    /// How the folder is run, where it is one of ftrack Connect's.
    pub connect: Option<&'a ConnectChild>,
}

/// How a folder of ftrack Connect's is run: by a Python that is told so, since the folder has no `plugin.toml` to say it.
#[derive(Clone, Debug, Default)]
pub struct ConnectChild {
    /// The plugin's id.
    pub plugin: PluginId,
    /// The interpreter.
    pub python: PathBuf,
    /// What the interpreter is told.
    pub words: Vec<String>,
    /// What the plugin may do.
    pub permissions: Vec<Permission>,
    /// The one port of 127.0.0.1 that it may connect to, where the kernel can hold it to one.
    pub door_port: u16,
    /// What it is given beside the person's environment; nothing of this is withheld.
    pub environment: Vec<(OsString, OsString)>,
    /// Whether it may show windows. That takes sockets that also lead to the person's other programs.
    pub windows: bool,
}

/// What a runner hangs on. When it is dropped, or the process that holds it dies in whatever way, every process of the plugin is killed.
///
/// It does not depend on the thread that started the runner, as a parent-death signal would.
#[derive(Debug)]
pub struct Lifeline {
    writer: io::PipeWriter,
}

impl Lifeline {
    /// Tells the guard that a turn begins: processor time is counted anew.
    pub fn begin_turn(&mut self) {
        // A guard that has not looked for so long that the pipe is full will count anew all the same.
        self.writer.write_all(b"t").ok();
    }
}

/// What the guard tells when it has ended the plugin for what it took.
#[derive(Debug)]
pub struct Report {
    reader: io::PipeReader,
}

impl Report {
    /// Returns what the plugin took too much of, if that is why it ended. The runner has ended, or this waits for it.
    pub fn breach(mut self) -> Option<Breach> {
        let mut line = String::new();
        // A guard that was killed has told nothing.
        self.reader.read_to_string(&mut line).ok()?;
        Breach::parse(&line)
    }
}

/// Makes the command that starts a runner, the lifeline that it hangs on, and what its guard reports by.
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
) -> io::Result<(Command, Lifeline, Report)> {
    use std::os::fd::AsRawFd;
    use std::os::unix::process::CommandExt;

    let (lifeline, writer) = io::pipe()?;
    let (reader, report) = io::pipe()?;
    set_flag(writer.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK)?;
    let mut command = plain_command(runner, environment);
    command
        .arg("--lifeline")
        .arg(lifeline.as_raw_fd().to_string())
        .arg("--report")
        .arg(report.as_raw_fd().to_string());
    add_connect(&mut command, runner.connect);
    let inherit = move || {
        // The command owns the two, so that their numbers are still their own when the child comes to be.
        set_flag(lifeline.as_raw_fd(), libc::F_SETFD, 0)?;
        set_flag(report.as_raw_fd(), libc::F_SETFD, 0)
    };
    // SAFETY: the closure does nothing but two calls that are safe between fork and exec.
    #[expect(
        unsafe_code,
        reason = "the standard library inherits no descriptor by itself"
    )]
    unsafe {
        command.pre_exec(inherit);
    }
    Ok((command, Lifeline { writer }, Report { reader }))
}

#[cfg(unix)]
#[expect(
    unsafe_code,
    reason = "the standard library inherits no descriptor by itself"
)]
fn set_flag(descriptor: std::os::fd::RawFd, which: i32, flag: i32) -> io::Result<()> {
    // SAFETY: fcntl takes any number and is safe to call between fork and exec.
    let result = unsafe { libc::fcntl(descriptor, which, flag) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Makes the command that starts a runner. Untested: nothing hangs on the lifeline here yet, and nothing is reported.
///
/// # Errors
///
/// No pipe could be made.
#[cfg(not(unix))]
pub fn command(
    runner: &Runner<'_>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> io::Result<(Command, Lifeline, Report)> {
    let (_, writer) = io::pipe()?;
    let (reader, _) = io::pipe()?;
    let mut command = plain_command(runner, environment);
    add_connect(&mut command, runner.connect);
    Ok((command, Lifeline { writer }, Report { reader }))
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
        ("--files", runner.files),
    ] {
        if let Some(path) = path {
            command.arg(option).arg(path);
        }
    }
    for folder in runner.private {
        command.arg("--private").arg(folder);
    }
    for (option, limit) in [
        ("--memory-mb", runner.limits.memory_mb),
        ("--cpu-secs", runner.limits.cpu_secs),
        ("--open-files", runner.limits.open_files),
        ("--processes", runner.limits.processes),
    ] {
        if let Some(limit) = limit {
            command.arg(option).arg(limit.to_string());
        }
    }
    command
}

/// Adds what a folder of ftrack Connect's needs. What the interpreter is told comes last.
fn add_connect(command: &mut Command, connect: Option<&ConnectChild>) {
    let Some(connect) = connect else { return };
    command.arg("--connect").arg(connect.plugin.as_str());
    command.arg("--python").arg(&connect.python);
    command
        .arg("--door-port")
        .arg(connect.door_port.to_string());
    for permission in &connect.permissions {
        command.arg("--permission").arg(permission.to_string());
    }
    if connect.windows {
        command.arg("--windows");
    }
    command.arg("--").args(&connect.words);
    command.envs(
        connect
            .environment
            .iter()
            .map(|(name, value)| (name, value)),
    );
}
