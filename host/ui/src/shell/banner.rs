//! The line above a window's page while there is no host.

use callboard_protocol::Failure;
use egui::{Frame, Margin, RichText, Ui};

use crate::tokens::Tokens;

pub(super) fn down_ui(ui: &mut Ui, failure: &Failure) {
    let tokens = Tokens::of(ui);
    let frame = Frame::new()
        .fill(tokens.bad_ground)
        .inner_margin(Margin::symmetric(16, 8));
    egui::Panel::top("down").frame(frame).show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.label(
                RichText::new("Callboard is away.")
                    .color(tokens.bad)
                    .strong(),
            );
            ui.label("This window goes on once it is back.")
                .on_hover_text(failure.to_string());
        });
    });
}
