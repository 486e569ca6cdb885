//! Plugins of ftrack Connect's, unchanged, in a running host next to ours.

mod across;
mod handlers;
mod hook_folders;
mod installed;
mod windows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tests::{
    BusClient, Home, HostBuilder, HostRunner, Ready, checkout, python, run_python, wait_until,
};

use crate::studio::Studio;

/// How long the page may take, the start of Python included.
const STORY: Duration = Duration::from_secs(180);

/// How long children may take to load their hooks on a busy machine.
const LOADED: Duration = Duration::from_secs(120);

/// Somebody whose menus must not offer what runs here.
const OTHER_USER: &str = "dana";

/// The plugins, by their folders' names, with the ids that the host gives them.
const PLUGINS: [(&str, &str); 13] = [
    ("about-us-2.0.0", "about_us"),
    ("key-seeker-1.0.0", "key_seeker"),
    ("blocks-1.0.0", "blocks"),
    ("lacks-things-1.0.0", "lacks_things"),
    ("maya-environment-1.2.0", "maya_environment"),
    ("note-shots-1.0.0", "note_shots"),
    ("nuke-environment-1.0.0", "nuke_environment"),
    ("other-naming-1.0.0", "other_naming"),
    ("raises-1.0.0", "raises"),
    ("review-launcher-1.0.0", "review_launcher"),
    ("studio-disk-1.1.0", "studio_disk"),
    ("two-hooks-1.0.0", "two_hooks"),
    ("watch-status-1.0.0", "watch_status"),
];

#[test]
fn connects_plugins_are_offered_next_to_ours_wherever_menus_are() -> Result<()> {
    let studio = Studio::open()?;
    let home = home(&PLUGINS)?;
    home.add_unruly("ours", "polite", "")?;
    let host = start(&studio, home)?;
    let mut bus = host.connected_bus()?;
    let summaries = loaded(&mut bus, &PLUGINS)?;
    wait_until("a plugin has said what it has to say", LOADED, || {
        let about = loaded(&mut bus, &PLUGINS[..1]).ok()?;
        let said = &about["about_us"]["connect"]["messages"];
        (*said == json!(["The studio's disk is not mounted."])).then_some(())
    })?;
    let problems = summaries["raises"]["connect"]["hooks"].to_string();
    ensure!(problems.contains("problem"), "{problems}");
    let blocked = summaries["blocks"]["connect"]["hooks"].to_string();
    ensure!(blocked.contains("had not registered"), "{blocked}");
    let locations = &summaries["note_shots"]["connect"]["locations"];
    ensure!(
        *locations == json!(["studio.disk"]),
        "{locations}\n{}",
        host.log()
    );
    // Every child ensures it, and all of them started together.
    let disks = studio
        .client
        .query("select id from Location where name is \"studio.disk\"")?;
    ensure!(disks.len() == 1, "{disks:?}");

    // The web page meets the hooks themselves.
    let server = &studio.server.ready;
    let shot = a_shot(&studio)?;
    let labels = ["Note on shots", "Overview", "Seek the key", "Misbehave"];
    let menu = play(server, &[&["menu", &shot], &labels[..]].concat())?;
    for label in labels {
        ensure!(menu.to_string().contains(label), "{label}: {menu}");
    }
    let noted = play(server, &["note", &shot, "from the page"])?;
    ensure!(noted["form"]["items"][0]["name"] == "text", "{noted}");
    ensure!(
        noted["answers"] == json!([{"success": true, "message": "1 notes written"}]),
        "{noted}"
    );
    ensure!(noted["notes"] == json!(["from the page"]), "{noted}");
    let key = studio.client.key_of(OTHER_USER)?;
    let strange = play(server, &["stranger", &shot, OTHER_USER, &key])?;
    ensure!(strange == json!([]), "another user is offered {strange}");

    // Elsewhere the host asks them.
    let on = format!("Shot:{shot}");
    let offered = host.command(&["actions", "--on", &on, "--json"])?;
    ensure!(
        offered.stdout.contains("note_shots.studio_note_shots"),
        "{offered:?}"
    );
    let action = "note_shots.studio_note_shots";
    let set = "text=from the command line";
    let launched = host.command(&[
        "launch", action, "--on", &on, "--set", set, "--wait", "--json",
    ])?;
    ensure!(
        launched.stdout.contains("1 notes written"),
        "{launched:?}\n{}",
        host.log()
    );
    host.finish()
}

#[test]
fn hooks_of_several_plugins_answer_together_and_none_is_given_the_key() -> Result<()> {
    let studio = Studio::open()?;
    let plugins = [PLUGINS[0], PLUGINS[1]];
    let host = start(&studio, home(&plugins)?)?;
    let mut bus = host.connected_bus()?;
    loaded(&mut bus, &plugins)?;
    let server = &studio.server.ready;
    let shot = a_shot(&studio)?;
    let overview = play(server, &["launch", &shot, "studio.overview"])?;
    ensure!(overview[0]["message"] == "about-us", "{overview}");
    let found = play(server, &["launch", &shot, "studio.key-seeker"])?;
    let found = found[0]["message"].as_str().unwrap_or_default();
    ensure!(found.contains("FTRACK_API_KEY"), "it did not look: {found}");
    ensure!(
        !found.contains(&server.api_key),
        "a hook found the key: {found}"
    );
    host.finish()
}

#[test]
fn children_live_through_a_server_that_is_away_and_are_heard_again() -> Result<()> {
    let studio = Studio::open()?;
    let plugins = [("note-shots-1.0.0", "note_shots")];
    let host = start(&studio, home(&plugins)?)?;
    let mut bus = host.connected_bus()?;
    let before = loaded(&mut bus, &plugins)?["note_shots"]["pids"].clone();
    let shot = a_shot(&studio)?;
    play(&studio.server.ready, &["menu", &shot, "Note on shots"])?;
    let studio = studio.open_again()?;
    let menu = play(&studio.server.ready, &["menu", &shot, "Note on shots"])?;
    ensure!(menu.to_string().contains("Note on shots"), "{menu}");
    let after = loaded(&mut bus, &plugins)?["note_shots"]["pids"].clone();
    ensure!(before == after, "the child was started again");
    host.finish()
}

/// Makes a home with an interpreter that has the official client, and these plugins as they are, in a folder of Connect's.
fn home(plugins: &[(&str, &str)]) -> Result<Arc<Home>> {
    home_with(plugins, "")
}

/// Makes the same with further settings of how these plugins are run.
fn home_with(plugins: &[(&str, &str)], settings: &str) -> Result<Arc<Home>> {
    let home = Home::empty()?;
    for (folder, _) in plugins {
        let from = checkout().join("tests/connect_plugins").join(folder);
        copy(&from, &connect_folder(&home).join(folder))?;
    }
    let interpreter = toml::Value::from(python()?.display().to_string());
    home.write_settings(&format!(
        "[connect]\npython = {interpreter}\n{settings}\n[hub]\nreconnect_ms = 100\nreconnect_max_secs = 1\n"
    ))?;
    Ok(Arc::new(home))
}

/// Starts a host in a home, with its folder of Connect's plugins.
fn start(studio: &Studio, home: Arc<Home>) -> Result<HostRunner> {
    prepared(studio, home).start()
}

/// Prepares a host in a home, with its folder of Connect's plugins.
fn prepared(studio: &Studio, home: Arc<Home>) -> HostBuilder {
    let folder = connect_folder(&home).display().to_string();
    let host = studio.host_in(home);
    host.environment("FTRACK_CONNECT_PLUGIN_PATH", &folder)
}

fn connect_folder(home: &Home) -> PathBuf {
    home.path().join("connect-plugins")
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let into = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &into)?;
        } else {
            std::fs::copy(entry.path(), into)?;
        }
    }
    Ok(())
}

/// Waits until these plugins have loaded their hooks, and returns all summaries by id.
fn loaded(bus: &mut BusClient, plugins: &[(&str, &str)]) -> Result<BTreeMap<String, Value>> {
    let mut last = Value::Null;
    let found = wait_until("the hooks are loaded", LOADED, || {
        last = match bus.request("plugins.list", json!({})) {
            Ok(list) => list,
            Err(error) => return Some(Err(error)),
        };
        let by_id: BTreeMap<String, Value> = last["items"]
            .as_array()?
            .iter()
            .filter_map(|item| Some((item["id"].as_str()?.to_owned(), item.clone())))
            .collect();
        let is_loaded = |id: &str| by_id.get(id).is_some_and(|item| !item["connect"].is_null());
        plugins
            .iter()
            .all(|(_, id)| is_loaded(id))
            .then_some(Ok(by_id))
    });
    match found {
        Ok(found) => found,
        Err(error) => bail!("{error}: {last}"),
    }
}

fn a_shot(studio: &Studio) -> Result<String> {
    let shots = studio.client.query("select id from Shot limit 1")?;
    let shot = shots.first().and_then(|shot| shot["id"].as_str());
    Ok(shot.context("the demo has shots")?.to_owned())
}

fn play(server: &Ready, story: &[&str]) -> Result<Value> {
    played(server, "tests/scenarios/connect_menu.py", story)
}

/// Plays the page through these steps; what came of each is in a list.
fn steps(server: &Ready, steps: &Value) -> Result<Value> {
    played(
        server,
        "tests/scenarios/connect_events.py",
        &[&steps.to_string()],
    )
}

fn played(server: &Ready, script: &str, story: &[&str]) -> Result<Value> {
    let script = checkout().join(script);
    let environment = [
        ("FTRACK_SERVER", server.server.as_str()),
        ("FTRACK_API_USER", server.user.as_str()),
        ("FTRACK_API_KEY", server.api_key.as_str()),
    ];
    let finished = run_python(&script, story, environment, STORY)?;
    ensure!(finished.status.success(), "the page failed: {finished:?}");
    serde_json::from_str(&finished.stdout).with_context(|| format!("no JSON came: {finished:?}"))
}
