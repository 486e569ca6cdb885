//! 500 shots with three tasks each, beside the official client on the same sandbox.

use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tests::{HostRunner, checkout, run_python};

use crate::figures::{Aim, Figures};
use crate::relay::Relay;
use crate::web::credentials;

const SHOTS: usize = 500;

/// How long either side may take.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Deserialize)]
struct Facts {
    sequence: String,
    types: Vec<String>,
}

#[derive(Deserialize)]
struct Made {
    secs: f64,
}

pub(crate) fn measure(figures: &mut Figures) -> Result<()> {
    let sandbox = HostRunner::sandbox().start()?;
    let relay = Relay::start(&sandbox.ready.server)?;
    let mut server = sandbox.ready.clone();
    server.server = relay.address();

    let facts: Facts = script("facts.py", &[], &server)?;
    let host = HostRunner::resident(&server)
        .plugin("shot_creation")
        .start()?;
    let mut bus = host.connected_bus()?;
    let mut names = String::new();
    for number in 0..SHOTS {
        writeln!(names, "cb{number:04}")?;
    }
    let launch = json!({
        "action": "shot_creation.create_shots",
        "context": {
            "surface": "cli",
            "selection": [{"kind": "Sequence", "id": facts.sequence}],
        },
        "values": {"shots": names, "task_types": facts.types},
    });
    let calls_before = relay.calls();
    let began = Instant::now();
    let job = bus.request("actions.launch", launch)?["job"].take();
    let ended = bus.wait_for_job(&job, PATIENCE)?;
    let ours = began.elapsed().as_secs_f64();
    let calls = relay.calls() - calls_before;
    ensure!(
        ended["state"] == "done",
        "the job did not end well: {ended}"
    );

    let calls_before = relay.calls();
    let shots = SHOTS.to_string();
    let theirs: Made = script("make_shots.py", &[&facts.sequence, &shots], &server)?;
    let their_calls = relay.calls() - calls_before;

    let of = format!("{SHOTS} shots × 3 tasks");
    figures.add(of.clone(), ours, "s");
    figures.add(
        format!("{of}, official client, a commit for each shot"),
        theirs.secs,
        "s",
    );
    figures.add_with_aim(
        format!("{of}, times faster"),
        theirs.secs / ours,
        "×",
        Aim::AtLeast(10.0),
    );
    figures.add_with_aim(
        format!("{of}, calls of the job's steps"),
        calls_of(&ended),
        "calls",
        Aim::AtMost(4.0),
    );
    figures.add(format!("{of}, all API calls"), calls, "calls");
    figures.add(
        format!("{of}, official client, all API calls"),
        their_calls,
        "calls",
    );
    Ok(())
}

/// Returns how many calls the job says that its steps took.
fn calls_of(job: &Value) -> f64 {
    let steps = job["steps"]["steps"].as_array();
    let calls = steps
        .into_iter()
        .flatten()
        .map(|step| step["calls"].as_f64());
    calls.flatten().sum()
}

fn script<T: for<'a> Deserialize<'a>>(
    name: &str,
    arguments: &[&str],
    server: &tests::Ready,
) -> Result<T> {
    let path = checkout().join("tests/benches/python").join(name);
    let finished = run_python(&path, arguments, credentials(server), PATIENCE)?;
    ensure!(
        finished.status.success(),
        "{name} failed: {}",
        finished.stderr
    );
    Ok(serde_json::from_str(&finished.stdout)?)
}
