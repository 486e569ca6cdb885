//! Adding the rows of a file, after a look at what would come.

use std::path::Path;

use callboard_protocol::Item;
use egui::{ComboBox, Grid, Modal, RichText, ScrollArea, TextEdit, Ui};
use serde_json::Value;

use super::keys::Command;
use super::rows::Row;
use super::{Parts, Table, cell, cells_from_csv};
use crate::tokens::{Tokens, space};

/// The largest file that is read.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// How many rows are shown before they are added.
const PREVIEW: usize = 6;

/// A file on its way into a table.
#[derive(Debug, Default)]
pub(super) struct Import {
    path: String,
    lines: Vec<Vec<String>>,
    /// For each column of the table, the column of the file that goes there.
    from: Vec<Option<usize>>,
    problem: Option<String>,
}

impl Table {
    /// Draws the window of an import, and takes a file that is dropped onto the form.
    pub(super) fn import_ui(&mut self, ui: &mut Ui, parts: &Parts<'_>) -> Option<Command> {
        if parts.growing {
            self.take_drop(ui, parts.columns);
        }
        let import = self.import.as_mut()?;
        let mut is_open = true;
        let mut command = None;
        let modal = Modal::new(ui.scope_id().with("import")).show(ui.ctx(), |ui| {
            ui.set_width(720.0);
            ui.heading("Import CSV");
            ui.add_space(space::SMALL);
            import.file_ui(ui, parts.columns);
            if !import.lines.is_empty() {
                import.mapping_ui(ui, parts.columns);
                import.preview_ui(ui, parts.columns);
            }
            ui.add_space(space::MEDIUM);
            ui.horizontal(|ui| {
                let count = import.lines.len().saturating_sub(1);
                let add = egui::Button::new(format!("Add {count} rows"));
                if ui.add_enabled(count > 0, add).clicked() {
                    command = Some(Command::Import(import.rows(parts.columns)));
                    is_open = false;
                }
                if ui.button("Close import").clicked() {
                    is_open = false;
                }
            });
        });
        if !is_open || modal.should_close() {
            self.import = None;
        }
        command
    }

    fn take_drop(&mut self, ui: &Ui, columns: &[Item]) {
        let dropped = ui.input_mut(|input| std::mem::take(&mut input.raw.dropped_files));
        let dropped = dropped.first().map(|file| file.path().to_owned());
        if let Some(path) = dropped {
            let import = self.import.get_or_insert_default();
            import.path = path.display().to_string();
            import.load(columns);
        }
    }
}

impl Import {
    fn file_ui(&mut self, ui: &mut Ui, columns: &[Item]) {
        let mut wants_load = false;
        ui.horizontal(|ui| {
            let edit = TextEdit::singleline(&mut self.path)
                .hint_text("Path of the file, or drop it here")
                .margin(egui::Margin::symmetric(10, 6))
                .desired_width(560.0);
            let edit = ui.add(edit);
            ui.ctx()
                .accesskit_node_builder(edit.id, |node| node.set_label("Path of the CSV file"));
            wants_load = edit.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            wants_load |= ui.button("Read file").clicked();
        });
        if wants_load {
            self.load(columns);
        }
        if let Some(problem) = &self.problem {
            ui.colored_label(Tokens::of(ui).bad, problem);
        }
    }

    fn load(&mut self, columns: &[Item]) {
        self.lines.clear();
        self.problem = None;
        match text_from_file(Path::new(self.path.trim())) {
            Ok(text) => {
                self.lines = cells_from_csv(&text);
                self.from = matched(columns, self.lines.first().map_or(&[], Vec::as_slice));
                if self.lines.len() < 2 {
                    self.problem = Some("The file has no rows below its header.".to_owned());
                }
            }
            Err(problem) => self.problem = Some(problem),
        }
    }

    fn mapping_ui(&mut self, ui: &mut Ui, columns: &[Item]) {
        ui.add_space(space::SMALL);
        ui.label(RichText::new("Which column goes where").strong());
        let header = self.lines.first().cloned().unwrap_or_default();
        ScrollArea::vertical()
            .id_salt("mapping")
            .max_height(220.0)
            .show(ui, |ui| {
                Grid::new("mapping").num_columns(2).show(ui, |ui| {
                    for (column, from) in columns.iter().zip(&mut self.from) {
                        let label = ui.label(column.label.as_str());
                        let shown = from.and_then(|from| header.get(from));
                        let combo = ComboBox::from_id_salt(&column.name)
                            .selected_text(shown.map_or("nothing", String::as_str))
                            .width(240.0)
                            .show_ui(ui, |ui| {
                                ui.selectable_value(from, None, "nothing");
                                for (place, name) in header.iter().enumerate() {
                                    ui.selectable_value(from, Some(place), name.as_str());
                                }
                            });
                        combo.response.labelled_by(label.id);
                        ui.end_row();
                    }
                });
            });
    }

    fn preview_ui(&self, ui: &mut Ui, columns: &[Item]) {
        let tokens = Tokens::of(ui);
        let rows = self.rows(columns);
        let is_wrong = |row: &&Row| {
            let mut problems = columns
                .iter()
                .filter_map(|column| column.problem(cell::cell(row, column), false));
            problems.next().is_some()
        };
        let wrong = rows.iter().filter(is_wrong).count();
        ui.add_space(space::SMALL);
        ui.label(RichText::new(format!("{} rows", rows.len())).strong());
        if wrong > 0 {
            let text = format!(
                "{wrong} of them have a cell that is not right; it can be mended in the table."
            );
            ui.colored_label(tokens.warning, text);
        }
        ScrollArea::horizontal().id_salt("preview").show(ui, |ui| {
            Grid::new("preview").striped(true).show(ui, |ui| {
                for column in columns {
                    ui.label(RichText::new(&column.label).color(tokens.quiet));
                }
                ui.end_row();
                for row in rows.iter().take(PREVIEW) {
                    for column in columns {
                        let value = cell::cell(row, column);
                        let color = match column.problem(value, false) {
                            Some(_) => tokens.bad,
                            None => tokens.text,
                        };
                        ui.colored_label(color, cell::text_from_value(column, value));
                    }
                    ui.end_row();
                }
            });
        });
    }

    fn rows(&self, columns: &[Item]) -> Vec<Row> {
        let lines = self.lines.iter().skip(1);
        lines
            .map(|line| {
                let cells = columns.iter().zip(&self.from);
                cells
                    .map(|(column, from)| {
                        let text = from.and_then(|from| line.get(from));
                        let value = match text {
                            Some(text) => cell::value_from_text(column, text),
                            None if column.value == Value::Null => {
                                cell::value_from_text(column, "")
                            }
                            None => column.value.clone(),
                        };
                        (column.name.clone(), value)
                    })
                    .collect()
            })
            .collect()
    }
}

/// Finds for each column of the table the one of the file that is called the same, whatever its case and spaces.
fn matched(columns: &[Item], header: &[String]) -> Vec<Option<usize>> {
    let plain = |text: &str| -> String {
        let letters = text.chars().filter(|letter| letter.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let place = |column: &Item| {
        header.iter().position(|name| {
            let name = plain(name);
            name == plain(&column.label) || name == plain(&column.name)
        })
    };
    columns.iter().map(place).collect()
}

fn text_from_file(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let length = std::fs::metadata(path)
        .map_err(|error| format!("Could not read `{shown}`: {error}."))?
        .len();
    if length > MAX_BYTES {
        return Err(format!("`{shown}` is larger than 8 MB."));
    }
    let bytes =
        std::fs::read(path).map_err(|error| format!("Could not read `{shown}`: {error}."))?;
    String::from_utf8(bytes)
        .map_err(|_| format!("`{shown}` is no text in UTF-8. Save it as CSV UTF-8."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_matched_by_name_or_label() {
        let columns = [
            Item::text("shot", "Shot name"),
            Item::number("frame_start", "First"),
            Item::text("x", "X"),
        ];
        let header = ["Frame Start".to_owned(), "SHOT NAME".to_owned()];
        assert_eq!(matched(&columns, &header), [Some(1), Some(0), None]);
    }
}
