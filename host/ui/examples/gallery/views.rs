//! The views that are drawn.

use callboard_protocol::{Choice, Control, Item, View};
use egui::{Vec2, vec2};
use serde_json::{Value, json};

/// Returns each view with the name of its picture and the size of its window.
pub(crate) fn all() -> Vec<(&'static str, Vec2, View)> {
    vec![
        ("form", vec2(680.0, 900.0), form()),
        ("table", vec2(1100.0, 620.0), table()),
        ("items", vec2(680.0, 1120.0), items()),
    ]
}

fn choices(names: &[&str]) -> Vec<Choice> {
    names.iter().map(|name| Choice::new(*name, *name)).collect()
}

fn form() -> View {
    View::new("Create shots")
        .with(Item::note(
            "# Create shots\nInto **Nightfall**, sequence `SEQ010`. Names follow [the studio's rules](https://example.com).\n- what exists stays as it is\n- *nothing* is deleted",
        ))
        .with(Item::text("sequence", "Sequence").value("SEQ010").required())
        .with(
            Item::text_area("shots", "Shots")
                .empty_text("One name a line")
                .value("sh010\nsh020\nsh030"),
        )
        .with(Item::number("handles", "Handles").value(json!("eight")))
        .with(Item::new(Control::Date, "due", "Due").value("2026-11-20"))
        .with(Item::one_of("status", "Status", choices(&["Not started", "In progress"])).value("Not started"))
        .with(
            Item::several_of("types", "Tasks for each shot", choices(&["Compositing", "Roto", "Lighting", "FX"]))
                .value(json!(["Compositing", "Roto"])),
        )
        .with(Item::new(Control::Password, "word", "Password").value("secret"))
        .with(Item::boolean("dry_run", "Only say what would be made").value(true))
        .submit("Create")
}

fn table() -> View {
    let columns = vec![
        Item::text("shot", "Shot").required(),
        Item::several_of("types", "Tasks", choices(&["Compositing", "Roto", "FX"])),
        Item::one_of(
            "status",
            "Status",
            choices(&["Not started", "In progress", "On hold"]),
        ),
        Item::number("first", "First frame").min(1).whole(),
        Item::number("last", "Last frame").min(1).whole(),
        Item::new(Control::Date, "due", "Due"),
        Item::boolean("plates", "Plates"),
    ];
    let states = [
        "new",
        "changed",
        "unchanged",
        "conflict",
        "done",
        "failed",
        "left_out",
    ];
    let rows: Value = (1..=40)
        .map(|number| {
            let state = states[number % states.len()];
            let mut row = json!({
                "id": format!("r{number}"), "_state": state,
                "shot": if number == 5 { String::new() } else { format!("sh{number:02}0") },
                "types": ["Compositing", "Roto"], "status": "Not started", "plates": number % 3 == 0,
                "first": 1001, "last": if number == 8 { json!("1 h") } else { json!(1001 + 12 * number) },
                "due": "2026-12-04",
            });
            if state == "failed" {
                row["_error"] = json!("a shot of that name is there already");
            }
            row
        })
        .collect();
    View::new("Create shots")
        .with(Item::note(
            "# 40 shots in SEQ010\nWhat is marked **new** will be made.",
        ))
        .with(Item::table("shots", "Shots", columns).growing().value(rows))
        .submit("Create")
}

fn items() -> View {
    let mut files = Item::files("media", "Media").value(json!([
        {"path": "/plates/sh010.####.exr", "first": 1001, "last": 1050, "missing": [1007, 1020, 1021]},
        {"path": "/plates/sh020.mov"},
    ]));
    files.required = true;
    View::new("Everything else")
        .with(files)
        .with(Item::new(Control::Progress { cancel: true }, "sent", "Sent").value(
            json!({"fraction": 0.42, "text": "sh010.mov", "rate": "84 MB/s", "left_secs": 75}),
        ))
        .with(
            Item::new(Control::Timer, "clock", "Running")
                .value(json!({"elapsed_ms": 3_723_000, "text": "sh010 · Compositing"})),
        )
        .with(Item::buttons(
            "clock_does",
            ["Start", "Switch task…", "Stop"].map(|name| Choice::new(name, name)).into(),
        ))
        .with(Item::new(Control::Chart, "week", "This week").value(json!({
            "labels": ["Mon", "Tue", "Wed", "Thu", "Fri"], "unit": "h",
            "series": [
                {"label": "Compositing", "values": [4.5, 6.0, 3.0, 7.5, 2.0]},
                {"label": "Roto", "values": [2.0, 1.0, 4.0, 0.5, 3.0]},
            ],
        })))
        .with(
            Item::new(Control::Log, "log", "Log")
                .value("10:02:11 sh010: exported\n10:02:13 sh010: 48 frames checked\n10:02:13 sh010: upload began"),
        )
        .submit("Publish")
}
