//! The tests' own Python environment, below the target folder.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::installation::Installation;
use crate::tool;
use crate::workspace::Workspace;

/// What pip installs: the official ftrack client and the test runner, pinned.
const REQUIREMENTS: &str = "tests/conformance/python/requirements.txt";

/// Fails unless the interpreter can make an environment that the official client runs in.
const SUITS: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))";

/// Returns a Python that the tests can use.
pub(crate) fn interpreter() -> Option<&'static str> {
    ["python3", "python3.12", "python3.11", "python3.9"]
        .into_iter()
        .find(|name| tool::succeeds(tool::command(name).args(["-c", SUITS])))
}

/// Makes the environment unless it is there and up to date, and returns its Python.
///
/// # Errors
///
/// When there is no Python, or pip cannot install what `requirements.txt` lists.
pub(crate) fn environment(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("python");
    let python = if cfg!(windows) {
        folder.join("Scripts/python.exe")
    } else {
        folder.join("bin/python")
    };
    let requirements = workspace.root.join(REQUIREMENTS);
    // The stamp lies in the folder, which `venv` clears before it makes it anew.
    let installation = Installation::new(&folder, std::slice::from_ref(&requirements))?;
    if installation.is_current() && tool::succeeds(tool::command(&python).arg("--version")) {
        return Ok(python);
    }

    let interpreter = interpreter().context("found no Python 3.9 or later with `venv`")?;
    tool::run(
        "python environment",
        tool::command(interpreter)
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    )?;
    tool::run(
        "python packages",
        tool::command(&python)
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(&requirements),
    )?;
    installation.finish()?;
    Ok(python)
}
