//! A plugin can hurt only itself: whatever one does, its job fails with a sentence, and everybody else goes on.

mod greedy;
mod libraries;
mod speech;
mod spying;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{BusClient, Home, HostRunner, SOON};

/// How a job of a plugin that misbehaves ends.
#[derive(Clone, Copy)]
struct Expected {
    /// The failure's kind.
    kind: &'static str,
    /// What its message holds, beside the plugin's name.
    message: &'static str,
    /// What `plugins.list` says is wrong; empty where the plugin's processes are well.
    problem: &'static str,
}

/// Launches the plugin that misbehaves so, and another one while it is at it, and looks at what is told of both.
fn check(mode: &str, expected: &Expected) -> Result<()> {
    let home = Home::empty()?;
    home.add_unruly(mode, mode, "")?;
    check_in(home, mode, expected)
}

/// The same in a home where the plugin is already.
fn check_in(home: Home, mode: &str, expected: &Expected) -> Result<()> {
    home.add_unruly("neighbour", "polite", "")?;
    let host = HostRunner::demo()
        .home(home.into())
        .unprivileged()
        .start()?;
    let mut bus = host.connected_bus()?;

    let job = launch(&mut bus, mode)?;
    let other = launch(&mut bus, "neighbour")?;
    let other = bus.wait_for_job(&other, SOON)?;
    ensure!(other["state"] == "done", "the neighbour suffers: {other}");
    let detail = bus.wait_for_job(&job, LONG)?;

    let failure = &detail["failure"];
    ensure!(detail["state"] == "failed", "it is {detail}");
    ensure!(failure["kind"] == expected.kind, "it failed so: {failure}");
    let said = format!("{} {}", text(&failure["message"])?, failure["causes"]);
    ensure!(said.contains(mode), "the plugin is not named: {failure}");
    ensure!(said.contains(expected.message), "it failed so: {failure}");
    ensure!(!text(&failure["hint"])?.is_empty(), "no hint: {failure}");

    let plugins = bus.request("plugins.list", json!({}))?;
    let problem = plugin(&plugins, mode)?["problem"]["message"].clone();
    match expected.problem {
        "" => ensure!(problem.is_null(), "a problem is shown: {problem}"),
        wanted => ensure!(
            text(&problem)?.contains(wanted) && text(&problem)?.contains(mode),
            "the list shows {problem}"
        ),
    }
    let problem = &plugin(&plugins, "neighbour")?["problem"];
    ensure!(problem.is_null(), "the neighbour is blamed: {problem}");

    let again = bus.launch("neighbour.run", json!([]), json!({}))?;
    ensure!(again["state"] == "done", "the neighbour suffers: {again}");
    host.finish()
}

/// How long a plugin may go on until it is stopped, on a busy machine.
const LONG: Duration = Duration::from_secs(60);

fn launch(bus: &mut BusClient, plugin: &str) -> Result<Value> {
    let params =
        json!({"action": format!("{plugin}.run"), "context": {"surface": "cli", "selection": []}});
    Ok(bus.request("actions.launch", params)?["job"].take())
}

fn plugin<'a>(plugins: &'a Value, id: &str) -> Result<&'a Value> {
    let mut items = plugins["items"].as_array().into_iter().flatten();
    let found = items.find(|item| item["id"] == id);
    found.with_context(|| format!("`{id}` is not listed: {plugins}"))
}

fn text(value: &Value) -> Result<&str> {
    value
        .as_str()
        .with_context(|| format!("`{value}` is no text"))
}

#[test]
fn a_plugin_that_never_says_hello_is_stopped() -> Result<()> {
    check(
        "no_hello",
        &Expected {
            kind: "plugin",
            message: "did not say hello in time",
            problem: "did not say hello in time",
        },
    )
}

#[test]
fn a_plugin_of_another_version_is_told_apart() -> Result<()> {
    check(
        "wrong_version",
        &Expected {
            kind: "unsupported",
            message: "speaks protocol 99, Callboard speaks 1",
            problem: "speaks protocol 99",
        },
    )
}

#[test]
fn a_plugin_that_never_answers_runs_out_of_time() -> Result<()> {
    check(
        "hangs",
        &Expected {
            kind: "timed_out",
            message: "did not finish in time",
            problem: "took too long",
        },
    )
}

#[test]
fn a_plugin_that_floods_the_host_with_messages_is_stopped() -> Result<()> {
    check(
        "flood",
        &Expected {
            kind: "limit",
            message: "it sent more than 10000 messages at once, and more than 2000 in a second (its limit `messages_per_sec`)",
            problem: "its limit `messages_per_sec`",
        },
    )
}

#[test]
fn a_plugin_that_floods_the_host_with_garbage_is_stopped() -> Result<()> {
    check(
        "garbage",
        &Expected {
            kind: "plugin",
            message: "is no hello",
            problem: "is no hello",
        },
    )
}

#[test]
fn a_plugin_that_sends_half_a_frame_is_found_out() -> Result<()> {
    check(
        "half_frame",
        &Expected {
            kind: "plugin",
            message: "bytes into a message",
            problem: "bytes into a message",
        },
    )
}

#[test]
fn a_message_of_100_megabytes_is_refused_while_it_comes() -> Result<()> {
    check(
        "huge_line",
        &Expected {
            kind: "plugin",
            message: "longer than the 8388608 bytes allowed",
            problem: "longer than the 8388608 bytes allowed",
        },
    )
}

#[test]
fn a_plugin_that_prints_into_the_protocol_is_found_out() -> Result<()> {
    check(
        "prints",
        &Expected {
            kind: "plugin",
            message: "something else than a message: `Loading the colour",
            problem: "something else than a message",
        },
    )
}

#[test]
fn json_that_is_no_message_is_found_out() -> Result<()> {
    check(
        "no_object",
        &Expected {
            kind: "plugin",
            message: "something else than a message: `[1,2,3]`",
            problem: "something else than a message",
        },
    )
}

#[test]
fn a_plugin_that_closes_its_output_and_stays_is_stopped() -> Result<()> {
    check(
        "closes_output",
        &Expected {
            kind: "plugin",
            message: "closed its output",
            problem: "closed its output",
        },
    )
}

#[test]
fn a_plugin_that_exits_with_0_has_not_finished() -> Result<()> {
    check(
        "exits",
        &Expected {
            kind: "interrupted",
            message: "exit code 0",
            problem: "exit code 0",
        },
    )
}

#[test]
fn a_plugin_that_aborts_is_told_by_its_signal() -> Result<()> {
    check(
        "aborts",
        &Expected {
            kind: "interrupted",
            message: "signal 6",
            problem: "signal 6",
        },
    )
}

#[test]
fn a_plugin_that_breaks_its_memory_is_told_by_its_signal() -> Result<()> {
    check(
        "segfaults",
        &Expected {
            kind: "interrupted",
            message: "signal 11",
            problem: "signal 11",
        },
    )
}

#[test]
fn reading_without_permission_is_refused_and_costs_the_process_nothing() -> Result<()> {
    check(
        "reads_unpermitted",
        &Expected {
            kind: "denied",
            message: "ftrack.read",
            problem: "",
        },
    )
}

#[test]
fn writing_without_permission_is_refused_and_costs_the_process_nothing() -> Result<()> {
    check(
        "writes_unpermitted",
        &Expected {
            kind: "denied",
            message: "ftrack.create.Project",
            problem: "",
        },
    )
}

#[test]
fn an_answer_to_no_question_is_logged_and_does_no_harm() -> Result<()> {
    let home = Home::empty()?;
    home.add_unruly("stray_answer", "stray_answer", "")?;
    let host = HostRunner::demo()
        .home(home.into())
        .unprivileged()
        .start()?;
    let mut bus = host.connected_bus()?;
    let job = bus.launch("stray_answer.run", json!([]), json!({}))?;
    ensure!(
        job["state"] == "done" && job["message"] == "answered twice",
        "the wrong answer counted: {job}"
    );
    let log = host.log();
    ensure!(
        log.contains("it answered a question that nobody asked") && log.contains("stray_answer"),
        "the log says nothing of it:\n{log}"
    );
    host.finish()
}

#[test]
fn a_plugin_that_crashes_again_and_again_is_put_into_quarantine() -> Result<()> {
    let home = Home::empty()?;
    home.add_unruly("aborts", "aborts", "")?;
    let host = HostRunner::demo()
        .home(home.into())
        .unprivileged()
        .start()?;
    let mut bus = host.connected_bus()?;
    let mut failures = Vec::new();
    for _ in 0..6 {
        let job = bus.launch("aborts.run", json!([]), json!({}))?;
        failures.push(text(&job["failure"]["message"])?.to_owned());
    }
    ensure!(
        failures[..5]
            .iter()
            .all(|failure| failure.contains("stopped before it finished"))
            && failures[5].contains("crashed too often"),
        "they failed so: {failures:?}"
    );
    let plugins = bus.request("plugins.list", json!({}))?;
    ensure!(
        plugin(&plugins, "aborts")?["state"] == "quarantined",
        "{plugins}"
    );
    host.finish()
}

#[test]
fn no_plugin_is_given_the_key_or_the_way_to_the_host() -> Result<()> {
    let home = Home::empty()?;
    home.add_unruly("environment", "environment", "")?;
    let host = HostRunner::demo()
        .home(home.into())
        .unprivileged()
        .environment("FTRACK_API_KEY", "a-key-of-this-test")
        .start()?;
    let job = host
        .connected_bus()?
        .launch("environment.run", json!([]), json!({}))?;
    let names = job["output"].as_array().context("no names came")?;
    let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
    let told: Vec<&&str> = names
        .iter()
        .filter(|name| name.starts_with("FTRACK") || name.starts_with("CALLBOARD"))
        .collect();
    ensure!(told == [&"CALLBOARD_PLUGIN_DIR"], "it was told {told:?}");
    ensure!(
        !host.log().contains("a-key-of-this-test"),
        "the log holds the key"
    );
    host.finish()
}
