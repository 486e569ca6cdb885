//! Doing what was asked for in a table.

use std::collections::HashSet;

use callboard_protocol::{Control, Edit, Item, ROW_ID};
use egui::{Id, Ui};
use serde_json::Value;

use super::keys::{Command, Extend, Extent};
use super::rows::{Row, id_of, row, rows};
use super::{Parts, Place, Table, Typing, cell, clipboard};

impl Table {
    /// Does one thing; returns the edits that it came to, which are done to the value already.
    pub(super) fn act(
        &mut self,
        ui: &Ui,
        parts: &mut Parts<'_>,
        command: Command,
        grid: Id,
    ) -> Vec<Edit> {
        let is_quiet = matches!(
            command,
            Command::Move { .. }
                | Command::Go { .. }
                | Command::PickRow(_)
                | Command::SelectAll
                | Command::Sort(_)
                | Command::SortHere
                | Command::Copy
                | Command::Leave { .. }
        );
        if parts.read_only && !is_quiet {
            return Vec::new();
        }
        let edits = match command {
            Command::Undo | Command::Redo => {
                let history = &mut self.history;
                let done = if command == Command::Undo {
                    history.undo(parts.value)
                } else {
                    history.redo(parts.value)
                };
                let edits = done.unwrap_or_default();
                self.is_stale |= changes_rows(&edits);
                return edits;
            }
            Command::Write {
                text,
                to: Extent::Cell,
            } => self.written(parts, &text, &self.cursor_row(), false),
            Command::Write {
                text,
                to: Extent::Selection,
            } => self.written(parts, &text, &self.selected_rows(), true),
            Command::Choose(value) => match parts.columns.get(self.cursor.column) {
                Some(column) => self.set(parts, column, &value, &self.cursor_row()),
                None => Vec::new(),
            },
            Command::Batch { column, value } => match parts.columns.get(column) {
                Some(column) => self.set(parts, column, &value, &self.selected_rows()),
                None => Vec::new(),
            },
            Command::Clear => self.cleared(parts),
            Command::Cut => {
                ui.ctx().copy_text(self.copied(parts));
                self.cleared(parts)
            }
            Command::Paste(text) => self.pasted(parts, &text),
            Command::FillDown => self.filled_down(parts),
            Command::InsertRow if parts.growing => self.inserted(parts),
            Command::DeleteRows if parts.growing => self.deleted(parts),
            Command::Import(new) if parts.growing => new_rows(parts, new),
            Command::Edit(typed) => self.begin_typing(parts, typed),
            quiet => {
                self.look(ui, parts, quiet, grid);
                Vec::new()
            }
        };
        if !edits.is_empty() {
            self.history.apply(parts.value, &edits);
            self.is_stale |= changes_rows(&edits);
        }
        edits
    }

    /// Does what changes nothing but what is seen.
    fn look(&mut self, ui: &Ui, parts: &Parts<'_>, command: Command, grid: Id) {
        match command {
            Command::Move {
                rows,
                columns,
                extend,
            } => {
                let place = self.moved(parts, rows, columns);
                self.stand_on(place, extend);
            }
            Command::Leave { rows, columns } => {
                self.typing = None;
                let place = self.moved(parts, rows, columns);
                self.stand_on(place, Extend::No);
                ui.memory_mut(|memory| memory.request_focus(grid));
            }
            Command::Go { place, extend } => {
                self.stand_on(place, extend);
                self.scrolls_to_cursor = false;
                ui.memory_mut(|memory| memory.request_focus(grid));
            }
            Command::PickRow(place) => {
                if !self.picked.remove(&place) {
                    self.picked.insert(place);
                }
                ui.memory_mut(|memory| memory.request_focus(grid));
            }
            Command::SelectAll => {
                self.anchor = Place::default();
                self.cursor = self.moved(parts, isize::MAX / 2, isize::MAX / 2);
            }
            Command::Copy => ui.ctx().copy_text(self.copied(parts)),
            Command::Sort(column) => {
                self.wanted.turn(column);
                self.is_stale = true;
            }
            Command::SortHere => {
                self.wanted.turn(self.cursor.column);
                self.is_stale = true;
            }
            _ => {}
        }
    }

    fn stand_on(&mut self, place: Place, extend: Extend) {
        self.cursor = place;
        if extend == Extend::No {
            self.anchor = place;
            self.picked.clear();
        }
        self.scrolls_to_cursor = true;
    }

    fn moved(&self, parts: &Parts<'_>, rows: isize, columns: isize) -> Place {
        let step = |from: usize, by: isize, count: usize| {
            from.saturating_add_signed(by).min(count.saturating_sub(1))
        };
        Place {
            row: step(self.cursor.row, rows, self.order.len()),
            column: step(self.cursor.column, columns, parts.columns.len()),
        }
    }

    fn cursor_row(&self) -> Vec<usize> {
        self.order
            .get(self.cursor.row)
            .copied()
            .into_iter()
            .collect()
    }

    fn begin_typing(&mut self, parts: &Parts<'_>, typed: Option<String>) -> Vec<Edit> {
        let place = self.order.get(self.cursor.row).copied();
        let column = parts.columns.get(self.cursor.column);
        let (Some(place), Some(column)) = (place, column) else {
            return Vec::new();
        };
        let cells = row(parts.value, place);
        if column.read_only || cells.is_none() {
            return Vec::new();
        }
        let value = cells.map_or(&Value::Null, |cells| cell::cell(cells, column));
        if column.control == Control::Boolean {
            let is_on = value.as_bool().unwrap_or(false);
            return self.set(parts, column, &Value::Bool(!is_on), &self.selected_rows());
        }
        self.typing = Some(match typed {
            Some(text) => Typing::replacing(text),
            None => Typing::continuing(cell::text_from_value(column, value)),
        });
        self.scrolls_to_cursor = true;
        Vec::new()
    }

    fn written(
        &self,
        parts: &Parts<'_>,
        text: &str,
        places: &[usize],
        all_columns: bool,
    ) -> Vec<Edit> {
        let columns = if all_columns {
            self.selected_columns()
        } else {
            self.cursor.column..=self.cursor.column
        };
        let columns = parts.columns.get(columns).unwrap_or_default();
        let of_column =
            |column| self.set(parts, column, &cell::value_from_text(column, text), places);
        columns.iter().flat_map(of_column).collect()
    }

    /// Returns the edits that give a column this value in these rows, where it is another one.
    fn set(&self, parts: &Parts<'_>, column: &Item, value: &Value, places: &[usize]) -> Vec<Edit> {
        if column.read_only {
            return Vec::new();
        }
        let cells = places.iter().filter_map(|place| row(parts.value, *place));
        cells
            .filter(|cells| cell::cell(cells, column) != value)
            .map(|cells| Edit::Cell {
                row: id_of(cells).to_owned(),
                column: column.name.clone(),
                value: value.clone(),
            })
            .collect()
    }

    fn cleared(&self, parts: &Parts<'_>) -> Vec<Edit> {
        let columns = parts
            .columns
            .get(self.selected_columns())
            .unwrap_or_default();
        let places = self.selected_rows();
        let of_column =
            |column| self.set(parts, column, &cell::value_from_text(column, ""), &places);
        columns.iter().flat_map(of_column).collect()
    }

    fn copied(&self, parts: &Parts<'_>) -> String {
        let columns = parts
            .columns
            .get(self.selected_columns())
            .unwrap_or_default();
        let places = self.selected_rows();
        let cells = places.iter().filter_map(|place| row(parts.value, *place));
        let lines: Vec<Vec<String>> = cells
            .map(|cells| {
                let texts = columns
                    .iter()
                    .map(|column| cell::text_from_value(column, cell::cell(cells, column)));
                texts.collect()
            })
            .collect();
        clipboard::tsv_from_cells(&lines)
    }

    /// Lays lines of cells over the table from the top left of the selection; one cell fills all that is selected.
    fn pasted(&self, parts: &Parts<'_>, text: &str) -> Vec<Edit> {
        let lines = clipboard::cells_from_tsv(text);
        if let [line] = lines.as_slice()
            && let [only] = line.as_slice()
        {
            return self.written(parts, only, &self.selected_rows(), true);
        }
        let top = self.anchor.row.min(self.cursor.row);
        let columns = parts
            .columns
            .get(*self.selected_columns().start()..)
            .unwrap_or_default();
        let mut edits = Vec::new();
        let mut new = Vec::new();
        for (number, line) in lines.iter().enumerate() {
            if let Some(place) = self.order.get(top + number) {
                for (column, text) in columns.iter().zip(line) {
                    let value = cell::value_from_text(column, text);
                    edits.extend(self.set(parts, column, &value, &[*place]));
                }
            } else if parts.growing {
                new.push(row_from_cells(columns.iter(), line));
            }
        }
        edits.extend(new_rows(parts, new));
        edits
    }

    fn filled_down(&self, parts: &Parts<'_>) -> Vec<Edit> {
        let places = self.selected_rows();
        let Some((first, rest)) = places.split_first() else {
            return Vec::new();
        };
        let Some(source) = row(parts.value, *first) else {
            return Vec::new();
        };
        let columns = parts
            .columns
            .get(self.selected_columns())
            .unwrap_or_default();
        let of_column = |column| self.set(parts, column, cell::cell(source, column), rest);
        columns.iter().flat_map(of_column).collect()
    }

    fn inserted(&mut self, parts: &Parts<'_>) -> Vec<Edit> {
        let new = vec![row_from_cells(parts.columns.iter(), &[])];
        let edits = new_rows(parts, new);
        self.wanted.filter.clear();
        let last = rows(parts.value).len();
        self.cursor = Place {
            row: last,
            column: 0,
        };
        self.anchor = self.cursor;
        self.scrolls_to_cursor = true;
        self.order.push(last);
        edits
    }

    fn deleted(&mut self, parts: &Parts<'_>) -> Vec<Edit> {
        let places = self.selected_rows();
        self.picked.clear();
        self.cursor.row = self.cursor.row.min(self.anchor.row);
        self.anchor = self.cursor;
        let cells = places.iter().filter_map(|place| row(parts.value, *place));
        cells
            .map(|cells| Edit::Delete {
                row: id_of(cells).to_owned(),
            })
            .collect()
    }
}

/// Returns a row without an id, its cells read from texts; those without a text are as a new row has them.
pub(super) fn row_from_cells<'a>(columns: impl Iterator<Item = &'a Item>, texts: &[String]) -> Row {
    let mut texts = texts.iter();
    columns
        .map(|column| {
            let value = match texts.next() {
                Some(text) => cell::value_from_text(column, text),
                None if column.value.is_null() => cell::value_from_text(column, ""),
                None => column.value.clone(),
            };
            (column.name.clone(), value)
        })
        .collect()
}

/// Returns the edits that add rows below all others, each with an id that no row has.
fn new_rows(parts: &Parts<'_>, new: Vec<Row>) -> Vec<Edit> {
    let ids = rows(parts.value)
        .iter()
        .filter_map(Value::as_object)
        .map(id_of);
    let taken: HashSet<&str> = ids.collect();
    let mut free = (1_u64..)
        .map(|number| format!("new_{number}"))
        .filter(|id| !taken.contains(id.as_str()));
    new.into_iter()
        .map(|mut row| {
            row.insert(ROW_ID.to_owned(), Value::from(free.next()));
            Edit::Insert { row, before: None }
        })
        .collect()
}

fn changes_rows(edits: &[Edit]) -> bool {
    edits.iter().any(|edit| !matches!(edit, Edit::Cell { .. }))
}
