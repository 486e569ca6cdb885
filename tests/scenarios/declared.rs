//! What plugins declare beside actions, shown by the examples that come with the Python SDK.

mod events;
mod jobs;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{CommandResult, Home, HostRunner, SOON, SessionBus, TrayWatcher, wait_until};

/// Starts the demo with examples of the Python SDK as its plugins.
pub(crate) fn demo_with(examples: &[&str]) -> Result<HostRunner> {
    let home = Home::empty()?;
    for example in examples {
        home.add_example(example)?;
    }
    let host = HostRunner::demo().home(home.into()).start()?;
    host.connected_bus()?;
    Ok(host)
}

#[test]
fn a_command_of_a_plugin_is_listed_checked_and_done() -> Result<()> {
    let mut host = demo_with(&["shot_notes"])?;
    let help = wait_until("the help lists the plugin's commands", SOON, || match host
        .command(&["--help"])
    {
        Ok(help) => help.stdout.contains("  notes").then_some(Ok(help)),
        Err(error) => Some(Err(error)),
    })??;
    ensure!(help.code == Some(0), "{help:?}");
    let help = host.command(&["notes", "add", "--help"])?;
    ensure!(
        help.stdout.contains("--text") && help.stdout.contains("What to remember (needed)"),
        "{help:?}"
    );

    let added = host
        .command(&[
            "notes",
            "add",
            "--text",
            "wider",
            "--priority",
            "2",
            "--about",
            "Editing",
            "--json",
        ])?
        .done()?;
    ensure!(
        added["output"]["notes"] == json!([{"text": "wider", "priority": 2, "about": "edit"}]),
        "{added}"
    );
    for (words, expected) in [
        (
            &["notes", "add"][..],
            "`callboard notes add` needs `--text`",
        ),
        (
            &["notes", "add", "--text", "a", "--priority", "high"],
            "`--priority` must be a number",
        ),
        (
            &["notes", "add", "--text", "a", "--about", "food"],
            "`--about` must be of `Editing`, `Colour`",
        ),
        (
            &["notes", "list"],
            "`callboard notes list` needs `--containing`",
        ),
        (
            &["notes", "list", "--with", "a"],
            "`callboard notes list` has no `--with`",
        ),
    ] {
        let refused = host.command(&[words, &["--json"]].concat())?;
        ensure!(
            refused.code == Some(2) && refused.json()?["error"]["message"] == expected,
            "{words:?}: {refused:?}"
        );
    }
    let mut bus = host.bus()?;
    let waiting = bus.request("jobs.list", json!({"states": ["asks"]}))?;
    ensure!(
        waiting["items"] == json!([]),
        "a question is left: {waiting}"
    );

    // The form that the action asks with says what the fields are.
    let found = host
        .command(&["notes", "list", "--containing", "wid", "--loud", "--json"])?
        .done()?;
    ensure!(found["output"] == json!(["WIDER"]), "{found}");

    ensure!(host.stop(SOON)?.code() == Some(0), "{}", host.log());
    let help = host.command(&["notes", "--help"])?;
    ensure!(
        help.stdout.contains("Keeps a note."),
        "without a host: {help:?}"
    );
    let refused = host.command(&["notes", "add", "--text", "a"])?;
    ensure!(refused.code == Some(3), "without a host: {refused:?}");
    Ok(())
}

#[test]
fn a_command_whose_words_are_taken_is_named_and_not_offered() -> Result<()> {
    let home = Home::empty()?;
    home.add_example("shot_notes")?;
    let other = |name: &str| {
        format!(
            "id = \"z_other\"\nversion = \"1\"\nrun.program = [\"true\"]\n\
             [[action]]\nid = \"a\"\nlabel = \"A\"\n\
             [[command]]\nname = \"{name}\"\naction = \"a\"\n\
             [[command]]\nname = \"jobs purge\"\naction = \"a\"\n"
        )
    };
    home.add_plugin("z_other", &[("plugin.toml", &other("notes add"))])?;
    let host = HostRunner::demo().home(home.into()).start()?;
    let commands = host.bus()?.request("commands.list", json!({}))?;
    let problems: Vec<&Value> = commands["items"]
        .as_array()
        .context("a list")?
        .iter()
        .filter_map(|command| command["problem"].get("message"))
        .collect();
    ensure!(
        problems
            == [
                "the command `notes add` is not offered: `shot_notes` has the command `notes add`",
                "the command `jobs purge` is not offered: `jobs` is a command of Callboard itself",
            ],
        "{commands}"
    );
    wait_until("the help names what is not offered", SOON, || {
        let help = host.command(&["--help"]).ok()?;
        help.stdout
            .contains("`jobs` is a command of Callboard itself")
            .then_some(())
    })?;
    host.finish()
}

#[test]
fn a_status_line_is_in_the_tray_and_outlives_the_turn() -> Result<()> {
    let desktop = SessionBus::start()?;
    let watcher = TrayWatcher::offer(&desktop)?;
    let home = Home::empty()?;
    home.add_example("render_watch")?;
    let host = HostRunner::demo()
        .home(home.into())
        .tray(&desktop)
        .start()?;
    host.connected_bus()?;
    let item = watcher.next_item(SOON)?;
    let says = |text: &str| {
        wait_until(&format!("the tray says `{text}`"), SOON, || {
            let menu = item.menu().ok()?;
            menu.iter().any(|entry| entry.label == text).then_some(())
        })
    };
    says("Nothing is rendered")?;
    host.command(&[
        "launch",
        "render_watch.start",
        "--set",
        "shot=sh010",
        "--wait",
        "--json",
    ])?
    .done()?;
    says("⚠ Rendering sh010")?;
    let status = host.command(&["status", "--json"])?.done()?;
    ensure!(
        status["lines"]
            == json!([{"plugin": "render_watch", "id": "render", "text": "Rendering sh010",
                "level": "warning", "action": "render_watch.stop"}]),
        "{status}"
    );
    // A click launches what the manifest says.
    item.activate(&["⚠ Rendering sh010"])?;
    says("Nothing is rendered")?;
    host.command(&[
        "launch",
        "render_watch.start",
        "--set",
        "shot=sh020",
        "--set",
        "secs=1",
        "--wait",
        "--json",
    ])?
    .done()?;
    says("Nothing is rendered")?;

    // Windows are declared, listed and offered; that there is no display for one is said.
    says("Renders…")?;
    let windows = host.command(&["ui", "--list", "--json"])?.done()?;
    ensure!(
        windows["items"][0]["id"] == "render_watch.board" && windows["items"][0]["on_top"] == true,
        "{windows}"
    );
    let refused = host.command(&["ui", "render_watch.board", "--json"])?;
    ensure!(
        refused.code == Some(1)
            && refused.json()?["error"]["message"] == "there is no display to open a window on",
        "{refused:?}"
    );
    host.finish()
}

/// Starts the demo with a plugin that has settings, some of which the studio and the person have set.
fn studio_with_settings() -> Result<(HostRunner, String)> {
    let home = Home::empty()?;
    home.add_example("burn_in")?;
    let studio = home.path().join("studio.toml");
    std::fs::write(
        &studio,
        "[plugin.burn_in]\nhandles = 16\ncorner = \"middle\"\ncolour = \"red\"\ntoken = \"t\"\n",
    )?;
    let studio = studio.display().to_string();
    home.write_settings(&format!(
        "[studio]\nfile = \"{studio}\"\n\n[plugin.burn_in]\nshadow = false\n"
    ))?;
    let host = HostRunner::demo().home(home.into()).start()?;
    host.connected_bus()?;
    Ok((host, studio))
}

fn settings(host: &HostRunner, arguments: &[&str]) -> Result<CommandResult> {
    host.command(&[&["plugins", "settings", "burn_in", "--json"], arguments].concat())
}

#[test]
fn settings_of_a_plugin_are_layered_and_checked() -> Result<()> {
    let (host, file) = studio_with_settings()?;
    let shown = settings(&host, &[])?.done()?;
    ensure!(
        shown["values"]["handles"] == 16
            && shown["values"]["shadow"] == false
            && shown["values"]["corner"] == "left",
        "{shown}"
    );
    let problems: Vec<(&str, &str)> = shown["problems"]
        .as_array()
        .context("problems")?
        .iter()
        .filter_map(|problem| Some((problem["message"].as_str()?, problem["hint"].as_str()?)))
        .collect();
    ensure!(
        problems.len() == 3
            && problems[0].0 == format!("bad setting `plugin.burn_in.corner` in `{file}`")
            && problems[0].1 == "write one of `\"left\"`, `\"right\"`"
            && problems[1].0 == format!("bad setting `plugin.burn_in.colour` in `{file}`")
            && problems[2].1.starts_with("write no secret here"),
        "{problems:?}"
    );

    host.finish()
}

#[test]
fn settings_that_are_set_reach_the_next_turn_and_secrets_nobody_else() -> Result<()> {
    let (host, _) = studio_with_settings()?;
    for (set, expected) in [
        ("handles=many", "`handles` must be a number from 0 to 100"),
        (
            "text=none",
            "`text` must be a text that matches `.*\\{shot\\}.*`",
        ),
        (
            "since=soon",
            "`since` must be a day in quotes, such as `2026-11-21`",
        ),
        (
            "font=a.ttf",
            "`font` must be an absolute path, or one that begins with `~/`",
        ),
        ("colour=red", "`burn_in` has no setting `colour`"),
    ] {
        let refused = settings(&host, &["--set", "shadow=yes", "--set", set])?;
        ensure!(
            refused.code == Some(1) && refused.json()?["error"]["message"] == expected,
            "{set}: {refused:?}"
        );
    }
    let launch = || -> Result<Value> {
        let words = ["launch", "burn_in.show", "--wait", "--json"];
        Ok(host.command(&words)?.done()?["output"].take())
    };
    let before = launch()?;
    ensure!(
        before["settings"]["shadow"] == false && before["has_token"] == false,
        "what was refused was set: {before}"
    );
    let changed = settings(
        &host,
        &[
            "--set",
            "handles=24",
            "--set",
            "corner=Right",
            "--set",
            "skip=sh010\nsh020",
            "--set",
            "token=hush",
        ],
    )?;
    ensure!(!changed.stdout.contains("hush"), "a secret is shown");
    changed.done()?;
    // The process that idles is told with its next turn.
    let after = launch()?;
    ensure!(
        after["settings"]["handles"] == 24
            && after["settings"]["corner"] == "right"
            && after["settings"]["skip"] == json!(["sh010", "sh020"])
            && after["settings"].get("token").is_none()
            && after["has_token"] == true,
        "{after}"
    );
    // A form that is submitted as it was shown leaves the secret as it is.
    let form = host.bus()?.request(
        "plugins.settings",
        json!({"plugin": "burn_in", "set": {"token": null, "skip": "sh030"}}),
    )?;
    ensure!(form["values"]["skip"] == json!(["sh030"]), "{form}");
    settings(&host, &["--reset", "handles", "--reset", "corner"])?.done()?;
    let reset = launch()?;
    ensure!(
        reset["settings"]["handles"] == 16
            && reset["settings"]["corner"] == "left"
            && reset["has_token"] == true,
        "{reset}"
    );
    let secrets = host.home().path().join("plugin_secrets.toml");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(secrets)?.permissions());
    ensure!(mode & 0o077 == 0, "others may read the secrets: {mode:o}");
    let refused = host.command(&["plugins", "settings", "none", "--json"])?;
    ensure!(refused.code == Some(1), "{refused:?}");
    host.finish()
}
