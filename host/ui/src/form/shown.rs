//! Items that are looked at: progress, a running time, a log, a chart, and buttons.

use std::time::Instant;

use callboard_protocol::{ChartValue, Choice, ProgressValue, TimerValue};
use egui::{
    Align2, FontId, ProgressBar, Rect, RichText, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2,
};
use serde::Deserialize;
use serde_json::Value;

use crate::tokens::{Tokens, size, space};

/// Draws how far something is; tells whether it is to be cancelled.
pub(super) fn progress_ui(ui: &mut Ui, value: &Value, name: &str, can_cancel: bool) -> bool {
    let tokens = Tokens::of(ui);
    let progress = ProgressValue::deserialize(value).unwrap_or_default();
    let mut is_cancelled = false;
    ui.horizontal(|ui| {
        let room = if can_cancel { 120.0 } else { 0.0 };
        #[expect(clippy::cast_possible_truncation, reason = "a fraction")]
        let fraction = progress.fraction.unwrap_or(0.0).clamp(0.0, 1.0) as f32;
        let bar = ProgressBar::new(fraction)
            .desired_width(ui.available_width() - room)
            .desired_height(10.0)
            .corner_radius(5.0)
            .fill(tokens.accent);
        let bar = ui.add(bar);
        ui.ctx()
            .accesskit_node_builder(bar.id, |node| node.set_label(name));
        is_cancelled = can_cancel && ui.button("Cancel this").clicked();
    });
    let percent = progress
        .fraction
        .map(|fraction| format!("{:.0} %", 100.0 * fraction));
    let left = progress
        .left_secs
        .map(|secs| format!("{} left", text_from_secs(secs)));
    let parts = [Some(progress.text), percent, Some(progress.rate), left];
    let line: Vec<String> = parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    ui.label(
        RichText::new(line.join(" · "))
            .size(size::SMALL)
            .color(tokens.quiet),
    );
    is_cancelled
}

/// Returns a length of time as people say it: `1 min 15 s`.
fn text_from_secs(secs: u64) -> String {
    match (secs / 3600, secs / 60 % 60, secs % 60) {
        (0, 0, secs) => format!("{secs} s"),
        (0, minutes, secs) => format!("{minutes} min {secs} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// When a time was told, so that it goes on from there.
#[derive(Debug)]
pub(super) struct Clock {
    told: Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            told: Instant::now(),
        }
    }
}

impl Clock {
    pub(super) fn ui(&self, ui: &mut Ui, value: &Value, name: &str) {
        let tokens = Tokens::of(ui);
        let timer = TimerValue::deserialize(value).unwrap_or_default();
        let since = if timer.running {
            self.told.elapsed()
        } else {
            std::time::Duration::ZERO
        };
        let elapsed = std::time::Duration::from_millis(timer.elapsed_ms) + since;
        let color = if timer.running {
            tokens.text
        } else {
            tokens.quiet
        };
        let text = clock_text(elapsed.as_secs());
        let shown = ui.label(
            RichText::new(&text)
                .size(size::CLOCK)
                .color(color)
                .monospace(),
        );
        let state = if timer.running { "running" } else { "paused" };
        ui.ctx().accesskit_node_builder(shown.id, |node| {
            node.set_value(format!("{name}: {text}, {state}"))
        });
        if !timer.text.is_empty() {
            ui.label(RichText::new(&timer.text).color(tokens.quiet));
        }
        if timer.running {
            // To the next full second, and no more often.
            let rest = 1000 - u64::from(elapsed.subsec_millis());
            ui.ctx()
                .request_repaint_after(std::time::Duration::from_millis(rest));
        }
    }
}

fn clock_text(secs: u64) -> String {
    format!("{}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
}

/// Draws lines that were written, the newest in sight.
pub(super) fn log_ui(ui: &mut Ui, value: &Value, name: &str) {
    let tokens = Tokens::of(ui);
    let text = value.as_str().unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let height = size::BODY + space::TIGHT;
    egui::Frame::new()
        .fill(tokens.field)
        .stroke(egui::Stroke::new(1.0, tokens.line))
        .corner_radius(f32::from(space::CORNER))
        .inner_margin(8.0)
        .show(ui, |ui| {
            ScrollArea::both()
                .id_salt("log")
                .max_height(12.0 * height)
                .auto_shrink([false, true])
                .stick_to_bottom(true)
                .show_rows(ui, height, lines.len(), |ui, seen| {
                    for line in lines.get(seen).unwrap_or_default() {
                        ui.add(egui::Label::new(RichText::new(*line).monospace()).extend());
                    }
                });
        });
    let copy = ui.button("Copy log");
    if !name.is_empty() {
        ui.ctx()
            .accesskit_node_builder(copy.id, |node| node.set_label(format!("{name}: copy")));
    }
    if copy.clicked() {
        ui.ctx().copy_text(text.to_owned());
    }
}

/// Draws buttons; returns the value of the one that was pressed.
pub(super) fn buttons_ui(ui: &mut Ui, data: &[Choice]) -> Option<Value> {
    let mut pressed = None;
    ui.horizontal_wrapped(|ui| {
        for choice in data {
            if ui.button(choice.label.as_str()).clicked() {
                pressed = Some(choice.value.clone());
            }
        }
    });
    pressed
}

/// Draws numbers as bars, and says them to those who do not see.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "places on the screen"
)]
pub(super) fn chart_ui(ui: &mut Ui, value: &Value, name: &str) {
    let tokens = Tokens::of(ui);
    let chart = ChartValue::deserialize(value).unwrap_or_default();
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), 200.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, said(&chart, name)));
    let values = chart.series.iter().flat_map(|series| &series.values);
    let most = values
        .copied()
        .fold(0.0_f64, f64::max)
        .max(f64::MIN_POSITIVE);
    let painter = ui.painter_at(rect);
    let font = FontId::proportional(size::SMALL);
    let plot = Rect::from_min_max(rect.min + vec2(44.0, 8.0), rect.max - vec2(0.0, 22.0));
    for part in 0..=4_u8 {
        let share = f32::from(part) / 4.0;
        let y = plot.bottom() - share * plot.height();
        painter.hline(plot.x_range(), y, egui::Stroke::new(0.5, tokens.line));
        let text = format!("{:.1} {}", most * f64::from(share), chart.unit);
        painter.text(
            pos2(plot.left() - 6.0, y),
            Align2::RIGHT_CENTER,
            text.trim_end(),
            font.clone(),
            tokens.quiet,
        );
    }
    let group = plot.width() / chart.labels.len().max(1) as f32;
    let bar = (group * 0.7 / chart.series.len().max(1) as f32).min(40.0);
    let used = bar * chart.series.len() as f32;
    for (place, label) in chart.labels.iter().enumerate() {
        let middle = plot.left() + (place as f32 + 0.5) * group;
        painter.text(
            pos2(middle, rect.bottom() - 8.0),
            Align2::CENTER_CENTER,
            label,
            font.clone(),
            tokens.quiet,
        );
        for (number, series) in chart.series.iter().enumerate() {
            let share = (series.values.get(place).copied().unwrap_or(0.0).max(0.0) / most) as f32;
            let left = middle - used / 2.0 + number as f32 * bar;
            let top = plot.bottom() - share * plot.height();
            let shape =
                Rect::from_min_max(pos2(left + 1.0, top), pos2(left + bar - 1.0, plot.bottom()));
            painter.rect_filled(shape, 2.0, tokens.series[number % tokens.series.len()]);
        }
    }
    ui.horizontal_wrapped(|ui| {
        for (number, series) in chart.series.iter().enumerate() {
            let (swatch, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
            ui.painter()
                .rect_filled(swatch, 2.0, tokens.series[number % tokens.series.len()]);
            ui.label(RichText::new(&series.label).size(size::SMALL));
        }
    });
}

fn said(chart: &ChartValue, name: &str) -> String {
    let mut text = name.to_owned();
    for series in &chart.series {
        for (label, value) in chart.labels.iter().zip(&series.values) {
            text.push_str(&format!(
                ", {} {label} {value} {}",
                series.label, chart.unit
            ));
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        assert_eq!(text_from_secs(9), "9 s");
        assert_eq!(text_from_secs(75), "1 min 15 s");
        assert_eq!(text_from_secs(7260), "2 h 1 min");
        assert_eq!(clock_text(3723), "1:02:03");
    }
}
