//! Flame or the host is busy, stopped, absent or killed.

use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use serde_json::{Value, json};
use tests::{BusClient, Home, SOON, Signal, wait_until};

use super::{Set, click, messages};

/// How long the server holds a call that the host shall not see the end of.
const HELD: Duration = Duration::from_secs(2);

#[test]
fn without_a_host_that_answers_the_artist_is_told_and_flame_never_waits() -> Result<()> {
    let mut set = Set::build()?;
    let lost = ["--project", "harbour", "--until", "unavailable"];
    let told = |bus: &Path, expected: &str| -> Result<()> {
        let seen = click(bus, &lost)?;
        ensure!(seen["states"] == json!(["unavailable"]), "{seen}");
        let said = messages(&seen)?;
        ensure!(said == [expected], "{said:?}");
        Ok(())
    };
    set.host.signal(Signal::STOP)?;
    let stopped = told(
        &set.bus,
        "error: Callboard does not answer. Quit it and start it again.",
    );
    set.host.signal(Signal::CONT)?;
    stopped?;
    let jobs = set.host.bus()?.request("jobs.list", json!({}))?;
    ensure!(
        jobs["items"] == json!([]),
        "the launch arrived after all: {jobs}"
    );
    // The same socket, with a host that is well: nothing that was stopped is in the way.
    click(&set.bus, &["--project", "harbour", "--answer", "Create"])?;

    set.host.kill()?;
    ensure!(set.bus.exists(), "the killed host left no socket behind");
    told(
        &set.bus,
        "error: Callboard is not running. Start it and try again.",
    )?;
    let nobody = Home::empty()?;
    told(
        &nobody.path().join("bus.sock"),
        "error: Callboard is not running. Start it and try again.",
    )?;
    set.studio.server.finish()
}

#[test]
fn a_busy_flame_is_waited_for() -> Result<()> {
    let set = Set::build()?;
    let seen = click(
        &set.bus,
        &["--project", "harbour", "--busy", "3", "--answer", "Create"],
    )?;
    ensure!(seen["states"] == json!(["asks", "done"]), "{seen}");
    ensure!(set.shots("SEQ010")?.len() == 3, "{seen}");
    set.strike()
}

#[test]
fn a_flame_that_stays_busy_is_told_that_it_is() -> Result<()> {
    let set = Set::build()?;
    let seen = click(
        &set.bus,
        &["--project", "harbour", "--busy", "60", "--until", "failed"],
    )?;
    let said = messages(&seen)?;
    let expected = [
        "info: Create shots started.",
        "error: Flame is busy: it told nothing of what is selected for 20 s. \
         Wait until it is idle, then try again.",
    ];
    ensure!(said == expected, "{said:?}");
    ensure!(
        set.only_job()?["failure"]["kind"] == "timed_out",
        "{}",
        set.only_job()?
    );
    set.strike()
}

#[test]
fn a_host_killed_after_the_hand_over_makes_the_shots_and_tells_the_artist() -> Result<()> {
    let set = Set::build()?;
    let slow =
        json!({"match": "\"create\"", "fault": "delay", "milliseconds": HELD.as_secs() * 1000});
    set.studio.client.add_fault(&slow)?;
    let arguments = [
        "--fixture",
        "layered",
        "--project",
        "harbour",
        "--answer",
        "Create",
    ];
    let artist = click_beside(&set.bus, &arguments)?;
    wait_for_job(&mut set.host.bus()?, |job| {
        job["steps"]["steps"][0]["calls"] == 1
    })?;
    let held = Instant::now();
    let set = set.with_killed_host()?;

    let seen = join(artist)?;
    ensure!(
        seen["states"] == json!(["asks", "later", "done"]),
        "{seen}\n{}",
        set.host.log()
    );
    let said = messages(&seen)?;
    let expected = [
        "warning: Callboard went away. What you started goes on when it runs again.",
        "info: Made 2 shots with 2 tasks in the new sequence `SEQ020`.",
    ];
    ensure!(said == expected, "{said:?}");
    // The server carries out the held call as well, after whoever made it has gone.
    wait_until("the held call is over", SOON, || {
        (held.elapsed() > HELD + Duration::from_millis(200)).then_some(())
    })?;
    let shots = set.shots("SEQ020")?;
    ensure!(
        shots.len() == 2 && shots.values().all(|tasks| tasks.len() == 1),
        "{shots:?}"
    );
    ensure!(set.only_job()?["state"] == "done", "{}", set.only_job()?);
    set.strike()
}

#[test]
fn a_host_killed_before_the_hand_over_tells_the_artist_that_nothing_was_made() -> Result<()> {
    let set = Set::build()?;
    let arguments = ["--project", "harbour", "--busy", "60", "--until", "failed"];
    let artist = click_beside(&set.bus, &arguments)?;
    wait_for_job(&mut set.host.bus()?, |job| job["state"] == "running")?;
    let set = set.with_killed_host()?;

    let seen = join(artist)?;
    ensure!(
        seen["states"] == json!(["later", "failed"]),
        "{seen}\n{}",
        set.host.log()
    );
    let said = messages(&seen)?;
    let last = said.last().map(String::as_str);
    ensure!(
        last == Some("error: Callboard stopped before it finished. Retry."),
        "{said:?}"
    );
    ensure!(
        set.only_job()?["failure"]["kind"] == "interrupted",
        "{}",
        set.only_job()?
    );
    ensure!(set.shots("SEQ010")?.is_empty(), "something was made");
    set.strike()
}

/// Does the same on a thread of its own, for a host that fares badly meanwhile.
fn click_beside(bus: &Path, arguments: &[&'static str]) -> Result<JoinHandle<Result<Value>>> {
    let (bus, arguments) = (bus.to_path_buf(), arguments.to_vec());
    let thread = std::thread::Builder::new().name("artist".into());
    Ok(thread.spawn(move || click(&bus, &arguments))?)
}

fn join(artist: JoinHandle<Result<Value>>) -> Result<Value> {
    artist
        .join()
        .map_err(|_| anyhow!("the artist's thread panicked"))?
}

/// Waits until the host has a job of which `is_there` holds.
fn wait_for_job(bus: &mut BusClient, is_there: impl Fn(&Value) -> bool) -> Result<()> {
    wait_until("the job has come so far", SOON, || {
        let mut look = || -> Result<bool> {
            let jobs = bus.request("jobs.list", json!({}))?;
            let Some(job) = jobs["items"][0].get("id") else {
                return Ok(false);
            };
            Ok(is_there(&bus.request("jobs.show", json!({"job": job}))?))
        };
        match look() {
            Ok(false) => None,
            Ok(true) => Some(Ok(())),
            Err(error) => Some(Err(error)),
        }
    })?
}
