//! The official ftrack clients, which decide what is right, against the sandbox.
//!
//! The checks are in Python and JavaScript, in `conformance/python` and `conformance/js`; this crate gives each a
//! server of its own.

mod expressions;
mod hub;
mod javascript;

use std::time::Duration;

use anyhow::{Result, ensure};
use tests::{HostRunner, checkout, command, python, run};

#[test]
fn the_official_client_works_against_the_sandbox() -> Result<()> {
    let sandbox = HostRunner::sandbox().start()?;
    let folder = checkout().join("tests/conformance/python");
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
    Ok(())
}
