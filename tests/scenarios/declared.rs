//! What plugins declare beside actions, shown by the examples that come with the Python SDK.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{Home, HostRunner, SOON, SessionBus, TrayWatcher, wait_until};

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

    // Windows are declared, listed and offered; that there are none yet is said.
    says("Renders…")?;
    let windows = host.command(&["ui", "--list", "--json"])?.done()?;
    ensure!(
        windows["items"][0]["id"] == "render_watch.board" && windows["items"][0]["on_top"] == true,
        "{windows}"
    );
    let refused = host.command(&["ui", "render_watch.board", "--json"])?;
    ensure!(
        refused.code == Some(1)
            && refused.json()?["error"]["message"]
                == "`Renders` cannot be opened: windows come with a later version",
        "{refused:?}"
    );
    host.finish()
}
