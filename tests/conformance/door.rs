//! The official Python client through the door that Connect plugins are given, which stands between it and the server.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use callboard_protocol::PluginId;
use connect::{DoorOptions, OpenDoor, Switchboard};
use ftrack::{Config, EventHub, HubMessage, HubOptions, Session};
use serde_json::{Value, json};
use tests::{HostRunner, Ready, SOON, SandboxClient, checkout, command, python, wait_until};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a hook may do by default.
const EVERYTHING: &[&str] = &[
    "events",
    "ftrack.read",
    "ftrack.create.*",
    "ftrack.update.*",
    "ftrack.delete.*",
    "ftrack.call.*",
];

#[test]
fn the_official_client_works_through_a_door() -> Result<()> {
    let studio = Studio::start()?;
    let child = studio.child("one", EVERYTHING)?;
    let result = child.run("works")?;
    let server = &studio.sandbox.ready.server;
    ensure!(result["said"] == format!("see {server}/#home"), "{result}");
    ensure!(result["came_back"] == json!(true), "{result}");
    ensure!(
        result["part"] == json!(true) && result["part_status"] == 206,
        "{result}"
    );
    ensure!(result["job"] == "Job", "{result}");
    // What a person opens leads to the server itself.
    let widget = result["widget"].as_str().unwrap_or_default();
    ensure!(widget.starts_with(server.as_str()), "{result}");
    ensure!(result["url_is_the_doors"] == json!(true), "{result}");
    ensure!(!result["row_url"].to_string().contains(server), "{result}");
    ensure!(result["gone"] == 404 && result["left"] == 0, "{result}");
    child.got_no_key()
}

#[test]
fn events_and_replies_go_through_the_hosts_one_connection() -> Result<()> {
    let studio = Studio::start()?;
    let child = studio.child("one", EVERYTHING)?;
    let result = child.run("events")?;
    ensure!(result["replies"] == json!([42]), "{result}");
    // Each once, in order, though two subscriptions of the child want them.
    let all: Vec<u32> = (0..20).collect();
    ensure!(result["heard"] == json!(all), "{result}");
    let server = &studio.sandbox.ready.server;
    ensure!(
        result["icon"] == format!("{server}/component/thumbnail?id=7"),
        "{result}"
    );
    ensure!(result["here"] == json!([true]), "{result}");
    child.got_no_key()
}

#[test]
fn a_door_refuses_what_was_not_granted_and_who_is_not_its_child() -> Result<()> {
    let studio = Studio::start()?;
    let key = &studio.sandbox.ready.api_key;
    studio.control.call(&json!([{
        "action": "create", "entity_type": "Note",
        "entity_data": {"__entity_type__": "Note", "id": "6f1f4bd6-0d0b-4cc5-a9b2-6c2d02e0a001",
            "content": format!("hidden {key} here"), "parent_id": studio.a_shot()?, "parent_type": "task"},
    }]))?;
    let other = studio.child("other", EVERYTHING)?;
    let granted = &[
        "events",
        "ftrack.read",
        "ftrack.create.Note",
        "ftrack.call.*",
    ];
    let mut child = studio.child("one", granted)?;
    other.door.token().clone_into(&mut child.other_token);
    let result = child.run("refused")?;
    for (name, expected) in [
        ("wrong_token", "is not valid for this user"),
        ("other_token", "is not valid for this user"),
        ("other_user", "is not valid for this user"),
        ("not_granted", "was not granted `ftrack.create.Task`"),
        ("reset", "no plugin may ask for `reset_remote`"),
    ] {
        let said = result[name].as_str().unwrap_or_default();
        ensure!(said.contains(expected), "{name}: {result}");
    }
    ensure!(result["key_in_answer"].is_string(), "{result}");
    for (name, status) in [
        ("wrong_host", 403),
        ("page_of_a_browser", 403),
        ("hub", 200),
        ("hub_with_other_token", 401),
        ("no_session", 403),
        ("unknown_storage", 404),
        ("file_without_token", 401),
        ("page", 404),
    ] {
        ensure!(result[name] == status, "{name}: {result}");
    }
    child.got_no_key()
}

#[test]
fn a_child_stays_connected_while_the_server_is_away_and_hears_events_again() -> Result<()> {
    let studio = Studio::start()?;
    let child = studio.child("one", EVERYTHING)?;
    let mut talk = child.talk("away")?;
    ensure!(talk.read()? == "ready");
    for number in 1..=3 {
        studio.tell(number);
        let answer = talk.ask(number)?;
        ensure!(
            answer == json!({"heard": number, "connections": 1}),
            "{answer}"
        );
        let before = studio.hub.metrics().reconnects;
        studio.control.change_hub("drop_connections")?;
        wait_until("the host is back on the hub", SOON, || {
            (studio.hub.metrics().reconnects > before).then_some(())
        })?;
    }
    child.got_no_key()
}

/// A sandbox, and a host's connection to it.
struct Studio {
    runtime: Runtime,
    sandbox: HostRunner,
    control: SandboxClient,
    session: watch::Sender<Option<Session>>,
    hub: EventHub,
    switchboard: Switchboard,
    _delivering: JoinHandle<()>,
}

impl Studio {
    fn start() -> Result<Self> {
        // A second time it is there already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let sandbox = HostRunner::sandbox().start()?;
        let Ready {
            server,
            user,
            api_key,
            ..
        } = &sandbox.ready;
        let config = Config::new(server, user, api_key);
        let runtime = Runtime::new()?;
        let switchboard = Switchboard::new("host-of-the-test");
        let session = runtime.block_on(Session::connect(config.clone()))?;
        let (hub, delivering) = runtime.block_on(async {
            let (hub, mut messages) = EventHub::start(&config, HubOptions::default())?;
            switchboard.connect(hub.clone(), user).await;
            let board = switchboard.clone();
            let delivering = tokio::spawn(async move {
                while let Some(message) = messages.recv().await {
                    if let HubMessage::Event { event, subscribers } = message {
                        board.deliver(&event, &subscribers);
                    }
                }
            });
            anyhow::Ok((hub, delivering))
        })?;
        Ok(Self {
            control: SandboxClient::new(&sandbox.ready)?,
            session: watch::Sender::new(Some(session)),
            runtime,
            sandbox,
            hub,
            switchboard,
            _delivering: delivering,
        })
    }

    fn child(&self, name: &str, permissions: &[&str]) -> Result<ConnectClient> {
        let _runtime = self.runtime.enter();
        let permissions = permissions.iter().map(|text| text.parse());
        let door = OpenDoor::open(DoorOptions {
            plugin: PluginId::from(name),
            user: self.sandbox.ready.user.clone(),
            permissions: permissions
                .collect::<Result<_, _>>()
                .map_err(anyhow::Error::msg)?,
            session: self.session.subscribe(),
            switchboard: self.switchboard.clone(),
        })?;
        let folder = tempfile::tempdir()?;
        Ok(ConnectClient {
            record: folder.path().join("record"),
            _folder: folder,
            user: self.sandbox.ready.user.clone(),
            key: self.sandbox.ready.api_key.clone(),
            other_token: String::new(),
            door,
        })
    }

    fn a_shot(&self) -> Result<Value> {
        let shots = self.control.query("select id from Shot limit 1")?;
        Ok(shots.first().context("the demo has shots")?["id"].clone())
    }

    fn tell(&self, number: u32) {
        let event = callboard_event::Event::new("door.again", json!({"n": number}));
        drop(self.hub.publish(event));
    }
}

/// The official client, as a Connect plugin's child would have it.
struct ConnectClient {
    door: OpenDoor,
    user: String,
    key: String,
    other_token: String,
    record: PathBuf,
    _folder: tempfile::TempDir,
}

impl ConnectClient {
    fn command(&self, part: &str) -> Result<Command> {
        let mut client = command(python()?);
        client
            .arg(checkout().join("tests/conformance/door.py"))
            .arg(part)
            .env("FTRACK_SERVER", self.door.address())
            .env("FTRACK_API_USER", &self.user)
            .env("FTRACK_API_KEY", self.door.token())
            .env("OTHER_TOKEN", &self.other_token)
            .env("RECORD", &self.record)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        Ok(client)
    }

    fn run(&self, part: &str) -> Result<Value> {
        let finished = tests::run(&mut self.command(part)?, Duration::from_secs(180))?;
        ensure!(
            finished.status.success(),
            "{part} failed:\n{}\n{}",
            finished.stdout,
            finished.stderr
        );
        let last = finished.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(last).with_context(|| format!("{part} printed `{last}`"))
    }

    fn talk(&self, part: &str) -> Result<Talk> {
        let mut child = self
            .command(part)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        Ok(Talk {
            child,
            input: input.context("its input is piped")?,
            output: BufReader::new(output.context("its output is piped")?),
        })
    }

    /// No byte that came to the child is part of the key.
    fn got_no_key(&self) -> Result<()> {
        let record = fs::read(&self.record)?;
        ensure!(record.len() > 1000, "little was recorded");
        let found = record
            .windows(self.key.len())
            .any(|window| window == self.key.as_bytes());
        ensure!(
            !found,
            "the key came through: see `{}`",
            shown(&self.record)
        );
        Ok(())
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// A child that is asked one thing after the other. It ends with this.
struct Talk {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Talk {
    fn read(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("it printed `{line}`"))
    }

    fn ask(&mut self, number: u32) -> Result<Value> {
        writeln!(self.input, "{number}")?;
        self.read()
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
