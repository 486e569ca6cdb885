//! `cargo xtask bench`: measures a release build and prints JSON and a table.

use anyhow::Result;

use crate::python;
use crate::stage;
use crate::test;
use crate::tool;
use crate::workspace::{Profile, Workspace};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Passed on to the benchmark, for example `--only bus`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    passed_on: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let python = python::environment(workspace)?;
    stage::build(workspace, Profile::Release)?;
    stage::stage(workspace, Profile::Release)?;
    // The benchmark sends files with the client's own example. With the whole workspace, the features are the same,
    // and what is built already stays.
    tool::run(
        "build the example",
        tool::cargo(&workspace.root, ["build", "--workspace"])
            .args(["--exclude", "xtask", "--example", "upload"])
            .args(Profile::Release.cargo_arguments()),
    )?;
    let program = workspace
        .built(Profile::Release)
        .join(format!("measure{}", std::env::consts::EXE_SUFFIX));
    let mut command = tool::command(program);
    command
        .current_dir(&workspace.root)
        .args(&arguments.passed_on);
    tool::run("bench", test::with_python(&mut command, &python))
}
