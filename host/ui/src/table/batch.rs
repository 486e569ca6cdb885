//! Setting one column of many rows at once.

use callboard_protocol::Item;
use egui::{Button, ComboBox, Modal, Ui};

use super::keys::Command;
use crate::form::Field;
use crate::tokens::space;

/// The column that is set, and what it is set to.
#[derive(Debug, Default)]
pub(super) struct Batch {
    column: usize,
    field: Option<Box<Field>>,
    is_open: bool,
}

impl Batch {
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, columns: &[Item], selected: usize) -> Option<Command> {
        let label = match selected {
            0 | 1 => "Set rows…".to_owned(),
            many => format!("Set {many} rows…"),
        };
        let button = ui.add_enabled(selected > 1, Button::new(label));
        let button = button.on_disabled_hover_text("Select several rows first");
        self.is_open |= button.clicked();
        if !self.is_open {
            return None;
        }
        let mut command = None;
        let modal = Modal::new(ui.scope_id().with("batch")).show(ui.ctx(), |ui| {
            ui.set_width(320.0);
            ui.heading(format!("Set {selected} rows"));
            ui.add_space(space::SMALL);
            command = self.content_ui(ui, columns);
            if command.is_some() || ui.button("Close").clicked() {
                self.is_open = false;
            }
        });
        self.is_open &= !modal.should_close();
        if !self.is_open {
            self.field = None;
        }
        command
    }

    fn content_ui(&mut self, ui: &mut Ui, columns: &[Item]) -> Option<Command> {
        let before = self.column;
        let name = columns
            .get(before)
            .map_or("", |column| column.label.as_str());
        let combo = ComboBox::from_id_salt("column")
            .selected_text(name)
            .width(260.0);
        let shown = combo.show_ui(ui, |ui| {
            for (place, column) in columns
                .iter()
                .enumerate()
                .filter(|(_, column)| !column.read_only)
            {
                ui.selectable_value(&mut self.column, place, column.label.as_str());
            }
        });
        let id = shown.response.id;
        ui.ctx()
            .accesskit_node_builder(id, |node| node.set_label("Column to set"));
        if before != self.column {
            self.field = None;
        }
        let column = columns.get(self.column)?;
        let field = self
            .field
            .get_or_insert_with(|| Box::new(empty_field(column)));
        field.ui(ui, 0);
        let is_right = field.problem().is_none();
        let apply = ui.add_enabled(is_right, Button::new("Set selected rows"));
        apply.clicked().then(|| Command::Batch {
            column: self.column,
            value: field.item().value.clone(),
        })
    }
}

fn empty_field(column: &Item) -> Field {
    let mut item = column.clone();
    if item.value.is_null() {
        item.value = super::value_from_text(&item, "");
    }
    Field::new(item)
}
