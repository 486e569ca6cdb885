//! What keys do in a table that has the focus.

use egui::{Event, Key, Modifiers, Ui};

/// Something to do in a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Command {
    /// Walk by so many rows and columns; whether the selection comes along.
    Move {
        rows: isize,
        columns: isize,
        extend: Extend,
    },
    /// Stand on a cell.
    Go {
        place: super::Place,
        extend: Extend,
    },
    /// Select a further row, or no longer.
    PickRow(usize),
    SelectAll,
    /// Change the cell; with what was typed already, where typing began it.
    Edit(Option<String>),
    /// Set a cell, or all selected ones, to what a text says.
    Write {
        text: String,
        to: Extent,
    },
    /// Set the cell to a value.
    Choose(serde_json::Value),
    /// Set a column of all selected rows.
    Batch {
        column: usize,
        value: serde_json::Value,
    },
    Clear,
    Copy,
    Cut,
    Paste(String),
    FillDown,
    Undo,
    Redo,
    InsertRow,
    DeleteRows,
    Sort(usize),
    /// Sort by the column of the cursor.
    SortHere,
    /// Leave the cell that is typed into, and walk so many rows and columns.
    Leave {
        rows: isize,
        columns: isize,
    },
    /// Add the rows of a file.
    Import(Vec<super::rows::Row>),
}

/// Whether the selection grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extend {
    Yes,
    No,
}

/// How many cells are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Cell,
    Selection,
}

/// Further than any table goes.
const FAR: isize = 1 << 40;

/// Takes the keys of this frame.
pub(super) fn commands(ui: &Ui) -> Vec<Command> {
    let page = 20;
    let mut commands = Vec::new();
    let mut typed = String::new();
    ui.input_mut(|input| {
        for event in &input.events {
            match event {
                Event::Copy => commands.push(Command::Copy),
                Event::Cut => commands.push(Command::Cut),
                Event::Paste(text) => commands.push(Command::Paste(text.clone())),
                Event::Text(text) if text != " " || !typed.is_empty() => typed.push_str(text),
                _ => {}
            }
        }
        let with = |key, modifiers, command| (key, modifiers, command);
        let keys = [
            with(Key::Enter, Modifiers::NONE, Command::Edit(None)),
            with(Key::F2, Modifiers::NONE, Command::Edit(None)),
            with(Key::Space, Modifiers::NONE, Command::Edit(None)),
            with(Key::Delete, Modifiers::COMMAND, Command::DeleteRows),
            with(Key::Delete, Modifiers::NONE, Command::Clear),
            with(Key::Backspace, Modifiers::NONE, Command::Clear),
            with(Key::Insert, Modifiers::NONE, Command::InsertRow),
            with(Key::Z, Modifiers::COMMAND | Modifiers::SHIFT, Command::Redo),
            with(Key::Z, Modifiers::COMMAND, Command::Undo),
            with(Key::Y, Modifiers::COMMAND, Command::Redo),
            with(Key::A, Modifiers::COMMAND, Command::SelectAll),
            with(Key::D, Modifiers::COMMAND, Command::FillDown),
            with(Key::S, Modifiers::ALT, Command::SortHere),
        ];
        for (key, modifiers, command) in keys {
            if input.consume_key(modifiers, key) {
                commands.push(command);
            }
        }
        let steps = [
            (Key::ArrowUp, Modifiers::COMMAND, -FAR, 0),
            (Key::ArrowDown, Modifiers::COMMAND, FAR, 0),
            (Key::ArrowLeft, Modifiers::COMMAND, 0, -FAR),
            (Key::ArrowRight, Modifiers::COMMAND, 0, FAR),
            (Key::Home, Modifiers::COMMAND, -FAR, -FAR),
            (Key::End, Modifiers::COMMAND, FAR, FAR),
            (Key::ArrowUp, Modifiers::NONE, -1, 0),
            (Key::ArrowDown, Modifiers::NONE, 1, 0),
            (Key::ArrowLeft, Modifiers::NONE, 0, -1),
            (Key::ArrowRight, Modifiers::NONE, 0, 1),
            (Key::PageUp, Modifiers::NONE, -page, 0),
            (Key::PageDown, Modifiers::NONE, page, 0),
            (Key::Home, Modifiers::NONE, 0, -FAR),
            (Key::End, Modifiers::NONE, 0, FAR),
        ];
        for (key, modifiers, rows, columns) in steps {
            for (also, extend) in [
                (Modifiers::SHIFT, Extend::Yes),
                (Modifiers::NONE, Extend::No),
            ] {
                for _ in 0..input.count_and_consume_key(modifiers | also, key) {
                    commands.push(Command::Move {
                        rows,
                        columns,
                        extend,
                    });
                }
            }
        }
    });
    if !typed.is_empty() {
        commands.push(Command::Edit(Some(typed)));
    }
    commands
}
