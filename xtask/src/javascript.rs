//! The packages of the tests in JavaScript, below the target folder.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::installation::Installation;
use crate::tool;
use crate::workspace::Workspace;

/// Where the checks of the official client say what they need.
const FOLDER: &str = "tests/conformance/js";

/// What npm installs, pinned, and the exact bytes of it.
const SOURCES: [&str; 2] = ["package.json", "package-lock.json"];

/// Fails unless Node has the test runner that the checks are written for.
const SUITS: &str = "const [major, minor] = process.versions.node.split('.').map(Number);
    process.exit(major > 18 || (major === 18 && minor >= 15) ? 0 : 1)";

/// Tells whether there is a Node that can run the checks.
pub(crate) fn is_node_suitable() -> bool {
    tool::succeeds(tool::command("node").args(["--eval", SUITS]))
}

/// Installs the packages unless they are there and up to date, and returns their folder.
///
/// # Errors
///
/// When npm cannot install what the lock file lists.
pub(crate) fn packages(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("js");
    let packages = folder.join("node_modules");
    let sources = SOURCES.map(|name| workspace.root.join(FOLDER).join(name));
    // The stamp lies among the packages, which npm clears away before it installs.
    let installation = Installation::new(&packages, &sources)?;
    if installation.is_current() {
        return Ok(packages);
    }
    fs::create_dir_all(&folder)
        .with_context(|| format!("could not create `{}`", folder.display()))?;
    for (name, source) in SOURCES.iter().zip(&sources) {
        fs::copy(source, folder.join(name))
            .with_context(|| format!("could not copy `{}`", source.display()))?;
    }
    // No script of a package runs here: none of them needs one to be tested with.
    tool::run(
        "JavaScript packages",
        tool::command("npm").current_dir(&folder).args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ]),
    )?;
    installation.finish()?;
    Ok(packages)
}
