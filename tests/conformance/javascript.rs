//! The checks of the official JavaScript client, run by Node's own test runner.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::{Finished, HostRunner, checkout, command, node_modules, python, run};

/// Runs that find fewer checks have lost some.
const FEWEST_UNDER_NODE: u32 = 210;
const FEWEST_IN_A_BROWSER: u32 = 20;

/// The checks that need a browser, which take as long as all the others.
const IN_A_BROWSER: &str = "browser.test.js";

#[test]
fn the_official_javascript_client_works_against_the_sandbox() -> Result<()> {
    let mut files = files()?;
    files.retain(|file| !file.ends_with(IN_A_BROWSER));
    check_all(&files, FEWEST_UNDER_NODE)
}

#[test]
fn the_official_javascript_client_works_in_a_browser() -> Result<()> {
    check_all(&[folder().join(IN_A_BROWSER)], FEWEST_IN_A_BROWSER)
}

#[test]
fn the_official_javascript_client_raises_the_actions_of_the_host() -> Result<()> {
    let demo = HostRunner::demo().plugin("shot_creation").start()?;
    demo.connected_bus()?;
    check(&folder().join("host/actions.test.js"), &demo)?;
    Ok(())
}

/// Runs the checks of these files against a sandbox of their own.
fn check_all(files: &[PathBuf], fewest: u32) -> Result<()> {
    let sandbox = HostRunner::sandbox().start()?;
    let mut checks = 0;
    // One after the other, since some make the server drop everybody's connections.
    for file in files {
        checks += check(file, &sandbox)?;
    }
    ensure!(
        checks >= fewest,
        "there were {checks} checks, and there should be {fewest} at least"
    );
    Ok(())
}

fn folder() -> PathBuf {
    checkout().join("tests/conformance/js")
}

/// Runs the checks of one file against a running server, and returns how many there were.
fn check(file: &Path, server: &HostRunner) -> Result<u32> {
    let mut node = command("node");
    node.args(["--test", "--test-reporter=tap"])
        .arg(file)
        .env("CALLBOARD_TEST_NODE_MODULES", node_modules()?)
        .env("CALLBOARD_TEST_PYTHON", python()?)
        .env("FTRACK_SERVER", &server.ready.server)
        .env("FTRACK_API_USER", &server.ready.user)
        .env("FTRACK_API_KEY", &server.ready.api_key)
        .env("CALLBOARD_SANDBOX_TOKEN", &server.ready.control_token);
    let finished = run(&mut node, Duration::from_secs(120))?;
    passed(&finished).with_context(|| {
        format!(
            "`{}` failed:\n{}\n{}\nthe server wrote:\n{}",
            file.display(),
            finished.stdout,
            finished.stderr,
            server.log()
        )
    })
}

/// How many checks there were, all of which passed.
fn passed(finished: &Finished) -> Result<u32> {
    ensure!(
        finished.status.success(),
        "Node ended with {}",
        finished.status
    );
    let checks = figure(&finished.stdout, "tests")?;
    let passed = figure(&finished.stdout, "pass")?;
    ensure!(
        checks > 0 && passed == checks,
        "of {checks} checks {passed} passed"
    );
    Ok(checks)
}

/// The files with checks of the sandbox, in order.
fn files() -> Result<Vec<PathBuf>> {
    let mut files = fs::read_dir(folder())?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.retain(|path| path.to_string_lossy().ends_with(".test.js"));
    files.sort();
    Ok(files)
}

/// One of the figures that Node's test runner closes with, such as `# pass 100`.
fn figure(output: &str, name: &str) -> Result<u32> {
    let begins = format!("# {name} ");
    let found = output
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix(&begins));
    let found = found.with_context(|| format!("Node did not say how many `{name}`"))?;
    Ok(found.trim().parse()?)
}

#[test]
fn figures_are_read_from_the_closing_lines() -> Result<()> {
    let output = "# tests 7\nok 1 - one\n1..1\n# tests 12\n# pass 11\n# skipped 1\n";
    assert_eq!(
        (figure(output, "tests")?, figure(output, "pass")?),
        (12, 11)
    );
    assert!(figure(output, "todo").is_err());
    Ok(())
}
