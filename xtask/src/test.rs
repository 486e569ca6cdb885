//! `cargo xtask test`: from a fresh machine with a Rust toolchain to the last test.
//!
//! The stages stop at the first that fails, and each says how long it took.
//! The Rust test runner comes last, so its summary closes the output.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::check;
use crate::javascript;
use crate::python;
#[cfg(unix)]
use crate::reachable::Reachable;
use crate::stage;
use crate::system;
use crate::tool;
use crate::workspace::{Profile, Workspace};

/// Folders with Python tests, and the folders that their modules are imported from.
const PYTHON_TESTS: [(&str, &str); 2] = [
    ("sdk/python", "sdk/python/tests"),
    ("Flame", "flame_integration/tests"),
];

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let began = Instant::now();
    system::prepare()?;
    let python = python::environment(workspace)?;
    let packages = javascript::packages(workspace)?;
    check::lint(workspace)?;
    stage::build(workspace, Profile::Debug)?;
    stage::stage(workspace, Profile::Debug)?;
    for (name, folder) in PYTHON_TESTS {
        run_python_tests(workspace, &python, name, folder)?;
    }
    run_rust_tests(workspace, &python, &packages)?;
    tool::say(&format!("==> everything passed, in {}", tool::spent(began)));
    Ok(())
}

fn run_python_tests(workspace: &Workspace, python: &Path, name: &str, folder: &str) -> Result<()> {
    tool::run(
        &format!("{name} tests"),
        tool::command(python)
            .current_dir(&workspace.root)
            .args(["-m", "unittest", "discover", "--start-directory", folder])
            // Byte code would lie between the sources.
            .env("PYTHONDONTWRITEBYTECODE", "1"),
    )
}

/// Runs the examples in the docs and then every test, with `cargo nextest` where it is installed.
fn run_rust_tests(workspace: &Workspace, python: &Path, packages: &Path) -> Result<()> {
    tool::run(
        "documentation tests",
        &mut tool::cargo(&workspace.root, ["test", "--workspace", "--doc", "--quiet"]),
    )?;
    let mut tests = runner(workspace);
    #[cfg(unix)]
    let reachable = Reachable::of(&workspace.built(Profile::Debug))?;
    #[cfg(unix)]
    if let Some(reachable) = &reachable {
        tests.env("CALLBOARD_TEST_BUILT", reachable.folder());
    }
    tool::run("tests", with_clients(&mut tests, python, packages))
}

/// Returns the command that runs every test but those in the docs.
fn runner(workspace: &Workspace) -> Command {
    let nextest = tool::cargo(&workspace.root, ["nextest", "--version"]);
    let words: &[&str] = if tool::succeeds(&mut { nextest }) {
        &["nextest", "run", "--workspace", "--no-fail-fast"]
    } else {
        &["test", "--workspace", "--all-targets", "--no-fail-fast"]
    };
    tool::cargo(&workspace.root, words.iter().copied())
}

/// Tells the tests where both official clients are.
pub(crate) fn with_clients<'a>(
    command: &'a mut Command,
    python: &Path,
    packages: &Path,
) -> &'a mut Command {
    with_python(command, python).env("CALLBOARD_TEST_NODE_MODULES", packages)
}

/// Tells the tests where the environment with the official Python client is.
pub(crate) fn with_python<'a>(command: &'a mut Command, python: &Path) -> &'a mut Command {
    command
        .env("CALLBOARD_TEST_PYTHON", python)
        .env("PYTHONDONTWRITEBYTECODE", "1")
}
