//! A plugin as somebody else writes one with the Rust SDK: a form with a table, a password and a live field.
//!
//! What is typed into the live field says how a change goes: `hang`, `die`, `fail`, `keep`, or it becomes the summary.

use std::time::Duration;

use callboard_plugin_sdk::{
    Change, Changed, Control, Edit, Failure, Host, Item, Launch, Outcome, Patch, Plugin, Value,
    View, json, serve,
};

/// How many rows the table has at first.
const ROWS: u32 = 2_000;

struct Former;

impl Plugin for Former {
    fn launch(&mut self, launch: &Launch, _: &Host) -> Result<Outcome, Failure> {
        if launch.state.is_null() {
            let view = form();
            let state = json!({"asked": true});
            return Ok(Outcome::Asks { view, state });
        }
        let mut output = launch.values.clone();
        // What it was is the person's own; that it came is enough.
        let pin = output.insert("pin".to_owned(), Value::Null);
        let has_pin = pin.is_some_and(|pin| pin.is_string());
        let message = if has_pin { "with a PIN" } else { "without" };
        let output = Value::Object(output);
        Ok(Outcome::Done {
            message: message.to_owned(),
            output,
        })
    }

    fn change(&mut self, change: &Change, host: &Host) -> Result<Changed, Failure> {
        let text = change.values["name"].as_str().unwrap_or_default();
        match text {
            "hang" => loop {
                std::thread::park_timeout(Duration::from_secs(1));
            },
            "die" => std::process::abort(),
            "fail" => return Err(Failure::invalid("no such name").hint("give another")),
            "keep" => host.store().put("kept", &text)?,
            _ => {}
        }
        let rows = change.values["shots"].as_array().map_or(0, Vec::len);
        let cell = Edit::Cell {
            row: "r2".to_owned(),
            column: "first".to_owned(),
            value: json!(rows),
        };
        Ok(Changed::nothing()
            .with(Patch::of("summary").value(text))
            .with(Patch::of("shots").row(cell)))
    }
}

fn form() -> View {
    let rows: Vec<Value> = (1..=ROWS)
        .map(|number| json!({"id": format!("r{number}"), "first": number}))
        .collect();
    View::new("Fill in")
        .with(Item::text("name", "Name").required().live())
        .with(Item::number("handles", "Handles").whole().min(0).max(100))
        .with(Item::new(Control::Hidden, "shots", "Shots").value(rows))
        .with(Item::new(Control::Password, "pin", "PIN"))
        .with(Item::note("").named("summary"))
}

fn main() {
    serve(Former)
}
