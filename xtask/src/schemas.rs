//! `cargo xtask schema-compare`: the sandbox's schemas beside captured ones.
//!
//! What real servers answered is not ours to publish, so it is compared with where somebody has it, and no test needs it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use anyhow::{Context, Result};

use crate::python;
use crate::stage;
use crate::tool;
use crate::workspace::{Profile, Workspace};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A folder with files called `…query_schemas….json`, each a server's answer.
    folder: PathBuf,
}

pub(crate) fn compare(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let python = python::environment(workspace)?;
    stage::build(workspace, Profile::Debug)?;
    let mut sandbox = Sandbox(
        tool::command(workspace.program(Profile::Debug))
            .args(["sandbox", "--listen", "127.0.0.1:0", "--json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("could not start the sandbox")?,
    );
    let ready = sandbox.ready()?;
    let text = |key: &str| ready[key].as_str().unwrap_or_default();
    tool::run(
        "comparison",
        tool::command(python)
            .arg(workspace.root.join("tests/conformance/compare_schemas.py"))
            .arg(&arguments.folder)
            .env("FTRACK_SERVER", text("server"))
            .env("FTRACK_API_USER", text("user"))
            .env("FTRACK_API_KEY", text("api_key"))
            .env("PYTHONDONTWRITEBYTECODE", "1"),
    )
}

/// A running sandbox; gone when dropped.
struct Sandbox(Child);

impl Sandbox {
    /// Waits for the line that says where it is.
    fn ready(&mut self) -> Result<serde_json::Value> {
        let stdout = self.0.stdout.take().context("standard output is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        serde_json::from_str(&line).context("the sandbox did not say where it is")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // A destructor has nobody to tell, and a process that ended already is fine.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
