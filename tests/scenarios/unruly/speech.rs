//! Plugins that end, or speak, as they must not at each point of a conversation.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{Home, HostRunner, SOON, wait_until};

use super::{Expected, LONG, check, check_in, launch};

/// Launches a plugin that ends in the middle of something.
fn check_interrupted(mode: &str, how: &'static str) -> Result<()> {
    let expected = Expected {
        kind: "interrupted",
        message: how,
        problem: how,
    };
    check(mode, &expected)
}

fn check_found_out(mode: &str, how: &'static str) -> Result<()> {
    let expected = Expected {
        kind: "plugin",
        message: how,
        problem: how,
    };
    check(mode, &expected)
}

/// Launches a plugin whose answer never counts, with a second to give another.
fn check_unanswered(mode: &str) -> Result<()> {
    let home = Home::empty()?;
    home.add_unruly_with(mode, mode, "", &[], "hello_secs = 20, turn_secs = 1")?;
    let expected = Expected {
        kind: "timed_out",
        message: "did not finish in time",
        problem: "took too long",
    };
    check_in(home, mode, &expected)
}

#[test]
fn a_plugin_that_aborts_before_its_hello_is_told_by_its_signal() -> Result<()> {
    check_interrupted("aborts_at_start", "signal 6")
}

#[test]
fn a_plugin_that_exits_before_its_hello_is_told_by_its_code() -> Result<()> {
    check_interrupted("exits_at_start", "exit code 0")
}

#[test]
fn a_plugin_that_exits_after_its_hello_is_told_by_its_code() -> Result<()> {
    check_interrupted("exits_after_hello", "exit code 0")
}

#[test]
fn a_plugin_that_aborts_between_question_and_answer_is_told_by_its_signal() -> Result<()> {
    check_interrupted("aborts_asking", "signal 6")
}

#[test]
fn a_plugin_that_runs_out_of_stack_is_told_by_its_signal() -> Result<()> {
    check_interrupted("overflows_stack", "signal 6")
}

#[test]
fn half_a_hello_is_found_out() -> Result<()> {
    check_found_out("half_hello", "its output ended 6 bytes into a message")
}

#[test]
fn a_plugin_that_never_reads_is_stopped() -> Result<()> {
    check_found_out("never_reads", "it does not read what it is told")
}

#[test]
fn what_is_no_utf8_is_found_out() -> Result<()> {
    check_found_out("invalid_utf8", "it wrote something else than a message")
}

#[test]
fn json_too_deep_to_read_is_found_out() -> Result<()> {
    check_found_out("deep_json", "it wrote something else than a message")
}

#[test]
fn an_answer_to_another_question_does_not_count() -> Result<()> {
    check_unanswered("wrong_id")
}

#[test]
fn an_id_that_is_no_number_is_found_out() -> Result<()> {
    check_found_out("text_id", "it wrote something else than a message")
}

#[test]
fn a_plugin_that_is_deaf_to_a_cancel_and_to_signals_is_killed() -> Result<()> {
    let home = Home::empty()?;
    home.add_unruly("deaf", "deaf", "")?;
    let host = HostRunner::demo()
        .home(home.into())
        .unprivileged()
        .start()?;
    let mut bus = host.connected_bus()?;
    let job = launch(&mut bus, "deaf")?;
    wait_until("the plugin is deaf", SOON, || {
        let shown = bus.request("jobs.show", json!({"job": job}));
        shown
            .map(|shown| (shown["message"] == "deaf now").then_some(()))
            .transpose()
    })??;
    bus.request("jobs.cancel", json!({"job": job}))?;
    let ended = bus.wait_for_job(&job, LONG)?;
    ensure!(ended["state"] == "cancelled", "it is {ended}");
    wait_until("its process is gone", Duration::from_secs(5), || {
        let plugins = bus.request("plugins.list", json!({}));
        plugins
            .map(|plugins| {
                let pids = plugins["items"][0]["pids"].as_array();
                pids.is_none_or(Vec::is_empty).then_some(())
            })
            .transpose()
    })??;
    host.finish()
}
