//! Plugins come and go: versions, places that hang, switching off, new code under a running host, a hundred at once.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{BusClient, Home, HostRunner, SOON, wait_until};

/// Returns everything that is listed under an id.
fn listed(bus: &mut BusClient, id: &str) -> Result<Vec<Value>> {
    let plugins = bus.request("plugins.list", json!({}))?;
    let items = plugins["items"].as_array().context("no items")?;
    let of_id = items.iter().filter(|item| item["id"] == id);
    Ok(of_id.cloned().collect())
}

fn launch(bus: &mut BusClient, action: &str) -> Result<Value> {
    let params = json!({"action": action, "context": {"surface": "cli", "selection": []}});
    Ok(bus.request("actions.launch", params)?["job"].take())
}

/// Waits until a plugin is listed as `expected` says.
fn wait_for(
    bus: &mut BusClient,
    id: &str,
    what: &str,
    expected: impl Fn(&[Value]) -> bool,
) -> Result<()> {
    wait_until(what, SOON, || match listed(bus, id) {
        Ok(items) => expected(&items).then_some(Ok(())),
        Err(error) => Some(Err(error)),
    })?
}

fn is_in(state: &'static str) -> impl Fn(&[Value]) -> bool {
    move |items| items.first().is_some_and(|item| item["state"] == state)
}

fn manifest(id: &str, version: &str, more: &str) -> String {
    format!(
        "id = \"{id}\"\nversion = \"{version}\"\nrun.program = [\"true\"]\n{more}\n\
         [[action]]\nid = \"run\"\nlabel = \"Run\"\n"
    )
}

#[test]
fn of_several_versions_one_is_used_and_the_list_says_why() -> Result<()> {
    let home = Home::empty()?;
    let mine = home.path().join("data/plugins");
    for (folder, version) in [("tool-1.9.0", "1.9.0"), ("tool-1.10.0", "1.10.0")] {
        fs::create_dir_all(mine.join(folder))?;
        fs::write(
            mine.join(folder).join("plugin.toml"),
            manifest("tool", version, ""),
        )?;
    }
    home.add_plugin(
        "newer",
        &[(
            "plugin.toml",
            &manifest("tool", "3.0.0", "callboard = \">=99\""),
        )],
    )?;
    home.add_plugin(
        "odd",
        &[("plugin.toml", &manifest("odd", "1.0.0", "colour = \"red\""))],
    )?;
    let host = HostRunner::demo().home(home.into()).start()?;
    let mut bus = host.bus()?;
    let tool = listed(&mut bus, "tool")?;
    let seen: Vec<_> = tool
        .iter()
        .map(|item| (item["version"].as_str(), item["state"].as_str()))
        .collect();
    let expected = [
        (Some("1.10.0"), Some("idle")),
        (Some("3.0.0"), Some("broken")),
        (Some("1.9.0"), Some("not_used")),
    ];
    ensure!(seen == expected, "{tool:?}");
    ensure!(tool[0]["why"] == "it is the highest of 2", "{tool:?}");
    ensure!(tool[0]["source"] == "user", "{tool:?}");
    let unfit = tool[1]["problem"]["message"].as_str().unwrap_or_default();
    ensure!(unfit.contains("needs Callboard `>=99`"), "{tool:?}");
    let odd = listed(&mut bus, "odd")?;
    ensure!(odd[0]["state"] == "idle", "{odd:?}");
    let warning = odd[0]["warnings"][0]["message"].as_str();
    ensure!(
        warning.is_some_and(|warning| warning.contains("`colour`")),
        "{odd:?}"
    );
    // The lock has the last word, from the next look on.
    let lock = "[[plugin]]\nid = \"tool\"\nversion = \"1.9.0\"\nhash = \"\"\nsource = \"\"\n";
    fs::write(mine.join("callboard.lock"), lock)?;
    let reloaded = host.command(&["plugins", "reload", "--json"])?.done()?;
    ensure!(reloaded["changed"] == json!(["tool"]), "{reloaded}");
    let tool = listed(&mut bus, "tool")?;
    ensure!(
        tool[0]["version"] == "1.9.0" && tool[0]["why"] == "`callboard.lock` names 1.9.0",
        "{tool:?}"
    );
    host.finish()
}

#[test]
fn a_disabled_plugin_stays_so_and_its_running_job_is_finished() -> Result<()> {
    let home = Arc::new(Home::empty()?);
    let mark = home.path().join("go_on");
    home.add_unruly("tool", "waits_for_file", &mark.display().to_string())?;
    let host = HostRunner::demo().home(Arc::clone(&home)).start()?;
    let mut bus = host.connected_bus()?;
    let job = launch(&mut bus, "tool.run")?;
    wait_for(&mut bus, "tool", "the job runs", is_in("running"))?;

    host.command(&["plugins", "disable", "tool", "--json"])?
        .done()?;
    wait_for(&mut bus, "tool", "it is disabled", is_in("disabled"))?;
    let menu = bus.request("actions.discover", json!({}))?;
    ensure!(menu["items"] == json!([]), "{menu}");
    let refused = bus.request(
        "actions.launch",
        json!({"action": "tool.run", "context": {"surface": "cli", "selection": []}}),
    );
    let refusal = format!("{:#}", refused.err().context("it was launched")?);
    ensure!(refusal.contains("`tool` is disabled"), "{refusal}");
    fs::write(&mark, "")?;
    let ended = bus.wait_for_job(&job, SOON)?;
    ensure!(ended["state"] == "done", "{ended}");
    host.finish()?;

    let host = HostRunner::demo().home(home).start()?;
    let mut bus = host.connected_bus()?;
    ensure!(listed(&mut bus, "tool")?[0]["state"] == "disabled");
    let unknown = host.command(&["plugins", "disable", "nobody", "--json"])?;
    ensure!(unknown.code == Some(1), "{unknown:?}");
    host.command(&["plugins", "enable", "tool", "--json"])?
        .done()?;
    let ended = bus.launch("tool.run", json!([]), json!({}))?;
    ensure!(ended["state"] == "done", "{ended}");
    host.finish()
}

#[test]
fn new_code_is_run_from_the_next_job_on_and_old_code_ends_its_own() -> Result<()> {
    let home = Arc::new(Home::empty()?);
    let mark = home.path().join("go_on");
    let folder = home.add_unruly("tool", "waits_for_file", &mark.display().to_string())?;
    let watched = home.path().join("watched");
    fs::create_dir(&watched)?;
    fs::rename(&folder, watched.join("tool"))?;
    let host = HostRunner::demo()
        .home(Arc::clone(&home))
        .argument("--plugins")
        .argument(&watched.display().to_string())
        .start()?;
    let mut bus = host.connected_bus()?;
    let old = launch(&mut bus, "tool.run")?;
    wait_for(&mut bus, "tool", "the job runs", is_in("running"))?;
    ensure!(listed(&mut bus, "tool")?[0]["source"] == "argument");

    let path = watched.join("tool/plugin.toml");
    let text = fs::read_to_string(&path)?;
    let text = text
        .replace("waits_for_file", "polite")
        .replace("1.0.0", "1.1.0");
    fs::write(&path, text)?;
    wait_for(&mut bus, "tool", "the new version is seen", |items| {
        items.first().is_some_and(|item| item["version"] == "1.1.0")
    })?;
    let new = bus.launch("tool.run", json!([]), json!({}))?;
    ensure!(new["message"] == "nothing was broken", "{new}");
    let running = bus.request("jobs.show", json!({"job": old}))?;
    ensure!(running["state"] == "running", "{running}");
    fs::write(&mark, "")?;
    let ended = bus.wait_for_job(&old, SOON)?;
    ensure!(ended["message"] == "the file is there", "{ended}");
    host.finish()
}

#[test]
fn what_a_plugin_logs_is_kept_and_followed() -> Result<()> {
    let home = Arc::new(Home::empty()?);
    home.add_unruly("tool", "prints", "")?;
    let host = HostRunner::demo().home(Arc::clone(&home)).start()?;
    let mut bus = host.connected_bus()?;
    let params = json!({"plugin": "tool", "last": 100});
    let before = bus.request("plugins.logs", params.clone())?;
    ensure!(before["lines"] == json!([]), "{before}");
    let job = bus.launch("tool.run", json!([]), json!({}))?;
    ensure!(job["state"] == "failed", "{job}");
    let follow = json!({"plugin": "tool", "after": before["next"], "wait_secs": 30});
    let lines = bus.request("plugins.logs", follow)?["lines"].clone();
    ensure!(
        lines
            .to_string()
            .contains("it wrote something else than a message"),
        "{lines}"
    );
    host.finish()?;
    let host = HostRunner::demo().home(home).start()?;
    let shown = host.command(&["plugins", "logs", "tool", "-n", "5", "--json"])?;
    let shown = shown.done()?;
    ensure!(
        shown["items"]
            .to_string()
            .contains("it wrote something else"),
        "{shown}"
    );
    let unknown = host.command(&["plugins", "logs", "../../settings", "--json"])?;
    ensure!(unknown.code == Some(1), "{unknown:?}");
    host.finish()
}

/// Fills a folder with plugins.
fn fill(folder: &Path, plugins: usize) -> Result<()> {
    for number in 0..plugins {
        let id = format!("p{number:03}");
        fs::create_dir_all(folder.join(&id))?;
        fs::write(
            folder.join(&id).join("plugin.toml"),
            manifest(&id, "1.0.0", ""),
        )?;
    }
    Ok(())
}

#[test]
fn of_a_hundred_plugins_none_runs_and_none_is_read_again() -> Result<()> {
    let home = Arc::new(Home::empty()?);
    fill(&home.plugins(), 100)?;
    HostRunner::demo()
        .home(Arc::clone(&home))
        .start()?
        .finish()?;
    let trace = home.path().join("trace.txt");
    let file = trace.display().to_string();
    let words = [
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=open,openat,execve",
        "-o",
        &file,
    ];
    let host = HostRunner::demo()
        .home(Arc::clone(&home))
        .under(&words)
        .start()?;
    let mut bus = host.connected_bus()?;
    let menu = bus.request("actions.discover", json!({}))?;
    ensure!(menu["items"].as_array().map(Vec::len) == Some(100));
    let plugins = bus.request("plugins.list", json!({}))?;
    let items = plugins["items"].as_array().context("no items")?;
    ensure!(
        items.len() == 100 && items.iter().all(|item| item["state"] == "idle"),
        "{plugins}"
    );
    let seen = fs::read_to_string(&trace)?;
    ensure!(
        seen.contains("plugin_cache.json"),
        "the trace is of the host"
    );
    let read: Vec<&str> = seen
        .lines()
        .filter(|line| line.contains("plugin.toml"))
        .collect();
    ensure!(read.is_empty(), "it read {read:?}");
    let started = seen.lines().filter(|line| line.contains("execve(")).count();
    ensure!(started == 1, "it started {started} programs:\n{seen}");
    drop(host);
    Ok(())
}

#[test]
fn a_place_that_hangs_keeps_nobody_waiting_and_is_named() -> Result<()> {
    let home = Arc::new(Home::empty()?);
    let share = home.path().join("share");
    fill(&share, 3)?;
    home.add_unruly("near", "polite", "")?;
    let run = || {
        HostRunner::demo()
            .home(Arc::clone(&home))
            .environment("CALLBOARD_PLUGIN_PATH", &share.display().to_string())
    };
    run().start()?.finish()?;
    // Whatever asks the share for anything waits for longer than this test goes on.
    let path = share.display().to_string();
    let words = [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-P",
        &path,
        "-e",
        "trace=openat,statx,newfstatat",
        "-e",
        "inject=openat,statx,newfstatat:delay_enter=300s",
    ];
    let host = run().under(&words).start()?;
    let mut bus = host.connected_bus()?;
    ensure!(listed(&mut bus, "p001")?[0]["state"] == "idle");
    let job = bus.launch("near.run", json!([]), json!({}))?;
    ensure!(job["state"] == "done", "{job}");
    wait_until("the share is named", SOON, || {
        let status = bus.request("status", json!({})).ok()?;
        let problems = status["problems"].to_string();
        (problems.contains("does not answer") && problems.contains(&path)).then_some(())
    })?;
    ensure!(listed(&mut bus, "p001")?[0]["state"] == "idle");
    drop(host);
    Ok(())
}

#[test]
fn the_plugin_at_fault_is_found_by_halves_across_a_restart() -> Result<()> {
    let home = Arc::new(Home::empty()?);
    fill(&home.plugins(), 9)?;
    let host = HostRunner::demo().home(Arc::clone(&home)).start()?;
    // The trouble is there whenever `p006` is offered.
    let bus = host.ready.bus.display().to_string();
    let program = tests::program()?.display().to_string();
    let trouble = format!(
        "CALLBOARD_BUS='{bus}' '{program}' actions --json | grep -q p006 && exit 1 || exit 0"
    );
    let found = host
        .command(&["plugins", "bisect", "--run", &trouble, "--json"])?
        .done()?;
    ensure!(found["culprit"] == "p006", "{found}");
    let step = |host: &HostRunner, step: &str| -> Result<Value> {
        host.command(&["plugins", "bisect", step, "--json"])?.done()
    };
    let told = step(&host, "start")?;
    ensure!(told["off"].as_array().map(Vec::len) == Some(9), "{told}");
    let menu = host.bus()?.request("actions.discover", json!({}))?;
    ensure!(menu["items"] == json!([]), "{menu}");
    let told = step(&host, "good")?;
    ensure!(told["on"].as_array().map(Vec::len) == Some(5), "{told}");
    host.finish()?;

    let host = HostRunner::demo().home(home).start()?;
    let mut bus = host.bus()?;
    ensure!(listed(&mut bus, "p006")?[0]["state"] == "disabled");
    step(&host, "good")?;
    step(&host, "bad")?;
    let told = step(&host, "good")?;
    ensure!(told["culprit"] == "p006", "{told}");
    ensure!(listed(&mut bus, "p006")?[0]["state"] == "idle");
    host.finish()
}

#[test]
fn three_early_deaths_in_a_row_start_the_host_without_foreign_plugins() -> Result<()> {
    let server = HostRunner::sandbox().start()?;
    let home = Arc::new(Home::empty()?);
    fill(&home.plugins(), 2)?;
    let run = || {
        HostRunner::resident(&server.ready)
            .without("--normal")
            .home(Arc::clone(&home))
    };
    for _ in 0..3 {
        let mut host = run().start()?;
        ensure!(listed(&mut host.bus()?, "p001")?[0]["state"] == "idle");
        host.kill()?;
    }
    let host = run().start()?;
    let mut bus = host.bus()?;
    let plugin = listed(&mut bus, "p001")?;
    ensure!(plugin[0]["state"] == "disabled", "{plugin:?}");
    let why = plugin[0]["why"].as_str().unwrap_or_default();
    ensure!(why.contains("safe mode"), "{plugin:?}");
    let status = bus.request("status", json!({}))?;
    let problems = status["problems"].to_string();
    ensure!(
        problems.contains("safe mode") && problems.contains("the last 3 starts"),
        "{status}"
    );
    host.finish()?;
    let host = run().start()?;
    ensure!(listed(&mut host.bus()?, "p001")?[0]["state"] == "idle");
    host.finish()?;
    let host = run().argument("--safe").start()?;
    ensure!(listed(&mut host.bus()?, "p001")?[0]["state"] == "disabled");
    host.finish()?;
    server.finish()
}

/// A Python plugin that sleeps where `faulthandler` can see it.
const SLEEPER: &str = "import time, callboard\n\
plugin = callboard.Plugin()\n\
@plugin.action('run')\n\
def run(launch, host):\n\
\x20   fall_asleep()\n\
def fall_asleep():\n\
\x20   time.sleep(600)\n\
plugin.serve()\n";

#[test]
fn a_plugin_that_does_not_answer_is_told_with_what_it_was_doing() -> Result<()> {
    let home = Arc::new(Home::empty()?);
    let manifest = "id = \"sleeper\"\nversion = \"1.0.0\"\nrun.program = [\"python3\", \"sleeper.py\"]\n\
                    limits = { turn_secs = 1 }\n[[action]]\nid = \"run\"\nlabel = \"Sleep\"\n";
    let sdk = fs::read_to_string(tests::checkout().join("sdk/python/callboard.py"))?;
    home.add_plugin(
        "sleeper",
        &[
            ("plugin.toml", manifest),
            ("sleeper.py", SLEEPER),
            ("callboard.py", &sdk),
        ],
    )?;
    let host = HostRunner::demo().home(home).start()?;
    let mut bus = host.connected_bus()?;
    let job = bus.launch("sleeper.run", json!([]), json!({}))?;
    ensure!(job["failure"]["kind"] == "timed_out", "{job}");
    let causes = job["failure"]["causes"].to_string();
    for expected in [
        "it was last told: `launch`",
        "line 7 in fall_asleep",
        "python",
    ] {
        ensure!(causes.contains(expected), "`{expected}` is not in {causes}");
    }
    let listed = listed(&mut bus, "sleeper")?;
    ensure!(
        listed[0]["problem"]["causes"] == job["failure"]["causes"],
        "{listed:?}"
    );
    let log = bus.request("plugins.logs", json!({"plugin": "sleeper"}))?;
    let log = log["lines"].to_string();
    ensure!(
        log.contains("it does not answer")
            && log.contains("thread ")
            && log.contains("fall_asleep"),
        "{log}"
    );
    host.finish()
}
