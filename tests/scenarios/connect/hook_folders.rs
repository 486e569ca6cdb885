//! Hook folders that `FTRACK_EVENT_PLUGIN_PATH` names, beside plugins and beside what the host has itself.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{a_shot, copy, home, loaded, prepared, steps};
use crate::studio::Studio;

/// An action for everything, that says what it was found in.
const HOOK: &str = r#"
import os

def register(session, **kw):
    where = os.path.basename(os.path.dirname(os.path.abspath(__file__)))
    name = "studio.hook-folder-" + where
    items = {"items": [{"label": "In " + where, "actionIdentifier": name}]}
    launch = "topic=ftrack.action.launch and data.actionIdentifier=" + name
    done = {"success": True, "message": os.environ["FTRACK_EVENT_PLUGIN_PATH"]}
    session.event_hub.subscribe("topic=ftrack.action.discover", lambda event: items)
    session.event_hub.subscribe(launch, lambda event: done)
"#;

#[test]
fn hook_folders_add_to_what_there_is_and_take_nothing_away() -> Result<()> {
    let studio = Studio::open()?;
    let about = ("about-us-2.0.0", "about_us");
    let home = home(&[about])?;
    home.add_unruly("ours", "polite", "")?;
    let (first, second) = (home.path().join("hooks-1"), home.path().join("hooks-2"));
    for folder in [first.join("top"), second.join("a/deep")] {
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("hook.py"), HOOK)?;
    }
    // A location, as the documentation has it: in a folder of its own.
    let disk = Path::new("tests/connect_plugins/studio-disk-1.1.0/hook/location");
    copy(&tests::checkout().join(disk), &second.join("location"))?;
    let gone = home.path().join("not-mounted");
    let folders = std::env::join_paths([&first, &gone, &second])?;
    let host = prepared(&studio, home)
        .environment("FTRACK_EVENT_PLUGIN_PATH", &folders.to_string_lossy())
        .start()?;
    let hooks = [("", "event_hooks"), ("", "event_hooks_3"), about];
    let mut bus = host.connected_bus()?;
    let summaries = loaded(&mut bus, &hooks)?;
    for (_, id) in hooks {
        let problems = summaries[id]["connect"]["hooks"].to_string();
        ensure!(!problems.contains("problem"), "{id}: {problems}");
        let locations = &summaries[id]["connect"]["locations"];
        ensure!(*locations == json!(["studio.disk"]), "{id}: {locations}");
    }
    ensure!(summaries.contains_key("ours"), "{summaries:?}");
    let shot = a_shot(&studio)?;
    let labels = ["In top", "In deep", "Overview", "Misbehave"];
    let came = steps(
        &studio.server.ready,
        &json!([
            {"menu": labels, "shot": shot},
            {"launch": "In top"},
            {"launch": "In deep"},
            {"ask": "ftrack.connect.discover"},
        ]),
    )?;
    let menu = came[0].to_string();
    for label in labels {
        ensure!(menu.contains(label), "{label}: {menu}");
    }
    // Each is told the folders that it has, as Connect tells its hooks.
    for (step, folder) in [(1, &first), (2, &second)] {
        let message = came[step][0]["message"].as_str().unwrap_or_default();
        let own = message.split(':').next().unwrap_or_default();
        ensure!(Path::new(own) == folder, "{message}");
    }
    ensure!(came[3] == json!([true]), "{came}");
    let status = host.command(&["status", "--json"])?;
    let named = status.stdout.contains(&gone.display().to_string());
    ensure!(
        named,
        "the folder that is not there is not named: {status:?}"
    );
    let listed = bus.request("plugins.list", json!({}))?;
    ensure!(
        listed["items"].as_array().map(Vec::len) == Some(4),
        "{listed}"
    );
    host.finish()
}

#[test]
fn a_hook_that_changes_is_loaded_anew_and_no_other_child_is_started_again() -> Result<()> {
    let studio = Studio::open()?;
    let about = ("about-us-2.0.0", "about_us");
    let home = home(&[about])?;
    let hooks = home.path().join("hooks");
    fs::create_dir_all(hooks.join("before"))?;
    fs::write(hooks.join("before/hook.py"), HOOK)?;
    let host = prepared(&studio, home)
        .environment("FTRACK_EVENT_PLUGIN_PATH", &hooks.to_string_lossy())
        .start()?;
    let both = [("", "event_hooks"), about];
    let mut bus = host.connected_bus()?;
    let pids = |summaries: &std::collections::BTreeMap<String, Value>, id: &str| {
        summaries[id]["pids"].clone()
    };
    let before = loaded(&mut bus, &both)?;
    steps(&studio.server.ready, &json!([{"menu": ["In before"]}]))?;
    fs::rename(hooks.join("before"), hooks.join("after"))?;
    let reloaded = host.command(&["plugins", "reload", "--json"])?;
    ensure!(reloaded.code == Some(0), "{reloaded:?}");
    let came = steps(&studio.server.ready, &json!([{"menu": ["In after"]}]))?;
    ensure!(came.to_string().contains("In after"), "{came}");
    let after = loaded(&mut bus, &both)?;
    ensure!(
        pids(&before, "about_us") == pids(&after, "about_us"),
        "a child that nothing changed for was started again"
    );
    ensure!(
        pids(&before, "event_hooks") != pids(&after, "event_hooks"),
        "the old hooks still run"
    );
    host.finish()
}
