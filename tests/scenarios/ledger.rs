//! What was kept is there again, and what cannot be kept is said.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{HostRunner, SOON};

use crate::bus::shot_id;

/// Where an SQLite file keeps the number that says which version wrote it.
const USER_VERSION_AT: u64 = 60;

/// Returns the ledger's file as the host's status tells it.
fn ledger_file(host: &HostRunner) -> Result<PathBuf> {
    let status = host.bus()?.request("status", json!({}))?;
    let path = status["ledger"]["path"].as_str();
    Ok(PathBuf::from(path.context("the status names no ledger")?))
}

#[test]
fn a_job_is_kept_with_its_inputs_over_a_kill() -> Result<()> {
    let mut first = HostRunner::demo().plugin("hello_python").start()?;
    let mut bus = first.connected_bus()?;
    let values = json!({"note": "quotes \" and \\ and 🎬"});
    let shot = json!([{"kind": "Shot", "id": shot_id(&first)?}]);
    let before = bus.launch("hello_python.greet", shot, values)?;
    first.kill()?;
    let second = HostRunner::demo().home(first.home()).start()?;
    let after = second
        .bus()?
        .request("jobs.show", json!({"job": before["id"]}))?;
    ensure!(after == before, "it was {before}, it is {after}");
    Ok(())
}

#[test]
fn the_ledger_is_closed_to_others_and_keeps_the_hosts_id() -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut first = HostRunner::demo().start()?;
    let file = ledger_file(&first)?;
    let folder = file.parent().context("the ledger has a folder")?;
    let mode = fs::metadata(folder)?.permissions().mode() & 0o777;
    ensure!(mode == 0o700, "the folder's mode is {mode:o}");
    let id = |host: &HostRunner| -> Result<Value> { Ok(host.bus()?.welcome["host"].take()) };
    let before = id(&first)?;
    first.kill()?;
    let second = HostRunner::demo().home(first.home()).start()?;
    ensure!(id(&second)? == before, "the host's id has changed");
    Ok(())
}

#[test]
fn a_ledger_of_a_newer_version_is_refused_and_left_alone() -> Result<()> {
    let mut first = HostRunner::demo().start()?;
    let file = ledger_file(&first)?;
    first.stop(SOON)?;
    let mut database = File::options().write(true).read(true).open(&file)?;
    database.seek(SeekFrom::Start(USER_VERSION_AT))?;
    database.write_all(&99_u32.to_be_bytes())?;
    drop(database);
    let refused = first.command(&["demo", "--headless", "--json"])?;
    ensure!(refused.code == Some(1), "{refused:?}");
    let failure = refused.json()?["error"].take();
    let message = failure["message"].as_str().unwrap_or_default();
    ensure!(
        message.contains("written by a newer Callboard"),
        "{failure}"
    );
    ensure!(failure["hint"].is_string(), "{failure}");
    let mut version = [0; 4];
    let mut database = File::open(&file)?;
    database.seek(SeekFrom::Start(USER_VERSION_AT))?;
    database.read_exact(&mut version)?;
    ensure!(version == 99_u32.to_be_bytes(), "the ledger was written");
    Ok(())
}
