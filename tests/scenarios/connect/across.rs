//! What hooks publish to each other, each in a process of its own, as if they were in one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tests::wait_until;

use super::{LOADED, a_shot, home, home_with, loaded, start, steps};
use crate::studio::Studio;

const ASKS: (&str, &str) = ("asks-around-1.0.0", "asks_around");

/// Asks every hook for something, by way of one that publishes it.
fn asked(topic: &str, with: &Value) -> Value {
    json!({"launch": "Ask around", "with": {"ask": topic, "with": with}})
}

/// Returns what the hook that published has seen.
fn came_of(answers: &Value) -> Result<Value> {
    let message = answers[0]["message"].as_str();
    let message = message.with_context(|| format!("nobody answered: {answers}"))?;
    serde_json::from_str(message).with_context(|| message.to_owned())
}

#[test]
fn hooks_of_several_plugins_answer_by_priority_and_one_may_end_the_row() -> Result<()> {
    let studio = Studio::open()?;
    let plugins = [
        ASKS,
        ("about-us-2.0.0", "about_us"),
        ("other-naming-1.0.0", "other_naming"),
        ("two-hooks-1.0.0", "two_hooks"),
    ];
    let host = start(&studio, home(&plugins)?)?;
    loaded(&mut host.connected_bus()?, &plugins)?;
    let version = studio.client.query("select id from AssetVersion limit 1")?;
    let version = version[0]["id"].as_str().context("there is a version")?;
    let playable = "ftrack.connect.publish.make-web-playable";
    let came = steps(
        &studio.server.ready,
        &json!([
            {"menu": ["Ask around"]},
            asked("studio.naming", &json!({})),
            asked("studio.naming", &json!({"stop": true})),
            asked(playable, &json!({"versionId": version, "path": "/tmp/a.mov"})),
            // The host says that Connect is here, and so may hooks.
            {"ask": "ftrack.connect.discover", "answers": 2},
            asked("ftrack.connect.discover", &json!({})),
        ]),
    )?;
    let names = |said: &Value| -> Vec<String> {
        let answers = said["answers"].as_array().into_iter().flatten();
        let words = answers.filter_map(|answer| answer.as_str()?.split(' ').next());
        words.map(str::to_owned).collect()
    };
    let all = came_of(&came[1])?;
    ensure!(names(&all) == ["first", "other", "second"], "{all}");
    ensure!(
        all["data"] == json!({"seen": ["other-naming"]}) && all["stopped"] == false,
        "what one changed is not changed where it was published: {all}"
    );
    let ended = came_of(&came[2])?;
    ensure!(names(&ended) == ["first", "other"], "{ended}");
    ensure!(ended["stopped"] == true, "{ended}");
    let encoded = came_of(&came[3])?;
    ensure!(encoded["answers"] == json!([]), "{encoded}");
    let query = format!("select comment from AssetVersion where id is \"{version}\"");
    let changed = studio.client.query(&query)?;
    ensure!(
        changed[0]["comment"] == "encoded from /tmp/a.mov",
        "{changed:?}"
    );
    let here = came[4].as_array().context("answers")?;
    ensure!(
        here.contains(&json!(true)) && here.contains(&json!({"name": "asks-around"})),
        "{here:?}"
    );
    let here = came_of(&came[5])?;
    ensure!(
        here["answers"] == json!([{"name": "asks-around"}, true]),
        "{here}"
    );
    host.finish()
}

#[test]
fn an_application_is_launched_with_what_other_plugins_add() -> Result<()> {
    let studio = Studio::open()?;
    let plugins = [
        ("maya-environment-1.2.0", "maya_environment"),
        ("nuke-environment-1.0.0", "nuke_environment"),
        ("review-launcher-1.0.0", "review_launcher"),
    ];
    // Not in the host's home, which no plugin is given.
    let applications = tempfile::tempdir()?;
    let at = applications.path();
    let out = at.join("out/wrote");
    fs::create_dir(at.join("out"))?;
    let mut programs = String::new();
    for version in ["2019", "2025"] {
        let program = at.join(format!("maya{version}/bin/maya"));
        fs::create_dir_all(program.parent().context("it has a folder")?)?;
        let script = format!(
            "#!/bin/sh\n(echo $0 $@; env) > {0}.part && mv {0}.part {0}\n",
            out.display()
        );
        fs::write(&program, script)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        programs += &format!(" program:{}", program.display());
    }
    let granted = format!(
        "review_launcher events ftrack.read read:{0} write:{0}/out program:env program:mv{programs}",
        at.display()
    );
    let settings = format!(
        "environment = [\"STUDIO_*\"]\nplugin_permissions = [{}]\n",
        toml::Value::from(granted)
    );
    let home = home_with(&plugins, &settings)?;
    let host = super::prepared(&studio, home)
        .environment("STUDIO_APPLICATIONS", &at.display().to_string())
        .environment("STUDIO_SECRETS_ASIDE", "x")
        .start()?;
    loaded(&mut host.connected_bus()?, &plugins)?;
    let came = steps(
        &studio.server.ready,
        &json!([{"menu": ["Review"]}, {"launch": "Review"}]),
    )?;
    let variants: Vec<&Value> = came[0]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|item| item["label"] == "Review")
        .map(|item| &item["variant"])
        .collect();
    ensure!(variants == ["2025", "2019"], "{came}");
    ensure!(
        came[1] == json!([{"success": true, "message": "Review is starting."}]),
        "{came}\n{}",
        host.log()
    );
    let wrote = wait_until("the application has started", LOADED, || {
        fs::read_to_string(&out).ok()
    })?;
    let first = wrote.lines().next().unwrap_or_default();
    ensure!(
        first.ends_with("maya2025/bin/maya -studio -quiet"),
        "{wrote}"
    );
    for line in ["STUDIO_SHOW=demo", "MAYA_SCRIPT_PATH=", "STUDIO_HOOKS="] {
        ensure!(wrote.contains(line), "{line} is missing: {wrote}");
    }
    // Neither Connect's own modules nor the variable that would load its hooks there.
    for line in ["\nPYTHONPATH=", "FTRACK_EVENT_PLUGIN_PATH=", "STUDIO_NUKE="] {
        ensure!(!wrote.contains(line), "{line} leaked: {wrote}");
    }
    ensure!(
        !wrote.contains(&studio.server.ready.api_key),
        "the application was given the key"
    );
    host.finish()
}

#[test]
fn what_a_hook_says_names_the_server_and_not_the_door_wherever_it_is_shown() -> Result<()> {
    let studio = Studio::open()?;
    let host = start(&studio, home(&[ASKS])?)?;
    loaded(&mut host.connected_bus()?, &[ASKS])?;
    let shot = a_shot(&studio)?;
    let on = format!("Shot:{shot}");
    let server = studio.server.ready.server.trim_end_matches('/');
    let offered = host.command(&["actions", "--on", &on, "--json"])?;
    let icon = format!("{server}/icon.png");
    ensure!(offered.stdout.contains(&icon), "{offered:?}");
    let action = "asks_around.studio_link";
    let launched = host.command(&["launch", action, "--on", &on, "--wait", "--json"])?;
    let expected = format!("see {server}/#task");
    ensure!(launched.stdout.contains(&expected), "{launched:?}");
    let came = steps(
        &studio.server.ready,
        &json!([{"menu": ["Link"], "shot": shot}, {"launch": "Link"}]),
    )?;
    ensure!(came[1][0]["message"] == expected.as_str(), "{came}");
    host.finish()
}

#[test]
fn pain_of_two_machines_the_one_whose_entry_was_chosen_does_it() -> Result<()> {
    let studio = Studio::open()?;
    let one = start(&studio, home(&[ASKS])?)?;
    let two = start(&studio, home(&[ASKS])?)?;
    for host in [&one, &two] {
        loaded(&mut host.connected_bus()?, &[ASKS])?;
    }
    let came = steps(
        &studio.server.ready,
        &json!([
            {"menu": ["Link"], "hosts": 2},
            {"launch": "Link"},
            // Each child answers in order: when both have answered this, both have taken the launch or left it.
            {"ask": "ftrack.connect.discover", "answers": 4},
        ]),
    )?;
    ensure!(came[2].as_array().map(Vec::len) == Some(4), "{came}");
    ensure!(came[1].as_array().map(Vec::len) == Some(1), "{came}");
    one.finish()?;
    two.finish()
}
