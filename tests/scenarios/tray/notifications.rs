//! What is told in the desktop's corner.

use std::collections::HashMap;
use std::sync::mpsc::{SyncSender, sync_channel};

use anyhow::{Context, Result, ensure};
use tests::{Home, HostRunner, SOON, SessionBus, TrayWatcher};

use super::entry;

#[test]
fn the_end_of_a_job_is_told_on_the_desktop() -> Result<()> {
    let desktop = SessionBus::start()?;
    let (sender, told) = sync_channel(16);
    let _notifications = zbus::blocking::connection::Builder::address(desktop.address())?
        .serve_at(
            "/org/freedesktop/Notifications",
            Notifications { told: sender },
        )?
        .name("org.freedesktop.Notifications")?
        .build()?;
    let watcher = TrayWatcher::offer(&desktop)?;
    let home = Home::empty()?;
    home.add_unruly("quick", "polite", "")?;
    let host = HostRunner::demo()
        .home(home.into())
        .tray(&desktop)
        .start()?;
    host.connected_bus()?;
    let item = watcher.next_item(SOON)?;
    entry(&item, "Misbehave")?;
    item.activate(&["Misbehave"])?;
    let (title, text) = told.recv_timeout(SOON).context("nothing was told")?;
    ensure!(
        title == "Misbehave" && text == "nothing was broken",
        "told `{title}`: `{text}`"
    );
    host.finish()
}

/// The desktop's corner where programs tell things.
struct Notifications {
    told: SyncSender<(String, String)>,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    #[expect(
        clippy::too_many_arguments,
        reason = "the D-Bus interface has this method"
    )]
    fn notify(
        &self,
        _application: String,
        _replaces: u32,
        _icon: String,
        title: String,
        text: String,
        _actions: Vec<String>,
        _hints: HashMap<String, zbus::zvariant::OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        // More than a test looks at is of no interest.
        self.told.try_send((title, text)).ok();
        1
    }
}
