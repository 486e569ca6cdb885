//! What the tray's menu shows, and what its entries do.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{
    Home, HostRunner, MenuEntry, Ready, SOON, SessionBus, TrayItem, TrayWatcher, callboard_in,
    wait_until,
};

use super::{entry, labels};
use crate::studio::Studio;

/// Waits until the menu is as `is_wanted` says, and returns it.
fn menu_with(
    item: &TrayItem,
    what: &str,
    is_wanted: impl Fn(&[MenuEntry]) -> bool,
) -> Result<Vec<MenuEntry>> {
    wait_until(what, SOON, || match item.menu() {
        Ok(menu) => is_wanted(&menu).then_some(Ok(menu)),
        Err(error) => Some(Err(error)),
    })?
}

#[test]
fn the_icon_its_tooltip_and_the_menu_follow_jobs_and_the_server() -> Result<()> {
    let desktop = SessionBus::start()?;
    let watcher = TrayWatcher::offer(&desktop)?;
    let studio = Studio::open()?;
    let home = Studio::home()?;
    let file = home.path().join("go");
    home.add_unruly("slow", "reports", &file.display().to_string())?;
    let host = studio.host_in(home).tray(&desktop).start()?;
    host.connected_bus()?;
    let item = watcher.next_item(SOON)?;
    entry(&item, "Misbehave")?;
    wait_until("the tooltip says that it is connected", SOON, || {
        item.tooltip().ok()?.ends_with("— connected").then_some(())
    })?;
    let well = item.pixels()?;

    item.activate(&["Misbehave"])?;
    let running = entry(&item, "Misbehave is running, 25 %")?;
    wait_until("the icon shows that something is running", SOON, || {
        let is_other = item.pixels().ok()? != well;
        let is_told = item.tooltip().ok()?.ends_with("1 job is running");
        (is_other && is_told).then_some(())
    })?;
    ensure!(
        running.enabled && !running.children.is_empty(),
        "{running:?}"
    );
    let way_out = entry(&item, "Quit")?;
    ensure!(
        labels(&way_out.children)
            == [
                "1 job is running",
                "Quit when the job has ended",
                "Quit now"
            ],
        "{way_out:?}"
    );

    fs::write(&file, "")?;
    wait_until("the icon is as before", SOON, || {
        (item.pixels().ok()? == well).then_some(())
    })?;
    drop(studio);
    wait_until("the icon shows that the server is away", SOON, || {
        let is_other = item.pixels().ok()? != well;
        let is_told = item.tooltip().ok()?.contains("connecting…");
        (is_other && is_told).then_some(())
    })?;
    host.finish()
}

#[test]
fn pinned_and_recent_actions_are_in_the_menu_and_there_again_after_a_restart() -> Result<()> {
    let desktop = SessionBus::start()?;
    let watcher = TrayWatcher::offer(&desktop)?;
    let studio = Studio::open()?;
    let home = Studio::home()?;
    home.add_unruly("quick", "polite", "")?;
    let host = studio.host_in(home).tray(&desktop).start()?;
    let mut bus = host.connected_bus()?;
    let item = watcher.next_item(SOON)?;
    entry(&item, "Misbehave")?;
    entry(&item, "Create shots")?;
    let pinned = host
        .command(&["actions", "pin", "quick.run", "--json"])?
        .done()?;
    ensure!(pinned["action"] == "quick.run", "{pinned}");
    entry(&item, "★ Misbehave: polite")?;
    item.activate(&["★ Misbehave: polite"])?;
    let recent = entry(&item, "Recent")?;
    ensure!(
        labels(&recent.children) == ["Misbehave: polite"],
        "{recent:?}"
    );
    let expected = json!({"pinned": ["quick.run"], "recent": ["quick.run"]});
    let kept = bus.request("actions.kept", json!({}))?;
    ensure!(kept == expected, "{kept}");
    menu_with(&item, "nothing is running any more", |menu| {
        !labels(menu)
            .iter()
            .any(|label| label.contains("is running"))
    })?;

    let session = host.ready.pid;
    item.activate(&["Restart"])?;
    bus.wait_for_end(SOON)?;
    let item = watcher.next_item(SOON)?;
    entry(&item, "★ Misbehave: polite")?;
    entry(&item, "Recent")?;
    let again = host.command(&["status", "--json"])?.done()?;
    ensure!(again["pid"] == session, "it is another process: {again}");
    let kept = host.command(&["actions", "kept", "--json"])?.done()?;
    ensure!(kept == expected, "{kept}");
    host.command(&["actions", "unpin", "quick.run", "--json"])?
        .done()?;
    menu_with(&item, "nothing is pinned", |menu| {
        !labels(menu).contains(&"★ Misbehave: polite")
    })?;
    let restarted = host.command(&["restart", "--json"])?.done()?;
    ensure!(restarted["interrupted"] == json!([]), "{restarted}");
    let item = watcher.next_item(SOON)?;
    entry(&item, "Misbehave")?;
    host.finish()
}

#[test]
fn the_host_waits_for_its_jobs_before_it_quits_and_can_be_told_to_go_on() -> Result<()> {
    let desktop = SessionBus::start()?;
    let watcher = TrayWatcher::offer(&desktop)?;
    let home = Home::empty()?;
    let file = home.path().join("go");
    home.add_unruly("slow", "reports", &file.display().to_string())?;
    let mut host = HostRunner::demo()
        .home(home.into())
        .tray(&desktop)
        .start()?;
    host.connected_bus()?;
    let item = watcher.next_item(SOON)?;
    entry(&item, "Misbehave")?;
    ensure!(
        !labels(&item.menu()?).contains(&"Restart"),
        "a demo would start again as another one"
    );
    item.activate(&["Misbehave"])?;
    entry(&item, "Misbehave is running")?;
    let refused = host.command(&["quit", "--json"])?;
    ensure!(
        refused.code == Some(1) && refused.json()?["error"]["kind"] == "conflict",
        "{refused:?}"
    );
    item.activate(&["Quit", "Quit when the job has ended"])?;
    let label = "Quits when the job has ended";
    entry(&item, label)?;
    item.activate(&[label, "Go on"])?;
    menu_with(&item, "it goes on", |menu| labels(menu).contains(&"Quit"))?;
    item.activate(&["Quit", "Quit when the job has ended"])?;
    entry(&item, label)?;
    fs::write(&file, "")?;
    let ended = host.wait(SOON)?;
    ensure!(
        ended.code() == Some(0),
        "it ended with {ended}:\n{}",
        host.log()
    );
    Ok(())
}

#[test]
fn a_person_logs_out_from_the_menu() -> Result<()> {
    let desktop = SessionBus::start()?;
    let watcher = TrayWatcher::offer(&desktop)?;
    let studio = Studio::open()?;
    let server = &studio.server.ready;
    let home = Arc::new(Home::empty()?);
    let key = format!("{}\n", server.api_key);
    let (address, user) = (server.server.as_str(), server.user.as_str());
    let login = [
        "login",
        "--server",
        address,
        "--user",
        user,
        "--key-stdin",
        "--json",
    ];
    callboard_in(&home, &[], &login, &key)?.done()?;
    let host = HostRunner::signed_out().home(home).tray(&desktop).start()?;
    let mut bus = host.connected_bus()?;
    let item = watcher.next_item(SOON)?;
    menu_with(&item, "there is a way to log out", |menu| {
        labels(menu).contains(&"Log out")
    })?;
    item.activate(&["Log out"])?;
    wait_until("nobody is signed in", SOON, || {
        let status = bus.request("status", json!({})).ok()?;
        (status["hub"]["state"] == "signed_out").then_some(())
    })?;
    menu_with(&item, "there is nobody to log out", |menu| {
        !labels(menu).contains(&"Log out")
    })?;
    host.finish()
}

#[test]
fn safe_mode_is_in_the_menu_and_folders_open_from_it() -> Result<()> {
    let desktop = SessionBus::start()?;
    let watcher = TrayWatcher::offer(&desktop)?;
    let home = Arc::new(Home::empty()?);
    let openers = Openers::lay(&home)?;
    let host = HostRunner::resident(&Ready::default())
        .without("--normal")
        .argument("--safe")
        .under(&["env", &openers.path()])
        .home(home)
        .tray(&desktop)
        .start()?;
    let item = watcher.next_item(SOON)?;
    let safe = entry(&item, "⚠ Safe mode")?;
    ensure!(
        labels(&safe.children)[0] == "it was started with `--safe`",
        "{safe:?}"
    );
    ensure!(item.tooltip()?.contains("Safe mode"), "{}", item.tooltip()?);
    item.activate(&["Open…", "Plugin folder"])?;
    openers.wait_for("data/plugins")?;
    item.activate(&["Open…", "Log folder"])?;
    openers.wait_for("logs")?;
    host.finish()
}

/// Stands in for the desktop's program that opens things: it writes down what it was asked to open.
struct Openers {
    folder: PathBuf,
}

impl Openers {
    fn lay(home: &Home) -> Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = home.path().join("openers");
        fs::create_dir(&folder)?;
        let program = folder.join("xdg-open");
        fs::write(&program, "#!/bin/sh\necho \"$1\" >> \"$0.opened\"\n")?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        Ok(Self { folder })
    }

    /// Returns the search path of programs, with this one first.
    fn path(&self) -> String {
        format!("PATH={}:/usr/bin:/bin", self.folder.display())
    }

    fn wait_for(&self, end: &str) -> Result<()> {
        wait_until(&format!("`{end}` was opened"), SOON, || {
            let opened = fs::read_to_string(self.folder.join("xdg-open.opened")).ok()?;
            opened.lines().any(|line| line.ends_with(end)).then_some(())
        })
    }
}
