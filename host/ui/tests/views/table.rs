//! Tables as a person fills them in: by keyboard, many cells at once, thousands of rows.

use std::sync::Arc;

use callboard_protocol::{Choice, Edit, Item, View};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use serde_json::{Value, json};
use ui::form::FormEvent;

use crate::window::{Dropped, Window, click};

fn columns() -> Vec<Item> {
    let statuses = ["Not started", "In progress", "Done"];
    let statuses = statuses.map(|name| Choice::new(name, name.to_lowercase()));
    vec![
        Item::text("shot", "Shot").required(),
        Item::number("frames", "Frames").min(1),
        Item::one_of("status", "Status", statuses.into()),
        Item::boolean("plates", "Plates"),
        Item::text("id_there", "In ftrack").read_only(),
    ]
}

fn rows(count: usize) -> Value {
    let rows = (1..=count).map(|number| {
        json!({
            "id": format!("r{number}"), "shot": format!("sh{number:03}0"), "frames": 100 + number,
            "status": "not started", "plates": false, "id_there": "-",
        })
    });
    rows.collect()
}

fn window(rows: Value) -> Harness<'static, Window> {
    let table = Item::table("shots", "Shots", columns())
        .growing()
        .value(rows);
    crate::window::window(View::new("Shots").with(table))
}

fn cells(window: &Harness<'_, Window>, column: &str) -> Vec<Value> {
    let values = window.state().form.values();
    let rows = values["shots"].as_array().into_iter().flatten();
    rows.map(|row| row[column].clone()).collect()
}

fn key(window: &mut Harness<'_, Window>, key: Key) {
    window.key_press(key);
    window.run();
}

fn key_with(window: &mut Harness<'_, Window>, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.run();
}

fn event(window: &mut Harness<'_, Window>, event: Event) {
    window.event(event);
    window.run();
}

fn typed(window: &mut Harness<'_, Window>, text: &str) {
    event(window, Event::Text(text.to_owned()));
}

fn edits(window: &Harness<'_, Window>) -> Vec<Edit> {
    let events = window.state().events.iter();
    events
        .filter_map(|event| match event {
            FormEvent::Committed { edits, .. } => Some(edits.clone()),
            _ => None,
        })
        .flatten()
        .collect()
}

#[test]
fn cells_are_walked_and_typed_into_by_keyboard() {
    let mut window = window(rows(3));
    typed(&mut window, "a010");
    assert!(window.get_by_label("Shot: edit").is_focused());
    key(&mut window, Key::Enter);
    typed(&mut window, "a020");
    key(&mut window, Key::Tab);
    typed(&mut window, "12");
    key(&mut window, Key::Enter);
    key(&mut window, Key::F2);
    typed(&mut window, "9");
    key(&mut window, Key::Escape);
    assert_eq!(cells(&window, "shot"), ["a010", "a020", "sh0030"]);
    assert_eq!(cells(&window, "frames"), [101, 12, 103]);
    let set = |row: &str, column: &str, value: Value| Edit::Cell {
        row: row.to_owned(),
        column: column.to_owned(),
        value,
    };
    assert_eq!(
        edits(&window),
        [
            set("r1", "shot", json!("a010")),
            set("r2", "shot", json!("a020")),
            set("r2", "frames", json!(12)),
        ]
    );
    assert!(!window.state().events.contains(&FormEvent::Cancelled));
}

#[test]
fn a_choice_is_found_by_typing_in_its_cell() {
    let mut window = window(rows(2));
    key(&mut window, Key::ArrowRight);
    key(&mut window, Key::ArrowRight);
    typed(&mut window, "pro");
    key(&mut window, Key::Enter);
    assert_eq!(cells(&window, "status"), ["in progress", "not started"]);
    key(&mut window, Key::ArrowRight);
    key(&mut window, Key::Space);
    assert_eq!(cells(&window, "plates"), [true, false]);
    key(&mut window, Key::ArrowRight);
    typed(&mut window, "x");
    assert_eq!(cells(&window, "id_there"), ["-", "-"]);
}

#[test]
fn many_cells_are_filled_copied_and_cleared_at_once() {
    let mut window = window(rows(4));
    key(&mut window, Key::ArrowRight);
    key_with(&mut window, Modifiers::SHIFT, Key::ArrowDown);
    key_with(&mut window, Modifiers::SHIFT, Key::ArrowDown);
    typed(&mut window, "50");
    key_with(&mut window, Modifiers::COMMAND, Key::Enter);
    assert_eq!(cells(&window, "frames"), [50, 50, 50, 104]);
    assert!(
        window
            .state()
            .events
            .iter()
            .all(|event| !matches!(event, FormEvent::Submitted(_)))
    );
}

#[test]
fn what_was_done_is_taken_back_and_done_again() {
    let mut window = window(rows(3));
    key_with(&mut window, Modifiers::COMMAND, Key::A);
    key(&mut window, Key::Delete);
    assert_eq!(cells(&window, "shot"), ["", "", ""]);
    assert_eq!(cells(&window, "id_there"), ["-", "-", "-"]);
    key_with(&mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!(cells(&window, "shot"), ["sh0010", "sh0020", "sh0030"]);
    key_with(&mut window, Modifiers::COMMAND, Key::Y);
    assert_eq!(cells(&window, "shot"), ["", "", ""]);
    let again = edits(&window);
    let mut there = rows(3);
    for edit in &again {
        edit.apply(&mut there);
    }
    assert_eq!(there, window.state().form.values()["shots"]);
}

#[test]
fn what_a_spreadsheet_copied_is_pasted_and_grows_the_table() {
    let mut window = window(rows(2));
    key(&mut window, Key::ArrowDown);
    let text = "a010\t24\tIN PROGRESS\nb020\tmany\tDone\n".to_owned();
    event(&mut window, Event::Paste(text));
    assert_eq!(cells(&window, "shot"), ["sh0010", "a010", "b020"]);
    assert_eq!(
        cells(&window, "frames"),
        [json!(101), json!(24), json!("many")]
    );
    assert_eq!(
        cells(&window, "status"),
        ["not started", "in progress", "done"]
    );
    assert_eq!(cells(&window, "id"), ["r1", "r2", "new_1"]);
    click(&mut window, "Submit");
    window.get_by_label_contains("row 3: `Frames` must be a number");
    key_with(&mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!(cells(&window, "id"), ["r1", "r2"]);
}

#[test]
fn a_copy_is_tab_separated_and_one_cell_fills_a_selection() {
    let mut window = window(rows(3));
    key_with(&mut window, Modifiers::SHIFT, Key::ArrowRight);
    key_with(&mut window, Modifiers::SHIFT, Key::ArrowDown);
    event_copy(&mut window, "sh0010\t101\nsh0020\t102");
    key(&mut window, Key::ArrowRight);
    key(&mut window, Key::Home);
    key_with(
        &mut window,
        Modifiers::COMMAND | Modifiers::SHIFT,
        Key::ArrowUp,
    );
    event(&mut window, Event::Paste("same".to_owned()));
    assert_eq!(cells(&window, "shot"), ["same", "same", "sh0030"]);
}

fn event_copy(window: &mut Harness<'_, Window>, expected: &str) {
    window.event(Event::Copy);
    window.step();
    let commands = &window.output().platform_output.commands;
    let copied = commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(copied, Some(expected));
}

#[test]
fn rows_are_filtered_sorted_and_then_edited_where_they_belong() {
    let mut window = window(rows(30));
    window.get_by_label("Filter rows").click();
    window.run();
    window.get_by_label("Filter rows").type_text("sh001");
    window.run();
    window.get_by_label_contains("1 of 30 rows");
    click(&mut window, "Shot, row 1");
    typed(&mut window, "found");
    key(&mut window, Key::Enter);
    assert_eq!(cells(&window, "shot")[0], "found");
    window.get_by_label("Filter rows").click();
    window.run();
    key_with(&mut window, Modifiers::COMMAND, Key::A);
    typed(&mut window, "sh0");
    window
        .get_by_role_and_label(Role::ColumnHeader, "Frames")
        .click();
    window.run();
    window
        .get_by_role_and_label(Role::ColumnHeader, "Frames")
        .click();
    window.run();
    assert_eq!(
        window.get_by_label("Frames, row 1").value().as_deref(),
        Some("130")
    );
    click(&mut window, "Shot, row 1");
    typed(&mut window, "last");
    key(&mut window, Key::Enter);
    assert_eq!(cells(&window, "shot")[29], "last");
}

#[test]
fn one_column_of_many_rows_is_set_with_the_pointer_alone() {
    let mut window = window(rows(5));
    click(&mut window, "Row 1");
    window
        .get_by_label("Row 3")
        .click_modifiers(Modifiers::COMMAND);
    window.run();
    window
        .get_by_label("Row 5")
        .click_modifiers(Modifiers::COMMAND);
    window.run();
    click(&mut window, "Set 3 rows…");
    window.get_by_label("Column to set").click();
    window.run();
    window.get_by_role_and_label(Role::Button, "Status").click();
    window.run();
    window
        .get_by_role_and_label(Role::ComboBox, "Status")
        .click();
    window.run();
    window
        .get_by_role_and_label(Role::ListBoxOption, "Done")
        .click();
    window.run();
    click(&mut window, "Set selected rows");
    let done: Vec<bool> = cells(&window, "status")
        .iter()
        .map(|status| status == "done")
        .collect();
    assert_eq!(done, [true, false, true, false, true]);
    assert_eq!(edits(&window).len(), 3);
}

#[test]
fn rows_are_added_and_deleted_by_keyboard() {
    let mut window = window(rows(3));
    key(&mut window, Key::Insert);
    typed(&mut window, "new shot");
    key(&mut window, Key::Enter);
    assert_eq!(
        cells(&window, "shot"),
        ["sh0010", "sh0020", "sh0030", "new shot"]
    );
    key_with(&mut window, Modifiers::COMMAND, Key::Home);
    key_with(&mut window, Modifiers::SHIFT, Key::ArrowDown);
    key_with(&mut window, Modifiers::COMMAND, Key::Delete);
    assert_eq!(cells(&window, "shot"), ["sh0030", "new shot"]);
    key_with(&mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!(
        cells(&window, "shot"),
        ["sh0010", "sh0020", "sh0030", "new shot"]
    );
}

#[test]
fn a_dropped_csv_is_shown_before_its_rows_are_added() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shots.csv");
    let text = "Frames;SHOT;Comment\n48;c010;first\nx;c020;\n";
    std::fs::write(&path, text).expect("a file");
    let mut window = window(rows(1));
    let file = Arc::new(Dropped(path));
    window.input_mut().dropped_files.push(file);
    window.run();
    window.get_by_label_contains("1 of them have a cell that is not right");
    click(&mut window, "Add 2 rows");
    assert_eq!(cells(&window, "shot"), ["sh0010", "c010", "c020"]);
    assert_eq!(
        cells(&window, "frames"),
        [json!(101), json!(48), json!("x")]
    );
    assert!(window.query_by_label("Import CSV").is_none());
}

#[test]
fn a_row_says_how_it_stands_and_what_is_wrong_with_it() {
    let mut rows = rows(2);
    rows[1]["_state"] = json!("failed");
    rows[1]["_error"] = json!("a shot of that name is there already");
    let mut window = window(rows);
    window.get_by_label("Row 2 failed a shot of that name is there already");
    key(&mut window, Key::ArrowDown);
    window.get_by_label("A shot of that name is there already.");
}

#[test]
fn ten_thousand_rows_draw_only_those_that_are_seen() {
    let mut window = window(rows(10_000));
    assert!(window.query_by_label("Shot, row 100").is_none());
    key_with(&mut window, Modifiers::COMMAND, Key::End);
    window.get_by_label("Shot, row 10000");
    assert!(window.query_by_label("Shot, row 1").is_none());
    key_with(&mut window, Modifiers::COMMAND, Key::A);
    key(&mut window, Key::Delete);
    assert_eq!(edits(&window).len(), 3 * 10_000);
}
