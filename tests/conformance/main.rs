//! The official ftrack clients, which decide what is right, against the sandbox.
//!
//! The checks are in Python and JavaScript, in `conformance/python` and `conformance/js`; this crate gives each a
//! server of its own.

mod connect;
mod differential;
mod door;
mod expressions;
mod hub;
mod javascript;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::{HostRunner, checkout, command, python, run};

/// A run that finds fewer checks has lost some.
const FEWEST_CHECKS: u32 = 700;

#[test]
fn the_official_client_works_against_the_sandbox() -> Result<()> {
    pytest("tests/conformance/python", FEWEST_CHECKS)
}

/// Runs a folder's checks against a sandbox of their own; none may be left out, and there must be enough of them.
fn pytest(folder: &str, fewest: u32) -> Result<()> {
    let sandbox = HostRunner::sandbox().start()?;
    let folder = checkout().join(folder);
    let mut pytest = command(python()?);
    pytest
        .args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider"])
        .arg(&folder)
        .current_dir(&folder)
        .env("FTRACK_SERVER", &sandbox.ready.server)
        .env("FTRACK_API_USER", &sandbox.ready.user)
        .env("FTRACK_API_KEY", &sandbox.ready.api_key)
        .env("CALLBOARD_SANDBOX_TOKEN", &sandbox.ready.control_token)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let finished = run(&mut pytest, Duration::from_secs(600))?;
    ensure!(
        finished.status.success(),
        "pytest failed:\n{}\n{}\nthe sandbox wrote:\n{}",
        finished.stdout,
        finished.stderr,
        sandbox.log()
    );
    ensure!(
        !finished.stdout.contains("skipped"),
        "a check was left out:\n{}",
        finished.stdout
    );
    let checks = passed(&finished.stdout).context("pytest did not say how many checks passed")?;
    ensure!(
        checks >= fewest,
        "there were {checks} checks, and there should be {fewest} at least"
    );
    Ok(())
}

/// The figure in pytest's closing line, such as `300 passed in 60.00s`.
fn passed(output: &str) -> Option<u32> {
    let last = output.lines().rev();
    let mut before = last.filter_map(|line| Some(line.split_once(" passed")?.0));
    before.next()?.rsplit(' ').next()?.parse().ok()
}

#[test]
fn the_figure_of_pytest_is_read_from_its_last_line() {
    assert_eq!(passed("....\n1 failed, 12 passed in 3.21s\n"), Some(12));
    assert_eq!(passed("no tests ran in 0.01s\n"), None);
}
