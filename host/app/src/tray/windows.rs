//! The tray on Windows: an icon in the taskbar's notification area.
//!
//! It compiles and was never run. Notifications go to the log: they need a registered application.

use winit::event_loop::EventLoop;

use super::{Desk, Order, Tray, event_loop};

/// The notification area.
pub(crate) struct NotificationArea;

impl Tray for NotificationArea {
    fn run(self, desk: Desk) {
        event_loop::run(EventLoop::<Order>::with_user_event(), desk);
    }
}
