//! Typing into one cell of a table.

use callboard_protocol::{Control, Item};
use egui::{EventFilter, Key, Modifiers, Popup, Rect, TextEdit, Ui};
use serde_json::Value;

use super::keys::{Command, Extent};
use crate::form::{Choosing, toggle};

/// The cell under the cursor while it is changed.
#[derive(Debug)]
pub(super) struct Typing {
    text: String,
    choosing: Choosing,
    is_new: bool,
}

impl Typing {
    /// Begins with what was typed, over what stood in the cell.
    pub(super) fn replacing(text: String) -> Self {
        Self {
            choosing: Choosing::searching(text.clone()),
            text,
            is_new: true,
        }
    }

    /// Begins with what stands in the cell.
    pub(super) fn continuing(text: String) -> Self {
        Self {
            text,
            choosing: Choosing::default(),
            is_new: true,
        }
    }

    /// Draws what is typed over the cell.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        column: &Item,
        value: &Value,
    ) -> Vec<Command> {
        match &column.control {
            Control::Enumerator { data, multi_select } => {
                let name = column.label.as_str();
                let mut picked = None;
                let popup_id = ui.scope_id().with("choices");
                let shown = Popup::new(popup_id, ui.ctx().clone(), rect, ui.layer_id())
                    .open(true)
                    .width(rect.width().max(220.0))
                    .accessible_name(format!("{name}: choices"))
                    .show(|ui| picked = self.choosing.open_ui(ui, data, value, name));
                let was_new = std::mem::take(&mut self.is_new);
                let is_left =
                    shown.is_some_and(|shown| shown.response.clicked_elsewhere()) && !was_new;
                let picked = picked.and_then(|place| data.get(place));
                match picked {
                    Some(choice) if *multi_select => {
                        let mut value = value.clone();
                        toggle(&mut value, &choice.value);
                        vec![Command::Choose(value)]
                    }
                    Some(choice) => vec![
                        Command::Choose(choice.value.clone()),
                        Command::Leave {
                            rows: 0,
                            columns: 0,
                        },
                    ],
                    None if is_left || pressed(ui, Key::Escape) => vec![Command::Leave {
                        rows: 0,
                        columns: 0,
                    }],
                    None => Vec::new(),
                }
            }
            _ => self.text_ui(ui, rect, column),
        }
    }

    fn text_ui(&mut self, ui: &mut Ui, rect: Rect, column: &Item) -> Vec<Command> {
        let fills = ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::Enter));
        // Tab goes to the next cell and not to the next widget.
        let keeps_tab = EventFilter {
            tab: true,
            horizontal_arrows: true,
            ..EventFilter::default()
        };
        let edit = TextEdit::singleline(&mut self.text)
            .margin(egui::Margin::symmetric(6, 4))
            .cursor_at_end(true)
            .event_filter(keeps_tab)
            .desired_width(rect.width());
        let response = ui.put(rect, edit);
        let name = format!("{}: edit", column.label);
        ui.ctx()
            .accesskit_node_builder(response.id, |node| node.set_label(name));
        if std::mem::take(&mut self.is_new) {
            response.request_focus();
            return Vec::new();
        }
        let by_tab = response.has_focus() && pressed(ui, Key::Tab);
        if !response.lost_focus() && !fills && !by_tab {
            return Vec::new();
        }
        if pressed(ui, Key::Escape) {
            return vec![Command::Leave {
                rows: 0,
                columns: 0,
            }];
        }
        let to = if fills {
            Extent::Selection
        } else {
            Extent::Cell
        };
        let is_back = ui.input(|input| input.modifiers.shift);
        let (rows, columns) = match (pressed(ui, Key::Enter), by_tab) {
            (true, _) if !fills => (if is_back { -1 } else { 1 }, 0),
            (_, true) => (0, if is_back { -1 } else { 1 }),
            _ => (0, 0),
        };
        let text = self.text.clone();
        vec![
            Command::Write { text, to },
            Command::Leave { rows, columns },
        ]
    }
}

fn pressed(ui: &Ui, key: Key) -> bool {
    ui.input(|input| input.key_pressed(key))
}
