//! `cargo xtask screenshots`: draws the windows of the pages below `docs/` anew.

use anyhow::Result;

use crate::tool;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let folder = workspace.root.join("docs/images");
    std::fs::create_dir_all(&folder)?;
    let mut command = tool::cargo(
        &workspace.root,
        ["run", "-p", "ui", "--example", "gallery", "--"],
    );
    tool::run("screenshots", command.arg(folder))
}
