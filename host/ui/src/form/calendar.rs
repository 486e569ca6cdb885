//! A month to pick a day from.

use egui::{Button, Grid, Key, Popup, PopupCloseBehavior, RichText, Ui};
use jiff::civil::Date;
use jiff::{ToSpan, Zoned};

use crate::icon::Icon;
use crate::tokens::{Tokens, size};

const CELL: egui::Vec2 = egui::vec2(34.0, 28.0);

/// The calendar of one date field: the day that its keys stand on.
#[derive(Debug, Default)]
pub(super) struct Calendar {
    cursor: Option<Date>,
}

/// Returns today's date where this machine is.
pub(super) fn today() -> Date {
    Zoned::now().date()
}

/// Reads a day as `YYYY-MM-DD`.
pub(super) fn day_from_text(text: &str) -> Option<Date> {
    let text = text.trim();
    (text.len() == 10).then(|| text.parse().ok()).flatten()
}

/// Returns the day that is so many days later, where the calendar has it.
pub(super) fn moved(day: Date, days: i32) -> Option<Date> {
    day.checked_add(days.days()).ok()
}

impl Calendar {
    /// Draws the button that opens the calendar, and the calendar while it is open; returns the day picked.
    pub(super) fn button_ui(
        &mut self,
        ui: &mut Ui,
        chosen: Option<Date>,
        name: &str,
    ) -> Option<Date> {
        let button = Icon::Calendar.button(ui, &format!("{name}: pick a day"));
        let mut picked = None;
        let popup = Popup::from_toggle_button_response(&button)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .accessible_name("Calendar");
        let popup_id = popup.get_id();
        let is_open = popup
            .show(|ui| picked = self.month_ui(ui, chosen))
            .is_some();
        if !is_open {
            self.cursor = None;
        }
        if picked.is_some() {
            Popup::close_id(ui.ctx(), popup_id);
            button.request_focus();
        }
        picked
    }

    fn month_ui(&mut self, ui: &mut Ui, chosen: Option<Date>) -> Option<Date> {
        let is_new = self.cursor.is_none();
        let cursor = self.cursor.unwrap_or_else(|| chosen.unwrap_or_else(today));
        let mut cursor = by_keys(ui, cursor);
        let has_moved = self.cursor != Some(cursor);
        cursor = month_line_ui(ui, cursor);
        let mut picked = None;
        Grid::new("days").spacing([2.0, 2.0]).show(ui, |ui| {
            let tokens = Tokens::of(ui);
            for day in ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"] {
                let text = RichText::new(day).size(size::SMALL).color(tokens.quiet);
                ui.add_sized(CELL, egui::Label::new(text));
            }
            ui.end_row();
            let first = cursor.first_of_month();
            for _ in 0..first.weekday().to_monday_zero_offset() {
                ui.add_sized(CELL, egui::Label::new(""));
            }
            for day in first.series(1.day()).take(usize::from(to_len(first))) {
                let response = day_ui(ui, day, chosen, tokens);
                if day == cursor && (is_new || has_moved) {
                    response.request_focus();
                }
                if response.clicked() {
                    picked = Some(day);
                }
                if day.weekday().to_monday_zero_offset() == 6 {
                    ui.end_row();
                }
            }
        });
        if ui.button("Today").clicked() {
            picked = Some(today());
        }
        self.cursor = Some(cursor);
        picked
    }
}

fn to_len(first: Date) -> u8 {
    u8::try_from(first.days_in_month()).unwrap_or(31)
}

fn day_ui(ui: &mut Ui, day: Date, chosen: Option<Date>, tokens: &Tokens) -> egui::Response {
    let mut text = RichText::new(day.day().to_string());
    if day == today() {
        text = text.strong().underline();
    }
    let mut button = Button::new(text).min_size(CELL).frame_when_inactive(false);
    if chosen == Some(day) {
        button = button.fill(tokens.selected).frame_when_inactive(true);
    }
    let response = ui.add(button);
    // The arrow keys walk by days and weeks, also into the next month.
    ui.memory_mut(|memory| {
        memory.set_focus_lock_filter(response.id, super::field::with_vertical_arrows());
    });
    ui.ctx()
        .accesskit_node_builder(response.id, |node| node.set_label(day.to_string()));
    response
}

fn month_line_ui(ui: &mut Ui, mut cursor: Date) -> Date {
    ui.horizontal(|ui| {
        let mut turned = |ui: &mut Ui, icon: Icon, name: &str, months: i32| {
            if icon.button(ui, name).clicked() {
                cursor = cursor.checked_add(months.months()).unwrap_or(cursor);
            }
        };
        turned(ui, Icon::Left, "Month before", -1);
        turned(ui, Icon::Right, "Month after", 1);
        ui.label(RichText::new(cursor.strftime("%B %Y").to_string()).strong());
    });
    cursor
}

fn by_keys(ui: &Ui, cursor: Date) -> Date {
    let steps = [
        (Key::ArrowLeft, (-1).days()),
        (Key::ArrowRight, 1.days()),
        (Key::ArrowUp, (-7).days()),
        (Key::ArrowDown, 7.days()),
        (Key::PageUp, (-1).months()),
        (Key::PageDown, 1.months()),
    ];
    let pressed = steps
        .into_iter()
        .filter(|(key, _)| ui.input(|input| input.key_pressed(*key)));
    pressed.fold(cursor, |day, (_, span)| {
        day.checked_add(span).unwrap_or(day)
    })
}
