//! Tells the person things, as [`Notices`] decides.

use std::collections::BTreeMap;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::notices::{Mood, Notices};
use super::until;
use crate::settings::NotificationSettings;
use crate::tray::{Order, Telling};

/// The way to the person, for the surface and its tasks.
pub(crate) struct Teller {
    orders: SyncSender<Order>,
    settings: NotificationSettings,
    notices: Mutex<Notices>,
    /// Something is held that was not before.
    held: Notify,
}

impl Teller {
    /// Makes a way to the person by way of the tray's thread.
    pub(crate) fn new(orders: SyncSender<Order>, settings: NotificationSettings) -> Arc<Self> {
        let teller = Self {
            orders,
            settings,
            notices: Mutex::default(),
            held: Notify::new(),
        };
        let mood = teller.mood(&BTreeMap::new());
        teller.notices().set_mood(mood);
        Arc::new(teller)
    }

    /// Tells something now, or when the person may be disturbed.
    pub(super) fn tell(&self, telling: Telling) {
        let (title, message) = (telling.title.clone(), telling.message.clone());
        let now = self.notices().offer(Instant::now(), telling);
        match now {
            Some(telling) => self.show(telling),
            None => self.held.notify_one(),
        }
        tracing::info!(title, message, "told");
    }

    /// Tells what was held once its time has come, until the host ends. `busy` are the applications that are at work.
    pub(super) async fn keep(self: Arc<Self>, mut busy: watch::Receiver<BTreeMap<u64, String>>) {
        loop {
            let due = self.notices().due(Instant::now());
            tokio::select! {
                () = until(due) => {
                    let released = self.notices().release(Instant::now());
                    if let Some(telling) = released {
                        self.show(telling);
                    }
                }
                () = self.held.notified() => {}
                changed = busy.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let mood = self.mood(&busy.borrow_and_update());
                    self.notices().set_mood(mood);
                }
            }
        }
    }

    fn mood(&self, busy: &BTreeMap<u64, String>) -> Mood {
        if !self.settings.show {
            Mood::Never
        } else if self.settings.quiet_while_busy && !busy.is_empty() {
            Mood::Busy
        } else {
            Mood::Open
        }
    }

    fn show(&self, telling: Telling) {
        if let Err(TrySendError::Full(Order::Tell(telling))) =
            self.orders.try_send(Order::Tell(telling))
        {
            tracing::warn!(title = telling.title, "not shown: the tray is busy");
        }
    }

    fn notices(&self) -> MutexGuard<'_, Notices> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
