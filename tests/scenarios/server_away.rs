//! The server goes and comes: the host is back by itself, and what it had accepted is done.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{BusClient, HostRunner, Ready, SOON, wait_until};

use crate::network::{Loses, Network};
use crate::studio::{Batch, Studio};
use crate::web::play;

#[test]
fn a_server_that_restarts_has_its_host_back_and_nothing_was_lost() -> Result<()> {
    let mut studio = Studio::open()?;
    let home = Studio::home()?;
    home.add_unruly("hands_over", "hands_over", "")?;
    let host = studio.host_in(home).start()?;
    let mut bus = host.connected_bus()?;
    let sequence = studio.sequence_id()?;
    check_discover(&studio.server.ready, &sequence)?;

    // One job is under way as the server goes: its call is refused until then.
    let held = Batch::new("held");
    let busy = json!({"match": "\"create\"", "fault": "status", "status": 503, "count": 1000});
    studio.client.add_fault(&busy)?;
    held.launch(&mut bus)?;
    wait_until("a job is held up", SOON, || {
        let working = bus.request("jobs.list", json!({"states": ["working"]}));
        working
            .map(|jobs| jobs["items"][0]["id"].is_string().then_some(()))
            .transpose()
    })??;
    // So that it can say goodbye to nobody.
    studio.server.kill()?;
    let hub = wait_for_hub(&mut bus, |hub| hub["state"] == "connecting")?;
    ensure!(
        hub["problem"]["message"].is_string(),
        "nothing is said: {hub}"
    );
    ensure!(
        hub["problem"]["hint"].is_string(),
        "no hint is given: {hub}"
    );

    // Another one hands its work over while nobody is there.
    let values = json!({"parent": sequence, "names": ["away010", "away020"]});
    let params = json!({
        "action": "hands_over.run",
        "context": {"surface": "cli", "selection": []},
        "values": values,
    });
    let away = bus.request("actions.launch", params)?["job"].take();
    // And one that has to ask the server first says so.
    let early = bus.launch(
        "shot_creation.create_shots",
        json!([]),
        json!({"project": "harbour", "sequence": "early", "shots": "sh010"}),
    )?;
    ensure!(early["state"] == "failed", "it is {early}");
    ensure!(
        early["failure"]["message"]
            .as_str()
            .is_some_and(|text| text.contains("nothing answers at")),
        "it says {}",
        early["failure"]
    );
    ensure!(early["failure"]["hint"].is_string(), "{early}");

    let studio = studio.open_again()?;
    let hub = wait_for_hub(&mut bus, |hub| hub["state"] == "connected")?;
    ensure!(hub["connects"] == 2, "the hub is {hub}");
    ensure!(hub["problem"].is_null(), "the hub is {hub}");
    check_discover(&studio.server.ready, &sequence)?;
    held.converge(&mut bus)?;
    studio.check_made_once(&held)?;
    let job = bus.wait_for_job(&away, SOON)?;
    ensure!(job["state"] == "done", "it is {job}");
    let made = studio
        .client
        .query("select id from Shot where name like \"away0%\"")?;
    ensure!(made.len() == 2, "these were made: {made:?}");
    bus.request("jobs.retry", json!({"job": early["id"]}))?;
    let retried = bus.wait_for_job(&early["id"], SOON)?;
    ensure!(retried["state"] == "done", "the retry is {retried}");
    host.finish()?;
    studio.server.finish()
}

#[test]
fn a_hub_that_hangs_up_or_forgets_its_sessions_has_the_host_back() -> Result<()> {
    let studio = Studio::open()?;
    let host = studio.host_in(Studio::home()?).start()?;
    let mut bus = host.connected_bus()?;
    let sequence = studio.sequence_id()?;
    for (changes, connects) in [
        (&["drop_connections"][..], 2),
        (&["forget_sessions", "drop_connections"], 3),
    ] {
        for change in changes {
            studio.client.change_hub(change)?;
        }
        wait_for_hub(&mut bus, |hub| {
            hub["state"] == "connected" && hub["connects"] == connects
        })?;
        check_discover(&studio.server.ready, &sequence)?;
    }
    host.finish()?;
    studio.server.finish()
}

#[test]
fn a_server_that_falls_silent_is_noticed_and_met_again() -> Result<()> {
    let studio = Studio::open()?;
    let network = Network::start(studio.client.address())?;
    let home = Studio::home()?;
    let ready = Ready {
        server: network.address(),
        ..studio.server.ready.clone()
    };
    let host = HostRunner::resident(&ready).home(home).start()?;
    let mut bus = host.connected_bus()?;
    let sequence = studio.sequence_id()?;
    check_discover(&studio.server.ready, &sequence)?;

    network.lose(Loses::Everything);
    let hub = wait_for_hub(&mut bus, |hub| hub["state"] != "connected")?;
    ensure!(
        hub["problem"]["message"].is_string(),
        "nothing is said: {hub}"
    );
    network.lose(Loses::Nothing);
    wait_for_hub(&mut bus, |hub| hub["state"] == "connected")?;
    check_discover(&studio.server.ready, &sequence)?;
    host.finish()?;
    studio.server.finish()
}

/// Has the official client open the menu on a sequence, and looks for our action.
fn check_discover(server: &Ready, sequence: &str) -> Result<()> {
    let seen = play(server, &["discover", sequence])?;
    let labels = seen["labels"].as_array().context("a menu has labels")?;
    ensure!(
        labels.contains(&json!("Create shots")),
        "the menu is {seen}"
    );
    Ok(())
}

fn wait_for_hub(bus: &mut BusClient, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
    wait_until("the hub stands as it shall", PATIENCE, || {
        let status = bus.request("status", json!({}));
        status
            .map(|mut status| is_so(&status["hub"]).then(|| status["hub"].take()))
            .transpose()
    })?
}

/// How long a silence may go unnoticed, and the reconnecting take.
const PATIENCE: Duration = Duration::from_secs(60);
