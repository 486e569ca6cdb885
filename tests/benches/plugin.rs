//! One plugin: a call to it in its own process, over its pipe and without the host; what that costs beside a call in this
//! process; and how long a process takes from nothing to its first answer.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{
    Home, HostRunner, SOON, checkout, command, program, python, staged_plugins, wait_until,
};

use crate::figures::{Aim, Figures, percentile};
use crate::in_process;

const CALLS: usize = 20_000;
const STARTS: usize = 30;

/// A program without any SDK, so that its start is the host's and the interpreter's.
const SCRIPT: &str = r#"import sys
print('{"versions": [1]}', flush=True)
for line in sys.stdin:
    if '"launch"' in line:
        print('{"id": 1, "result": {"outcome": "done", "message": ""}}', flush=True)
"#;

pub(crate) fn measure(figures: &mut Figures) -> Result<()> {
    let hello = staged_plugins()?.join("hello");
    calls(figures, &hello)?;
    let mut taken = cold(&hello)?;
    figures.add(
        "cold start of a library plugin to its first answer, p50",
        percentile(&mut taken, 50.0),
        "ms",
    );
    let home = tempfile::tempdir()?;
    let folder = home.path().join("says");
    std::fs::create_dir(&folder)?;
    let manifest = "id = \"says\"\nversion = \"1.0.0\"\nrun.program = [\"python3\", \"-S\", \"says.py\"]\n\
                    [[action]]\nid = \"greet\"\nlabel = \"Greet\"\n";
    std::fs::write(folder.join("plugin.toml"), manifest)?;
    std::fs::write(folder.join("says.py"), SCRIPT)?;
    let mut taken = cold(&folder)?;
    figures.add(
        "cold start of a program plugin in Python to its first answer, p50",
        percentile(&mut taken, 50.0),
        "ms",
    );
    connect_hooks(figures)
}

fn calls(figures: &mut Figures, hello: &Path) -> Result<()> {
    let mut runner = Runner::start(hello)?;
    let mut taken = Vec::with_capacity(CALLS);
    for id in 1..=CALLS {
        let call = launch(id, "hello.greet");
        let began = Instant::now();
        let answer = runner.ask(&call)?;
        taken.push(began.elapsed().as_secs_f64() * 1e6);
        let answer: Value = serde_json::from_str(answer)?;
        ensure!(
            answer["result"]["outcome"] == "done",
            "the plugin failed: {answer}"
        );
    }
    let outside = percentile(&mut taken, 50.0);
    figures.add_with_aim(
        "plugin call out of process, p50",
        outside,
        "µs",
        Aim::AtMost(30.0),
    );
    figures.add(
        "plugin call out of process, p99",
        percentile(&mut taken, 99.0),
        "µs",
    );
    let call: Value = serde_json::from_str(&launch(1, "hello.greet"))?;
    let params = call["params"].to_string();
    let library = hello
        .join(std::env::consts::DLL_PREFIX.to_owned() + "hello" + std::env::consts::DLL_SUFFIX);
    let mut taken = in_process::called(&library, params.as_bytes(), CALLS)?;
    let inside = percentile(&mut taken, 50.0);
    figures.add("the same call in this process, p50", inside, "µs");
    figures.add("what isolation costs a call, p50", outside - inside, "µs");
    Ok(())
}

/// Starts a plugin again and again, and tells how many milliseconds each took to answer its first launch.
fn cold(folder: &Path) -> Result<Vec<f64>> {
    let mut taken = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let began = Instant::now();
        let mut runner = Runner::start(folder)?;
        let answer = runner.ask(&launch(1, "greet"))?;
        taken.push(began.elapsed().as_secs_f64() * 1e3);
        ensure!(answer.contains("\"done\""), "the plugin failed: {answer}");
    }
    Ok(taken)
}

/// Hooks of ftrack Connect's are started with the host: from its start until they have registered.
fn connect_hooks(figures: &mut Figures) -> Result<()> {
    let sandbox = HostRunner::sandbox().start()?;
    let mut taken = Vec::new();
    for _ in 0..STARTS / 6 {
        let home = Arc::new(Home::empty()?);
        let interpreter = toml::Value::from(python()?.display().to_string());
        home.write_settings(&format!("[connect]\npython = {interpreter}\n"))?;
        let folder = home.path().join("connect-plugins");
        std::fs::create_dir(&folder)?;
        let plugin = "note-shots-1.0.0";
        std::os::unix::fs::symlink(
            checkout().join("tests/connect_plugins").join(plugin),
            folder.join(plugin),
        )?;
        let began = Instant::now();
        let host = HostRunner::resident(&sandbox.ready)
            .home(home)
            .environment("FTRACK_CONNECT_PLUGIN_PATH", &folder.display().to_string())
            .start()?;
        let mut bus = host.bus()?;
        wait_until("the hooks have registered", SOON * 3, || {
            let list = bus.request("plugins.list", json!({})).ok()?;
            let items = list["items"].as_array()?;
            let is_loaded = items.iter().any(|item| !item["connect"]["hooks"].is_null());
            is_loaded.then_some(())
        })?;
        taken.push(began.elapsed().as_secs_f64() * 1e3);
        host.finish()?;
    }
    figures.add(
        "cold start of a Connect plugin, host's start and sign-in included, p50",
        percentile(&mut taken, 50.0),
        "ms",
    );
    sandbox.finish()
}

fn launch(id: usize, action: &str) -> String {
    let call = json!({
        "id": id,
        "method": "launch",
        "params": {
            "job": "bench",
            "action": action,
            "context": {
                "surface": "cli",
                "user": "ada",
                "selection": [{"kind": "Shot", "id": "none"}],
            },
            "values": {},
            "state": null,
        },
    });
    format!("{call}\n")
}

/// A plugin's process. Its input is closed when this is dropped, which ends it.
struct Runner {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
    line: String,
}

impl Runner {
    /// Starts a plugin, and waits for its hello.
    fn start(folder: &Path) -> Result<Self> {
        let mut child = command(program()?)
            .arg("runner")
            .arg(folder)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("standard output is piped")?;
        let mut runner = Self {
            child,
            stdin,
            lines: BufReader::new(stdout),
            line: String::new(),
        };
        let hello = runner.ask("{\"versions\":[1],\"plugin\":\"hello\"}\n")?;
        ensure!(
            hello.contains("versions"),
            "the plugin said no hello: {hello}"
        );
        Ok(runner)
    }

    /// Sends a line, and returns the next.
    fn ask(&mut self, line: &str) -> Result<&str> {
        let stdin = self.stdin.as_mut().context("the input is open")?;
        stdin.write_all(line.as_bytes())?;
        self.line.clear();
        self.lines.read_line(&mut self.line)?;
        Ok(&self.line)
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // A destructor has nobody to tell.
        self.child.wait().ok();
    }
}
