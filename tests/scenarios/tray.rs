//! The tray, on a desktop without a screen: its menu launches actions, shows jobs and ends the host.

use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{
    BusClient, HostRunner, MenuEntry, SOON, SessionBus, TrayItem, TrayWatcher, command, wait_until,
};

use crate::studio::Studio;

mod menu;
mod notifications;

fn labels(entries: &[MenuEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.label.as_str()).collect()
}

/// Returns the labels of a menu in which nothing is under way.
fn menu_of<'a>(connected: &'a str, actions: &[&'a str]) -> Vec<&'a str> {
    let end = ["", "Open…", "Log out", "Restart", "Quit"];
    [&[connected, ""], actions, &end].concat()
}

/// Waits until the menu has an entry whose label begins so, and returns the entry.
fn entry(item: &TrayItem, label: &str) -> Result<MenuEntry> {
    wait_until(&format!("the menu has `{label}`"), SOON, || {
        match item.menu() {
            Ok(menu) => menu
                .into_iter()
                .find(|entry| entry.label.starts_with(label))
                .map(Ok),
            Err(error) => Some(Err(error)),
        }
    })?
}

/// Waits until the host says this of its tray, and returns why there is none.
fn tray_status(bus: &mut BusClient, is_wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    wait_until("the status of the tray is as expected", SOON, || {
        let status = bus.request("status", json!({})).ok()?;
        is_wanted(&status["tray"]).then(|| status["tray"].clone())
    })
}

#[test]
fn the_tray_menu_makes_shots_by_way_of_an_answered_job() -> Result<()> {
    let desktop = SessionBus::start()?;
    let watcher = TrayWatcher::offer(&desktop)?;
    let studio = Studio::open()?;
    let host = studio.host_in(Studio::home()?).tray(&desktop).start()?;
    let mut bus = host.connected_bus()?;
    let item = watcher.next_item(SOON)?;
    ensure!(item.text("Title")? == "Callboard", "another program's icon");

    let server = studio.server.ready.server.trim_start_matches("http://");
    let connected = format!("{} @ {server} — connected", host.ready.user);
    ensure!(
        !entry(&item, &connected)?.enabled,
        "the connection can be clicked"
    );
    entry(&item, "Create shots")?;
    let menu = item.menu()?;
    ensure!(
        labels(&menu) == menu_of(&connected, &["Create shots"]),
        "{menu:?}"
    );
    tray_status(&mut bus, |tray| tray["present"] == true)?;

    item.activate(&["Create shots"])?;
    let waiting = entry(&item, "Create shots is waiting for an answer…")?;
    let line = &waiting
        .children
        .first()
        .context("it names a command")?
        .label;
    let job = line.strip_prefix("callboard jobs answer ");
    let job = job.with_context(|| format!("the line is `{line}`"))?;
    let answered = host
        .command(&[
            "jobs",
            "answer",
            job,
            "--set",
            "project=harbour",
            "--set",
            "sequence=tray900",
            "--set",
            "shots=tray010",
            "--set",
            "task_types=Compositing",
            "--wait",
            "--json",
        ])?
        .done()?;
    ensure!(
        answered["state"] == "done" && answered["surface"] == "tray",
        "{answered}"
    );
    let made = studio
        .client
        .query("select id from Task where parent.name is \"tray010\" and parent.parent.name is \"tray900\"")?;
    ensure!(made.len() == 1, "the tray made {made:?}");
    wait_until("the job has left the menu", SOON, || {
        let menu = item.menu().ok()?;
        (labels(&menu) == menu_of(&connected, &["Recent", "Create shots"])).then_some(())
    })?;
    host.finish()
}

#[test]
fn a_job_is_cancelled_and_the_host_ended_from_the_tray() -> Result<()> {
    let desktop = SessionBus::start()?;
    let watcher = TrayWatcher::offer(&desktop)?;
    let studio = Studio::open()?;
    let mut host = studio.host_in(Studio::home()?).tray(&desktop).start()?;
    let mut bus = host.connected_bus()?;
    let item = watcher.next_item(SOON)?;
    entry(&item, "Create shots")?;
    item.activate(&["Create shots"])?;
    let label = "Create shots is waiting for an answer…";
    entry(&item, label)?;
    item.activate(&[label, "Cancel"])?;
    wait_until("the job is cancelled", SOON, || {
        let jobs = bus.request("jobs.list", json!({})).ok()?;
        (jobs["items"][0]["state"] == "cancelled").then_some(())
    })?;
    item.activate(&["Quit"])?;
    let ended = host.wait(SOON)?;
    ensure!(
        ended.code() == Some(0),
        "it ended with {ended}:\n{}",
        host.log()
    );
    Ok(())
}

#[test]
fn a_desktop_whose_tray_comes_later_shows_the_icon_then() -> Result<()> {
    let desktop = SessionBus::start()?;
    let host = HostRunner::demo().tray(&desktop).start()?;
    let mut bus = host.bus()?;
    tray_status(&mut bus, |tray| tray["reason"] == "the desktop has no tray")?;
    let watcher = TrayWatcher::offer(&desktop)?;
    watcher.next_item(SOON)?;
    tray_status(&mut bus, |tray| tray["present"] == true)?;
    drop(watcher);
    tray_status(&mut bus, |tray| tray["present"] == false)?;
    host.finish()
}

#[test]
fn a_session_bus_that_dies_and_comes_back_has_the_icon_again() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let socket = folder.path().join("bus");
    let first = Daemon::start(&socket)?;
    let address = format!("unix:path={}", socket.display());
    let host = HostRunner::demo().tray_at(&address).start()?;
    let mut bus = host.bus()?;
    let no_tray = |tray: &Value| tray["reason"] == "the desktop has no tray";
    tray_status(&mut bus, no_tray)?;
    drop(first);
    tray_status(&mut bus, |tray| !no_tray(tray))?;
    let _second = Daemon::start(&socket)?;
    tray_status(&mut bus, no_tray)?;
    host.finish()
}

#[test]
fn a_session_bus_that_never_answers_costs_the_icon_only() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let socket = folder.path().join("bus");
    let _silent = UnixListener::bind(&socket)?;
    let address = format!("unix:path={}", socket.display());
    let host = HostRunner::demo().tray_at(&address).start()?;
    let mut bus = host.bus()?;
    tray_status(&mut bus, |tray| {
        tray["reason"] == "the session bus does not answer"
    })?;
    host.finish()
}

/// A session bus at an address of the test's choice; gone when dropped.
struct Daemon(Child);

impl Daemon {
    fn start(socket: &Path) -> Result<Self> {
        let mut daemon = command("dbus-daemon")
            .args(["--session", "--nofork", "--print-address=1"])
            .arg(format!("--address=unix:path={}", socket.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdout = daemon.stdout.take().context("standard output is piped")?;
        let daemon = Self(daemon);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        ensure!(line.contains("unix:"), "`dbus-daemon` said `{line}`");
        Ok(daemon)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already, and a destructor has nobody to tell.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
