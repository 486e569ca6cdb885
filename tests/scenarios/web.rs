//! ftrack's web page, played by the official client: its Actions menu, its forms, and what it is told later.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{Home, Ready, checkout, run_python};

use crate::studio::Studio;

/// How long a story may take, the start of Python included.
const STORY: Duration = Duration::from_secs(120);

/// Somebody whose pages this host must not answer.
const OTHER_USER: &str = "dana";

/// Has the official client play the page, signed in as the main user, and returns what it saw.
pub(crate) fn play(server: &Ready, story: &[&str]) -> Result<Value> {
    let script = checkout().join("tests/scenarios/web_menu.py");
    let cache = tempfile::tempdir()?;
    let cache = cache.path().to_string_lossy();
    let environment = [
        ("FTRACK_SERVER", server.server.as_str()),
        ("FTRACK_API_USER", server.user.as_str()),
        ("FTRACK_API_KEY", server.api_key.as_str()),
        ("FTRACK_API_SCHEMA_CACHE_PATH", cache.as_ref()),
    ];
    let finished = run_python(&script, story, environment, STORY)?;
    ensure!(finished.status.success(), "the page failed: {finished:?}");
    serde_json::from_str(&finished.stdout).with_context(|| format!("no JSON came: {finished:?}"))
}

#[test]
fn the_web_menu_makes_shots_by_way_of_a_form() -> Result<()> {
    let studio = Studio::open()?;
    let host = studio.host_in(Studio::home()?).start()?;
    let mut bus = host.connected_bus()?;
    let sequence = studio.sequence_id()?;
    let key = studio.client.key_of(OTHER_USER)?;
    let story = ["create_shots", &sequence, OTHER_USER, &key];
    let seen = play(&studio.server.ready, &story)?;

    let item = &seen["item"];
    ensure!(
        item["actionIdentifier"] == "shot_creation.create_shots",
        "the menu has {item}"
    );
    ensure!(item["callboardHost"].is_string(), "the menu has {item}");
    let form = &seen["form"];
    ensure!(form["title"] == "Create shots", "the form is {form}");
    let types = form["items"].as_array().context("a form has items")?;
    for item in types {
        // What the page can draw; see the published action handlers.
        let known = [
            "text",
            "textarea",
            "number",
            "date",
            "boolean",
            "enumerator",
            "hidden",
            "label",
        ];
        ensure!(
            known.iter().any(|kind| item["type"] == *kind),
            "no page draws {item}"
        );
    }
    ensure!(
        seen["made"] == json!({"web010": ["Compositing"], "web020": ["Compositing"]}),
        "it made {}",
        seen["made"]
    );
    ensure!(
        seen["result"]["success"] == true,
        "it said {}",
        seen["result"]
    );
    ensure!(
        seen["twice"] == seen["result"],
        "the form sent twice: {}",
        seen["twice"]
    );
    let updated = seen["updated"]
        .as_array()
        .context("entities were updated")?;
    ensure!(
        updated.contains(&json!("Shot")) && updated.contains(&json!("Task")),
        "{updated:?}"
    );
    ensure!(
        seen["nobody_answers"] == json!([[], [], []]),
        "{}",
        seen["nobody_answers"]
    );

    let jobs = bus.request("jobs.list", json!({"states": ["done"]}))?;
    let jobs = jobs["items"].as_array().context("a list has items")?;
    ensure!(
        jobs.len() == 1 && jobs[0]["surface"] == "web",
        "the jobs are {jobs:?}"
    );
    host.finish()
}

#[test]
fn a_job_that_outlasts_the_page_reports_later() -> Result<()> {
    let studio = Studio::open()?;
    let home = Home::empty()?;
    let file = home.path().join("go_on");
    let file = file.to_string_lossy().into_owned();
    home.add_unruly("slow", "waits_for_file", &file)?;
    let host = studio.host_in(home.into()).start()?;
    host.connected_bus()?;
    let seen = play(&studio.server.ready, &["wait_for_end", "slow.run", &file])?;
    let launched = &seen["launched"];
    ensure!(launched["success"] == true, "the page was told {launched}");
    ensure!(
        launched["message"]
            .as_str()
            .is_some_and(|text| text.ends_with("started")),
        "the page was told {launched}"
    );
    let shown = &seen["shown"];
    ensure!(
        shown["type"] == "message" && shown["success"] == true,
        "then {shown}"
    );
    host.finish()
}
