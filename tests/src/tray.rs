//! A desktop without a screen: a session bus of its own, and a watcher that finds tray items and their menus.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread::Builder;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use zbus::blocking::{Connection, Proxy, connection, proxy};
use zbus::proxy::CacheProperties;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Structure, Value};

use crate::SOON;
use crate::process;

/// A private session bus; gone when dropped.
#[derive(Debug)]
pub struct SessionBus {
    daemon: Child,
    address: String,
}

/// Plays the desktop's part: tray items register with it.
#[derive(Debug)]
pub struct TrayWatcher {
    connection: Connection,
    registered: mpsc::Receiver<String>,
}

/// One icon in the tray.
#[derive(Debug)]
pub struct TrayItem {
    item: Proxy<'static>,
    menu: Proxy<'static>,
}

/// One entry of a tray item's menu.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MenuEntry {
    /// Its number, by which it is activated.
    pub id: i32,
    /// Its label, without the marks of keyboard shortcuts; empty for a separator.
    pub label: String,
    /// Whether it can be chosen.
    pub enabled: bool,
    /// Its submenu.
    pub children: Vec<MenuEntry>,
}

impl SessionBus {
    /// Starts the bus.
    ///
    /// # Errors
    ///
    /// When there is no `dbus-daemon`, or it does not say its address.
    pub fn start() -> Result<Self> {
        let mut daemon = process::command("dbus-daemon")
            .args(["--session", "--nofork", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("could not start `dbus-daemon`")?;
        let stdout = daemon.stdout.take().context("standard output is piped")?;
        let mut bus = Self {
            daemon,
            address: String::new(),
        };
        let (sender, receiver) = mpsc::sync_channel(1);
        Builder::new().name("dbus address".into()).spawn(move || {
            let mut line = String::new();
            if BufReader::new(stdout).read_line(&mut line).is_ok() {
                sender.send(line).ok();
            }
        })?;
        let line = receiver.recv_timeout(SOON);
        bus.address = line.map_err(|_| anyhow!("`dbus-daemon` did not say its address"))?;
        bus.address.truncate(bus.address.trim_end().len());
        Ok(bus)
    }

    /// Returns the bus's address, for `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for SessionBus {
    fn drop(&mut self) {
        // A destructor has nobody to tell.
        process::end(&mut self.daemon).ok();
    }
}

/// What the desktop offers on the bus.
struct Watcher {
    registered: mpsc::SyncSender<String>,
}

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: String) {
        // More items than a test looks at are of no interest.
        self.registered.try_send(service).ok();
    }

    #[expect(clippy::unused_self, reason = "the D-Bus interface has this method")]
    fn register_status_notifier_host(&self, _service: String) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        Vec::new()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

impl TrayWatcher {
    /// Offers a tray on `bus`.
    ///
    /// # Errors
    ///
    /// When the bus does not answer.
    pub fn offer(bus: &SessionBus) -> Result<Self> {
        let (sender, registered) = mpsc::sync_channel(16);
        let connection = connection::Builder::address(bus.address())?
            .serve_at("/StatusNotifierWatcher", Watcher { registered: sender })?
            .name("org.kde.StatusNotifierWatcher")?
            .build()?;
        Ok(Self {
            connection,
            registered,
        })
    }

    /// Waits until an icon appears.
    ///
    /// # Errors
    ///
    /// When none appears in time, or it does not answer.
    pub fn next_item(&self, deadline: Duration) -> Result<TrayItem> {
        let service = self.registered.recv_timeout(deadline);
        let service = service.map_err(|_| anyhow!("no tray item appeared in {deadline:?}"))?;
        // Tray items tell of changes in a way of their own, which a cache would not hear.
        let item: Proxy<'static> = proxy::Builder::new(&self.connection)
            .destination(service.clone())?
            .path("/StatusNotifierItem")?
            .interface("org.kde.StatusNotifierItem")?
            .cache_properties(CacheProperties::No)
            .build()?;
        let path: OwnedObjectPath = item.get_property("Menu")?;
        let menu = Proxy::new(&self.connection, service, path, "com.canonical.dbusmenu")?;
        Ok(TrayItem { item, menu })
    }
}

impl TrayItem {
    /// Returns a text property of the icon, such as `Title` or `Status`.
    ///
    /// # Errors
    ///
    /// When the item does not answer or has no such text.
    pub fn text(&self, property: &str) -> Result<String> {
        Ok(self.item.get_property(property)?)
    }

    /// Returns what the icon says when it is pointed at.
    ///
    /// # Errors
    ///
    /// When the item does not answer.
    pub fn tooltip(&self) -> Result<String> {
        type Picture = (i32, i32, Vec<u8>);
        type ToolTip = (String, Vec<Picture>, String, String);
        let tooltip: OwnedValue = self.item.get_property("ToolTip")?;
        let (_, _, title, text): ToolTip = Structure::try_from(tooltip)?.try_into()?;
        Ok(if text.is_empty() { title } else { text })
    }

    /// Returns the icon's picture.
    ///
    /// # Errors
    ///
    /// When the item does not answer or has none.
    pub fn pixels(&self) -> Result<Vec<u8>> {
        let pictures: Vec<(i32, i32, Vec<u8>)> = self.item.get_property("IconPixmap")?;
        let first = pictures.into_iter().next();
        Ok(first.context("the icon has no picture")?.2)
    }

    /// Clicks on the icon itself.
    ///
    /// # Errors
    ///
    /// When the item does not answer.
    pub fn click(&self) -> Result<()> {
        Ok(self.item.call("Activate", &(0_i32, 0_i32))?)
    }

    /// Returns the menu as it is now.
    ///
    /// # Errors
    ///
    /// When the item does not answer.
    pub fn menu(&self) -> Result<Vec<MenuEntry>> {
        let names: Vec<&str> = Vec::new();
        let (_revision, root): (u32, Layout) = self.menu.call("GetLayout", &(0, -1, names))?;
        root.2.into_iter().map(entry_from_value).collect()
    }

    /// Chooses the entry that these labels lead to, as a click does.
    ///
    /// # Errors
    ///
    /// When there is no such entry, or the item does not answer.
    pub fn activate(&self, labels: &[&str]) -> Result<()> {
        let mut entries = self.menu()?;
        let mut chosen = None;
        for label in labels {
            let at = entries.iter().position(|entry| entry.label == *label);
            let Some(at) = at else {
                let there: Vec<&str> = entries.iter().map(|entry| entry.label.as_str()).collect();
                bail!("the menu has no `{label}`, but {there:?}");
            };
            let entry = entries.swap_remove(at);
            chosen = Some(entry.id);
            entries = entry.children;
        }
        let id = chosen.context("no label was given")?;
        self.menu
            .call::<_, _, ()>("Event", &(id, "clicked", Value::from(0), 0_u32))?;
        Ok(())
    }
}

/// An entry as it travels: its id, its properties, its children.
type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

fn entry_from_value(value: OwnedValue) -> Result<MenuEntry> {
    let structure = Structure::try_from(value)?;
    let (id, properties, children): Layout = structure.try_into()?;
    let text = |name: &str| {
        properties
            .get(name)
            .and_then(|value| <&str>::try_from(value).ok())
    };
    let enabled = properties.get("enabled");
    let enabled = enabled.and_then(|value| bool::try_from(value).ok());
    Ok(MenuEntry {
        id,
        label: text("label").map(without_mnemonics).unwrap_or_default(),
        enabled: enabled.unwrap_or(true),
        children: children
            .into_iter()
            .map(entry_from_value)
            .collect::<Result<_>>()?,
    })
}

/// Removes the underscore before a shortcut's letter; a doubled one stands for itself.
fn without_mnemonics(label: &str) -> String {
    label
        .split("__")
        .map(|part| part.replace('_', ""))
        .collect::<Vec<_>>()
        .join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_compared_without_the_marks_of_shortcuts() {
        assert_eq!(without_mnemonics("_Quit"), "Quit");
        assert_eq!(without_mnemonics("sh__010"), "sh_010");
        assert_eq!(without_mnemonics("A & B"), "A & B");
    }

    #[test]
    fn a_registered_item_is_found() {
        let bus = SessionBus::start().unwrap();
        let watcher = TrayWatcher::offer(&bus).unwrap();
        let desktop = connection::Builder::address(bus.address())
            .unwrap()
            .build()
            .unwrap();
        let proxy = Proxy::new(
            &desktop,
            "org.kde.StatusNotifierWatcher",
            "/StatusNotifierWatcher",
            "org.kde.StatusNotifierWatcher",
        )
        .unwrap();
        let name = desktop.unique_name().unwrap().to_string();
        proxy
            .call::<_, _, ()>("RegisterStatusNotifierItem", &(name.as_str(),))
            .unwrap();
        assert_eq!(watcher.registered.recv_timeout(SOON).unwrap(), name);
    }
}
