//! What the host gives its tray.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use tokio::sync::mpsc;

use super::Host;
use crate::surface::tray::{Command, Teller, TraySurface};
use crate::tray::Order;

impl Host {
    /// Returns the tray's surface, between the tray's thread and the engine.
    pub(crate) fn tray_surface(
        &self,
        orders: SyncSender<Order>,
        commands: mpsc::Receiver<Command>,
    ) -> TraySurface {
        TraySurface {
            engine: self.engine.clone(),
            teller: Teller::new(orders.clone(), self.notifications.clone()),
            windows: self.windows.clone(),
            orders,
            commands,
            hub: self.hub.clone(),
            stopper: self.stopper(),
            restart: self.restart.clone(),
            sign_in: self.bus.sign_in(),
            about: Arc::clone(&self.about),
            safe: self.starts.safe.clone(),
            supervisor: self.supervisor.clone(),
            plugin_folder: self.home.plugins(),
            log_folder: self.home.logs.clone(),
            busy: self.bus.busy(),
            long_job: Duration::from_secs(self.notifications.after_secs),
        }
    }
}
