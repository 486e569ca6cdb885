//! The local bus keeps its rules, whoever is on the other end.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{BusClient, BusError, HostRunner, SOON, SandboxClient};

/// The longest line that is taken, in bytes.
const LONGEST_LINE: usize = 8 * 1024 * 1024;

fn host() -> Result<HostRunner> {
    HostRunner::demo().plugin("hello_python").start()
}

/// Returns the id of a shot of the demo project.
pub(crate) fn shot_id(host: &HostRunner) -> Result<Value> {
    let shots = SandboxClient::new(&host.ready)?.query("select id from Shot limit 1")?;
    let shot = shots.into_iter().next().context("the demo has no shot")?;
    Ok(shot["id"].clone())
}

/// Returns the kind of failure that a request was answered with.
fn refusal(answer: Result<Value>) -> Result<String> {
    let error = answer.err().context("the request was not refused")?;
    let error: &BusError = error
        .downcast_ref()
        .with_context(|| format!("the host did not answer: {error:#}"))?;
    Ok(error.kind.clone())
}

#[test]
fn a_line_that_is_too_long_or_no_message_is_refused_and_the_connection_lives() -> Result<()> {
    let host = host()?;
    let mut bus = host.bus()?;
    for (line, kind) in [
        ("x".repeat(LONGEST_LINE + 1), "limit"),
        ("hello there".to_owned(), "invalid"),
        ("{\"id\":-1}".to_owned(), "invalid"),
    ] {
        bus.send_line(&line)?;
        let answer: Value = serde_json::from_str(&bus.next_line(SOON)?)?;
        ensure!(answer["error"]["kind"] == kind, "{answer}");
        ensure!(answer.get("id").is_none(), "{answer}");
    }
    bus.request("status", json!({}))?;
    Ok(())
}

#[test]
fn an_unknown_request_or_bad_params_are_an_answer() -> Result<()> {
    let host = host()?;
    let mut bus = host.bus()?;
    for (method, params, kind) in [
        ("nonsense", json!({}), "unsupported"),
        ("dcc.describe", json!({}), "unsupported"),
        ("jobs.show", json!({"job": 17}), "invalid"),
        ("jobs.show", json!({"job": "nobody's"}), "not_found"),
        (
            "jobs.wait",
            json!({"job": "x", "timeout_secs": 1e9}),
            "invalid",
        ),
        ("subscribe", json!({"subscription": "topic="}), "invalid"),
        ("publish", json!({"event": {"topic": 3}}), "invalid"),
        (
            "reply",
            json!({"event": {"topic": "x", "data": {}}}),
            "invalid",
        ),
    ] {
        let seen = refusal(bus.request(method, params))?;
        ensure!(seen == kind, "`{method}` was refused as `{seen}`");
    }
    Ok(())
}

#[test]
fn no_version_in_common_is_said_in_a_sentence() -> Result<()> {
    let host = host()?;
    let mut bus = BusClient::connect_silently(&host.ready.bus)?;
    bus.send_line(r#"{"versions":[99],"scope":"cli"}"#)?;
    let answer: Value = serde_json::from_str(&bus.next_line(SOON)?)?;
    ensure!(answer["error"]["kind"] == "unsupported", "{answer}");
    ensure!(answer["error"]["hint"].is_string(), "{answer}");
    ensure!(bus.next_line(SOON).is_err(), "the connection is still open");
    Ok(())
}

#[test]
fn only_so_many_requests_are_in_flight_and_the_others_are_told() -> Result<()> {
    let host = host()?;
    let mut bus = host.bus()?;
    let nobody = json!({"event": {"topic": "nobody.answers"}, "wait_secs": 2});
    let ids: Vec<u64> = (0..70)
        .map(|_| bus.send_request("publish", nobody.clone()))
        .collect::<Result<_>>()?;
    let mut refused = 0;
    for _ in &ids {
        let answer: Value = serde_json::from_str(&bus.next_line(SOON)?)?;
        refused += usize::from(answer["error"]["kind"] == "limit");
    }
    ensure!(refused == 6, "{refused} were refused");
    bus.request("status", json!({}))?;
    Ok(())
}

#[test]
fn an_application_sees_its_own_jobs_and_may_not_end_the_host() -> Result<()> {
    let host = host()?;
    let mut bus = host.connected_bus()?;
    let shot = json!([{"kind": "Shot", "id": shot_id(&host)?}]);
    let mut launched = bus.launch("hello_python.greet", shot.clone(), json!({}))?;
    let mut application = host.application_bus()?;
    for method in ["jobs.list", "plugins.list", "quit"] {
        ensure!(
            refusal(application.request(method, json!({})))? == "denied",
            "{method}"
        );
    }
    let other = json!({"job": launched["id"].take()});
    ensure!(refusal(application.request("jobs.show", other))? == "denied");
    let params = json!({"action": "hello_python.greet", "context": {"selection": shot}});
    let own = application.request("actions.launch", params)?["job"].take();
    let job = application.wait_for_job(&own, SOON)?;
    ensure!(job["surface"] == "flame", "{job}");
    Ok(())
}

#[test]
fn an_event_reaches_whom_it_is_meant_for_and_its_reply_comes_back() -> Result<()> {
    let host = host()?;
    let (mut asking, mut answering, mut other) = (host.bus()?, host.bus()?, host.bus()?);
    for (client, name) in [(&mut answering, "render"), (&mut other, "review")] {
        let subscriber = json!({"application": name});
        let params = json!({"subscription": "topic=studio.*", "subscriber": subscriber});
        client.request("subscribe", params)?;
    }
    let event = json!({
        "topic": "studio.ping", "data": {"n": 1}, "id": "ping 1", "target": "application=render",
    });
    let asked = asking.send_request("publish", json!({"event": event, "wait_secs": 10}))?;
    let heard = answering.next("event", SOON)?.params["event"].take();
    ensure!(
        heard["source"]["user"]["username"] == host.ready.user.as_str(),
        "{heard}"
    );
    let reply = json!({"topic": "ftrack.meta.reply", "data": {"n": 2}, "inReplyToEvent": "ping 1"});
    answering.request("reply", json!({"event": reply}))?;
    let replies = asking.answer_to(asked, SOON)?["replies"].take();
    ensure!(replies[0]["data"] == json!({"n": 2}), "{replies}");
    ensure!(replies[0]["inReplyToEvent"] == "ping 1", "{replies}");
    // Had the other one been sent the event, it would have come before this answer.
    other.request("status", json!({}))?;
    ensure!(other.next("event", Duration::from_millis(1)).is_err());
    Ok(())
}

#[test]
fn the_same_event_twice_is_the_same_launch() -> Result<()> {
    let host = host()?;
    let mut bus = host.connected_bus()?;
    let event = json!({
        "topic": "ftrack.action.launch", "id": "launch 1",
        "data": {
            "actionIdentifier": "hello_python.greet",
            "selection": [{"entityType": "shot", "entityId": shot_id(&host)?}],
        },
    });
    let mut jobs = Vec::new();
    for _ in 0..2 {
        let params = json!({"event": event, "wait_secs": 20});
        let mut answer = bus.request_within("publish", params, Duration::from_secs(30))?;
        jobs.push(answer["replies"][0]["data"]["job"].take());
    }
    ensure!(jobs[0].is_string() && jobs[0] == jobs[1], "{jobs:?}");
    let listed = bus.request("jobs.list", json!({}))?;
    ensure!(
        listed["items"].as_array().map(Vec::len) == Some(1),
        "{listed}"
    );
    Ok(())
}

#[test]
fn a_client_that_does_not_read_is_closed_and_nobody_else_notices() -> Result<()> {
    let host = host()?;
    let mut deaf = UnixStream::connect(&host.ready.bus)?;
    deaf.write_all(b"{\"versions\":[1],\"scope\":\"cli\"}\n")?;
    deaf.write_all(
        b"{\"id\":1,\"method\":\"subscribe\",\"params\":{\"subscription\":\"topic=noise\"}}\n",
    )?;
    let mut bus = host.bus()?;
    let noise = json!({"event": {"topic": "noise", "data": {"text": "x".repeat(1024 * 1024)}}});
    for _ in 0..48 {
        bus.request("publish", noise.clone())?;
    }
    // Reading to the end ends, because the host has closed the connection.
    deaf.set_read_timeout(Some(SOON))?;
    let read = std::io::copy(&mut deaf, &mut std::io::sink())?;
    ensure!(read < 8 * 1024 * 1024, "{read} bytes were kept for it");
    bus.request("status", json!({}))?;
    Ok(())
}

#[test]
fn a_socket_that_was_left_behind_is_taken_over() -> Result<()> {
    let mut first = host()?;
    let mode = std::fs::metadata(&first.ready.bus)?.permissions().mode();
    ensure!(mode & 0o777 == 0o600, "the socket's mode is {mode:o}");
    first.kill()?;
    ensure!(first.ready.bus.exists(), "a killed host leaves its socket");
    let second = HostRunner::demo().home(first.home()).start()?;
    ensure!(second.ready.bus == first.ready.bus);
    second.bus()?.request("status", json!({}))?;
    Ok(())
}
