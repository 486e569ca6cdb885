//! What the host and an application such as Flame owe each other on the bus, with the test as the application.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{BusError, SOON};

use super::{ACTION, Set, text};

#[test]
fn an_application_is_asked_for_pages_and_for_the_rest_from_where_its_rows_end() -> Result<()> {
    let set = Set::build()?;
    let mut flame = set.host.application_bus()?;
    let total = 450;
    let launched = flame.send_request("publish", launch_event("pages", &json!({}), total))?;
    let mut told = 0;
    let mut questions = 0;
    while told < total {
        let asked = flame.next("dcc.describe", SOON)?;
        ensure!(asked.params["selection_id"] == "pages", "{asked:?}");
        ensure!(
            asked.params["offset"] == told,
            "asked from elsewhere: {asked:?}"
        );
        let limit = asked.params["limit"]
            .as_u64()
            .context("a page has a limit")?;
        ensure!(limit <= 500, "a page of {limit} rows");
        questions += 1;
        // Busy at first, then a few rows, then whole pages.
        let count = match questions {
            1 => 0,
            2 => 7,
            _ => limit.min(total - told),
        };
        let rows: Vec<Value> = (told..told + count).map(segment).collect();
        told += count;
        let page = json!({"rows": rows, "total": total, "complete": told == total});
        flame.answer(asked.id.context("it is a request")?, page)?;
    }
    let reply = flame.answer_to(launched, SOON)?["replies"][0]["data"].take();
    ensure!(reply["state"] == "asks", "{reply}");
    let summary = text(&reply["items"][0]["value"])?;
    ensure!(summary.starts_with("**450 shots to make"), "{summary}");
    ensure!(questions == 5, "it took {questions} questions");
    set.strike()
}

fn segment(number: u64) -> Value {
    json!({"sequence": "paged", "track": 1, "index": number + 1, "record_in": number, "shot_name": format!("p{number:04}")})
}

/// Returns the params that publish a launch from an application with this selection, and wait for a reply.
fn launch_event(selection: &str, values: &Value, count: u64) -> Value {
    let dcc = json!({"application": "flame", "project": "harbour", "selection_id": selection, "count": count});
    let data = json!({"actionIdentifier": ACTION, "selection": [], "dcc": dcc, "values": values});
    let event =
        json!({"topic": "ftrack.action.launch", "data": data, "id": format!("launch {selection}")});
    json!({"event": event, "wait_secs": 15})
}

#[test]
fn the_end_of_a_job_is_told_to_whoever_launched_it_and_to_nobody_else() -> Result<()> {
    let set = Set::build()?;
    let (mut launching, mut other) = (set.host.application_bus()?, set.host.application_bus()?);
    let mut shell = set.host.bus()?;
    for client in [&mut launching, &mut other, &mut shell] {
        client.request("subscribe", json!({"subscription": "topic=callboard.*"}))?;
    }
    // Longer than the host waits before it says that the job has started.
    let slow = json!({"match": "\"create\"", "fault": "delay", "milliseconds": 6000});
    set.studio.client.add_fault(&slow)?;
    let values = json!({"project": "harbour", "sequence": "told", "shots": "t010"});
    let launched = launching.request("publish", launch_event("told", &values, 0))?;
    let reply = &launched["replies"][0]["data"];
    ensure!(
        reply["message"] == "Create shots started" && reply["success"] == true,
        "{reply}"
    );

    let event = launching.next("event", SOON)?.params["event"].take();
    ensure!(event["topic"] == "callboard.job", "{event}");
    ensure!(
        event["data"]["job"] == reply["job"] && event["data"]["state"] == "done",
        "{event}"
    );
    for (client, who) in [
        (&mut other, "another application"),
        (&mut shell, "the command line"),
    ] {
        // Had it been sent the event, it would have come before this answer.
        client.request("status", json!({}))?;
        ensure!(
            client.next("event", Duration::from_millis(1)).is_err(),
            "{who} was told"
        );
    }
    set.strike()
}

#[test]
fn an_application_can_neither_see_nor_touch_what_another_launched() -> Result<()> {
    let set = Set::build()?;
    let (mut launching, mut other) = (set.host.application_bus()?, set.host.application_bus()?);
    let asking = launching.request("publish", launch_event("", &Value::Null, 0))?;
    let job = asking["replies"][0]["data"]["job"].clone();
    ensure!(asking["replies"][0]["data"]["state"] == "asks", "{asking}");
    let requests = [
        ("jobs.show", json!({"job": job})),
        ("jobs.wait", json!({"job": job, "timeout_secs": 1})),
        (
            "jobs.answer",
            json!({"job": job, "values": {"project": "harbour", "shots": "x"}}),
        ),
        ("jobs.retry", json!({"job": job})),
        ("jobs.cancel", json!({"job": job})),
        ("jobs.list", json!({})),
        ("plugins.list", json!({})),
        ("quit", json!({})),
    ];
    for (method, params) in requests {
        let refused = refusal(other.request(method, params))?;
        ensure!(refused.kind == "denied", "`{method}`: {refused}");
    }
    let values = json!({"callboard_job": job, "project": "harbour", "shots": "x"});
    let replies = other.request("publish", launch_event("stranger", &values, 0))?;
    let reply = &replies["replies"][0]["data"];
    ensure!(
        reply["success"] == false && reply["kind"] == "denied",
        "{reply}"
    );

    let detail = launching.request("jobs.show", json!({"job": job}))?;
    ensure!(detail["state"] == "asks", "it was touched: {detail}");
    launching.request("jobs.cancel", json!({"job": job}))?;
    let detail = launching.request("jobs.show", json!({"job": job}))?;
    ensure!(
        detail["state"] == "cancelled",
        "its own application cannot cancel it: {detail}"
    );
    set.strike()
}

#[test]
fn an_application_that_connects_anew_has_its_jobs_back_and_no_second_one() -> Result<()> {
    let set = Set::build()?;
    let launch = launch_event("", &Value::Null, 0);
    let first = set
        .host
        .application_bus()?
        .request("publish", launch.clone())?;
    let job = &first["replies"][0]["data"]["job"];

    let mut again = set.host.application_bus()?;
    let refused = refusal(again.request("jobs.show", json!({"job": job})))?;
    ensure!(refused.kind == "denied", "{refused}");
    let second = again.request("publish", launch)?;
    let (first, second) = (&first["replies"][0]["data"], &second["replies"][0]["data"]);
    ensure!(first == second, "{first}\n{second}");
    again.request("jobs.cancel", json!({"job": job}))?;
    ensure!(
        set.only_job()?["state"] == "cancelled",
        "{}",
        set.only_job()?
    );
    set.strike()
}

fn refusal(answer: Result<Value>) -> Result<BusError> {
    let error = answer.err().context("the request was not refused")?;
    let told = error.downcast_ref::<BusError>().cloned();
    told.with_context(|| format!("the host did not answer: {error:#}"))
}
