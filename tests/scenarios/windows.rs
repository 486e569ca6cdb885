//! Windows as processes: opened, raised, killed, and ended with the host. On a display of their own.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tests::{
    Display, HostRunner, MenuEntry, SOON, SessionBus, Signal, TrayWatcher, is_alive, signal,
    wait_until,
};

/// How long a window may take to be drawn by a debug build, in software, on a busy machine.
const DRAWN: Duration = Duration::from_secs(60);

/// Starts a host that is signed in to nothing and opens windows on `display`.
fn host_on(display: &Display) -> Result<HostRunner> {
    HostRunner::demo()
        .environment("DISPLAY", display.name())
        .start()
}

/// Returns the processes of windows.
fn windows(host: &HostRunner) -> BTreeSet<u32> {
    let below = tests::descendants(host.ready.pid);
    let is_window = |pid: &u32| {
        std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|words| {
            words
                .split(|byte| *byte == 0)
                .any(|word| word == b"--started-by-host")
        })
    };
    below
        .into_iter()
        .filter(|pid| is_alive(*pid) && is_window(pid))
        .collect()
}

#[test]
fn the_tray_opens_windows_and_an_action_that_asks_opens_its_own() -> Result<()> {
    let desktop = SessionBus::start()?;
    let watcher = TrayWatcher::offer(&desktop)?;
    let display = Display::start()?;
    let host = HostRunner::demo()
        .plugin("shot_creation")
        .environment("DISPLAY", display.name())
        .tray(&desktop)
        .start()?;
    host.connected_bus()?;
    let item = watcher.next_item(SOON)?;
    let are_open = |count: usize| {
        wait_until(&format!("{count} windows are open"), DRAWN, || {
            (windows(&host).len() == count).then_some(())
        })
    };
    wait_until("the menu offers the action", SOON, || {
        let menu = item.menu().ok()?;
        let is_there = |entry: &MenuEntry| entry.label == "Create shots";
        menu.iter().any(is_there).then_some(())
    })?;
    item.activate(&["Open…", "About Callboard"])?;
    are_open(1)?;
    item.activate(&["Create shots"])?;
    are_open(2)?;
    host.finish()
}

#[test]
fn a_window_is_one_process_that_comes_back_when_it_was_killed() -> Result<()> {
    let display = Display::start()?;
    let host = host_on(&display)?;
    let mut bus = host.bus()?;
    let about = json!({"window": "about"});
    bus.request_within("windows.open", about.clone(), DRAWN)?;
    let first = windows(&host);
    ensure!(first.len() == 1, "{first:?}");
    bus.request_within("windows.open", about.clone(), DRAWN)?;
    ensure!(windows(&host) == first, "it comes to the front, alone");
    // What a person starts finds it as well, and leaves it the place.
    let raised = host.command(&["ui", "about"])?;
    ensure!(raised.code == Some(0), "{raised:?}");
    ensure!(windows(&host) == first);

    let killed = *first.first().context("there is one")?;
    signal(killed, Signal::KILL)?;
    bus.request_within("windows.open", about, DRAWN)?;
    let second = windows(&host);
    ensure!(second.len() == 1 && second != first, "{second:?}");
    // Its end takes the window with it.
    host.finish()
}

#[test]
fn a_window_that_cannot_open_says_why() -> Result<()> {
    let host = HostRunner::demo().environment("DISPLAY", "").start()?;
    let refused = host.command(&["ui", "about", "--json"])?;
    ensure!(
        refused.code == Some(1)
            && refused.json()?["error"]["message"] == "there is no display to open a window on",
        "{refused:?}"
    );
    let mut bus = host.bus()?;
    let refused = bus.request("windows.open", json!({"window": "about"}));
    let refused = format!("{:#}", refused.err().context("there is no display")?);
    ensure!(refused.contains("no display"), "{refused}");
    let unknown = bus.request("windows.open", json!({"window": "moon"}));
    let unknown = format!("{:#}", unknown.err().context("there is no such window")?);
    ensure!(unknown.contains("there is no window `moon`"), "{unknown}");
    host.finish()?;

    // A display that is gone is a sentence as well, and no crash.
    let host = HostRunner::demo().environment("DISPLAY", ":4242").start()?;
    let mut bus = host.bus()?;
    let refused = bus.request_within("windows.open", json!({"window": "about"}), DRAWN);
    let refused = format!("{:#}", refused.err().context("nobody is there")?);
    ensure!(refused.contains("the display takes no window"), "{refused}");
    host.finish()
}

#[test]
fn a_window_outlives_a_host_that_was_killed_and_goes_on_with_the_next() -> Result<()> {
    let display = Display::start()?;
    let mut host = host_on(&display)?;
    let home = host.home();
    let mut bus = host.bus()?;
    bus.request_within("windows.open", json!({"window": "about"}), DRAWN)?;
    let window = windows(&host);
    host.kill()?;
    let pid = *window.first().context("there is one")?;
    ensure!(is_alive(pid), "it went with its host");
    let host = HostRunner::demo()
        .environment("DISPLAY", display.name())
        .home(home)
        .start()?;
    let mut bus = host.bus()?;
    // It has its place again, so that nothing new is started.
    wait_until("the window is back", SOON, || {
        let open = bus.request_within("windows.open", json!({"window": "about"}), DRAWN);
        open.is_ok().then_some(())
    })?;
    signal(pid, Signal::TERM)?;
    wait_until("the window has ended", SOON, || {
        (!is_alive(pid)).then_some(())
    })?;
    host.finish()
}
