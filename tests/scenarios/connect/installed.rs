//! Archives of ftrack Connect's and AYON's, installed into a running host; and folders of them on trial.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tests::{BusClient, SOON, checkout, command, run, wait_until};

use super::{LOADED, a_shot, copy, home, loaded, start, steps};
use crate::studio::Studio;

const NOTES: (&str, &str) = ("note-shots-1.0.0", "note_shots");
const HANDLERS: (&str, &str) = ("ayon-handlers-1.0.0", "ayon_handlers");

/// Copies a plugin below `root` under this name, and packs it there as its build does.
fn pack(root: &Path, plugin: &str, name: &str) -> Result<String> {
    let from = checkout().join("tests/connect_plugins").join(plugin);
    copy(&from, &root.join(name))?;
    let archive = format!("{name}.zip");
    let made = run(
        command("zip")
            .args(["-qr", &archive, name])
            .current_dir(root),
        SOON,
    )?;
    ensure!(made.status.success(), "{made:?}");
    Ok(root.join(archive).display().to_string())
}

/// Waits until a version of a plugin stands like that, or null for none of them, and returns its summary.
fn wait_for(
    bus: &mut BusClient,
    id: &str,
    what: &str,
    is_so: impl Fn(&Value) -> bool,
) -> Result<Value> {
    let mut last = Value::Null;
    let seen = wait_until(what, LOADED, || {
        last = bus.request("plugins.list", json!({})).ok()?;
        let items = last["items"].as_array()?;
        let mut versions: Vec<Value> = items
            .iter()
            .filter(|item| item["id"] == id)
            .cloned()
            .collect();
        if versions.is_empty() {
            versions.push(Value::Null);
        }
        versions.into_iter().find(|item| is_so(item))
    });
    seen.with_context(|| last.to_string())
}

#[test]
fn archives_of_connects_and_ayons_are_installed_updated_and_removed_while_the_host_runs()
-> Result<()> {
    let studio = Studio::open()?;
    let host = start(&studio, empty()?)?;
    let mut bus = host.connected_bus()?;
    let archives = tempfile::tempdir()?;
    let root = archives.path();
    let install = |archive: &str| -> Result<Value> {
        host.command(&["plugins", "install", archive, "--yes", "--json"])?
            .done()
    };
    for (folder, id) in [NOTES, HANDLERS] {
        let installed = install(&pack(root, folder, folder)?)?;
        ensure!(
            installed["plugin"] == id || installed["id"] == id,
            "{installed}"
        );
    }
    loaded(&mut bus, &[NOTES, HANDLERS])?;
    let shot = a_shot(&studio)?;
    let menu = json!([{"menu": ["Note on shots", "Here"], "shot": shot}]);
    let came = steps(&studio.server.ready, &menu)?;
    ensure!(variant(&came) == Some("1.0.0".to_owned()), "{came}");

    let next = pack(root, NOTES.0, "note-shots-1.1.0")?;
    let version = root.join("note-shots-1.1.0/__version__.py");
    let text = fs::read_to_string(&version)?.replace("1.0.0", "1.1.0");
    fs::write(version, text)?;
    fs::remove_file(&next)?;
    let packed = run(
        command("zip")
            .args(["-qr", &next, "note-shots-1.1.0"])
            .current_dir(root),
        SOON,
    )?;
    ensure!(packed.status.success(), "{packed:?}");
    let shown = |bus: &mut BusClient, expected: &str| -> Result<()> {
        wait_for(bus, NOTES.1, "the version runs", |item| {
            item["version"] == expected && item["state"] == "running"
        })?;
        wait_until("the menu has the version", LOADED, || {
            let came = steps(&studio.server.ready, &menu).ok()?;
            (variant(&came).as_deref() == Some(expected)).then_some(())
        })
    };
    install(&next)?;
    shown(&mut bus, "1.1.0")?;
    host.command(&["plugins", "rollback", NOTES.1, "--json"])?
        .done()?;
    shown(&mut bus, "1.0.0")?;

    let pid = wait_for(&mut bus, NOTES.1, "it runs", |item| {
        item["pids"][0].is_u64()
    })?["pids"][0]
        .clone();
    host.command(&["plugins", "remove", NOTES.1, "--json"])?
        .done()?;
    wait_for(&mut bus, NOTES.1, "it is gone", Value::is_null)?;
    wait_until("its child has ended", LOADED, || {
        (!Path::new(&format!("/proc/{pid}")).exists()).then_some(())
    })?;
    let came = steps(
        &studio.server.ready,
        &json!([{"menu": ["Here"], "shot": shot}]),
    )?;
    ensure!(variant(&came).is_none(), "{came}");
    host.finish()
}

/// Makes a home with no plugin, whose host serves Connect's.
fn empty() -> Result<std::sync::Arc<tests::Home>> {
    let home = home(&[])?;
    fs::create_dir_all(super::connect_folder(&home))?;
    Ok(home)
}

/// Returns the variant of the action on shots in the menu that came first.
fn variant(came: &Value) -> Option<String> {
    let entries = came[0].as_array()?;
    let entry = entries
        .iter()
        .find(|entry| entry["label"] == "Note on shots")?;
    entry["variant"].as_str().map(str::to_owned)
}

/// What `callboard plugins test` says of a plugin, by what was tried.
fn trial(folder: &str) -> Result<(Option<i32>, BTreeMap<String, Value>)> {
    let home = empty()?;
    let from = checkout().join("tests/connect_plugins").join(folder);
    let mut test = command(tests::program()?);
    test.args(["plugins", "test", &from.display().to_string(), "--json"])
        .env("CALLBOARD_HOME", home.path())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let finished = run(&mut test, super::STORY)?;
    let said: Value =
        serde_json::from_str(&finished.stdout).with_context(|| format!("{finished:?}"))?;
    let items = said["items"].as_array().context("a list")?;
    let tried = items.iter().map(|item| {
        let what = item["what"].as_str().unwrap_or_default().to_owned();
        (what, item.clone())
    });
    Ok((finished.status.code(), tried.collect()))
}

#[test]
fn a_folder_of_hooks_is_tried_out_against_an_ftrack_of_its_own() -> Result<()> {
    let (code, tried) = trial(NOTES.0)?;
    ensure!(code == Some(0), "{tried:?}");
    let registered = &tried["`note_shots.py` is registered"];
    ensure!(registered["error"].is_null(), "{tried:?}");
    let done = tried["`Note on shots` is offered and done with 1 Shot"]["seen"].as_str();
    ensure!(
        done == Some("asks for text, todo; refuses: The note is empty."),
        "{tried:?}"
    );

    let (code, tried) = trial(HANDLERS.0)?;
    ensure!(code == Some(1), "{tried:?}");
    let broken = tried["`broken.py` is registered"]["error"].to_string();
    ensure!(broken.contains("ayon_api"), "{tried:?}");
    let done = &tried["`Studio` is offered and done with 1 Shot"]["seen"];
    ensure!(*done == "asks for sure; done of 1", "{tried:?}");
    Ok(())
}
