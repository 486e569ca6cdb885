//! A table that is filled in like a spreadsheet: by keyboard, many cells at once, thousands of rows.
//!
//! The rows are the item's value and lie nowhere else. What is kept here is how they are looked at, and what can be taken
//! back. Each change is a list of edits, which is what the host's draft takes.

mod act;
mod batch;
mod cell;
mod clipboard;
mod grid;
mod import;
mod keys;
mod order;
mod rows;
mod typing;

use std::collections::BTreeSet;

use callboard_protocol::{Control, Edit, Item};
use egui::{Id, RichText, TextEdit, Ui};
use serde_json::Value;

use crate::icon::Icon;
use crate::tokens::{Tokens, size, space};
use batch::Batch;
use import::Import;
use keys::Command;
use order::Wanted;
use rows::History;
use typing::Typing;

pub(crate) use cell::value_from_text;
pub(crate) use clipboard::cells_from_csv;

/// A cell by its place on the screen: the row among those shown, and the column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    row: usize,
    column: usize,
}

/// How a table is looked at, and what is being done in it.
#[derive(Debug, Default)]
pub(crate) struct Table {
    wanted: Wanted,
    /// Places in the value of the rows that are shown, in their order on the screen.
    order: Vec<usize>,
    is_stale: bool,
    cursor: Place,
    /// Where the selection began that ends at the cursor.
    anchor: Place,
    /// Rows selected one by one, by their places in the value.
    picked: BTreeSet<usize>,
    typing: Option<Typing>,
    history: History,
    batch: Batch,
    import: Option<Import>,
    widths: Vec<f32>,
    scrolls_to_cursor: bool,
}

/// What came of a table in one frame.
#[derive(Debug, Default)]
pub(crate) struct TableDoing {
    /// What was changed, in order.
    pub(crate) edits: Vec<Edit>,
    /// What takes the focus when the table is to have it.
    pub(crate) focus_here: Option<Id>,
}

/// A table's parts, taken out of its item.
struct Parts<'a> {
    columns: &'a [Item],
    growing: bool,
    read_only: bool,
    value: &'a mut Value,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            is_stale: true,
            ..Self::default()
        }
    }

    /// Takes note that the rows were changed from outside.
    pub(crate) fn refresh(&mut self) {
        self.is_stale = true;
        self.widths.clear();
    }

    /// Tells whether Escape and Ctrl+Enter belong to something that is open in the table.
    pub(crate) fn holds_keys(&self) -> bool {
        self.typing.is_some() || self.import.is_some() || self.batch.is_open()
    }

    /// Draws the table; what was done is done to the item's value already.
    pub(crate) fn ui(&mut self, ui: &mut Ui, item: &mut Item, label: Option<Id>) -> TableDoing {
        let Item {
            control: Control::Table { columns, growing },
            value,
            ..
        } = item
        else {
            return TableDoing::default();
        };
        let mut parts = Parts {
            columns,
            growing: *growing && !item.read_only,
            read_only: item.read_only,
            value,
        };
        self.put_in_order(&parts);
        let mut commands = self.toolbar_ui(ui, &parts);
        let grid = ui
            .vertical(|ui| self.grid_ui(ui, &parts, label, &item.label))
            .inner;
        commands.extend(grid.commands);
        if grid.has_focus && self.typing.is_none() {
            commands.extend(keys::commands(ui));
        }
        commands.extend(self.import_ui(ui, &parts));
        let mut edits = Vec::new();
        for command in commands {
            edits.extend(self.act(ui, &mut parts, command, grid.id));
        }
        self.hint_ui(ui, &parts);
        TableDoing {
            edits,
            focus_here: Some(grid.id),
        }
    }

    fn put_in_order(&mut self, parts: &Parts<'_>) {
        if !std::mem::take(&mut self.is_stale) {
            return;
        }
        self.order = self.wanted.order(parts.columns, rows::rows(parts.value));
        let last = Place {
            row: self.order.len().saturating_sub(1),
            column: parts.columns.len().saturating_sub(1),
        };
        for place in [&mut self.cursor, &mut self.anchor] {
            place.row = place.row.min(last.row);
            place.column = place.column.min(last.column);
        }
        let count = rows::rows(parts.value).len();
        self.picked.retain(|place| *place < count);
    }

    /// Returns the rows that a change of many goes to, by their places in the value, as they stand on the screen.
    fn selected_rows(&self) -> Vec<usize> {
        let (first, last) = ordered(self.anchor.row, self.cursor.row);
        let range = self.order.iter().enumerate();
        range
            .filter(|(shown, place)| (first..=last).contains(shown) || self.picked.contains(place))
            .map(|(_, place)| *place)
            .collect()
    }

    fn selected_columns(&self) -> std::ops::RangeInclusive<usize> {
        let (first, last) = ordered(self.anchor.column, self.cursor.column);
        first..=last
    }

    fn toolbar_ui(&mut self, ui: &mut Ui, parts: &Parts<'_>) -> Vec<Command> {
        let mut commands = Vec::new();
        ui.horizontal(|ui| {
            let filter = TextEdit::singleline(&mut self.wanted.filter)
                .hint_text("Filter rows")
                .margin(egui::Margin::symmetric(10, 6))
                .desired_width(200.0);
            let filter = ui.add(filter);
            ui.ctx()
                .accesskit_node_builder(filter.id, |node| node.set_label("Filter rows"));
            if filter.changed() {
                self.is_stale = true;
                self.picked.clear();
            }
            let selected = self.selected_rows().len();
            if !parts.read_only {
                commands.extend(self.batch.ui(ui, parts.columns, selected));
                for (label, shortcut, is_possible, command) in [
                    ("Undo", "Ctrl+Z", self.history.can_undo(), Command::Undo),
                    (
                        "Redo",
                        "Ctrl+Shift+Z",
                        self.history.can_redo(),
                        Command::Redo,
                    ),
                ] {
                    let button = ui.add_enabled(is_possible, egui::Button::new(label));
                    if button.on_hover_text(shortcut).clicked() {
                        commands.push(command);
                    }
                }
            }
            if parts.growing {
                if ui.button("Add row").on_hover_text("Insert").clicked() {
                    commands.push(Command::InsertRow);
                }
                let delete = ui.add_enabled(selected > 0, egui::Button::new("Delete rows"));
                if delete.on_hover_text("Ctrl+Delete").clicked() {
                    commands.push(Command::DeleteRows);
                }
                if ui.button("Import CSV…").clicked() {
                    self.import = Some(Import::default());
                }
            }
        });
        commands
    }

    /// Says below the table how much of it is seen and selected, and which keys do what.
    fn hint_ui(&self, ui: &mut Ui, parts: &Parts<'_>) {
        let tokens = Tokens::of(ui);
        let quiet = |text: String| RichText::new(text).size(size::SMALL).color(tokens.quiet);
        let (shown, all) = (self.order.len(), rows::rows(parts.value).len());
        let rows = if shown == all {
            format!("{all} rows")
        } else {
            format!("{shown} of {all} rows")
        };
        let selected = match self.selected_rows().len() {
            0 | 1 => String::new(),
            many => format!(" · {many} selected"),
        };
        ui.horizontal(|ui| {
            ui.spacing_mut().interact_size.y = size::SMALL;
            ui.label(quiet(format!("{rows}{selected}")));
            if let Some(error) = self.cursor_error(parts) {
                Icon::Warning.ui(ui, tokens.bad);
                ui.label(RichText::new(error).size(size::SMALL).color(tokens.bad));
            } else if !parts.read_only {
                ui.add_space(space::SMALL);
                ui.label(quiet(
                    "Enter edits · Shift+arrows select · Ctrl+Enter fills the selection · Ctrl+D fills down".to_owned(),
                ));
            }
        });
    }

    /// Returns what is wrong where the cursor stands: in the cell, or with the row.
    fn cursor_error(&self, parts: &Parts<'_>) -> Option<String> {
        let row = rows::row(parts.value, *self.order.get(self.cursor.row)?)?;
        let column = parts.columns.get(self.cursor.column)?;
        let of_cell = column
            .problem(cell::cell(row, column), false)
            .map(|problem| format!("{} {problem}.", column.label));
        let of_row = row
            .get(callboard_protocol::ROW_ERROR)
            .and_then(Value::as_str);
        of_cell.or_else(|| of_row.map(crate::form::sentence_from_message))
    }
}

fn ordered(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}
