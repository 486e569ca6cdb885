//! The sandbox's web page in a browser: what somebody new sees, from the tree to shots that an action has made.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{SOON, checkout, run_python, wait_until, with_environment};

use crate::studio::Studio;

/// How long the story may take, the start of a browser on a busy machine included.
const STORY: Duration = Duration::from_secs(180);

/// A name that would be markup if the page took it for HTML.
const NAME: &str = "<b>bold</b>";

/// Set for the browser and so for all that it starts, which keep it when they leave their parent.
const MARK: &str = "CALLBOARD_TEST_BROWSER";

#[test]
fn the_page_shows_the_tree_and_makes_shots_by_its_actions_menu() -> Result<()> {
    let studio = Studio::open()?;
    let host = studio.host_in(Studio::home()?).start()?;
    host.connected_bus()?;
    let sequence = studio.sequence_id()?;
    studio.client.call(&json!([{
        "action": "create",
        "entity_type": "Shot",
        "entity_data": {"name": NAME, "parent_id": sequence},
    }]))?;

    let seen = play(&studio, &sequence)?;
    ensure!(
        seen["menu"] == json!(["Create shots"]),
        "the menu has {}",
        seen["menu"]
    );
    ensure!(
        seen["title"] == json!(["Create shots"]),
        "the form is {}",
        seen["title"]
    );
    let message = seen["message"][0].as_str().context("a message came")?;
    ensure!(message.contains("2 shots"), "it said {message}");
    let has = |list: &str, name: &str| {
        let names = seen[list].as_array();
        names.is_some_and(|names| names.iter().any(|one| one == name))
    };
    for shot in ["page010", "page020"] {
        ensure!(!has("before", shot) && has("after", shot), "{seen}");
    }
    ensure!(
        studio.shots_below(&sequence)?.get("page010") == Some(&1),
        "the server has not what the page shows"
    );
    ensure!(seen["named"] == true && seen["bold"] == 0, "{seen}");
    ensure!(
        seen["by_keys"] == json!([NAME]),
        "the keys came to {}",
        seen["by_keys"]
    );
    for topic in [
        "ftrack.action.discover",
        "ftrack.action.launch",
        "ftrack.meta.reply",
        "ftrack.update",
    ] {
        ensure!(has("topics", topic), "the log has {}", seen["topics"]);
    }
    ensure!(
        seen["complaints"] == json!([]),
        "the browser says {}",
        seen["complaints"]
    );
    host.finish()
}

/// Has a browser go through the story and end, and returns what it saw.
fn play(studio: &Studio, sequence: &str) -> Result<Value> {
    let script = checkout().join("tests/scenarios/web_page.py");
    let folder = tempfile::tempdir()?;
    let path = folder.path().to_string_lossy();
    let page = studio.server.ready.page.as_str();
    // Browsers keep settings and caches in the home folder, whatever else they are told.
    let environment = [
        ("HOME", path.as_ref()),
        ("SE_AVOID_STATS", "true"),
        (MARK, path.as_ref()),
    ];
    let finished = run_python(&script, &[page, sequence, NAME, &path], environment, STORY)?;
    wait_until("the browser is gone", SOON, || {
        with_environment(MARK, path.as_ref().as_ref())
            .is_empty()
            .then_some(())
    })?;
    ensure!(finished.status.success(), "the page failed: {finished:?}");
    serde_json::from_str(&finished.stdout).with_context(|| format!("no JSON came: {finished:?}"))
}
