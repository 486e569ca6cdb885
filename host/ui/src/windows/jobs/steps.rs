//! The steps of a job, and what each of them does.

use callboard_protocol::{StepState, StepsReport, UnitState};
use egui::{CollapsingHeader, RichText, ScrollArea, Ui};

use crate::tokens::{Tokens, size};

pub(super) fn steps_ui(ui: &mut Ui, steps: &StepsReport) {
    let tokens = Tokens::of(ui);
    ui.label(RichText::new("Steps").size(size::SECTION).strong());
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            for step in &steps.steps {
                let (word, colour) = match step.state {
                    StepState::Waiting => ("waits", tokens.quiet),
                    StepState::Running => ("runs", tokens.accent),
                    StepState::Done => ("done", tokens.good),
                    StepState::Partly => ("partly done", tokens.warning),
                    StepState::Failed => ("failed", tokens.bad),
                    _ => ("unknown", tokens.quiet),
                };
                let done = step
                    .units
                    .iter()
                    .filter(|unit| unit.state == UnitState::Done);
                let title = format!(
                    "{}: {word}, {} of {}",
                    step.id,
                    done.count(),
                    step.units.len()
                );
                CollapsingHeader::new(RichText::new(title).color(colour))
                    .id_salt(&step.id)
                    .show(ui, |ui| {
                        if let Some(failure) = &step.held_up {
                            ui.label(RichText::new(failure.to_string()).color(tokens.warning));
                        }
                        for unit in &step.units {
                            let (word, colour) = match unit.state {
                                UnitState::Waiting => ("waits", tokens.quiet),
                                UnitState::Sent => ("sent", tokens.accent),
                                UnitState::Done => ("done", tokens.good),
                                UnitState::Failed => ("failed", tokens.bad),
                                _ => ("unknown", tokens.quiet),
                            };
                            ui.horizontal_wrapped(|ui| {
                                let name = if unit.label.is_empty() {
                                    &unit.key
                                } else {
                                    &unit.label
                                };
                                ui.label(name);
                                ui.label(RichText::new(word).color(colour));
                                if let Some(failure) = &unit.failure {
                                    ui.label(RichText::new(failure.to_string()).color(tokens.bad));
                                }
                            });
                        }
                    });
            }
        });
}
