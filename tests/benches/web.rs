//! Discover over the event hub, beside the official client on the same sandbox.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread::Builder;

use anyhow::{Context, Result, anyhow};
use serde_json::json;
use tests::{HostRunner, Ready, SOON, checkout, command, python};

use crate::figures::{Aim, Figures};
use crate::hub::{Latency, ask};

/// How many subscriptions the busy responder has.
const SUBSCRIPTIONS: usize = 200;

const HANGING_PLUGIN: &str = r#"
id = "hang"
version = "1.0.0"
run.program = ["python3", "hang.py"]
[[action]]
id = "hang"
label = "Hang"
"#;

pub(crate) fn measure(figures: &mut Figures) -> Result<()> {
    let sandbox = HostRunner::sandbox().start()?;
    for (subscriptions, with) in [
        (1, "discover to reply, 1 subscription"),
        (SUBSCRIPTIONS, "discover to reply, 200 subscriptions"),
    ] {
        let theirs = official(&sandbox.ready, subscriptions)?;
        let (ours, hanging) = callboard(&sandbox.ready, subscriptions)?;
        figures.add(format!("{with}, p50"), ours.p50, "µs");
        figures.add(format!("{with}, p99"), ours.p99, "µs");
        figures.add(format!("{with}, official client, p50"), theirs.p50, "µs");
        figures.add(format!("{with}, official client, p99"), theirs.p99, "µs");
        figures.add_with_aim(
            format!("{with}, times faster at p50"),
            theirs.p50 / ours.p50,
            "×",
            Aim::AtLeast(3.0),
        );
        let with = format!("{with}, while another plugin hangs");
        figures.add(format!("{with}, p50"), hanging.p50, "µs");
        figures.add(format!("{with}, p99"), hanging.p99, "µs");
        figures.add_with_aim(
            format!("{with}, p50 beside without"),
            hanging.p50 / ours.p50,
            "×",
            Aim::AtMost(1.2),
        );
    }
    Ok(())
}

/// Asks Callboard: when it has nothing else to do, and while a plugin does not answer.
fn callboard(server: &Ready, subscriptions: usize) -> Result<(Latency, Latency)> {
    let home = std::sync::Arc::new(tests::Home::empty()?);
    let folder = checkout().join("tests/benches/python/hang.py");
    let script = std::fs::read_to_string(folder)?;
    home.add_plugin(
        "hang",
        &[("plugin.toml", HANGING_PLUGIN), ("hang.py", &script)],
    )?;
    let host = HostRunner::resident(server)
        .home(home)
        .plugin("shot_creation")
        .start()?;
    let mut bus = host.connected_bus()?;
    for number in 1..subscriptions {
        let wanted =
            format!("topic=ftrack.action.discover and source.user.username=\"nobody{number}\"");
        bus.request("subscribe", json!({"subscription": wanted}))?;
    }
    let latency = ask(server).context("asking Callboard")?;
    let launch = json!({"action": "hang.hang", "context": {"surface": "cli"}, "values": {}});
    bus.request("actions.launch", launch)?;
    let hanging = ask(server).context("asking Callboard while a plugin hangs")?;
    Ok((latency, hanging))
}

fn official(server: &Ready, subscriptions: usize) -> Result<Latency> {
    let mut responder = Responder::start(server, subscriptions)?;
    let latency = ask(server);
    responder.end()?;
    latency.context("asking the official client")
}

/// Returns the variables that the official client reads.
pub(crate) fn credentials(server: &Ready) -> [(&str, &str); 3] {
    [
        ("FTRACK_SERVER", &server.server),
        ("FTRACK_API_USER", &server.user),
        ("FTRACK_API_KEY", &server.api_key),
    ]
}

/// An action that is served by the official client.
struct Responder(Child);

impl Responder {
    fn start(server: &Ready, subscriptions: usize) -> Result<Self> {
        let mut child = command(python()?)
            .arg(checkout().join("tests/benches/python/answer.py"))
            .arg(subscriptions.to_string())
            .envs(credentials(server))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let stdout = child.stdout.take().context("standard output is piped")?;
        let responder = Self(child);
        let (sender, ready) = mpsc::sync_channel(1);
        Builder::new().name("responder".into()).spawn(move || {
            let mut line = String::new();
            if BufReader::new(stdout).read_line(&mut line).is_ok() {
                sender.send(line).ok();
            }
        })?;
        ready
            .recv_timeout(SOON * 3)
            .map_err(|_| anyhow!("the official client did not get ready"))?;
        Ok(responder)
    }

    fn end(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        // It may have been ended already.
        self.end().ok();
    }
}
