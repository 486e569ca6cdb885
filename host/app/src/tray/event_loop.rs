//! The loop that macOS and Windows want on the main thread, for their trays. It shows no window.
//!
//! It compiles for both and was run on neither: these two systems were not at hand.

use std::sync::mpsc::Receiver;

use callboard_protocol::TrayStatus;
use tokio::sync::watch;
use tray_icon::TrayIcon;
use winit::application::ApplicationHandler;
use winit::event::WindowEvent;
use winit::event_loop::{ActiveEventLoop, EventLoopBuilder, EventLoopProxy};
use winit::window::WindowId;

use super::drawing::{build_icon, show_look, show_menu};
use super::{Desk, Order, absent, forward_choices, log, present, run_without_icon};
use crate::surface::tray::Menu;

/// Runs the loop until [`Order::End`].
pub(super) fn run(mut builder: EventLoopBuilder<Order>, desk: Desk) {
    let event_loop = match builder.build() {
        Ok(event_loop) => event_loop,
        Err(error) => {
            run_without_icon(
                &desk,
                &format!("the system's event loop did not start: {error}"),
            );
            return;
        }
    };
    forward_choices(desk.commands.clone());
    let proxy = event_loop.create_proxy();
    let Desk { orders, status, .. } = desk;
    let forwarder = std::thread::Builder::new()
        .name("tray orders".into())
        .spawn(move || forward_orders(&orders, &proxy));
    if let Err(error) = forwarder {
        // Without it nobody could end the loop.
        absent(&status, &format!("no thread for the tray: {error}"));
        return;
    }
    let mut icon = IconKeeper { status, icon: None };
    if let Err(error) = event_loop.run_app(&mut icon) {
        absent(
            &icon.status,
            &format!("the system's event loop ended: {error}"),
        );
    }
}

fn forward_orders(orders: &Receiver<Order>, proxy: &EventLoopProxy<Order>) {
    while let Ok(order) = orders.recv() {
        let is_end = matches!(order, Order::End);
        if proxy.send_event(order).is_err() || is_end {
            return;
        }
    }
    // Whoever gave orders is gone: that is an end too, and a loop that is closed needs none.
    drop(proxy.send_event(Order::End));
}

struct IconKeeper {
    status: watch::Sender<TrayStatus>,
    icon: Option<TrayIcon>,
}

impl IconKeeper {
    fn show(&mut self, menu: &Menu) {
        let shown = match &self.icon {
            Some(icon) => show_look(icon, menu.look).and_then(|()| show_menu(icon, menu)),
            None => build_icon(menu).map(|icon| self.icon = Some(icon)),
        };
        match shown {
            Ok(()) => present(&self.status),
            Err(error) => absent(&self.status, &format!("{error:#}")),
        }
    }
}

impl ApplicationHandler<Order> for IconKeeper {
    fn resumed(&mut self, _: &ActiveEventLoop) {}

    fn window_event(&mut self, _: &ActiveEventLoop, _: WindowId, _: WindowEvent) {}

    fn user_event(&mut self, event_loop: &ActiveEventLoop, order: Order) {
        match order {
            Order::Show(menu) => self.show(&menu),
            Order::Tell(telling) => log(&telling),
            Order::End => {
                self.icon = None;
                event_loop.exit();
            }
        }
    }
}
