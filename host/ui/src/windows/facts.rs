//! Names and values beneath one another.

use egui::{Label, Layout, RichText, Ui, vec2};

use crate::tokens::{Tokens, space};

/// How wide the names are, in points.
const NAMES: f32 = 140.0;

/// Draws names and values; what has no value is left out.
pub(super) fn facts_ui(ui: &mut Ui, facts: &[(String, String)]) {
    let tokens = Tokens::of(ui);
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        ui.horizontal_top(|ui| {
            ui.allocate_ui_with_layout(
                vec2(NAMES, 0.0),
                Layout::top_down(egui::Align::LEFT),
                |ui| {
                    ui.set_width(NAMES);
                    ui.add(Label::new(RichText::new(name).color(tokens.quiet)).wrap());
                },
            );
            ui.vertical(|ui| {
                ui.add(Label::new(value).wrap());
            });
        });
        ui.add_space(space::TIGHT);
    }
}
