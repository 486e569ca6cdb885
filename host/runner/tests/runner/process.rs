//! A plugin's folder and its running process.
#![expect(clippy::disallowed_methods, reason = "the test is the supervisor here")]

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use callboard_protocol::{Limits, Message, PluginHello};
use callboard_wire::{Decoder, encode, parse_hello};
use runner::{ConnectChild, Lifeline, Report, Runner, command};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take here.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct Plugin {
    folder: TempDir,
    pub(crate) limits: Limits,
    pub(crate) private: Vec<PathBuf>,
}

impl Plugin {
    pub(crate) fn library(name: &str) -> Self {
        Self::new(&format!("run.library = {}", json!(name)))
    }

    pub(crate) fn program(words: &[&str]) -> Self {
        Self::new(&format!("run.program = {}", json!(words)))
    }

    fn new(run: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let manifest = format!("id = 'test'\nversion = '1.0.0'\n{run}\naction = []\n");
        std::fs::write(folder.path().join("plugin.toml"), manifest).unwrap();
        Self {
            folder,
            limits: Limits::default(),
            private: Vec::new(),
        }
    }

    /// Permits it something in its manifest.
    pub(crate) fn permitting(self, permissions: &[&str]) -> Self {
        let path = self.folder.path().join("plugin.toml");
        let manifest = std::fs::read_to_string(&path).unwrap();
        let permissions = json!(permissions);
        std::fs::write(path, format!("{manifest}permissions = {permissions}\n")).unwrap();
        self
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A folder of ftrack Connect's: hooks, and no manifest.
    pub(crate) fn connect() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("hook")).unwrap();
        Self {
            folder,
            limits: Limits::default(),
            private: Vec::new(),
        }
    }

    pub(crate) fn start(&self) -> Running {
        self.start_as(None)
    }

    pub(crate) fn start_as(&self, connect: Option<&ConnectChild>) -> Running {
        let runner = Runner {
            executable: Path::new(env!("CARGO_BIN_EXE_runner")),
            folder: self.folder.path(),
            library_path: Some(&examples()),
            python_path: Some(self.folder.path()),
            files: None,
            private: &self.private,
            limits: self.limits.clone(),
            connect,
        };
        let environment = [
            ("PATH", "/usr/bin:/bin"),
            ("HOME", "/nowhere"),
            ("PYTHONPATH", "/python"),
            ("FTRACK_API_KEY", "secret"),
            ("CALLBOARD_HOME", "/nowhere"),
        ];
        let environment =
            environment.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let (mut command, lifeline, report) = command(&runner, environment).unwrap();
        // The supervisor withholds these; the runner does so again.
        if connect.is_none() {
            command.env("FTRACK_API_KEY", "secret");
        }
        let mut running = Running::start(command, Some(lifeline));
        running.report = Some(report);
        running
    }

    /// Starts the plugin and exchanges hellos.
    pub(crate) fn start_and_greet(&self) -> Running {
        let mut running = self.start();
        parse_hello::<PluginHello>(&running.first_line()).unwrap();
        running.write(b"{\"versions\":[1],\"plugin\":\"test\"}\n");
        running
    }
}

/// The folder of the example libraries and programs, built beside the runner.
pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_runner"))
        .parent()
        .unwrap()
        .join("examples")
}

/// Makes the command of a host that starts the plugin and has it leave orphans.
pub(crate) fn holder(plugin: &Plugin) -> Command {
    let mut command = Command::new(examples().join("holder"));
    command
        .arg(env!("CARGO_BIN_EXE_runner"))
        .arg(plugin.folder())
        .arg(examples());
    command
}

/// Makes the command of a runner whose lifeline is what the test holds as its stdin.
pub(crate) fn with_stdin_as_lifeline(plugin: &Plugin) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"exec "$0" runner "$1" 3<&0 </dev/null"#])
        .arg(env!("CARGO_BIN_EXE_runner"))
        .arg(plugin.folder());
    command
}

pub(crate) struct Running {
    child: Child,
    lifeline: Option<Lifeline>,
    report: Option<Report>,
    stdin: Option<ChildStdin>,
    lines: Receiver<Vec<u8>>,
    log: Receiver<String>,
}

impl Running {
    pub(crate) fn start(mut command: Command, lifeline: Option<Lifeline>) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let (line, lines) = mpsc::sync_channel(16);
        spawn("stdout", move || {
            let mut decoder = Decoder::default();
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut piece) {
                decoder.push(&piece[..count]);
                while let Some(next) = decoder.next_line() {
                    if line.send(next.unwrap()).is_err() {
                        return;
                    }
                }
            }
        });
        let (text, log) = mpsc::sync_channel(1);
        spawn("stderr", move || {
            let mut whole = Vec::new();
            stderr.read_to_end(&mut whole).unwrap();
            text.send(String::from_utf8_lossy(&whole).into_owned()).ok();
        });
        let stdin = child.stdin.take();
        Self {
            child,
            lifeline,
            report: None,
            stdin,
            lines,
            log,
        }
    }

    pub(crate) fn first_line(&mut self) -> Vec<u8> {
        self.next_line().expect("it ended without a line")
    }

    /// Returns the next message; none when its output has ended.
    pub(crate) fn next(&mut self) -> Option<Message> {
        self.next_line().map(|line| {
            Message::from_json(&line)
                .unwrap_or_else(|_| panic!("no message: {}", String::from_utf8_lossy(&line)))
        })
    }

    fn next_line(&mut self) -> Option<Vec<u8>> {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("nothing came within {DEADLINE:?}"),
        }
    }

    pub(crate) fn launch(&mut self, values: Value) {
        self.send(&Message::Request {
            id: 1,
            method: "launch".to_owned(),
            params: json!({"job": "j", "action": "test.act", "context": {"surface": "cli"}, "values": values}),
        });
    }

    pub(crate) fn send(&mut self, message: &Message) {
        self.write(&encode(message).unwrap());
    }

    pub(crate) fn write(&mut self, line: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(line).unwrap();
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    pub(crate) fn cut_lifeline(&mut self) {
        self.lifeline = None;
    }

    /// Waits until the runner has ended, and returns what its guard says of that.
    pub(crate) fn breach(&mut self) -> Option<String> {
        let breach = self.report.take()?.breach()?;
        Some(breach.to_string())
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Waits until every process that holds the log has ended, and returns how the runner did.
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        let log = self
            .log
            .recv_timeout(DEADLINE)
            .expect("a process of the plugin is left");
        (self.child.wait().unwrap(), log)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stdin = None;
        self.lifeline = None;
        if self.child.wait().is_err() && !thread::panicking() {
            panic!("the runner was lost");
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .unwrap();
}
