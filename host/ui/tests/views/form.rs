//! Forms as a person fills them in: by label, by pointer and by keyboard.

use callboard_protocol::{Choice, Control, Edit, Failure, FieldEdit, Item, Patch, View};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use serde_json::{Value, json};
use ui::form::FormEvent;

use crate::window::{Window, click, window};

fn submitted(window: &Harness<'_, Window>) -> Option<Value> {
    window.state().events.iter().find_map(|event| match event {
        FormEvent::Submitted(values) => Some(Value::Object(values.clone())),
        _ => None,
    })
}

fn type_into(window: &mut Harness<'_, Window>, label: &str, text: &str) {
    window.get_by_label(label).click();
    window.run();
    window.get_by_label(label).type_text(text);
    window.run();
}

fn task_types(count: usize) -> Vec<Choice> {
    (0..count)
        .map(|number| Choice::new(format!("Type {number}"), format!("t{number}")))
        .collect()
}

fn every_kind() -> View {
    View::new("Create shots")
        .with(Item::note("## Where\nInto **one** sequence."))
        .with(Item::text("sequence", "Sequence").required())
        .with(Item::text_area("shots", "Shots"))
        .with(Item::new(Control::Number, "handles", "Handles"))
        .with(Item::new(Control::Date, "due", "Due"))
        .with(Item::boolean("dry_run", "Only look"))
        .with(Item::one_of("status", "Status", task_types(3)))
        .with(Item::several_of("types", "Task types", task_types(3)))
        .with(Item::several_of("many", "Everyone", task_types(40)))
        .with(Item::new(Control::Password, "word", "Password").value(""))
        .with(Item::hidden("token", 7))
        .submit("Create")
}

#[test]
fn a_form_of_every_kind_gives_the_values_typed_into_it() {
    let mut window = window(every_kind());
    type_into(&mut window, "Sequence", "SEQ010");
    type_into(&mut window, "Shots", "sh010");
    type_into(&mut window, "Handles", "8");
    type_into(&mut window, "Due", "2026-11-20");
    click(&mut window, "Only look");
    click(&mut window, "Status");
    window
        .get_by_role_and_label(Role::ListBoxOption, "Type 1")
        .click();
    window.run();
    window
        .get_by_role_and_label(Role::CheckBox, "Type 2")
        .click();
    window.run();
    type_into(&mut window, "Password", "hush");
    window.get_by_label("Everyone").scroll_to_me();
    window.run();
    click(&mut window, "Everyone");
    window.get_by_label("Everyone: find").type_text("type 37");
    window.run();
    click(&mut window, "Type 37");
    window.key_press(Key::Escape);
    window.run();
    click(&mut window, "Create");
    assert_eq!(
        submitted(&window).unwrap(),
        json!({
            "sequence": "SEQ010", "shots": "sh010", "handles": 8, "due": "2026-11-20",
            "dry_run": true, "status": "t1", "types": ["t2"], "many": ["t37"], "word": "hush", "token": 7,
        })
    );
    assert!(window.state().form.is_sent());
}

#[test]
fn what_is_missing_is_said_beside_its_field_and_takes_the_focus() {
    let view = View::new("")
        .with(Item::text("note", "Note"))
        .with(Item::text("sequence", "Sequence").required());
    let mut window = window(view);
    assert!(window.query_by_label("Must be filled in.").is_none());
    click(&mut window, "Submit");
    assert_eq!(submitted(&window), None);
    window.get_by_label("Must be filled in.");
    window.get_by_label("1 field is not right yet");
    assert!(window.get_by_label("Sequence").is_focused());
    window.get_by_label("Sequence").type_text("SEQ010");
    window.run();
    assert!(window.query_by_label("Must be filled in.").is_none());
    click(&mut window, "Submit");
    assert_eq!(submitted(&window).unwrap()["sequence"], "SEQ010");
}

#[test]
fn what_is_typed_wrong_is_said_while_it_is_typed() {
    let view = View::new("")
        .with(Item::new(Control::Number, "handles", "Handles"))
        .with(Item::new(Control::Date, "due", "Due"));
    let mut window = window(view);
    type_into(&mut window, "Handles", "many");
    window.get_by_label("Must be a number.");
    type_into(&mut window, "Due", "2026-13-01");
    window.get_by_label("Must be a day, such as 2026-11-20.");
    click(&mut window, "Submit");
    assert_eq!(submitted(&window), None);
    assert_eq!(window.state().form.values()["handles"], "many");
}

#[test]
fn the_keyboard_does_everything() {
    let view = View::new("")
        .with(Item::text("sequence", "Sequence").required())
        .with(Item::text_area("shots", "Shots"))
        .with(Item::new(Control::Number, "handles", "Handles").value(8))
        .with(Item::one_of("status", "Status", task_types(30)))
        .with(Item::boolean("dry_run", "Only look"));
    let mut window = window(view);
    assert!(window.get_by_label("Sequence").is_focused());
    let typed = |window: &mut Harness<'_, Window>, text: &str| {
        window.event(egui::Event::Text(text.to_owned()));
        window.run();
    };
    let key = |window: &mut Harness<'_, Window>, key: Key| {
        window.key_press(key);
        window.run();
    };
    typed(&mut window, "SEQ010");
    key(&mut window, Key::Tab);
    typed(&mut window, "sh010");
    key(&mut window, Key::Enter);
    typed(&mut window, "sh020");
    key(&mut window, Key::Tab);
    key(&mut window, Key::ArrowUp);
    key(&mut window, Key::ArrowUp);
    key(&mut window, Key::Tab);
    assert!(window.get_by_label("Status").is_focused());
    key(&mut window, Key::ArrowDown);
    typed(&mut window, "type 2");
    key(&mut window, Key::ArrowDown);
    key(&mut window, Key::Enter);
    assert!(window.get_by_label("Status").is_focused());
    key(&mut window, Key::Tab);
    key(&mut window, Key::Space);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.run();
    assert_eq!(
        submitted(&window).unwrap(),
        json!({
            "sequence": "SEQ010", "shots": "sh010\nsh020", "handles": 10, "status": "t20", "dry_run": true,
        })
    );
}

#[test]
fn enter_in_a_line_submits_and_escape_cancels() {
    let view = || View::new("").with(Item::text("sequence", "Sequence"));
    let mut entered = window(view());
    entered.get_by_label("Sequence").type_text("SEQ010");
    entered.run();
    entered.key_press(Key::Enter);
    entered.run();
    assert_eq!(submitted(&entered).unwrap()["sequence"], "SEQ010");

    let mut left = window(view());
    left.key_press(Key::Escape);
    left.run();
    assert_eq!(left.state().events, [FormEvent::Cancelled]);
}

#[test]
fn escape_closes_an_open_list_first() {
    let view = View::new("").with(Item::one_of("status", "Status", task_types(30)));
    let mut window = window(view);
    click(&mut window, "Status");
    window.get_by_label("Status: find");
    window.key_press(Key::Escape);
    window.run();
    assert!(window.query_by_label("Status: find").is_none());
    assert_eq!(window.state().events, []);
}

#[test]
fn a_field_is_committed_once_when_it_is_left() {
    let view = View::new("")
        .with(Item::text("sequence", "Sequence").live())
        .with(Item::text("note", "Note"));
    let mut window = window(view);
    type_into(&mut window, "Sequence", "SEQ");
    click(&mut window, "Note");
    click(&mut window, "Sequence");
    click(&mut window, "Note");
    let name = || "sequence".to_owned();
    assert_eq!(
        window.state().events,
        [
            FormEvent::Changed { name: name() },
            FormEvent::Committed {
                name: name(),
                edits: vec![Edit::Value {
                    value: json!("SEQ")
                }],
                live: true,
            }
        ]
    );
    assert!(window.state().form.is_changed());
}

#[test]
fn a_day_is_picked_from_the_calendar_by_keyboard() {
    let view = View::new("").with(Item::new(Control::Date, "due", "Due").value("2026-11-30"));
    let mut window = window(view);
    click(&mut window, "Due: pick a day");
    assert!(window.get_by_label("2026-11-30").is_focused());
    window.key_press(Key::ArrowRight);
    window.run();
    window.key_press(Key::ArrowDown);
    window.run();
    assert!(window.get_by_label("2026-12-08").is_focused());
    window.key_press(Key::Enter);
    window.run();
    assert_eq!(window.state().form.values()["due"], "2026-12-08");
}

#[test]
fn a_refused_form_says_why_and_can_be_sent_again() {
    let mut window = window(View::new("").with(Item::text("sequence", "Sequence").value("SEQ010")));
    click(&mut window, "Submit");
    assert!(window.get_by_label("Submit").accesskit_node().is_disabled());
    let mut failure = Failure::invalid("no project is called `x`").hint("choose another one");
    failure.causes = vec!["404".to_owned()];
    let unknown = ("sequence".to_owned(), "is not known".to_owned());
    failure.fields.extend([unknown]);
    window.state_mut().form.refuse(failure);
    window.run();
    window.get_by_label("No project is called `x`.");
    window.get_by_label("Choose another one.");
    window.get_by_label("Is not known.");
    assert!(window.get_by_label("Sequence").is_focused());
    click(&mut window, "Details");
    click(&mut window, "Copy details");
    click(&mut window, "Submit");
    let submits = window.state().events.iter();
    assert_eq!(
        submits
            .filter(|event| matches!(event, FormEvent::Submitted(_)))
            .count(),
        2
    );
}

#[test]
fn a_draft_and_a_patched_item_take_their_places() {
    let mut window = window(
        View::new("")
            .with(Item::text("sequence", "Sequence"))
            .with(Item::one_of("status", "Status", task_types(2))),
    );
    let sequence = FieldEdit {
        number: 1,
        name: "sequence".to_owned(),
        edit: Edit::Value {
            value: json!("SEQ010"),
        },
    };
    let form = &mut window.state_mut().form;
    form.patch(
        &Patch::of("status")
            .label("State")
            .choices(task_types(3))
            .value("t2"),
    );
    assert!(!form.is_changed());
    form.restore([&sequence]);
    assert!(form.is_changed());
    window.run();
    assert_eq!(window.get_by_label("Sequence").value().unwrap(), "SEQ010");
    assert_eq!(window.get_by_label("State").value().unwrap(), "Type 2");
}
