//! Events start plugins, reach their turns, and are published by them.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{BusClient, HostRunner, SOON, SandboxClient, wait_until};

use super::demo_with;

/// Returns what the ended jobs of an action gave back, oldest first.
fn outputs(bus: &mut BusClient, action: &str) -> Result<Vec<Value>> {
    let listed = bus.request(
        "jobs.list",
        json!({"states": ["done", "failed", "cancelled"]}),
    )?;
    let mut jobs: Vec<&Value> = listed["items"]
        .as_array()
        .context("a list")?
        .iter()
        .filter(|job| job["action"] == action)
        .collect();
    jobs.reverse();
    jobs.into_iter()
        .map(|job| {
            ensure!(job["state"] == "done", "{job}");
            let shown = bus.request("jobs.show", json!({"job": job["id"]}))?;
            ensure!(
                shown["surface"] == "event" || action != "event_log.write",
                "{shown}"
            );
            Ok(shown["output"].clone())
        })
        .collect()
}

/// Waits until a job of `event_log` has heard something that is wanted, and returns all that was heard.
fn heard(
    bus: &mut BusClient,
    what: &str,
    is_wanted: impl Fn(&Value) -> bool,
) -> Result<Vec<Value>> {
    wait_until(what, SOON, || match outputs(bus, "event_log.write") {
        Ok(heard) => heard.iter().any(&is_wanted).then_some(Ok(heard)),
        Err(error) => Some(Err(error)),
    })?
}

fn shot(host: &HostRunner) -> Result<(SandboxClient, String)> {
    let client = SandboxClient::new(&host.ready)?;
    let shots = client.query("select id from Shot limit 1")?;
    let id = shots[0]["id"].as_str().context("an id")?.to_owned();
    Ok((client, id))
}

#[test]
fn events_of_the_bus_and_the_hub_start_a_plugin_and_its_own_changes_do_not() -> Result<()> {
    let host = demo_with(&["event_log"])?;
    let mut bus = host.bus()?;
    let event = json!({"topic": "studio.saved", "data": {"scene": "a.nk"}});
    bus.request("publish", json!({ "event": event }))?;
    let first = heard(&mut bus, "the bus started it", |heard| {
        heard["subscription"] == "local"
    })?;
    ensure!(
        first[0]["events"][0]["data"]["scene"] == "a.nk" && first[0]["on"] == "bus",
        "{first:?}"
    );

    // It is in no menu.
    let menu = host.command(&["actions", "--json"])?.done()?;
    ensure!(!menu.to_string().contains("event_log.write"), "{menu}");

    let (client, shot) = shot(&host)?;
    // What the host itself changes is not heard; what somebody else changes after that is.
    host.command(&[
        "launch",
        "event_log.change",
        "--on",
        &format!("Shot:{shot}"),
        "--wait",
        "--json",
    ])?
    .done()?;
    client.call(
        &json!([{"action": "update", "entity_type": "Shot", "entity_key": [shot],
        "entity_data": {"description": "wider"}}]),
    )?;
    let all = heard(&mut bus, "the hub started it", |heard| {
        heard["subscription"] == "notes"
    })?;
    let own = bus.request("status", json!({}))?["host"].clone();
    let tokens: Vec<&Value> = all
        .iter()
        .filter(|heard| heard["subscription"] == "notes")
        .flat_map(|heard| heard["events"].as_array().into_iter().flatten())
        .map(|event| &event["data"]["clientToken"])
        .collect();
    ensure!(!tokens.contains(&&own), "its own change came back: {all:?}");
    host.finish()
}

#[test]
fn a_storm_of_events_is_gathered_and_what_is_too_much_is_counted() -> Result<()> {
    let host = demo_with(&["event_log"])?;
    let mut bus = host.bus()?;
    let storm = 400;
    for number in 0..storm {
        let event = json!({"topic": "studio.saved", "data": {"number": number}});
        bus.request("publish", json!({ "event": event }))?;
    }
    let count = |heard: &[Value]| -> (u64, u64) {
        let events = heard.iter().filter_map(|heard| heard["events"].as_array());
        let dropped = heard.iter().filter_map(|heard| heard["dropped"].as_u64());
        (
            events.map(|events| events.len() as u64).sum(),
            dropped.sum(),
        )
    };
    let all = wait_until("every event was told or counted", SOON, || {
        let heard = outputs(&mut bus, "event_log.write").ok()?;
        let (events, dropped) = count(&heard);
        // What was dropped last is told with the next launch.
        let last = json!({"topic": "studio.saved", "data": {"number": "last"}});
        if events + dropped < storm {
            bus.request("publish", json!({ "event": last })).ok()?;
        }
        (events + dropped >= storm).then_some(heard)
    })?;
    ensure!(
        all.len() < 200,
        "every event had a job of its own: {}",
        all.len()
    );
    let most = all
        .iter()
        .filter_map(|heard| heard["events"].as_array())
        .map(Vec::len)
        .max();
    ensure!(most.is_some_and(|most| most > 1 && most <= 50), "{most:?}");
    let plugins = bus.request("plugins.list", json!({}))?;
    ensure!(
        plugins["items"][0]["starts"] == 1,
        "a process for each: {plugins}"
    );
    host.finish()
}

#[test]
fn a_turn_hears_events_and_publishes_on_bus_and_hub() -> Result<()> {
    let host = demo_with(&["event_log", "event_relay"])?;
    let mut bus = host.bus()?;
    let job = host
        .command(&["launch", "event_relay.relay", "--json"])?
        .done()?["job"]
        .take();
    let mut other = host.bus()?;
    wait_until("the relay has heard", SOON, || {
        let ping = json!({"topic": "studio.ping", "data": {"version": "v001"}});
        other.request("publish", json!({ "event": ping })).ok()?;
        let shown = bus.request("jobs.show", json!({ "job": job })).ok()?;
        (shown["state"] == "done").then_some(())
    })?;
    // What it published went through the server, and came back to the other plugin.
    let heard = heard(&mut bus, "the other plugin heard it", |heard| {
        heard["subscription"] == "wide"
    })?;
    let pong = heard
        .iter()
        .find(|heard| heard["subscription"] == "wide")
        .context("it was there")?;
    ensure!(
        pong["events"][0]["topic"] == "studio.pong"
            && pong["events"][0]["data"]["version"] == "v001"
            && pong["events"][0]["source"]["callboardPlugin"] == "event_relay",
        "{pong}"
    );

    // An application answers what a turn asks.
    let mut application = host.application_bus()?;
    application.request(
        "subscribe",
        json!({"subscription": "topic=studio.question"}),
    )?;
    let job = host
        .command(&["launch", "event_relay.ask", "--json"])?
        .done()?["job"]
        .take();
    let question = application.next("event", SOON)?.params["event"].clone();
    let reply = json!({"topic": "ftrack.meta.reply", "data": {"answer": 42},
        "inReplyToEvent": question["id"]});
    application.request("reply", json!({ "event": reply }))?;
    let done = bus.request("jobs.wait", json!({"job": job, "timeout_secs": 60}))?;
    ensure!(done["output"] == json!([{"answer": 42}]), "{done}");

    for topic in ["callboard.job", "ftrack.meta.connected"] {
        let set = format!("topic={topic}");
        let refused = host.command(&[
            "launch",
            "event_relay.ask",
            "--set",
            &set,
            "--wait",
            "--json",
        ])?;
        ensure!(
            refused.json()?["error"]["kind"] == "denied",
            "{topic}: {refused:?}"
        );
    }
    host.finish()
}
