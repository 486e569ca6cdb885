//! What came of a job.

use callboard_protocol::{JobDetail, JobState, UnitState};
use egui::{Button, RichText, ScrollArea, Ui};

use crate::form::problem_ui;
use crate::tokens::{Tokens, size, space};

/// What a person chose to do with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    /// To stop it.
    Cancel,
    /// To run it again: the rest of it, where some was done.
    Retry,
    /// To close the window.
    Close,
}

pub(super) fn outcome_ui(ui: &mut Ui, detail: &JobDetail, is_ordered: bool) -> Option<Chosen> {
    let tokens = Tokens::of(ui);
    let mut chosen = None;
    let state = detail.summary.state;
    egui::Panel::bottom("outcome")
        .frame(egui::Frame::new())
        .show_separator_line(false)
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                if ui.button("Close").clicked() {
                    chosen = Some(Chosen::Close);
                }
                let label = match state {
                    JobState::Partly => "Do the rest",
                    JobState::Failed | JobState::Cancelled => "Try again",
                    _ => return,
                };
                let text = RichText::new(label).color(tokens.on_accent).strong();
                let retry = Button::new(text).fill(tokens.accent);
                if ui.add_enabled(!is_ordered, retry).clicked() {
                    chosen = Some(Chosen::Retry);
                }
            });
        });
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            match &detail.failure {
                Some(failure) => problem_ui(ui, failure),
                None if !detail.summary.message.is_empty() => {
                    ui.label(&detail.summary.message);
                }
                None => {}
            }
            failed_units_ui(ui, detail);
            files_ui(ui, detail);
        });
    chosen
}

/// Draws what could not be done, one line each.
fn failed_units_ui(ui: &mut Ui, detail: &JobDetail) {
    let tokens = Tokens::of(ui);
    let units = detail.steps.iter().flat_map(|steps| steps.units());
    let failed: Vec<_> = units
        .filter(|unit| unit.state == UnitState::Failed)
        .collect();
    if failed.is_empty() {
        return;
    }
    ui.add_space(space::MEDIUM);
    ui.label(RichText::new("Not done").size(size::SECTION).strong());
    for unit in failed {
        let name = if unit.label.is_empty() {
            &unit.key
        } else {
            &unit.label
        };
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(name).strong());
            if let Some(failure) = &unit.failure {
                ui.label(RichText::new(failure.to_string()).color(tokens.bad));
            }
        });
    }
}

fn files_ui(ui: &mut Ui, detail: &JobDetail) {
    if detail.files.is_empty() {
        return;
    }
    ui.add_space(space::MEDIUM);
    ui.label(RichText::new("Files").size(size::SECTION).strong());
    for file in &detail.files {
        ui.horizontal_wrapped(|ui| {
            ui.label(&file.name);
            let copy = ui.button("Copy path").on_hover_text(&file.path);
            if copy.clicked() {
                ui.ctx().copy_text(file.path.clone());
            }
        });
    }
}
