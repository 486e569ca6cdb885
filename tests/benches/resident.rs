//! The resident process: how fast it is there, and how much it holds.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{
    BusClient, HostRunner, SOON, SandboxClient, SessionBus, TrayWatcher, descendants, wait_until,
};

use crate::figures::{Aim, Figures, percentile};

const STARTS: usize = 10;
const ROUND_TRIPS: usize = 10_000;
const LAUNCHES: usize = 300;

pub(crate) fn measure(figures: &mut Figures) -> Result<()> {
    let sandbox = HostRunner::sandbox().start()?;
    let desktop = SessionBus::start()?;
    let watcher = TrayWatcher::offer(&desktop)?;

    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let began = Instant::now();
        let host = HostRunner::resident(&sandbox.ready)
            .plugin("hello")
            .tray(&desktop)
            .start()?;
        watcher.next_item(SOON)?;
        starts.push(began.elapsed().as_secs_f64() * 1e3);
        drop(host);
    }
    figures.add_with_aim(
        "start to bus and tray ready, p50",
        percentile(&mut starts, 50.0),
        "ms",
        Aim::AtMost(150.0),
    );

    let host = HostRunner::resident(&sandbox.ready)
        .plugin("hello")
        .tray(&desktop)
        .start()?;
    watcher.next_item(SOON)?;
    let mut bus = host.bus()?;
    wait_until("the host is connected", SOON, || {
        let status = bus.request("status", json!({})).ok()?;
        (status["hub"]["state"] == "connected").then_some(())
    })?;
    rest();
    figures.add_with_aim(
        "resident memory, idle with tray",
        memory_mb(host.pid(), "status", "VmRSS:")?,
        "MB",
        Aim::AtMost(15.0),
    );
    figures.add(
        "resident memory, idle with tray, without the program's own pages",
        memory_mb(host.pid(), "status", "RssAnon:")?,
        "MB",
    );
    round_trips(&host.ready.bus, figures)?;
    let shots = SandboxClient::new(&sandbox.ready)?.query("select id from Shot limit 1")?;
    let shot = shots.first().context("the demo has no shot")?;
    launches(&mut bus, &shot["id"], figures)?;
    rest();
    idle_runner(&mut bus, figures)
}

/// Asks on a plain blocking socket, as the smallest client does.
fn round_trips(path: &Path, figures: &mut Figures) -> Result<()> {
    let mut taken = asked(path, "whoami", "{}")?;
    figures.add_with_aim(
        "bus round trip, p50",
        percentile(&mut taken, 50.0),
        "µs",
        Aim::AtMost(50.0),
    );
    figures.add_with_aim(
        "bus round trip, p99",
        percentile(&mut taken, 99.0),
        "µs",
        Aim::AtMost(300.0),
    );
    let context = r#"{"context":{"surface":"cli","selection":[]}}"#;
    let mut taken = asked(path, "actions.discover", context)?;
    figures.add(
        "a menu over the bus, p50",
        percentile(&mut taken, 50.0),
        "µs",
    );
    figures.add(
        "a menu over the bus, p99",
        percentile(&mut taken, 99.0),
        "µs",
    );
    Ok(())
}

/// Asks again and again, and tells how many microseconds each answer took.
pub(crate) fn asked(path: &Path, method: &str, params: &str) -> Result<Vec<f64>> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(SOON))?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    stream.write_all(b"{\"versions\":[1],\"scope\":\"cli\",\"surface\":\"cli\"}\n")?;
    lines.read_line(&mut line)?;
    let mut taken = Vec::with_capacity(ROUND_TRIPS);
    for id in 1..=ROUND_TRIPS {
        let request = format!("{{\"id\":{id},\"method\":\"{method}\",\"params\":{params}}}\n");
        let began = Instant::now();
        stream.write_all(request.as_bytes())?;
        line.clear();
        lines.read_line(&mut line)?;
        taken.push(began.elapsed().as_secs_f64() * 1e6);
        ensure!(line.contains("\"result\""), "the host refuses: {line}");
    }
    Ok(taken)
}

/// Launches the smallest plugin again and again: until the job is on disk, and until it is done.
fn launches(bus: &mut BusClient, shot: &Value, figures: &mut Figures) -> Result<()> {
    let mut kept = Vec::with_capacity(LAUNCHES);
    let mut done = Vec::with_capacity(LAUNCHES);
    let launch = json!({
        "action": "hello.greet",
        "context": {"surface": "cli", "selection": [{"kind": "Shot", "id": shot}]},
        "values": {},
    });
    for _ in 0..LAUNCHES {
        let began = Instant::now();
        let job = bus.request("actions.launch", launch.clone())?["job"].take();
        kept.push(began.elapsed().as_secs_f64() * 1e6);
        let ended = bus.wait_for_job(&job, SOON)?;
        done.push(began.elapsed().as_secs_f64() * 1e6);
        ensure!(
            ended["state"] == "done",
            "the job did not end well: {ended}"
        );
    }
    figures.add(
        "a launch with its ledger commit, p50",
        percentile(&mut kept, 50.0),
        "µs",
    );
    figures.add(
        "a launch with its ledger commit, p99",
        percentile(&mut kept, 99.0),
        "µs",
    );
    figures.add(
        "a launch to its job's end, p50",
        percentile(&mut done, 50.0),
        "µs",
    );
    Ok(())
}

/// Looks at the process that the launches have left.
fn idle_runner(bus: &mut BusClient, figures: &mut Figures) -> Result<()> {
    let plugins = bus.request("plugins.list", json!({}))?;
    let guard = first_pid(&plugins).context("no process of the plugin is idle")?;
    // A runner is two processes: the guard, and the worker that holds the plugin. They share most pages.
    let processes: Vec<u32> = descendants(guard).into_iter().chain([guard]).collect();
    let mut shares = 0.0;
    let mut dirty = 0.0;
    let mut resident = 0.0;
    for pid in processes {
        shares += memory_mb(pid, "smaps_rollup", "Pss:")?;
        dirty += memory_mb(pid, "smaps_rollup", "Private_Dirty:")?;
        resident += memory_mb(pid, "status", "VmRSS:")?;
    }
    let of = "memory of one idle runner, guard and worker";
    figures.add_with_aim(
        format!("{of}, shared pages by share (PSS)"),
        shares,
        "MB",
        Aim::AtMost(4.0),
    );
    figures.add_with_aim(
        format!("{of}, private dirty pages"),
        dirty,
        "MB",
        Aim::AtMost(5.0),
    );
    figures.add(
        format!("{of}, resident, shared pages in full"),
        resident,
        "MB",
    );
    Ok(())
}

fn first_pid(plugins: &Value) -> Option<u32> {
    let pid = plugins["items"][0]["pids"][0].as_u64()?;
    u32::try_from(pid).ok()
}

/// Lets the process do what it puts off until nothing is asked of it.
fn rest() {
    let begun = Instant::now();
    let pause = Duration::from_secs(3);
    while begun.elapsed() < pause {
        std::thread::park_timeout(pause);
    }
}

/// Returns a field of a file in `/proc/PID` in megabytes.
pub(crate) fn memory_mb(pid: u32, file: &str, field: &str) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}"))?;
    let line = text.lines().find(|line| line.starts_with(field));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    Ok(kilobytes.context("the kernel does not tell")? / 1024.0)
}
