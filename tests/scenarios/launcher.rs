//! The launcher: what an official client offers elsewhere is found, run and filled in from a real window.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tests::{Display, HostRunner, Ready, checkout, command, python, wait_until};

/// How long anything may take here: Python starts, a debug build draws in software, and the machine is busy.
const STORY: Duration = Duration::from_secs(120);

/// How long a key may take to reach Python before it is pressed again.
const KEY: Duration = Duration::from_secs(10);

/// A process that offers an action with the official client.
struct Offering {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Offering {
    fn start(server: &Ready) -> Result<Self> {
        let mut child = command(python()?)
            .arg(checkout().join("tests/scenarios/remote_action.py"))
            .arg(STORY.as_secs().to_string())
            .env("FTRACK_SERVER", &server.server)
            .env("FTRACK_API_USER", &server.user)
            .env("FTRACK_API_KEY", &server.api_key)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("standard output is piped")?;
        let (sender, lines) = mpsc::sync_channel(16);
        std::thread::Builder::new()
            .name("offering".into())
            .spawn(move || {
                let mut read = BufReader::new(stdout).lines().map_while(Result::ok);
                read.try_for_each(|line| sender.send(line))
            })?;
        let offering = Self { child, lines };
        ensure!(offering.line(STORY)? == "ready");
        Ok(offering)
    }

    fn line(&self, deadline: Duration) -> Result<String> {
        self.lines
            .recv_timeout(deadline)
            .context("Python says nothing")
    }
}

impl Drop for Offering {
    fn drop(&mut self) {
        // A destructor has nobody to tell.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn an_action_of_an_official_client_is_run_from_the_launcher_with_its_form() -> Result<()> {
    let display = Display::start()?;
    let host = HostRunner::demo()
        .environment("DISPLAY", display.name())
        .start()?;
    let mut bus = host.connected_bus()?;
    let offering = Offering::start(&host.ready)?;
    let items = wait_until("the action is offered", STORY, || {
        let offered = bus
            .request("actions.remote", json!({"selection": []}))
            .ok()?;
        let items = offered["items"].as_array()?.clone();
        (!items.is_empty()).then_some(items)
    })?;
    let rename = items
        .iter()
        .find(|item| item["label"] == "Rename quickly")
        .with_context(|| format!("{items:?}"))?;
    ensure!(rename["place"] == "farm-7", "{rename}");

    bus.request_within("windows.open", json!({"window": "launcher"}), STORY)?;
    display.focus("Callboard")?;
    display.type_text("rename q")?;
    // Until the hub was asked there is nothing to run, and the key does nothing.
    wait_until("the form is asked for", STORY, || {
        display.press("Return").ok()?;
        offering
            .line(KEY)
            .is_ok_and(|line| line == "asked")
            .then_some(())
    })?;
    // What is typed before the form is drawn goes nowhere.
    let Ok(said) = wait_until("the form is sent", STORY, || {
        display.type_text("010").ok()?;
        display.press("Return").ok()?;
        offering.line(KEY).ok()
    }) else {
        bail!("{}", host.log())
    };
    let said: Value = serde_json::from_str(&said)?;
    let name = said["values"]["new_name"].as_str().unwrap_or_default();
    ensure!(name.starts_with("sh") && name.ends_with("010"), "{said}");
    ensure!(said["values"]["kept"] == json!({"deep": [1, 2]}), "{said}");
    ensure!(said["selection"] == json!([]), "{said}");
    drop(offering);
    host.finish()
}

#[test]
fn a_context_is_chosen_from_tasks_the_tree_or_by_name() -> Result<()> {
    let host = HostRunner::demo().start()?;
    let mut bus = host.connected_bus()?;
    let mut list = |ask: Value| -> Result<Vec<Value>> {
        let answer = bus.request("entities.list", ask)?;
        Ok(answer["items"].as_array().cloned().unwrap_or_default())
    };
    let mine = list(json!({"of": "mine"}))?;
    ensure!(!mine.is_empty(), "ada has tasks");
    ensure!(
        mine.iter()
            .all(|task| task["kind"] == "Task" && task["below"][0].is_string()),
        "{mine:?}"
    );
    let projects = list(json!({"of": "projects"}))?;
    let project = projects.first().context("the demo has a project")?;
    let parent = json!({"kind": "Project", "id": project["id"]});
    let below = list(json!({"of": "children", "parent": parent}))?;
    ensure!(!below.is_empty(), "{project}");
    let found = list(json!({"of": "search", "text": "sq01"}))?;
    ensure!(
        found.iter().any(|entity| entity["name"] == "sq010"),
        "{found:?}"
    );
    let hostile = list(json!({"of": "search", "text": "\" or id like \"%"}))?;
    ensure!(hostile.is_empty(), "a name is no expression: {hostile:?}");
    host.finish()
}
