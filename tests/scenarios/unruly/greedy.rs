//! Plugins that take more than they may.

use anyhow::{Result, ensure};
use tests::{Home, HostRunner};

use super::{Expected, check_in};

/// Launches a plugin with such a limit, and expects to be told that it went over it.
fn check(mode: &str, limits: &str, message: &'static str) -> Result<()> {
    let home = Home::empty()?;
    let permissions: &[&str] = match mode {
        "allocates_with_children" => &["program:python3"],
        _ => &[],
    };
    home.add_unruly_with(mode, mode, "", permissions, limits)?;
    let expected = Expected {
        kind: "limit",
        message,
        problem: message,
    };
    check_in(home, mode, &expected)
}

#[test]
fn ten_gigabytes_are_not_to_be_had() -> Result<()> {
    check(
        "allocates",
        "memory_mb = 300",
        "it took more than 300 MB of memory (its limit `memory_mb`)",
    )
}

#[test]
fn memory_is_counted_over_all_processes_of_a_plugin() -> Result<()> {
    check(
        "allocates_with_children",
        "memory_mb = 300",
        "it took more than 300 MB of memory (its limit `memory_mb`)",
    )
}

#[test]
fn a_fork_bomb_is_put_out() -> Result<()> {
    check(
        "fork_bomb",
        "processes = 50",
        "it was more than 50 processes and threads (its limit `processes`)",
    )
}

#[test]
fn ten_thousand_threads_are_not_to_be_had() -> Result<()> {
    check(
        "threads",
        "processes = 200",
        "it was more than 200 processes and threads (its limit `processes`)",
    )
}

#[test]
fn processor_time_ends() -> Result<()> {
    check(
        "spins",
        "cpu_secs = 1",
        "one turn took more than 1 s of processor time (its limit `cpu_secs`)",
    )
}

#[test]
fn files_that_are_never_closed_are_counted() -> Result<()> {
    check(
        "leaks_descriptors",
        "open_files = 100",
        "it held 100 files open, as many as it may (its limit `open_files`)",
    )
}

#[test]
fn a_trial_holds_a_plugin_to_the_limits_of_the_settings_and_names_the_one_it_broke() -> Result<()> {
    let home = Home::empty()?;
    let folder = home.add_unruly("allocates", "allocates", "")?;
    let host = HostRunner::demo()
        .home(home.into())
        .settings("memory_mb = 300\n")
        .start()?;
    let folder = folder.display().to_string();
    let tried = host.command(&["plugins", "test", &folder, "--json"])?;
    ensure!(tried.code == Some(1), "{tried:?}");
    let limit = "it took more than 300 MB of memory (its limit `memory_mb`)";
    ensure!(tried.stdout.contains(limit), "{tried:?}");
    host.finish()
}
