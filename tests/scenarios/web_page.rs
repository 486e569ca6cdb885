//! The sandbox's web page in a browser, clicked through by `web_page/`, one story a test.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{
    Home, HostRunner, Ready, SOON, SandboxClient, Signal, checkout, descendants, is_alive, program,
    run_python, signal, wait_until, with_environment,
};

use crate::studio::Studio;

/// How long the story may take, the start of a browser on a busy machine included.
const STORY: Duration = Duration::from_secs(180);

/// A name that would be markup if the page took it for HTML.
const NAME: &str = "<b>bold</b>";

/// How many shots one sequence has when it is a long list.
const MANY_SHOTS: usize = 1_000;

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

    let seen = play(&studio.server.ready, "tree", &[&sequence, NAME])?;
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
        seen["views"]
            == json!([
                "sq010", "My tasks", "Time", "Jobs", "Events", "Jobs", "Jobs"
            ]),
        "the addresses led to {}",
        seen["views"]
    );
    host.finish()
}

#[test]
fn the_page_plays_actions_of_the_official_client_from_submenu_to_last_step() -> Result<()> {
    let demo = HostRunner::demo().start()?;
    let (task, version) = (demo_task(&demo.ready)?, demo_version(&demo.ready)?);
    play(&demo.ready, "actions", &[&task, &version])?;
    demo.finish()
}

#[test]
fn work_on_the_page_is_what_the_official_client_sees_and_the_other_way_round() -> Result<()> {
    let studio = Studio::open()?;
    let task = demo_task(&studio.server.ready)?;
    play(&studio.server.ready, "work", &[&task])?;
    Ok(())
}

#[cfg(unix)]
#[test]
fn the_sandbox_and_the_demo_open_their_page_in_the_browser() -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir()?;
    let opened = folder.path().join("opened");
    let program = folder.path().join("xdg-open");
    // It is renamed when it is whole, so that nobody reads half of it.
    let script = format!(
        "#!/bin/sh\necho $$ \"$1\" > {0}.part && mv {0}.part {0}\nexec sleep 120\n",
        opened.display()
    );
    std::fs::write(&program, script)?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    let path = format!("PATH={}:/usr/bin:/bin", folder.path().display());
    for builder in [HostRunner::sandbox(), HostRunner::demo()] {
        let host = builder
            .argument("--open")
            .under(&["/usr/bin/env", &path])
            .start()?;
        let said = wait_until("the browser is started", SOON, || {
            std::fs::read_to_string(&opened).ok()
        })?;
        let (browser, page) = said.trim().split_once(' ').context("two words")?;
        let browser: u32 = browser.parse()?;
        ensure!(page == host.ready.page, "it opened {page}");
        std::fs::remove_file(&opened)?;
        // The host ends what it finds among its descendants and does not know.
        wait_until("the browser is none of the host's", SOON, || {
            (!descendants(host.pid()).contains(&browser)).then_some(())
        })?;
        ensure!(is_alive(browser), "the browser has ended");
        signal(browser, Signal::KILL)?;
        host.finish()?;
    }
    Ok(())
}

#[test]
fn what_is_dropped_on_the_page_is_published_and_plays() -> Result<()> {
    let studio = Studio::open()?;
    let task = demo_task(&studio.server.ready)?;
    play(&studio.server.ready, "media", &[&task])?;
    Ok(())
}

#[test]
fn the_page_says_that_its_connection_is_away_and_comes_back_with_it() -> Result<()> {
    let studio = Studio::open()?;
    let ready = &studio.server.ready;
    let task = demo_task(ready)?;
    let arguments = [&ready.server, &ready.control_token, &ready.user, &task];
    play(ready, "away", &arguments.map(String::as_str))?;
    Ok(())
}

#[test]
fn the_page_is_whole_without_a_mouse_and_without_eyes() -> Result<()> {
    let studio = Studio::open()?;
    let ready = &studio.server.ready;
    play(ready, "keys", &[&demo_task(ready)?, &demo_version(ready)?])?;
    Ok(())
}

#[test]
fn the_page_is_readable_in_light_and_dark_and_narrow_and_with_many_shots() -> Result<()> {
    let studio = Studio::open()?;
    let ready = &studio.server.ready;
    let sequence = studio.sequence_id()?;
    let shots: Vec<_> = (0..MANY_SHOTS)
        .map(|number| {
            json!({"action": "create", "entity_type": "Shot",
                "entity_data": {"name": format!("many{number:05}"), "parent_id": sequence}})
        })
        .collect();
    studio.client.call(&json!(shots))?;
    play(
        ready,
        "look",
        &[&demo_task(ready)?, &demo_version(ready)?, &sequence],
    )?;
    Ok(())
}

/// Returns a task of the demo that is assigned to the main user.
fn demo_task(ready: &Ready) -> Result<String> {
    let assigned = format!("assignments any (resource.username is \"{}\")", ready.user);
    first_id(
        ready,
        &format!(
            "select id from Task where {assigned} and parent.name is \"sh010\" and project.name is \"harbour\" order by id"
        ),
    )
}

fn demo_version(ready: &Ready) -> Result<String> {
    first_id(ready, "select id from AssetVersion where version is 2")
}

fn first_id(ready: &Ready, expression: &str) -> Result<String> {
    let found = SandboxClient::new(ready)?.query(expression)?;
    let id = found.first().and_then(|row| row["id"].as_str());
    Ok(id
        .with_context(|| format!("nothing answers {expression}"))?
        .to_owned())
}

#[test]
fn the_browser_brings_a_key_to_the_program_that_waits() -> Result<()> {
    let studio = Studio::open()?;
    let server = &studio.server.ready;
    let home = Home::empty()?;
    let program = program()?;
    let arguments = [
        program.to_str().context("a path in UTF-8")?,
        home.path().to_str().context("a path in UTF-8")?,
        "bo",
    ];
    let seen = play(server, "sign_in", &arguments)?;
    ensure!(seen["login"]["user"] == "bo", "{seen}");
    ensure!(seen["login"]["source"] == "file", "{seen}");
    let text = |name: &str| seen[name].as_str().unwrap_or_default().to_owned();
    ensure!(text("asks").starts_with("callboard-ada@"), "{seen}");
    ensure!(text("words").contains("close this page"), "{seen}");
    let kept: toml::Table =
        std::fs::read_to_string(home.path().join("credentials.toml"))?.parse()?;
    let key = kept["key"].as_str().context("the key is in the file")?;
    // It is a key of its own, which neither the person nor the browser's address line is shown.
    ensure!(key != studio.client.key_of("bo")?, "it is another's key");
    ensure!(!seen.to_string().contains(key), "the key is shown: {seen}");
    ensure!(text("ends_at").ends_with("/done"), "{seen}");
    Ok(())
}

/// Has a browser go through the story of this name and end, and returns what it saw.
fn play(server: &Ready, story: &str, arguments: &[&str]) -> Result<Value> {
    let script = checkout().join("tests/scenarios/web_page");
    let folder = tempfile::tempdir()?;
    let path = folder.path().to_string_lossy();
    let arguments = [&[story, &path, &server.page], arguments].concat();
    let environment = [
        ("FTRACK_SERVER", server.server.as_str()),
        ("FTRACK_API_USER", server.user.as_str()),
        ("FTRACK_API_KEY", server.api_key.as_str()),
        ("FTRACK_API_SCHEMA_CACHE_PATH", path.as_ref()),
        // Browsers keep settings and caches in the home folder, whatever else they are told.
        ("HOME", path.as_ref()),
        ("SE_AVOID_STATS", "true"),
        (MARK, path.as_ref()),
    ];
    let finished = run_python(&script, &arguments, environment, STORY)?;
    wait_until("the browser is gone", SOON, || {
        with_environment(MARK, path.as_ref().as_ref())
            .is_empty()
            .then_some(())
    })?;
    ensure!(finished.status.success(), "the page failed: {finished:?}");
    let seen: Value = serde_json::from_str(&finished.stdout)
        .with_context(|| format!("no JSON came: {finished:?}"))?;
    let complaints = &seen["complaints"];
    ensure!(*complaints == json!([]), "the browser says {complaints}");
    Ok(seen)
}
