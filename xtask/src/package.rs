//! `cargo xtask package`: an archive of the release, ready to unpack.
//!
//! A binary that is built on Debian 12 asks for a newer C library than Rocky Linux 8 has;
//! build it there, or cross-compile it as CONTRIBUTING.md tells.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::stage;
use crate::tool;
use crate::workspace::{Profile, Workspace};

/// What goes into the archive beside the program and its plugins.
const FILES: [&str; 4] = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];
const FOLDERS: [&str; 2] = ["flame_integration", "sdk/python"];

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    stage::build(workspace, Profile::Release)?;
    let plugins = stage::stage(workspace, Profile::Release)?;

    let name = format!(
        "callboard-{}-{}-{}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    let packages = workspace.target.join("package");
    let folder = packages.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;

    let program = workspace.program(Profile::Release);
    copy_file(&program, &folder)?;
    for file in FILES {
        copy_file(&workspace.root.join(file), &folder)?;
    }
    stage::copy_folder(&plugins, &folder.join("plugins"))?;
    for source in FOLDERS {
        stage::copy_folder(&workspace.root.join(source), &folder.join(source))?;
    }

    let archive = packages.join(format!("{name}.tar.gz"));
    tool::run(
        "archive",
        tool::command("tar")
            .arg("--create")
            .arg("--gzip")
            .arg("--file")
            .arg(&archive)
            .arg("--directory")
            .arg(&packages)
            .arg(&name),
    )?;
    tool::say(&archive.display().to_string());
    Ok(())
}

fn copy_file(file: &Path, into: &Path) -> Result<()> {
    let name = file.file_name().context("a file has a name")?;
    fs::copy(file, into.join(name))
        .with_context(|| format!("could not copy `{}`", file.display()))?;
    Ok(())
}
