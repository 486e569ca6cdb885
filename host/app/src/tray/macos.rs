//! The tray on macOS: an item of the menu bar, and no icon in the Dock.
//!
//! It compiles and was never run. Notifications go to the log: they need a signed application bundle.

use winit::event_loop::EventLoop;
use winit::platform::macos::{ActivationPolicy, EventLoopBuilderExtMacOS as _};

use super::{Desk, Order, Tray, event_loop};

/// The right end of the menu bar.
pub(crate) struct MenuBar;

impl Tray for MenuBar {
    fn run(self, desk: Desk) {
        let mut builder = EventLoop::<Order>::with_user_event();
        builder.with_activation_policy(ActivationPolicy::Accessory);
        event_loop::run(builder, desk);
    }
}
