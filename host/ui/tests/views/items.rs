//! Items beside the plain fields: files, progress, a running time, a log, a chart and buttons.

use std::sync::Arc;

use callboard_protocol::{Choice, Control, Item, View};
use egui::Key;
use egui_kittest::kittest::Queryable as _;
use serde_json::json;
use ui::form::FormEvent;

use crate::window::{Dropped, click, window};

fn folder_with(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in names {
        std::fs::write(folder.path().join(name), "x").expect("a file");
    }
    folder
}

#[test]
fn dropped_frames_are_one_entry_with_what_is_missing() {
    let names = ["a.1001.exr", "a.1002.exr", "a.1005.exr"];
    let folder = folder_with(&names);
    let mut window = window(View::new("").with(Item::files("media", "Media").required()));
    click(&mut window, "Submit");
    window.get_by_label("Must be filled in.");
    for name in names {
        let file = Arc::new(Dropped(folder.path().join(name)));
        window.input_mut().dropped_files.push(file);
    }
    window.run();
    window.get_by_label("a.####.exr 1001-1005");
    window.get_by_label("2 missing: 1003-1004");
    let path = folder.path().join("a.####.exr");
    assert_eq!(
        window.state().form.values()["media"],
        json!([{"path": path, "first": 1001, "last": 1005, "missing": [1003, 1004]}])
    );
    click(&mut window, "Remove a.####.exr 1001-1005");
    assert_eq!(window.state().form.values()["media"], json!([]));
}

#[test]
fn a_path_is_typed_and_what_does_not_fit_is_refused() {
    let folder = folder_with(&["a.mov", "b.txt"]);
    let control = Control::Files {
        extensions: vec!["mov".to_owned()],
        multiple: false,
    };
    let mut window = window(View::new("").with(Item::new(control, "media", "Media")));
    for (name, expected) in [
        ("a.mov", None),
        ("b.txt", Some("is not one of mov.")),
        ("c.mov", Some("There is no file")),
    ] {
        let path = folder.path().join(name).display().to_string();
        window.get_by_label("Media: path").type_text(&path);
        window.run();
        window.key_press(Key::Enter);
        window.run();
        match expected {
            Some(expected) => assert!(window.query_by_label_contains(expected).is_some(), "{name}"),
            None => assert!(window.query_by_label("a.mov").is_some()),
        }
    }
    let path = folder.path().join("a.mov");
    assert_eq!(
        window.state().form.values()["media"],
        json!([{"path": path}])
    );
}

#[test]
fn files_are_chosen_from_their_folder() {
    let folder = folder_with(&["a.mov", "b.mov"]);
    let first = json!([{"path": folder.path().join("a.mov")}]);
    let mut window = window(View::new("").with(Item::files("media", "Media").value(first)));
    click(&mut window, "Choose files…");
    click(&mut window, "b.mov");
    let paths = ["a.mov", "b.mov"].map(|name| json!({"path": folder.path().join(name)}));
    assert_eq!(window.state().form.values()["media"], json!(paths));
    assert!(window.query_by_label("Choose files").is_none());
}

#[test]
fn what_is_looked_at_says_what_it_shows_and_is_not_submitted() {
    let chart =
        json!({"labels": ["Mon"], "series": [{"label": "Comp", "values": [4.5]}], "unit": "h"});
    let sent = json!({"fraction": 0.4, "text": "sh010.mov", "rate": "84 MB/s", "left_secs": 75});
    let stop = vec![Choice::new("Stop", "stop")];
    let view = View::new("")
        .with(Item::new(Control::Progress { cancel: true }, "sent", "Sent").value(sent))
        .with(Item::new(Control::Timer, "clock", "Clock").value(json!({"elapsed_ms": 3_723_000})))
        .with(Item::new(Control::Log, "log", "Log").value("one\ntwo"))
        .with(Item::new(Control::Chart, "week", "Week").value(chart))
        .with(Item::buttons("does", stop));
    let mut window = window(view);
    window.get_by_label("sh010.mov · 40 % · 84 MB/s · 1 min 15 s left");
    window.get_by_label("Clock: 1:02:03, paused");
    window.get_by_label("two");
    window.get_by_label("Week, Comp Mon 4.5 h");
    click(&mut window, "Cancel this");
    click(&mut window, "Stop");
    let pressed = |name: &str, value: &str| FormEvent::Pressed {
        name: name.to_owned(),
        value: json!(value),
    };
    assert_eq!(
        window.state().events,
        [pressed("sent", "cancel"), pressed("does", "stop")]
    );
    assert!(window.state().form.values().is_empty());
}
