//! Processes of windows as clients: who may be one, and what they are told.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use callboard_protocol::{
    BusHello, BusMethod, Failure, Message, MessageId, Scope, WindowNews, WindowRef, WindowSize,
};
use serde_json::json;

use super::connection::Connection;
use super::requests::{Answer, write};
use super::{Shared, lock};
use crate::engine_thread::Announcement;
use crate::windows::WindowOrder;

/// Refuses the scope of windows to whatever the host has not started.
pub(super) fn admit(shared: &Shared, hello: &BusHello) -> Result<(), Failure> {
    let windows = &shared.options.windows;
    let is_started = |token: &String| windows.admit(token);
    if hello.scope != Scope::Ui || hello.token.as_ref().is_some_and(is_started) {
        return Ok(());
    }
    Err(
        Failure::denied("the scope `ui` is for windows that callboard has started itself")
            .hint("connect with the scope `cli`"),
    )
}

/// Opens a window.
pub(super) fn open(connection: &mut Connection, id: MessageId, window: WindowRef) -> Answer {
    let windows = connection.shared.options.windows.clone();
    connection.answer_later(id, async move {
        windows.open(window).await?;
        Ok(json!({}))
    });
    Answer::Later
}

/// Makes the connection the one of a window.
pub(super) fn hold(connection: &mut Connection, id: MessageId, window: WindowRef) -> Answer {
    let windows = connection.shared.options.windows.clone();
    let client = Arc::clone(&connection.client);
    let outgoing = client.outgoing.clone();
    let tell = Box::new(move |order| {
        let method = match order {
            WindowOrder::Raise => BusMethod::WindowsRaise,
            WindowOrder::Close => BusMethod::WindowsClose,
        };
        outgoing.message(&Message::Notification {
            method: method.name().into(),
            params: json!({}),
        });
    });
    connection.answer_later(id, async move {
        let held = windows.hold(client.session, window, tell).await?;
        client.is_window.store(held.held, Ordering::Relaxed);
        Ok(write(&held))
    });
    Answer::Later
}

/// The window of the connection is drawn, or has come to the front.
pub(super) fn shown(connection: &Connection) -> Answer {
    let session = connection.client.session;
    connection.shared.options.windows.shown(session);
    Answer::Now(json!({}))
}

/// The window of the connection has this size now.
pub(super) fn resized(connection: &Connection, size: WindowSize) -> Answer {
    let session = connection.client.session;
    connection.shared.options.windows.resized(session, size);
    Answer::Now(json!({}))
}

/// Returns what windows are told of an announcement.
pub(super) fn news(announcement: &Announcement) -> Option<WindowNews> {
    match announcement {
        Announcement::JobChanged(job) => Some(WindowNews::Job {
            job: Box::new(job.as_ref().clone()),
        }),
        Announcement::CatalogChanged => Some(WindowNews::Catalog),
        Announcement::StatusChanged => Some(WindowNews::Status),
        Announcement::HubChanged => Some(WindowNews::Hub),
        Announcement::JobRested(_)
        | Announcement::JobSettled { .. }
        | Announcement::Notify { .. } => None,
    }
}

impl Shared {
    /// Tells every window that something has changed.
    pub(super) fn tell_windows(&self, changed: &WindowNews) {
        let clients = lock(&self.clients);
        let windows = clients
            .values()
            .filter(|client| client.is_window.load(Ordering::Relaxed));
        let message = Message::Notification {
            method: BusMethod::WindowsNews.name().into(),
            params: write(changed),
        };
        for window in windows {
            window.outgoing.message(&message);
        }
    }
}
