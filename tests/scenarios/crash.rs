//! Nothing is lost and nothing is made twice, whoever is killed and whenever.

use std::collections::BTreeMap;
use std::fs;
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tests::{
    BusClient, Home, HostRunner, SOON, Signal, command, descendants, is_alive, number_set, signal,
    wait_until, with_environment,
};

use crate::studio::{Batch, Studio};

/// More durable writes than a start, a job and a stop need.
const MOST_WRITES: u32 = 300;

/// How long a plugin's process may outlive the host.
const AFTERLIFE: Duration = Duration::from_secs(2);

/// What a durable write is made of.
const WRITES: &str = "pwrite64,fdatasync,fsync";

#[test]
fn a_plugin_killed_before_its_hand_over_costs_only_its_own_job() -> Result<()> {
    let home = Home::empty()?;
    let (first, second) = (home.path().join("first"), home.path().join("second"));
    home.add_unruly("victim", "waits_for_file", &first.display().to_string())?;
    home.add_unruly("other", "waits_for_file", &second.display().to_string())?;
    let host = HostRunner::demo().home(home.into()).start()?;
    let mut bus = host.connected_bus()?;
    let victim = launch(&mut bus, "victim.run", json!({"note": "keep me"}))?;
    let other = launch(&mut bus, "other.run", json!({}))?;
    let killed = wait_for_worker(&mut bus, "victim", &victim)?;
    let spared = wait_for_worker(&mut bus, "other", &other)?;

    signal(killed, Signal::KILL)?;
    let job = bus.wait_for_job(&victim, SOON)?;
    ensure!(job["state"] == "failed", "it is {job}");
    let failure = &job["failure"];
    ensure!(failure["kind"] == "interrupted", "it failed so: {failure}");
    ensure!(
        failure["message"] == "`victim` stopped before it finished",
        "{failure}"
    );
    ensure!(failure["hint"] == "retry", "{failure}");
    ensure!(
        failure["causes"][0] == "its process ended: signal 9",
        "{failure}"
    );
    ensure!(
        job["values"]["note"] == "keep me",
        "the inputs are lost: {job}"
    );
    let job = bus.request("jobs.show", json!({"job": other}))?;
    ensure!(job["state"] == "running", "the other job suffers: {job}");
    ensure!(
        worker(&mut bus, "other")? == Some(spared),
        "the other process is gone"
    );

    fs::write(&first, "")?;
    let id = victim.as_str().context("a job's id is text")?;
    let retried = host
        .command(&["jobs", "retry", id, "--wait", "--json"])?
        .done()?;
    ensure!(retried["state"] == "done", "the retry ended so: {retried}");
    fs::write(&second, "")?;
    let job = bus.wait_for_job(&other, SOON)?;
    ensure!(job["state"] == "done", "the other job suffers: {job}");
    host.finish()
}

#[test]
fn a_plugin_killed_after_its_hand_over_is_not_missed() -> Result<()> {
    let home = Home::empty()?;
    home.add_unruly("hangs", "hands_over_and_hangs", "")?;
    home.add_unruly("dies", "hands_over_and_dies", "")?;
    let studio = Studio::open()?;
    let host = studio.host_in(home.into()).start()?;
    let mut bus = host.connected_bus()?;
    let parent = studio.sequence_id()?;
    let before = studio.shots_below(&parent)?;

    let values = json!({"parent": parent, "names": ["h010", "h020", "h030"]});
    let hanging = launch(&mut bus, "hangs.run", values)?;
    let worker = wait_for_worker(&mut bus, "hangs", &hanging)?;
    wait_until("the hand-over shows", SOON, || {
        let job = bus.request("jobs.show", json!({"job": hanging}));
        job.map(|job| job.get("steps").map(drop)).transpose()
    })??;
    signal(worker, Signal::KILL)?;
    let values = json!({"parent": parent, "names": ["d010", "d020"]});
    let dying = launch(&mut bus, "dies.run", values)?;

    let job = bus.wait_for_job(&hanging, SOON)?;
    ensure!(
        job["state"] == "done" && job["message"] == "3 units were done",
        "{job}"
    );
    let job = bus.wait_for_job(&dying, SOON)?;
    ensure!(
        job["state"] == "done" && job["message"] == "2 units were done",
        "{job}"
    );
    let mut expected = before;
    for name in ["h010", "h020", "h030", "d010", "d020"] {
        expected.insert(name.to_owned(), 1);
    }
    ensure!(
        studio.shots_below(&parent)? == expected,
        "{:?}",
        studio.shots_below(&parent)?
    );
    host.finish()?;
    studio.server.finish()
}

#[test]
fn a_plugin_that_dies_in_every_report_does_not_undo_what_was_made() -> Result<()> {
    let studio = Studio::open()?;
    let home = Studio::home()?;
    home.add_unruly("mute", "dies_reporting", "")?;
    let host = studio.host_in(home).start()?;
    let mut bus = host.connected_bus()?;
    let parent = studio.sequence_id()?;
    let values = json!({"parent": parent, "names": ["mute010", "mute020"]});
    let job = launch(&mut bus, "mute.run", values)?;
    let job = bus.wait_for_job(&job, Duration::from_secs(60))?;
    ensure!(job["state"] == "done", "it is {job}");
    ensure!(
        job["message"] == "everything was done, but the plugin could not say what",
        "it says {job}"
    );
    let shots = studio.shots_below(&parent)?;
    ensure!(
        [shots.get("mute010"), shots.get("mute020")] == [Some(&1); 2],
        "{shots:?}"
    );
    host.finish()?;
    studio.server.finish()
}

#[test]
fn a_host_killed_at_any_durable_write_of_a_job_makes_everything_exactly_once() -> Result<()> {
    let studio = Studio::open()?;
    let writes = kill_at_each_write(&studio, |home, nth| {
        let host = studio.host_in(home).start()?;
        let tracer = Tracer::attach(host.pid(), nth)?;
        Ok((host, Some(tracer)))
    })?;
    // The launch, the turn, the hand-over, the call before and after, the report and the end.
    ensure!(writes > 12, "only {writes} durable writes were seen");
    studio.server.finish()
}

#[test]
fn a_host_killed_at_any_durable_write_of_its_start_starts_again() -> Result<()> {
    let studio = Studio::open()?;
    let writes = kill_at_each_write(&studio, |home, nth| {
        let words = tracer_words(nth);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Ok((studio.host_in(home).under(&words).start()?, None))
    })?;
    ensure!(writes > 6, "only {writes} durable writes were seen");
    studio.server.finish()
}

/// Has one host after another killed as it comes to its first, second, third … durable write, until one gets through.
///
/// After each kill another host starts in the same home, and everything must be there exactly once in the end.
fn kill_at_each_write(
    studio: &Studio,
    mut start: impl FnMut(Arc<Home>, u32) -> Result<(HostRunner, Option<Tracer>)>,
) -> Result<u32> {
    for nth in 1..MOST_WRITES {
        let batch = Batch::new(format!("write{nth:03}"));
        let home = Studio::home_with_small_calls()?;
        let survived = match start(Arc::clone(&home), nth) {
            // It was killed before it could say that it is ready.
            Err(_) => false,
            Ok((mut host, tracer)) => {
                let made = host
                    .connected_bus()
                    .and_then(|mut bus| batch.converge(&mut bus));
                // Not the tracer but the host is asked to end, so that its last writes count as well.
                signal(host.ready.pid, Signal::TERM)?;
                let ended = host.wait(SOON)?;
                drop(tracer);
                made.is_ok() && ended.code() == Some(0)
            }
        };
        let host = studio.host_in(home).start()?;
        let mut bus = host.connected_bus()?;
        let converged = batch
            .converge(&mut bus)
            .and_then(|_| studio.check_made_once(&batch));
        converged.with_context(|| format!("after a kill at write {nth}:\n{}", host.log()))?;
        host.finish()?;
        if survived {
            return Ok(nth);
        }
    }
    bail!("no run got through {MOST_WRITES} writes")
}

/// A running `strace`, which kills a host at its n-th durable write.
struct Tracer(Child);

impl Tracer {
    /// Attaches to a host; every thread of it is counted from here on.
    fn attach(pid: u32, nth: u32) -> Result<Self> {
        let mut words = tracer_words(nth);
        words.extend(["-p".to_owned(), pid.to_string()]);
        let tracer = Self(command(&words[0]).args(&words[1..]).spawn()?);
        let status = |task: fs::DirEntry| fs::read_to_string(task.path().join("status"));
        wait_until("every thread is traced", SOON, || {
            let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
            let mut states = tasks.map(|task| task.and_then(status).unwrap_or_default());
            states
                .all(|state| !state.contains("TracerPid:\t0\n"))
                .then_some(())
        })?;
        Ok(tracer)
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // It has ended with the host; a destructor has nobody to tell otherwise.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Returns the beginning of a command that kills a program as a thread of it comes to its n-th durable write.
///
/// The ledger writes with `pwrite64` and then makes it durable with `fdatasync`; a kill at the first leaves half a
/// transaction behind, one at the second a whole one that nobody was told of.
fn tracer_words(nth: u32) -> Vec<String> {
    let inject = format!("inject={WRITES}:signal=SIGKILL:when={nth}");
    let trace = format!("trace={WRITES}");
    let words = [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        &trace,
        "-e",
        "signal=none",
        "-e",
        &inject,
    ];
    words.map(str::to_owned).to_vec()
}

#[test]
fn a_call_that_goes_wrong_in_any_way_is_made_exactly_once() -> Result<()> {
    // Each with the calls that are made: what was carried out is never sent again.
    let faults = [
        (json!({"fault": "close_before"}), 2),
        (json!({"fault": "close_after"}), 1),
        (json!({"fault": "status", "status": 500}), 2),
        (json!({"fault": "status", "status": 502, "count": 3}), 4),
        // The session itself sends it again after the pause that the server asks for.
        (
            json!({"fault": "status", "status": 429, "retry_after_secs": 1}),
            1,
        ),
        (json!({"fault": "html"}), 2),
        (json!({"fault": "delay", "milliseconds": 300}), 1),
    ];
    let studio = Studio::open()?;
    let host = studio.host_in(Studio::home()?).start()?;
    let mut bus = host.connected_bus()?;
    for (at, (fault, calls)) in faults.into_iter().enumerate() {
        let batch = Batch::new(format!("fault{at:02}"));
        let mut rule = fault.clone();
        rule["match"] = "\"create\"".into();
        studio.client.add_fault(&rule)?;
        let made = batch
            .converge(&mut bus)
            .and_then(|job| studio.check_made_once(&batch).map(|()| job));
        let job = made.with_context(|| format!("after {fault}:\n{}", host.log()))?;
        let step = &job["steps"]["steps"][0];
        ensure!(step["calls"] == calls, "after {fault}: {step}");
    }
    host.finish()?;
    studio.server.finish()
}

#[test]
fn each_of_several_calls_may_go_wrong_and_is_made_exactly_once() -> Result<()> {
    let studio = Studio::open()?;
    let host = studio.host_in(Studio::home_with_small_calls()?).start()?;
    let mut bus = host.connected_bus()?;
    for fault in ["close_before", "close_after"] {
        // The call with the sequence, and that with each shot.
        for call in 0..4 {
            let sequence = format!("{fault}{call}");
            let name = match call {
                0 => sequence.clone(),
                shot => format!("sh0{shot}0"),
            };
            let rule = json!({"match": format!("\"name\":\"{name}\""), "fault": fault});
            studio.client.add_fault(&rule)?;
            let batch = Batch::new(sequence);
            let made = batch
                .converge(&mut bus)
                .and_then(|job| studio.check_made_once(&batch).map(|()| job));
            let job = made.with_context(|| format!("after {rule}:\n{}", host.log()))?;
            let step = &job["steps"]["steps"][0];
            let calls = if fault == "close_before" { 5 } else { 4 };
            ensure!(step["calls"] == calls, "after {rule}: {step}");
        }
    }
    host.finish()?;
    studio.server.finish()
}

#[test]
fn a_question_that_goes_wrong_before_the_hand_over_fails_the_job_and_makes_nothing() -> Result<()> {
    let studio = Studio::open()?;
    let host = studio.host_in(Studio::home()?).start()?;
    let mut bus = host.connected_bus()?;
    let faults = [
        (json!({"fault": "close_before"}), "try again"),
        (
            json!({"fault": "status", "status": 500}),
            "try again in a few minutes",
        ),
        (json!({"fault": "status", "status": 503}), "wait a moment"),
        (json!({"fault": "html"}), "check the server's address"),
    ];
    let mut shots = studio.client.count("Shot")?;
    for (at, (fault, hint)) in faults.into_iter().enumerate() {
        let batch = Batch::new(format!("ask{at:02}"));
        let mut rule = fault.clone();
        rule["match"] = "from Project".into();
        rule["count"] = 10.into();
        studio.client.add_fault(&rule)?;
        let job = batch.launch(&mut bus)?;
        let job = bus.wait_for_job(&job, Duration::from_secs(60))?;
        studio.client.clear_faults()?;
        ensure!(job["state"] == "failed", "after {fault}: {job}");
        ensure!(
            job["failure"]["message"].is_string(),
            "after {fault}: {job}"
        );
        let said = job["failure"]["hint"].as_str().unwrap_or_default();
        ensure!(said.starts_with(hint), "after {fault}: {job}");
        ensure!(
            job["values"]["sequence"] == format!("ask{at:02}"),
            "the inputs are lost: {job}"
        );
        ensure!(
            studio.client.count("Shot")? == shots,
            "after {fault} shots were made"
        );
        // A retry of what failed is a whole job.
        bus.request("jobs.retry", json!({"job": job["id"]}))?;
        let retried = bus.wait_for_job(&job["id"], SOON)?;
        ensure!(retried["state"] == "done", "after {fault}: {retried}");
        studio.check_made_once(&batch)?;
        shots += 3;
    }
    host.finish()?;
    studio.server.finish()
}

#[test]
fn a_look_up_that_goes_wrong_is_made_again() -> Result<()> {
    let studio = Studio::open()?;
    let host = studio.host_in(Studio::home()?).start()?;
    let mut bus = host.connected_bus()?;
    for (at, fault) in ["close_before", "close_after", "html"]
        .into_iter()
        .enumerate()
    {
        let batch = Batch::new(format!("look{at:02}"));
        // The answer to the call is lost, and then those to the questions whether it was carried out.
        let lost = json!({"match": "\"create\"", "fault": "close_after"});
        studio.client.add_fault(&lost)?;
        let job = batch.launch(&mut bus)?;
        wait_until("the call has been made", SOON, || {
            let made = studio.client.query(&format!(
                "select id from Sequence where name is \"look{at:02}\""
            ));
            made.map(|made| (!made.is_empty()).then_some(()))
                .transpose()
        })??;
        studio
            .client
            .add_fault(&json!({"match": "\"query\"", "count": 2, "fault": fault}))?;
        let detail = bus.wait_for_job(&job, Duration::from_secs(60))?;
        studio.client.clear_faults()?;
        ensure!(detail["state"] == "done", "after {fault}: {detail}");
        studio.check_made_once(&batch)?;
    }
    host.finish()?;
    studio.server.finish()
}

#[test]
fn a_host_killed_while_a_call_is_held_makes_everything_exactly_once() -> Result<()> {
    let studio = Studio::open()?;
    for (at, milliseconds) in [200_u64, 1500].into_iter().enumerate() {
        let batch = Batch::new(format!("held{at:02}"));
        let mut host = studio.host_in(Studio::home()?).start()?;
        let mut bus = host.connected_bus()?;
        studio.client.clear_requests()?;
        studio.client.add_fault(
            &json!({"match": "\"create\"", "fault": "delay", "milliseconds": milliseconds}),
        )?;
        let job = batch.launch(&mut bus)?;
        wait_until("the call is under way", SOON, || {
            let job = bus.request("jobs.show", json!({"job": job}));
            job.map(|job| (job["steps"]["steps"][0]["calls"] == 1).then_some(()))
                .transpose()
        })??;
        let held = Instant::now();
        host.kill()?;

        let host = studio.host_in(host.home()).start()?;
        batch.converge(&mut host.connected_bus()?)?;
        // The server carries the held call out as well, after whoever made it has gone.
        wait_until("the held call is over", SOON, || {
            (held.elapsed() > Duration::from_millis(milliseconds + 200)).then_some(())
        })?;
        let checked = studio.check_made_once(&batch);
        checked.with_context(|| host.log())?;
        host.finish()?;
    }
    studio.server.finish()
}

#[test]
fn a_host_and_plugins_killed_at_random_make_everything_exactly_once() -> Result<()> {
    let mut left = number_set("CALLBOARD_SOAK_KILLS", 8)?;
    let mut chance = Chance::seeded();
    while left > 0 {
        // A sandbox and a home only grow, and a soak goes on for hours.
        let kills = left.min(100);
        left -= kills;
        kill_at_random(kills, &mut chance)
            .with_context(|| format!("with the seed {}", chance.seed))?;
    }
    Ok(())
}

/// Launches jobs and kills the host, and sometimes everything below it, a moment after each.
fn kill_at_random(kills: u32, chance: &mut Chance) -> Result<()> {
    let studio = Studio::open()?;
    let mut batches = Vec::new();
    let mut host = studio.host_in(Studio::home_with_small_calls()?).start()?;
    for round in 0..kills {
        let mut bus = host.connected_bus()?;
        let batch = Batch::new(format!("round{round:03}"));
        batch.launch(&mut bus)?;
        batches.push(batch);
        let begun = Instant::now();
        // Most jobs are done after a tenth of a second; some kills shall come later than that.
        let longest = [100, 400][chance.below(2) as usize];
        let moment = Duration::from_millis(chance.below(longest));
        wait_until("the moment has come", SOON, || {
            (begun.elapsed() >= moment).then_some(())
        })?;
        if chance.below(3) == 0 {
            for pid in descendants(host.pid()) {
                signal(pid, Signal::KILL)?;
            }
        }
        host.kill()?;
        let home = host.home();
        wait_until("no plugin outlives the host", AFTERLIFE, || {
            let left = with_environment("HOME", home.path().as_os_str());
            left.into_iter().all(|pid| !is_alive(pid)).then_some(())
        })?;
        // Before the next one starts: whatever runs in its home ends with it.
        drop(host);
        host = studio.host_in(home).start()?;
    }
    let mut bus = host.connected_bus()?;
    for batch in &batches {
        let made = batch
            .converge(&mut bus)
            .and_then(|_| studio.check_made_once(batch));
        made.with_context(|| host.log())?;
    }
    host.finish()?;
    studio.server.finish()
}

/// Numbers that look like chance, and come again with the same seed.
struct Chance {
    seed: u64,
    state: u64,
}

impl Chance {
    fn seeded() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let seed = now.unwrap_or_default().as_secs() | 1;
        Self { seed, state: seed }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % limit
    }
}

fn launch(bus: &mut BusClient, action: &str, values: Value) -> Result<Value> {
    let params =
        json!({"action": action, "context": {"surface": "cli", "selection": []}, "values": values});
    Ok(bus.request("actions.launch", params)?["job"].take())
}

/// Waits until the plugin runs this job, and returns the process of the plugin itself.
fn wait_for_worker(bus: &mut BusClient, plugin: &str, job: &Value) -> Result<u32> {
    wait_until("the job runs", SOON, || {
        let job = bus.request("jobs.show", json!({"job": job}));
        let found = job.and_then(|job| match job["state"] == "running" {
            true => worker(bus, plugin),
            false => Ok(None),
        });
        found.transpose()
    })?
}

/// Returns the process of the plugin itself, which is below that of its runner.
fn worker(bus: &mut BusClient, plugin: &str) -> Result<Option<u32>> {
    let plugins = bus.request("plugins.list", json!({}))?;
    let pids: BTreeMap<&str, u32> = plugins["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| {
            let pid = item["pids"][0].as_u64()?;
            Some((item["id"].as_str()?, u32::try_from(pid).ok()?))
        })
        .collect();
    Ok(pids
        .get(plugin)
        .and_then(|runner| descendants(*runner).into_iter().next()))
}
