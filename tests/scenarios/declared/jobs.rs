//! Jobs launch jobs, attach files and say how far they are.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{BusClient, HostRunner, SOON, wait_until};

use super::demo_with;

fn start(host: &HostRunner, action: &str, set: &[&str]) -> Result<Value> {
    let sets = set.iter().flat_map(|value| ["--set", value]);
    let words: Vec<&str> = ["launch", action, "--json"]
        .into_iter()
        .chain(sets)
        .collect();
    Ok(host.command(&words)?.done()?["job"].take())
}

fn show(bus: &mut BusClient, job: &Value) -> Result<Value> {
    bus.request("jobs.show", json!({ "job": job }))
}

#[test]
fn a_job_launches_another_plugins_action_and_attaches_a_file() -> Result<()> {
    let host = demo_with(&["review_day", "shot_notes"])?;
    let mut bus = host.bus()?;
    let job = start(&host, "review_day.make", &["shots=sh010,sh020,sh030"])?;
    let done = bus.request("jobs.wait", json!({"job": job, "timeout_secs": 60}))?;
    ensure!(done["state"] == "done", "{done}");

    let parent = show(&mut bus, &job)?;
    let child = show(&mut bus, &parent["children"][0])?;
    ensure!(
        child["action"] == "shot_notes.add"
            && child["parent"] == job
            && child["user"] == parent["user"]
            && child["surface"] == "event"
            && child["values"]["text"] == "reviewed sh010",
        "{child}"
    );
    let id = job.as_str().context("an id")?;
    let human = host.command(&["jobs", "show", id])?;
    ensure!(
        human.stdout.contains("file     sheet.txt (18 bytes)"),
        "{human:?}"
    );

    // Run again, it finds the child that is there.
    let file = host
        .command(&["jobs", "file", id, "sheet.txt", "--json"])?
        .done()?;
    ensure!(
        file == parent["files"][0] && file["size_bytes"] == 18,
        "{file}"
    );
    let path = file["path"].as_str().context("a path")?;
    ensure!(
        std::fs::read_to_string(path)? == "sh010\nsh020\nsh030\n",
        "another file"
    );
    let refused = host.command(&["jobs", "file", id, "none.txt", "--json"])?;
    ensure!(
        refused.json()?["error"]["kind"] == "not_found",
        "{refused:?}"
    );
    std::fs::write(path, "something else")?;
    let refused = host.command(&["jobs", "file", id, "sheet.txt", "--path"])?;
    ensure!(
        refused.code == Some(1) && refused.stderr.contains("was changed since"),
        "{refused:?}"
    );
    host.finish()
}

#[test]
fn a_cancel_reaches_the_child_and_progress_is_told_everywhere() -> Result<()> {
    let host = demo_with(&["review_day"])?;
    let mut bus = host.bus()?;
    let job = start(&host, "review_day.delegate", &[])?;
    let child = wait_until("the child is under way", SOON, || {
        let listed = bus
            .request("jobs.list", json!({"states": ["running"]}))
            .ok()?;
        let jobs = listed["items"].as_array()?;
        let child = jobs.iter().find(|one| one["action"] == "review_day.wait")?;
        child["progress"]["step"].is_string().then(|| child.clone())
    })?;
    ensure!(
        child["progress"] == json!({"fraction": 0.25, "step": "1 of 4", "text": "waiting"}),
        "{child}"
    );
    let id = child["id"].as_str().context("an id")?;
    let human = host.command(&["jobs", "show", id])?;
    ensure!(
        human.stdout.contains("running 25 %, 1 of 4: waiting"),
        "{human:?}"
    );

    bus.request("jobs.cancel", json!({ "job": job }))?;
    for (job, what) in [(&job, "the parent"), (&child["id"], "the child")] {
        let ended = bus.request("jobs.wait", json!({"job": job, "timeout_secs": 60}))?;
        ensure!(ended["state"] == "cancelled", "{what}: {ended}");
    }

    // What would go on for ever is refused.
    let job = start(
        &host,
        "review_day.delegate",
        &["action=review_day.delegate"],
    )?;
    let ended = bus.request("jobs.wait", json!({"job": job, "timeout_secs": 60}))?;
    ensure!(
        ended["state"] == "failed" && ended["failure"]["kind"] == "conflict",
        "{ended}"
    );
    host.finish()
}
