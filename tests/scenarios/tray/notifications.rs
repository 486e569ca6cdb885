//! What is told in the desktop's corner, and what a click on it does.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::{BusClient, Home, HostRunner, SOON, SessionBus, TrayWatcher, wait_until};
use zbus::blocking::Connection;

use super::entry;

const PATH: &str = "/org/freedesktop/Notifications";
const NAME: &str = "org.freedesktop.Notifications";

/// What was told: a title, a text, and what can be done.
type Told = (String, String, Vec<String>);

/// The desktop's corner, a service of its own on the session bus.
struct Corner {
    connection: Connection,
    told: Receiver<Told>,
}

impl Corner {
    fn offer(desktop: &SessionBus) -> Result<Self> {
        let (sender, told) = sync_channel(64);
        let corner = Notifications {
            told: sender,
            last: 0,
        };
        let connection = zbus::blocking::connection::Builder::address(desktop.address())?
            .serve_at(PATH, corner)?
            .name(NAME)?
            .build()?;
        Ok(Self { connection, told })
    }

    fn next(&self) -> Result<Told> {
        self.told.recv_timeout(SOON).context("nothing was told")
    }

    /// Clicks on a notification, as the person does.
    fn click(&self, number: u32) -> Result<()> {
        let click = (number, "default");
        let no_one: Option<&str> = None;
        Ok(self
            .connection
            .emit_signal(no_one, PATH, NAME, "ActionInvoked", &click)?)
    }
}

struct Notifications {
    told: SyncSender<Told>,
    last: u32,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    #[expect(
        clippy::too_many_arguments,
        reason = "the D-Bus interface has this method"
    )]
    fn notify(
        &mut self,
        _application: String,
        _replaces: u32,
        _icon: String,
        title: String,
        text: String,
        actions: Vec<String>,
        _hints: HashMap<String, zbus::zvariant::OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        // More than a test looks at is of no interest.
        self.told.try_send((title, text, actions)).ok();
        self.last += 1;
        self.last
    }
}

#[test]
fn the_end_of_a_job_is_told_on_the_desktop_and_a_click_says_where_to_look() -> Result<()> {
    let desktop = SessionBus::start()?;
    let corner = Corner::offer(&desktop)?;
    let watcher = TrayWatcher::offer(&desktop)?;
    let home = Home::empty()?;
    home.add_unruly("quick", "polite", "")?;
    let host = HostRunner::demo()
        .home(home.into())
        .tray(&desktop)
        .start()?;
    let mut bus = host.connected_bus()?;
    let item = watcher.next_item(SOON)?;
    entry(&item, "Misbehave")?;
    item.activate(&["Misbehave"])?;
    let (title, text, actions) = corner.next()?;
    ensure!(
        title == "Misbehave" && text == "nothing was broken" && actions[0] == "default",
        "told `{title}`: `{text}`, {actions:?}"
    );
    let jobs = bus.request("jobs.list", json!({}))?;
    let job = jobs["items"][0]["id"].as_str().context("a job has an id")?;
    // The host learns the number of what it told a moment after it was told.
    let told = wait_until("a click on it is heard", SOON, || {
        corner.click(1).ok()?;
        corner.told.try_recv().ok()
    })?;
    ensure!(
        told.1.contains(&format!("callboard jobs show {job}")),
        "{told:?}"
    );
    host.finish()
}

#[test]
fn only_what_nobody_looks_at_is_told_and_a_busy_flame_is_left_alone() -> Result<()> {
    let desktop = SessionBus::start()?;
    let corner = Corner::offer(&desktop)?;
    let home = Arc::new(Home::empty()?);
    home.add_unruly("quick", "polite", "")?;
    let host = HostRunner::demo().home(home).tray(&desktop).start()?;
    let mut bus = host.connected_bus()?;
    // A command that waits sees the outcome itself.
    host.command(&["launch", "quick.run", "--wait", "--json"])?
        .done()?;
    let launch = |bus: &mut BusClient| -> Result<()> {
        let launched = bus.request("actions.launch", json!({"action": "quick.run"}))?;
        ensure!(launched["job"].is_string(), "{launched}");
        Ok(())
    };
    launch(&mut bus)?;
    let (title, _, _) = corner.next()?;
    ensure!(title == "Misbehave", "{title}");
    ensure!(
        corner.told.try_recv().is_err(),
        "one of the two was waited for"
    );

    let mut flame = host.application_bus()?;
    flame.request(
        "application.busy",
        json!({"busy": true, "reason": "rendering"}),
    )?;
    for _ in 0..3 {
        launch(&mut bus)?;
    }
    wait_until("the host has all three to tell", SOON, || {
        let log = host.log();
        let ends = log.lines().filter(|line| line.contains("told"));
        (ends
            .filter(|line| line.contains("nothing was broken"))
            .count()
            == 4)
            .then_some(())
    })?;
    ensure!(corner.told.try_recv().is_err(), "Flame was disturbed");
    // Flame is done, or gone: both are the same.
    drop(flame);
    let (title, text, _) = corner.next()?;
    ensure!(title == "3 messages meanwhile", "{title}: {text}");
    ensure!(text.lines().count() == 3, "{text}");
    host.finish()
}

#[test]
fn who_wants_no_notifications_has_none() -> Result<()> {
    let desktop = SessionBus::start()?;
    let corner = Corner::offer(&desktop)?;
    let home = Arc::new(Home::empty()?);
    home.add_unruly("quick", "polite", "")?;
    let host = HostRunner::demo()
        .home(Arc::clone(&home))
        .settings("[notifications]\nshow = false\n")
        .tray(&desktop)
        .start()?;
    let mut bus = host.connected_bus()?;
    bus.request("actions.launch", json!({"action": "quick.run"}))?;
    wait_until("the log has it", SOON, || {
        let log = host.log();
        (log.contains("told") && log.contains("nothing was broken")).then_some(())
    })?;
    ensure!(corner.told.try_recv().is_err(), "it was told");
    host.finish()
}
