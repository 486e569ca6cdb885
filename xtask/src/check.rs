//! What must hold before a commit: format, lints, documentation, licences.

use std::path::PathBuf;

use anyhow::Result;

use crate::tool;
use crate::workspace::Workspace;

/// The version of cargo-deny that `deny.toml` is written for.
const CARGO_DENY: &str = "cargo-deny@0.20.2";

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    lint(workspace)?;
    let deny = cargo_deny(workspace)?;
    tool::run(
        "licences and sources",
        tool::command(deny).current_dir(&workspace.root).args([
            "check",
            "--hide-inclusion-graph",
            "bans",
            "licenses",
            "sources",
        ]),
    )
}

/// Checks format, lints and documentation: what needs nothing but the toolchain.
///
/// # Errors
///
/// When one of them finds something.
pub(crate) fn lint(workspace: &Workspace) -> Result<()> {
    tool::run(
        "format",
        &mut tool::cargo(&workspace.root, ["fmt", "--all", "--check"]),
    )?;
    tool::run(
        "lints",
        &mut tool::cargo(
            &workspace.root,
            [
                "clippy",
                "--workspace",
                "--all-targets",
                "--keep-going",
                "--",
                "-D",
                "warnings",
            ],
        ),
    )?;
    doc(workspace)
}

/// Builds the documentation; a broken link or a missing page is an error.
///
/// # Errors
///
/// When rustdoc finds something.
pub(crate) fn doc(workspace: &Workspace) -> Result<()> {
    tool::run(
        "documentation",
        tool::cargo(
            &workspace.root,
            ["doc", "--workspace", "--no-deps", "--keep-going"],
        )
        .env("RUSTDOCFLAGS", "-D warnings"),
    )
}

/// Returns the path of cargo-deny, installed below the target folder where the machine has none.
fn cargo_deny(workspace: &Workspace) -> Result<PathBuf> {
    let name = format!("cargo-deny{}", std::env::consts::EXE_SUFFIX);
    if let Some(found) = tool::find(&name) {
        return Ok(found);
    }
    let tools = workspace.target.join("tools");
    let installed = tools.join("bin").join(name);
    if !installed.is_file() {
        tool::run(
            "cargo-deny",
            tool::cargo(
                &workspace.root,
                ["install", "--locked", CARGO_DENY, "--root"],
            )
            .arg(&tools),
        )?;
    }
    Ok(installed)
}
