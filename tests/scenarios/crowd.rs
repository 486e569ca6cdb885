//! Fifty clients of the sandbox at once: everyone is served, everyone hears everything, and the memory stays bounded.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tests::{HostRunner, HubClient, SandboxClient};

const CLIENTS: usize = 50;
const BATCHES: usize = 8;

/// A call waits for no more than this, on a busy machine and with all the others before it.
const PATIENCE: Duration = Duration::from_secs(20);

/// What fifty connections and their events may take, in bytes.
const GROWTH: u64 = 64 * 1024 * 1024;

/// What a client saw.
struct Seen {
    /// Names of tasks that it heard of on the event hub.
    heard: BTreeSet<String>,
    slowest: Duration,
}

#[test]
fn fifty_clients_work_side_by_side() -> Result<()> {
    let server = HostRunner::sandbox().start()?;
    let http = SandboxClient::new(&server.ready)?;
    let shot = http.query("select id from Shot limit 1")?[0]["id"].clone();
    let before = resident_bytes(server.pid())?;
    // Nobody begins before everybody listens.
    let all_listen = Barrier::new(CLIENTS);
    let seen = thread::scope(|scope| -> Result<Vec<Seen>> {
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            let (server, http, shot, all_listen) = (&server, &http, &shot, &all_listen);
            let client = move || {
                let hub = listen(server);
                all_listen.wait();
                work(hub?, http, number, shot)
            };
            let builder = Builder::new().name(format!("client {number}"));
            clients.push(builder.spawn_scoped(scope, client)?);
        }
        let join = |client: thread::ScopedJoinHandle<'_, Result<Seen>>| match client.join() {
            Ok(seen) => seen,
            Err(_) => bail!("a client panicked"),
        };
        clients.into_iter().map(join).collect()
    })
    .with_context(|| server.log())?;
    let made = http.query("select name from Task where name like \"crowd%\"")?;
    let made: BTreeSet<String> = made.iter().filter_map(name).collect();
    ensure!(
        made.len() == CLIENTS * BATCHES,
        "{} tasks were made",
        made.len()
    );
    for (number, seen) in seen.iter().enumerate() {
        ensure!(
            seen.heard == made,
            "client {number} heard of {} tasks",
            seen.heard.len()
        );
        ensure!(
            seen.slowest < PATIENCE,
            "client {number} waited for {:?}",
            seen.slowest
        );
    }
    let grown = resident_bytes(server.pid())?.saturating_sub(before);
    ensure!(grown < GROWTH, "the server has grown by {grown} bytes");
    server.finish()
}

fn listen(server: &HostRunner) -> Result<HubClient> {
    let mut hub = HubClient::connect(&server.ready)?;
    hub.subscribe("topic=ftrack.update")?;
    Ok(hub)
}

/// Returns the next event.
fn next_event(hub: &mut HubClient) -> Result<Value> {
    loop {
        if let Some(packet) = hub.receive()?.strip_prefix("5:::") {
            return Ok(serde_json::from_str::<Value>(packet)?["args"][0].take());
        }
    }
}

/// Makes tasks one by one, reads each back, and then hears of all tasks that all clients have made.
fn work(mut hub: HubClient, http: &SandboxClient, number: usize, shot: &Value) -> Result<Seen> {
    let mut slowest = Duration::ZERO;
    for batch in 0..BATCHES {
        let task = format!("crowd{number}_{batch}");
        let began = Instant::now();
        let answers = http.call(&json!([
            {"action": "create", "entity_type": "Task", "entity_data": {"name": task, "parent_id": shot}},
            {"action": "query", "expression": format!("select name from Task where name is {task}")},
        ]))?;
        slowest = slowest.max(began.elapsed());
        ensure!(
            answers[1]["data"][0]["name"] == task.as_str(),
            "a client does not find its own: {answers}"
        );
    }
    let mut heard = BTreeSet::new();
    while heard.len() < CLIENTS * BATCHES {
        let event = next_event(&mut hub)
            .with_context(|| format!("client {number} heard of {}", heard.len()))?;
        let entities = event["data"]["entities"].as_array().into_iter().flatten();
        heard.extend(entities.filter_map(|entity| {
            let name = entity["changes"]["name"]["new"].as_str()?;
            name.starts_with("crowd").then(|| name.to_owned())
        }));
    }
    Ok(Seen { heard, slowest })
}

fn name(task: &Value) -> Option<String> {
    task["name"].as_str().map(str::to_owned)
}

/// How much memory a process has that is not swapped or shared out, by what Linux says.
fn resident_bytes(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    let kilobytes: u64 = kilobytes.context("the process has no memory")?.parse()?;
    Ok(kilobytes * 1024)
}
