//! Widgets of Connect's plugins, which draw with Qt; here with what stands in for it.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{HostBuilder, checkout};

use super::{home_with, loaded, prepared, steps};
use crate::studio::Studio;

const WIDGET: (&str, &str) = ("track-window-1.0.0", "track_window");

fn with_a_screen(host: HostBuilder) -> HostBuilder {
    let qt = checkout().join("tests/connect_plugins/stand_in_qt");
    host.environment("PYTHONPATH", &qt.display().to_string())
        .environment("DISPLAY", ":17")
}

#[test]
fn a_widget_gets_a_window_where_the_settings_let_it() -> Result<()> {
    let studio = Studio::open()?;
    let host = with_a_screen(prepared(&studio, home_with(&[WIDGET], "windows = true\n")?));
    let host = host.start()?;
    let summaries = loaded(&mut host.connected_bus()?, &[WIDGET])?;
    let widgets = &summaries["track_window"]["connect"]["widgets"];
    ensure!(*widgets == json!([{"name": "Track window"}]), "{widgets}");
    let said = json!({"plugin": "track.window", "action": "say", "text": "Shot 10"});
    let came = steps(
        &studio.server.ready,
        &json!([
            {"menu": ["Track window"]},
            {"launch": "Track window"},
            {"ask": "ftrack.connect", "with": said},
        ]),
    )?;
    let is_open = json!({"success": true, "message": "`Track window` is open"});
    ensure!(came[1] == json!([is_open]), "{came}\n{}", host.log());
    ensure!(
        came[2] == json!([{"said": "Shot 10", "visible": true}]),
        "{came}"
    );
    let launched = host.command(&[
        "launch",
        "track_window.callboard_widget_track_window",
        "--wait",
        "--json",
    ])?;
    ensure!(launched.stdout.contains("is open"), "{launched:?}");
    host.finish()
}

#[test]
fn a_widget_that_may_show_no_window_is_listed_with_the_reason() -> Result<()> {
    let studio = Studio::open()?;
    let host = with_a_screen(prepared(&studio, home_with(&[WIDGET], "")?)).start()?;
    let summaries = loaded(&mut host.connected_bus()?, &[WIDGET])?;
    let widget = &summaries["track_window"]["connect"]["widgets"][0];
    let problem = widget["problem"].as_str().unwrap_or_default();
    // Where nothing confines it, it is the display that it is not given.
    ensure!(
        problem.starts_with("`Track window` is not shown: "),
        "{widget}"
    );
    host.finish()
}
