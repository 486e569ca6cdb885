//! The line below a form: back, cancel, submit.

use egui::{Align, Button, Layout, RichText, Ui};

use super::{Form, Stage};
use crate::tokens::{Tokens, space};

/// What was pressed below a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pressed {
    Back,
    Cancel,
    Submit,
}

pub(super) fn footer_ui(ui: &mut Ui, form: &Form) -> Option<Pressed> {
    let tokens = Tokens::of(ui);
    let mut pressed = None;
    let frame = egui::Frame::new().inner_margin(egui::Margin {
        top: 12,
        ..egui::Margin::ZERO
    });
    egui::Panel::bottom(ui.scope_id().with("footer"))
        .frame(frame)
        .show_separator_line(true)
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                if form.can_go_back {
                    let back = ui.add_enabled(form.stage == Stage::Open, Button::new("Back"));
                    pressed = back.clicked().then_some(Pressed::Back);
                }
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    pressed = pressed.or(main_ui(ui, form, tokens));
                });
            });
        });
    pressed
}

fn main_ui(ui: &mut Ui, form: &Form, tokens: &Tokens) -> Option<Pressed> {
    let mut pressed = None;
    let label = RichText::new(&form.submit_label)
        .color(tokens.on_accent)
        .strong();
    let submit = Button::new(label)
        .fill(tokens.accent)
        .min_size(egui::vec2(96.0, space::CONTROL));
    let submit = ui.add_enabled(form.stage == Stage::Open, submit);
    if submit.on_hover_text("Ctrl+Enter").clicked() {
        pressed = Some(Pressed::Submit);
    }
    if ui.button("Cancel").on_hover_text("Escape").clicked() {
        pressed = Some(Pressed::Cancel);
    }
    if form.stage == Stage::Sent {
        ui.label(RichText::new("Sending…").color(tokens.quiet));
    } else {
        let wrong = form
            .fields
            .iter()
            .filter(|field| field.shown_problem().is_some())
            .count();
        let text = match wrong {
            0 => return pressed,
            1 => "1 field is not right yet".to_owned(),
            many => format!("{many} fields are not right yet"),
        };
        ui.label(RichText::new(text).color(tokens.bad));
    }
    pressed
}
