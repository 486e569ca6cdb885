//! Choosing one or several: check boxes while there are few, else a list that opens and is searched by typing.

use callboard_protocol::{Choice, Control, Item};
use egui::{
    Button, Id, Key, Modifiers, Popup, PopupCloseBehavior, Response, Role, ScrollArea, TextEdit,
    Ui, WidgetInfo,
};
use serde_json::Value;

use super::field::{Doing, named, with_vertical_arrows};
use crate::icon::Icon;
use crate::tokens::{Tokens, space};

/// How many choices are shown at once without a list to open.
const FEW: usize = 7;

/// The list of one field, while it is open.
#[derive(Debug, Default)]
pub(crate) struct Choosing {
    search: String,
    cursor: usize,
    is_open: bool,
}

impl Choosing {
    pub(super) fn ui(&mut self, ui: &mut Ui, item: &mut Item, label: Option<Id>) -> Doing {
        let Control::Enumerator {
            data, multi_select, ..
        } = &item.control
        else {
            return Doing::default();
        };
        if *multi_select && data.len() <= FEW {
            return boxes_ui(ui, data, &mut item.value);
        }
        let name = item.label.clone();
        let button = list_button_ui(ui, &shown_text(data, &item.value));
        let button = named(button, label, &name);
        let opened_by_key = button.has_focus()
            && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::ArrowDown));
        let mut popup = Popup::from_toggle_button_response(&button)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .accessible_name(format!("{name}: choices"))
            .width(button.rect.width());
        if opened_by_key {
            popup = popup.open_memory(egui::SetOpenCommand::Bool(true));
        }
        let popup_id = popup.get_id();
        let mut picked = None;
        let shown = popup.show(|ui| picked = self.list_ui(ui, data, &item.value, &name));
        let was_open = std::mem::replace(&mut self.is_open, shown.is_some());
        if was_open && !self.is_open {
            self.search.clear();
            button.request_focus();
        }
        let Some(choice) = picked else {
            return Doing {
                focus_here: Some(button.id),
                ..Doing::default()
            };
        };
        let value = data[choice].value.clone();
        if *multi_select {
            toggle(&mut item.value, &value);
        } else {
            item.value = value;
            Popup::close_id(ui.ctx(), popup_id);
        }
        Doing {
            changed: true,
            committed: true,
            focus_here: Some(button.id),
            ..Doing::default()
        }
    }

    /// Makes a list that opens with a search.
    pub(crate) fn searching(search: String) -> Self {
        Self {
            search,
            ..Self::default()
        }
    }

    /// Draws the list where it is open anyway; returns the place of the choice picked.
    pub(crate) fn open_ui(
        &mut self,
        ui: &mut Ui,
        data: &[Choice],
        value: &Value,
        name: &str,
    ) -> Option<usize> {
        let picked = self.list_ui(ui, data, value, name);
        self.is_open = true;
        picked
    }

    /// Draws the open list; returns the place of the choice picked.
    fn list_ui(
        &mut self,
        ui: &mut Ui,
        data: &[Choice],
        value: &Value,
        name: &str,
    ) -> Option<usize> {
        if !self.is_open && self.search.is_empty() {
            self.cursor = data
                .iter()
                .position(|choice| is_chosen(value, choice))
                .unwrap_or(0);
        }
        let edit = TextEdit::singleline(&mut self.search)
            .hint_text("Type to find")
            .cursor_at_end(true)
            .desired_width(f32::INFINITY)
            .event_filter(with_vertical_arrows());
        let search = named(ui.add(edit), None, &format!("{name}: find"));
        if !self.is_open {
            search.request_focus();
        }
        let found = found(data, &self.search);
        if search.changed() {
            self.cursor = 0;
        }
        let step = ui.input(|input| {
            let pressed = |key| usize::from(input.key_pressed(key));
            (
                pressed(Key::ArrowDown) + 10 * pressed(Key::PageDown),
                pressed(Key::ArrowUp) + 10 * pressed(Key::PageUp),
            )
        });
        let last = found.len().saturating_sub(1);
        self.cursor = (self.cursor + step.0).saturating_sub(step.1).min(last);
        let has_moved = step != (0, 0) || search.changed() || !self.is_open;
        let by_enter = search.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if by_enter {
            search.request_focus();
        }
        let by_click = self.rows_ui(ui, data, &found, value, has_moved);
        by_click.or_else(|| by_enter.then(|| found.get(self.cursor).copied()).flatten())
    }

    fn rows_ui(
        &self,
        ui: &mut Ui,
        data: &[Choice],
        found: &[usize],
        value: &Value,
        has_moved: bool,
    ) -> Option<usize> {
        let tokens = Tokens::of(ui);
        if found.is_empty() {
            ui.colored_label(tokens.quiet, "Nothing of that name");
            return None;
        }
        let height = space::ROW + ui.spacing().item_spacing.y;
        let mut scroll = ScrollArea::vertical()
            .max_height(9.0 * height)
            .auto_shrink([false, true]);
        if has_moved {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a row's place is far below 2^23"
            )]
            let offset = (self.cursor.saturating_sub(4)) as f32 * height;
            scroll = scroll.vertical_scroll_offset(offset);
        }
        let mut picked = None;
        scroll.show_rows(ui, space::ROW, found.len(), |ui, rows| {
            for row in rows {
                let choice = &data[found[row]];
                let button = Button::new(choice.label.as_str())
                    .right_text(" ".repeat(4))
                    .truncate()
                    .selected(row == self.cursor)
                    .frame_when_inactive(row == self.cursor)
                    .min_size(egui::vec2(ui.available_width(), space::ROW));
                let response = ui.add(button);
                let (label, is_on) = (choice.label.clone(), is_chosen(value, choice));
                response
                    .widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, is_on, &label));
                if is_on {
                    let tick = egui::Rect::from_center_size(
                        response.rect.right_center() - egui::vec2(18.0, 0.0),
                        egui::vec2(12.0, 12.0),
                    );
                    Icon::Tick.paint(ui.painter(), tick, tokens.accent);
                }
                if response.clicked() {
                    picked = Some(found[row]);
                }
            }
        });
        picked
    }
}

fn list_button_ui(ui: &mut Ui, text: &str) -> Response {
    let width = ui.available_width();
    let button = Button::new(text)
        .right_text(" ".repeat(4))
        .truncate()
        .min_size(egui::vec2(width, space::CONTROL));
    let response = ui.add(button);
    let chevron = egui::Rect::from_center_size(
        response.rect.right_center() - egui::vec2(18.0, 0.0),
        egui::vec2(12.0, 12.0),
    );
    Icon::Down.paint(ui.painter(), chevron, Tokens::of(ui).quiet);
    let shown = text.to_owned();
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(shown.clone()),
        ..WidgetInfo::new(Role::ComboBox)
    });
    response
}

fn boxes_ui(ui: &mut Ui, data: &[Choice], value: &mut Value) -> Doing {
    let mut doing = Doing::default();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = space::MEDIUM;
        for choice in data {
            let mut is_on = is_chosen(value, choice);
            let response = ui.checkbox(&mut is_on, choice.label.as_str());
            doing.focus_here = doing.focus_here.or(Some(response.id));
            if response.changed() {
                toggle(value, &choice.value);
                doing.changed = true;
                doing.committed = true;
            }
        }
    });
    doing
}

/// Returns the places of the choices that have every word of the search, those that begin with it first.
fn found(data: &[Choice], search: &str) -> Vec<usize> {
    let search = search.to_lowercase();
    let words: Vec<&str> = search.split_whitespace().collect();
    let labels = data
        .iter()
        .enumerate()
        .map(|(place, choice)| (place, choice.label.to_lowercase()));
    let (first, rest): (Vec<_>, Vec<_>) = labels
        .filter(|(_, label)| words.iter().all(|word| label.contains(word)))
        .partition(|(_, label)| label.starts_with(search.trim()));
    first
        .into_iter()
        .chain(rest)
        .map(|(place, _)| place)
        .collect()
}

fn is_chosen(value: &Value, choice: &Choice) -> bool {
    match value {
        Value::Array(list) => list.contains(&choice.value),
        one => *one == choice.value,
    }
}

pub(crate) fn toggle(value: &mut Value, choice: &Value) {
    let Value::Array(list) = value else {
        *value = Value::Array(vec![choice.clone()]);
        return;
    };
    match list.iter().position(|one| one == choice) {
        Some(place) => {
            list.remove(place);
        }
        None => list.push(choice.clone()),
    }
}

fn shown_text(data: &[Choice], value: &Value) -> String {
    let chosen: Vec<&str> = data
        .iter()
        .filter(|choice| is_chosen(value, choice))
        .map(|choice| choice.label.as_str())
        .collect();
    match (chosen.as_slice(), value) {
        ([], Value::Null) => "Choose…".to_owned(),
        ([], Value::Array(_)) => "None chosen".to_owned(),
        ([], Value::String(text)) => text.clone(),
        (labels, _) => labels.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_with_the_search_comes_first() {
        let data: Vec<Choice> = ["Lighting", "Key light", "Roto"]
            .map(|name| Choice::new(name, name))
            .into();
        assert_eq!(found(&data, "light"), [0, 1]);
        assert_eq!(found(&data, "light key"), [1]);
        assert_eq!(found(&data, ""), [0, 1, 2]);
        assert_eq!(found(&data, "comp"), [] as [usize; 0]);
    }
}
