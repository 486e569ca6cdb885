//! Runs the built `callboard`, and leaves nothing of it behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, mpsc};
use std::thread::Builder;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use rustix::process::Signal;
use serde::Deserialize;

use crate::bus::BusClient;
use crate::command_line::CommandResult;
use crate::home::Home;
use crate::process;
use crate::program::{program, variable};
use crate::python::python;
use crate::tray::SessionBus;
use crate::unprivileged::Person;
use crate::wait::wait_until;

/// How long the program may take until its first line: it is a debug build on a busy machine.
const START: Duration = Duration::from_secs(60);

/// How long a command may take.
const COMMAND: Duration = Duration::from_secs(120);

/// The line that `--json` prints when the program is ready.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ready {
    /// The ftrack server's address.
    pub server: String,
    /// The address of the sandbox's page.
    pub page: String,
    /// The user who is signed in.
    pub user: String,
    /// The user's key; sandbox and demo only.
    pub api_key: String,
    /// What the sandbox wants to hear before it obeys a test; sandbox only.
    pub control_token: String,
    /// The local bus's socket.
    pub bus: PathBuf,
    /// The process id.
    pub pid: u32,
}

/// How to start the program.
#[derive(Debug)]
pub struct HostBuilder {
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    home: Option<Arc<Home>>,
    plugins: Vec<String>,
    settings: Option<String>,
    wrapper: Vec<String>,
    person: Person,
}

/// A running `callboard`. When it is dropped, it and everything that it started is killed.
#[derive(Debug)]
pub struct HostRunner {
    /// What it said when it was ready.
    pub ready: Ready,
    child: Child,
    environment: BTreeMap<String, String>,
    family: BTreeSet<u32>,
    home: Arc<Home>,
    person: Person,
}

impl HostRunner {
    /// Prepares `callboard demo`: the sandbox with the demo project, and a host that is signed in to it.
    pub fn demo() -> HostBuilder {
        HostBuilder::with_arguments(&["demo", "--headless", "--json"])
    }

    /// Prepares `callboard sandbox` with the demo project on a free port.
    pub fn sandbox() -> HostBuilder {
        Self::sandbox_at("127.0.0.1:0")
    }

    /// Prepares `callboard sandbox` with the demo project at this address.
    pub fn sandbox_at(address: &str) -> HostBuilder {
        HostBuilder::with_arguments(&["sandbox", "--listen", address, "--seed", "demo", "--json"])
    }

    /// Prepares `callboard sandbox` with a further project of so many shots, each with three tasks.
    pub fn large_sandbox(shots: usize) -> HostBuilder {
        let scale = format!("shots={shots}");
        HostBuilder::with_arguments(&[
            "sandbox",
            "--listen",
            "127.0.0.1:0",
            "--seed",
            "demo",
            "--scale",
            &scale,
            "--json",
        ])
    }

    /// Prepares `callboard run` with no credentials but those that lie in its home or keyring.
    pub fn signed_out() -> HostBuilder {
        HostBuilder::with_arguments(&["run", "--headless", "--normal", "--json"])
    }

    /// Prepares `callboard run` as the user of a running sandbox.
    pub fn resident(server: &Ready) -> HostBuilder {
        // Tests kill hosts more often than a person would without looking for the reason.
        Self::signed_out()
            .environment("FTRACK_SERVER", &server.server)
            .environment("FTRACK_API_USER", &server.user)
            .environment("FTRACK_API_KEY", &server.api_key)
    }

    /// Returns the home, which a later host may be given to carry on in.
    pub fn home(&self) -> Arc<Home> {
        Arc::clone(&self.home)
    }

    /// Returns the program's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns a connection to the bus that may do everything, as the command line has.
    ///
    /// # Errors
    ///
    /// When the host does not answer.
    pub fn bus(&self) -> Result<BusClient> {
        BusClient::connect_as(self.person, &self.ready.bus, "cli", "cli")
    }

    /// Waits until the host has signed in to the server and its event hub, and returns a connection to the bus.
    ///
    /// # Errors
    ///
    /// When the host does not answer, or is not connected in time.
    pub fn connected_bus(&self) -> Result<BusClient> {
        let mut bus = self.bus()?;
        wait_until("the host is connected", START, || {
            match bus.request("status", serde_json::json!({})) {
                Ok(status) => (status["hub"]["state"] == "connected").then_some(Ok(())),
                Err(error) => Some(Err(error)),
            }
        })??;
        Ok(bus)
    }

    /// Returns a connection to the bus as an application such as Flame has.
    ///
    /// # Errors
    ///
    /// When the host does not answer.
    pub fn application_bus(&self) -> Result<BusClient> {
        BusClient::connect_as(self.person, &self.ready.bus, "dcc", "flame")
    }

    /// Runs a command, such as `callboard jobs list --json`, against this host.
    ///
    /// # Errors
    ///
    /// When it does not end in time. Its exit code is for the caller to judge.
    pub fn command(&self, arguments: &[&str]) -> Result<CommandResult> {
        self.command_with(arguments, "")
    }

    /// Runs a command that is given something on its standard input, such as a key.
    ///
    /// # Errors
    ///
    /// When it does not end in time. Its exit code is for the caller to judge.
    pub fn command_with(&self, arguments: &[&str], input: &str) -> Result<CommandResult> {
        let mut command = callboard(&self.home, &self.environment)?;
        self.person.run(&mut command)?;
        command.args(arguments);
        let finished = process::run_with(&mut command, input, COMMAND)?;
        Ok(CommandResult::from(finished))
    }

    /// Returns what the program has written to standard error so far.
    pub fn log(&self) -> String {
        read_log(&self.home)
    }

    /// Sends a signal to the program alone.
    ///
    /// # Errors
    ///
    /// When that is not allowed.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        process::signal(self.pid(), signal)
    }

    /// Asks the program to end, and returns how it ended.
    ///
    /// # Errors
    ///
    /// When it is still there at the deadline.
    pub fn stop(&mut self, deadline: Duration) -> Result<ExitStatus> {
        self.remember_family();
        self.signal(Signal::TERM)?;
        process::wait_for(&mut self.child, deadline)
    }

    /// Asks the program to end, and makes sure that it ends well and that nothing it started is left.
    ///
    /// # Errors
    ///
    /// When it ends with another code than 0, late, or leaves a process behind; the error holds what it wrote.
    pub fn finish(mut self) -> Result<()> {
        let ended = self.stop(crate::SOON)?;
        ensure!(
            ended.code() == Some(0),
            "`callboard` ended with {ended}:\n{}",
            self.log()
        );
        Self::wait_for_end_of(&self.family, Duration::from_secs(2)).context(self.log())
    }

    /// Kills the program as `kill -9` does, and returns the processes that it had started.
    ///
    /// # Errors
    ///
    /// When it cannot be waited for.
    pub fn kill(&mut self) -> Result<BTreeSet<u32>> {
        self.remember_family();
        process::end(&mut self.child)?;
        Ok(self.family.clone())
    }

    /// Waits until the program has ended by itself.
    ///
    /// # Errors
    ///
    /// When it is still there at the deadline.
    pub fn wait(&mut self, deadline: Duration) -> Result<ExitStatus> {
        process::wait_for(&mut self.child, deadline)
    }

    fn remember_family(&mut self) {
        self.family.extend(process::descendants(self.pid()));
        let home = self.home.path().as_os_str();
        // A plugin is not told where the host's folder is, but it keeps `HOME`, which is the same here.
        self.family.extend(process::with_environment("HOME", home));
        self.family.remove(&self.child.id());
    }
}

impl Drop for HostRunner {
    fn drop(&mut self) {
        self.remember_family();
        // It may have ended already, and a destructor has nobody to tell.
        process::end(&mut self.child).ok();
        for pid in &self.family {
            process::signal(*pid, Signal::KILL).ok();
        }
    }
}

impl HostBuilder {
    fn with_arguments(arguments: &[&str]) -> Self {
        Self {
            arguments: arguments.iter().map(ToString::to_string).collect(),
            environment: BTreeMap::new(),
            home: None,
            plugins: Vec::new(),
            settings: None,
            wrapper: Vec::new(),
            person: Person::Self_,
        }
    }

    /// Gives the host a plugin that comes with the program.
    #[must_use]
    pub fn plugin(mut self, id: &str) -> Self {
        self.plugins.push(id.to_owned());
        self
    }

    /// Starts the host in this home instead of a new one, with the plugins that are there.
    #[must_use]
    pub fn home(mut self, home: Arc<Home>) -> Self {
        self.home = Some(home);
        self
    }

    /// Sets further settings, as TOML; the section `plugins` is the home's.
    #[must_use]
    pub fn settings(mut self, text: &str) -> Self {
        self.settings = Some(text.to_owned());
        self
    }

    /// Sets a variable for the host and for commands that talk to it.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Takes an argument away.
    #[must_use]
    pub fn without(mut self, argument: &str) -> Self {
        self.arguments.retain(|given| given != argument);
        self
    }

    /// Runs the program as somebody without rights, where root runs the tests.
    #[must_use]
    pub fn unprivileged(mut self) -> Self {
        self.person = Person::unprivileged();
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Starts the program by another, such as `strace` with its arguments.
    ///
    /// The process that the runner knows is then that other one; the host's own is in [`Ready::pid`].
    #[must_use]
    pub fn under(mut self, words: &[&str]) -> Self {
        self.wrapper = words.iter().map(ToString::to_string).collect();
        self
    }

    /// Shows the tray on this desktop bus.
    #[must_use]
    pub fn tray(self, bus: &SessionBus) -> Self {
        self.tray_at(bus.address())
    }

    /// Shows the tray on the desktop bus with this address, which nobody may answer at.
    #[must_use]
    pub fn tray_at(mut self, address: &str) -> Self {
        self.arguments.retain(|argument| argument != "--headless");
        self.environment("DBUS_SESSION_BUS_ADDRESS", address)
    }

    /// Starts the program and waits until it says that it is ready.
    ///
    /// # Errors
    ///
    /// When it ends, or says nothing, before that; the error holds what it wrote.
    pub fn start(self) -> Result<HostRunner> {
        let home = match self.home {
            Some(home) => home,
            None => Arc::new(Home::empty()?),
        };
        for id in &self.plugins {
            home.add_bundled_plugin(id)?;
        }
        if let Some(settings) = &self.settings {
            home.write_settings(settings)?;
        }
        let log = File::options()
            .create(true)
            .append(true)
            .open(home.path().join("stderr.txt"))?;
        let mut command = callboard_under(&self.wrapper, &home, &self.environment)?;
        command
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        self.person.give(home.path())?;
        self.person.run(&mut command)?;
        let mut child = command.spawn().context("could not start `callboard`")?;
        let stdout = child.stdout.take().context("standard output is piped")?;
        // From here on, whatever goes wrong, the value's destructor ends the program.
        let mut runner = HostRunner {
            ready: Ready::default(),
            child,
            environment: self.environment,
            family: BTreeSet::new(),
            home,
            person: self.person,
        };
        let line = first_line(stdout)?.recv_timeout(START).map_err(|_| {
            anyhow!(
                "`callboard` did not say that it is ready:\n{}",
                runner.log()
            )
        })?;
        runner.ready = serde_json::from_str(&line)
            .with_context(|| format!("could not read the first line: `{line}`"))?;
        ensure!(
            runner.ready.pid != 0,
            "`callboard` did not start: {line}\n{}",
            runner.log()
        );
        Ok(runner)
    }
}

/// Runs a command of `callboard` in a home that no host needs to have.
///
/// # Errors
///
/// When it does not end in time. Its exit code is for the caller to judge.
pub fn callboard_in(
    home: &Home,
    environment: &[(&str, &str)],
    arguments: &[&str],
    input: &str,
) -> Result<CommandResult> {
    let given = environment.iter();
    let environment = given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut command = callboard(home, &environment.collect())?;
    command.args(arguments);
    let finished = process::run_with(&mut command, input, COMMAND)?;
    Ok(CommandResult::from(finished))
}

/// Returns a command for the program, with nothing of the person's own environment but the path.
fn callboard(home: &Home, environment: &BTreeMap<String, String>) -> Result<Command> {
    callboard_under(&[], home, environment)
}

/// Returns the same command, started by the program that `wrapper` names, where it names one.
fn callboard_under(
    wrapper: &[String],
    home: &Home,
    environment: &BTreeMap<String, String>,
) -> Result<Command> {
    let mut command = match wrapper.split_first() {
        None => process::command(program()?),
        Some((first, rest)) => {
            let mut command = process::command(first);
            command.args(rest).arg(program()?);
            command
        }
    };
    command
        .env_clear()
        .env("CALLBOARD_HOME", home.path())
        .env("HOME", home.path())
        .env("LANG", "C.UTF-8")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("RUST_BACKTRACE", "1")
        // Else the person's own bus would be found, and with it their tray and their keyring.
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .envs(environment);
    let mut path = Vec::new();
    // Python plugins find the tests' own Python first, where there is one.
    if let Some(folder) = python().ok().as_deref().and_then(std::path::Path::parent) {
        path.push(folder.to_path_buf());
    }
    if let Some(usual) = variable("PATH") {
        path.extend(std::env::split_paths(&usual));
    }
    command.env("PATH", std::env::join_paths(path)?);
    Ok(command)
}

/// Reads the first line on a thread of its own, which then reads on, so that the program never waits for a reader.
fn first_line(stdout: ChildStdout) -> Result<mpsc::Receiver<String>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    Builder::new()
        .name("callboard output".into())
        .spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Only the first line is wanted; the channel is full or gone for all others.
                sender.try_send(line).ok();
            }
        })?;
    Ok(receiver)
}

fn read_log(home: &Home) -> String {
    fs::read_to_string(home.path().join("stderr.txt")).unwrap_or_default()
}

impl HostRunner {
    /// Waits until none of `pids` runs any more.
    ///
    /// # Errors
    ///
    /// When one is still there at the deadline.
    pub fn wait_for_end_of(pids: &BTreeSet<u32>, deadline: Duration) -> Result<()> {
        wait_until(
            "every process that the host started is gone",
            deadline,
            || {
                pids.iter()
                    .all(|pid| !process::is_alive(*pid))
                    .then_some(())
            },
        )
    }
}
