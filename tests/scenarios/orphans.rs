//! What a plugin starts ends with it, however it ends and whatever the plugin did to hide it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::{
    Home, HostRunner, SOON, Signal, descendants, is_alive, number_set, signal, wait_until,
    with_environment,
};

/// How long a process may outlive the host.
const AFTERLIFE: Duration = Duration::from_secs(2);

/// How often the host is killed; `cargo xtask soak` does it more often.
const ROUNDS: u32 = 20;

/// What plugins are at while it is.
const HOSTILE: [&str; 8] = [
    "family",
    "fork_bomb",
    "threads",
    "allocates",
    "deaf",
    "flood",
    "no_hello",
    "spins",
];

/// A host whose plugin has a family: a child, a deaf one, and one that left its session and its parent.
struct Family {
    host: HostRunner,
    mark: String,
    job: serde_json::Value,
}

impl Family {
    fn start(name: &str) -> Result<Self> {
        let mark = format!("{name}-{}", std::process::id());
        let home = Home::empty()?;
        home.add_unruly("family", "family", &mark)?;
        let host = HostRunner::demo()
            .home(home.into())
            .unprivileged()
            .start()?;
        let mut bus = host.connected_bus()?;
        let params =
            json!({"action": "family.run", "context": {"surface": "cli", "selection": []}});
        let job = bus.request("actions.launch", params)?["job"].take();
        wait_until("the family is up", SOON, || {
            let job = bus.request("jobs.show", json!({"job": job}));
            job.map(|job| (job["message"] == "the family is up").then_some(()))
                .transpose()
        })??;
        let family = Self { host, mark, job };
        // `sleep`, a shell with another `sleep`, and the one that hides.
        wait_until("all of the family runs", SOON, || {
            (family.alive().len() >= 4).then_some(())
        })?;
        Ok(family)
    }

    /// Returns those who carry the mark and run.
    fn alive(&self) -> BTreeSet<u32> {
        let mut marked = with_environment("UNRULY_MARK", OsStr::new(&self.mark));
        marked.retain(|pid| is_alive(*pid));
        marked
    }

    fn wait_for_end(&self, deadline: Duration) -> Result<()> {
        wait_until("nobody of the family is left", deadline, || {
            self.alive().is_empty().then_some(())
        })
        .with_context(|| format!("{:?} are left", self.alive()))
    }

    /// Returns the process id of the plugin's runner.
    fn runner(&self) -> Result<u32> {
        let plugins = self.host.bus()?.request("plugins.list", json!({}))?;
        let pid = plugins["items"][0]["pids"][0].as_u64();
        Ok(u32::try_from(pid.context("the plugin has no process")?)?)
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        // A test that failed leaves nobody behind either.
        for pid in self.alive() {
            signal(pid, Signal::KILL).ok();
        }
    }
}

#[test]
fn no_process_outlives_a_killed_host() -> Result<()> {
    let rounds = number_set("CALLBOARD_SOAK_HOST_KILLS", ROUNDS)?;
    for (round, mode) in (0..rounds).zip(HOSTILE.into_iter().cycle()) {
        if mode == "family" {
            let mut family = Family::start(&format!("killed-host-{round}"))?;
            let started = family.host.kill()?;
            family.wait_for_end(AFTERLIFE)?;
            HostRunner::wait_for_end_of(&started, AFTERLIFE)?;
        } else {
            kill_host_with(mode).with_context(|| format!("in round {round}, with `{mode}`"))?;
        }
    }
    Ok(())
}

/// Kills a host while a hostile plugin is at it, with limits that it does not reach before.
fn kill_host_with(mode: &str) -> Result<()> {
    let home = Home::empty()?;
    let limits = "memory_mb = 1000, processes = 150, turn_secs = 120, hello_secs = 60";
    home.add_unruly_with(mode, mode, "", &["program:sh"], limits)?;
    let mut host = HostRunner::demo()
        .home(home.into())
        .unprivileged()
        .start()?;
    let mut bus = host.connected_bus()?;
    let params =
        json!({"action": format!("{mode}.run"), "context": {"surface": "cli", "selection": []}});
    bus.request("actions.launch", params)?;
    wait_until("the plugin has a process", SOON, || {
        let plugins = bus.request("plugins.list", json!({}));
        plugins
            .map(|plugins| plugins["items"][0]["pids"][0].as_u64().map(drop))
            .transpose()
    })??;
    let started = host.kill()?;
    HostRunner::wait_for_end_of(&started, AFTERLIFE)?;
    // Nor what was born while the host died.
    let home = host.home();
    wait_until("nobody with the host's home is left", AFTERLIFE, || {
        let left = with_environment("HOME", home.path().as_os_str());
        left.iter().all(|pid| !is_alive(*pid)).then_some(())
    })
}

#[test]
fn no_process_outlives_a_host_that_ends_well() -> Result<()> {
    let mut family = Family::start("stopped-host")?;
    let started = descendants(family.host.pid());
    ensure!(started.len() > 4, "the host started {started:?} only");
    let ended = family.host.stop(SOON)?;
    ensure!(ended.code() == Some(0), "the host ended with {ended}");
    // It waits for them: nobody is left when it has gone.
    family.wait_for_end(Duration::ZERO)?;
    HostRunner::wait_for_end_of(&started, Duration::ZERO)
}

#[test]
fn no_process_outlives_a_killed_runner() -> Result<()> {
    let family = Family::start("killed-runner")?;
    let runner = family.runner()?;
    let started = descendants(runner);
    signal(runner, Signal::KILL)?;
    family.wait_for_end(AFTERLIFE)?;
    HostRunner::wait_for_end_of(&started, AFTERLIFE)?;
    let job = family.host.bus()?.wait_for_job(&family.job, SOON)?;
    ensure!(job["failure"]["kind"] == "interrupted", "the job is {job}");
    let mut family = family;
    ensure!(
        family.host.stop(SOON)?.code() == Some(0),
        "{}",
        family.host.log()
    );
    Ok(())
}

#[test]
fn no_process_outlives_a_killed_plugin() -> Result<()> {
    let mut family = Family::start("killed-plugin")?;
    let runner = family.runner()?;
    let (below, family_of_it) = (descendants(runner), family.alive());
    let plugin = below.difference(&family_of_it).next();
    signal(*plugin.context("the plugin runs")?, Signal::KILL)?;
    family.wait_for_end(AFTERLIFE)?;
    let job = family.host.bus()?.wait_for_job(&family.job, SOON)?;
    ensure!(job["failure"]["kind"] == "interrupted", "the job is {job}");
    ensure!(
        family.host.stop(SOON)?.code() == Some(0),
        "{}",
        family.host.log()
    );
    Ok(())
}

#[test]
fn a_cancelled_plugin_takes_its_family_along() -> Result<()> {
    let mut family = Family::start("cancelled")?;
    let mut bus = family.host.bus()?;
    bus.request("jobs.cancel", json!({"job": family.job}))?;
    let job = bus.wait_for_job(&family.job, SOON)?;
    ensure!(job["state"] == "cancelled", "the job is {job}");
    family.wait_for_end(AFTERLIFE)?;
    ensure!(
        family.host.stop(SOON)?.code() == Some(0),
        "{}",
        family.host.log()
    );
    Ok(())
}

#[test]
fn no_temporary_folder_outlives_a_killed_runner_for_long() -> Result<()> {
    let temporary = tempfile::tempdir()?;
    let folders = || -> Result<usize> {
        let mut count = 0;
        for entry in std::fs::read_dir(temporary.path())? {
            let name = entry?.file_name();
            count += usize::from(name.to_string_lossy().starts_with("callboard-plugin-"));
        }
        Ok(count)
    };
    let gone = |what: &str| {
        wait_until(what, SOON, || match folders() {
            Ok(0) => Some(Ok(())),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })?
    };
    let home = Home::empty()?;
    home.add_example("event_relay")?;
    let home = std::sync::Arc::new(home);
    let start = || {
        let host = HostRunner::demo().home(home.clone());
        let place = temporary.path().display().to_string();
        host.environment("TMPDIR", &place).start()
    };
    // It listens until somebody says something, which nobody does.
    let runner = |host: &HostRunner| -> Result<u32> {
        let mut bus = host.connected_bus()?;
        bus.request(
            "actions.launch",
            json!({"action": "event_relay.relay", "context": {"surface": "cli", "selection": []}}),
        )?;
        wait_until("the plugin has a process and a folder", SOON, || {
            let plugins = bus.request("plugins.list", json!({})).ok()?;
            let pid = plugins["items"][0]["pids"][0].as_u64()?;
            (folders().ok()? == 1).then_some(u32::try_from(pid).ok()?)
        })
    };

    let host = start()?;
    signal(runner(&host)?, Signal::KILL)?;
    gone("the folder of a killed runner is removed by its host")?;
    host.finish()?;

    let mut host = start()?;
    let pid = runner(&host)?;
    // So that it cannot clean up after the runner.
    signal(host.pid(), Signal::STOP)?;
    signal(pid, Signal::KILL)?;
    host.kill()?;
    ensure!(folders()? == 1, "nobody was there to remove it");
    let host = start()?;
    gone("the folder of an earlier host's runner is removed")?;
    host.finish()
}
