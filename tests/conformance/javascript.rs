//! The checks of the official JavaScript client, run by Node's own test runner.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::{Finished, HostRunner, checkout, command, node_modules, python, run};

/// A run that finds fewer checks has lost some.
const FEWEST_CHECKS: u32 = 220;

#[test]
fn the_official_javascript_client_works_against_the_sandbox() -> Result<()> {
    let sandbox = HostRunner::sandbox().start()?;
    let node_modules = node_modules()?;
    let python = python()?;
    let mut checks = 0;
    // One after the other, since some make the server drop everybody's connections.
    for file in files()? {
        let mut node = command("node");
        node.args(["--test", "--test-reporter=tap"])
            .arg(&file)
            .env("CALLBOARD_TEST_NODE_MODULES", &node_modules)
            .env("CALLBOARD_TEST_PYTHON", &python)
            .env("FTRACK_SERVER", &sandbox.ready.server)
            .env("FTRACK_API_USER", &sandbox.ready.user)
            .env("FTRACK_API_KEY", &sandbox.ready.api_key)
            .env("CALLBOARD_SANDBOX_TOKEN", &sandbox.ready.control_token);
        let finished = run(&mut node, Duration::from_secs(120))?;
        checks += passed(&finished).with_context(|| {
            format!(
                "`{}` failed:\n{}\n{}\nthe sandbox wrote:\n{}",
                file.display(),
                finished.stdout,
                finished.stderr,
                sandbox.log()
            )
        })?;
    }
    ensure!(
        checks >= FEWEST_CHECKS,
        "there were {checks} checks, and there should be {FEWEST_CHECKS} at least"
    );
    Ok(())
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

/// The files with checks, in order.
fn files() -> Result<Vec<PathBuf>> {
    let folder = checkout().join("tests/conformance/js");
    let mut files = fs::read_dir(&folder)?
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
