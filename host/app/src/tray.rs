//! The tray's icon and menu, one file for each operating system.
//!
//! The icon belongs to the main thread, because macOS insists; nothing here ever waits for the engine.
//! What the menu says is decided by `crate::surface::tray`, which sends [`Order`]s here and is sent the [`Command`]s that the person chose.

mod drawing;
#[cfg(any(target_os = "macos", windows))]
mod event_loop;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
mod picture;
#[cfg(windows)]
mod windows;

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use callboard_protocol::{NotifyLevel, TrayStatus};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use crate::surface::tray::{Command, Menu};

#[cfg(target_os = "linux")]
pub(crate) use linux::StatusNotifier as Platform;
#[cfg(target_os = "macos")]
pub(crate) use macos::MenuBar as Platform;
#[cfg(windows)]
pub(crate) use windows::NotificationArea as Platform;

/// How many orders may wait. A menu that is not taken is drawn again with the next change.
const ORDERS: usize = 64;

/// How many choices may wait to be carried out: more than a person can click while the host is busy.
const COMMANDS: usize = 16;

/// What the tray's thread is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// Show this menu from now on.
    Show(Menu),
    /// Tell the person something.
    Tell(Telling),
    /// Take the icon away and return.
    End,
    /// The thread that keeps the icon tells how it stands. Linux only, where the icon has a thread of its own.
    #[cfg(target_os = "linux")]
    Icon(linux::News),
}

/// Something to tell the person, in the corner of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Telling {
    /// How much it matters.
    pub(crate) level: NotifyLevel,
    /// A few words.
    pub(crate) title: String,
    /// One sentence.
    pub(crate) message: String,
    /// What a click on it does, where the desktop hears of clicks.
    pub(crate) click: Option<Command>,
}

/// One operating system's tray.
pub(crate) trait Tray {
    /// Keeps the icon until [`Order::End`]. Must be called on the main thread.
    ///
    /// Where there is no tray it says so in the status, and still waits for the end.
    fn run(self, desk: Desk);
}

/// What a tray works with.
pub(crate) struct Desk {
    /// What it is told.
    orders: Receiver<Order>,
    /// The other end of that, for threads of its own.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only on Linux the icon has a thread of its own")
    )]
    sender: SyncSender<Order>,
    /// Where the person's choices go.
    commands: mpsc::Sender<Command>,
    /// Where it says how it stands.
    status: watch::Sender<TrayStatus>,
    /// The runtime, for what a tray waits for on a thread of its own.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only Linux talks to the desktop over a socket")
    )]
    runtime: Handle,
}

/// Makes what a tray works with, and the ends that the surface holds.
pub(crate) fn desk(
    status: watch::Sender<TrayStatus>,
    runtime: Handle,
) -> (Desk, SyncSender<Order>, mpsc::Receiver<Command>) {
    let (sender, orders) = sync_channel(ORDERS);
    let (commands, chosen) = mpsc::channel(COMMANDS);
    let desk = Desk {
        orders,
        sender: sender.clone(),
        commands,
        status,
        runtime,
    };
    (desk, sender, chosen)
}

/// Waits for [`Order::End`] where there shall be no icon, and says why there is none.
pub(crate) fn run_without_icon(desk: &Desk, reason: &str) {
    absent(&desk.status, reason);
    while let Ok(order) = desk.orders.recv() {
        match order {
            Order::End => return,
            Order::Tell(telling) => log(&telling),
            _ => {}
        }
    }
}

/// Writes into the log what could not be shown.
fn log(telling: &Telling) {
    tracing::info!(title = telling.title, message = telling.message, "told");
}

fn present(status: &watch::Sender<TrayStatus>) {
    status.send_replace(TrayStatus {
        present: true,
        reason: None,
    });
}

fn absent(status: &watch::Sender<TrayStatus>, reason: &str) {
    let absent = TrayStatus {
        present: false,
        reason: Some(reason.to_owned()),
    };
    // Said once, not at every try.
    if status.send_if_modified(|status| {
        let is_new = *status != absent;
        if is_new {
            *status = absent;
        }
        is_new
    }) {
        tracing::info!(reason, "no tray icon");
    }
}

/// Gives the person's choices to the surface. The handler is the process's only one, set once.
fn forward_choices(commands: mpsc::Sender<Command>) {
    tray_icon::menu::MenuEvent::set_event_handler(Some(
        move |event: tray_icon::menu::MenuEvent| {
            let Some(command) = Command::from_id(event.id().as_ref()) else {
                return;
            };
            if commands.try_send(command).is_err() {
                tracing::warn!("a choice from the tray was dropped: the host is busy or ending");
            }
        },
    ));
}
