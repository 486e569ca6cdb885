//! `docs/plugin_guide.md`, done to the letter: what its blocks say is typed into a shell, from nothing to the menu.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use serde_json::Value;
use tests::{
    CommandResult, Ready, checkout, command, program, python, run, signal, variable, wait_until,
};

use crate::web::play;

/// How long one block may take; the longest builds the SDK.
const BLOCK: Duration = Duration::from_secs(600);

/// How long the demo may take to be up, and to end.
const DEMO: Duration = Duration::from_secs(60);

/// The shot that the guide launches on.
const SHOT: &str = "cc6e93ed-5e01-3854-8e15-2da0161332ea";

#[test]
fn the_guide_leads_from_nothing_to_the_menu() -> Result<()> {
    let guide = fs::read_to_string(checkout().join("docs/plugin_guide.md"))?;
    let reader = Reader::new()?;
    for section in ["In Python", "In Rust", "As a hook of ftrack Connect's"] {
        let blocks = shell_blocks(&guide, section)?;
        ensure!(!blocks.is_empty(), "`{section}` has nothing to type");
        for block in blocks {
            let typed = reader.types(&block)?;
            ensure!(typed.code == Some(0), "`{section}`: {typed:?}");
        }
    }
    let blocks = shell_blocks(&guide, "Look at it")?;
    let [start, look] = blocks.as_slice() else {
        anyhow::bail!("`Look at it` has {} blocks", blocks.len());
    };
    let demo = reader.starts(start)?;
    let looked = reader.types(look)?;
    ensure!(looked.code == Some(0), "{looked:?}");
    ensure!(
        looked.stdout.matches("4 tasks").count() == 2,
        "{}",
        looked.stdout
    );
    let story = ["labels", SHOT, "Shot tools", "Shot library", "Shot hooks"];
    let menu = play(&demo.ready, &story)?;
    for label in &story[2..] {
        let labels = menu["labels"].as_array().context("a menu has labels")?;
        ensure!(labels.contains(&Value::from(*label)), "{menu}");
    }
    demo.stop()
}

/// Returns what a section tells to type, a block each.
fn shell_blocks(guide: &str, section: &str) -> Result<Vec<String>> {
    let heading = format!("\n## {section}\n");
    let (_, text) = guide
        .split_once(&heading)
        .with_context(|| format!("the guide has no section `{section}`"))?;
    let text = text.split("\n## ").next().unwrap_or_default();
    let blocks = text.split("\n```sh\n").skip(1);
    let blocks = blocks.map(|block| block.split("\n```").next().unwrap_or_default().to_owned());
    Ok(blocks.collect())
}

/// Somebody who reads the guide, in a home of their own.
struct Reader {
    home: tempfile::TempDir,
    path: String,
}

impl Reader {
    fn new() -> Result<Self> {
        let folder = |path: PathBuf| path.parent().map(|folder| folder.display().to_string());
        let built = folder(program()?).context("the program lies in a folder")?;
        let python = folder(python()?).context("Python lies in a folder")?;
        let path = variable("PATH").unwrap_or_default();
        Ok(Self {
            home: tempfile::Builder::new().prefix("cb-").tempdir()?,
            path: format!("{built}:{python}:{}", path.to_string_lossy()),
        })
    }

    fn shell(&self, text: &str) -> Command {
        let mut shell = command("bash");
        let home = variable("HOME").unwrap_or_default();
        shell
            .args(["-e", "-c", text])
            .current_dir(self.home.path())
            .env("HOME", self.home.path())
            .env("PATH", &self.path)
            // Cargo's own things are where they were; what it downloads was downloaded for this test's build.
            .env("CARGO_NET_OFFLINE", "true")
            .env_remove("CARGO_TARGET_DIR");
        for (name, place) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            if variable(name).is_none() {
                shell.env(name, PathBuf::from(&home).join(place));
            }
        }
        shell
    }

    fn types(&self, text: &str) -> Result<CommandResult> {
        run(&mut self.shell(text), BLOCK).map(CommandResult::from)
    }

    /// Starts what stays; `--json` is added to learn where it is.
    fn starts(&self, text: &str) -> Result<Demo> {
        let output = self.home.path().join("demo.json");
        let child = self
            .shell(&format!("exec env {} --json", text.trim()))
            .stdin(Stdio::null())
            .stdout(File::create(&output)?)
            .stderr(Stdio::null())
            .spawn()?;
        let mut demo = Demo {
            child,
            ready: Ready::default(),
        };
        demo.ready = wait_until("the demo was up", DEMO, || {
            let text = fs::read_to_string(&output).ok()?;
            serde_json::from_str(text.lines().next()?).ok()
        })?;
        Ok(demo)
    }
}

/// The demo, which ends with this.
struct Demo {
    child: Child,
    ready: Ready,
}

impl Demo {
    fn stop(mut self) -> Result<()> {
        signal(self.child.id(), Signal::TERM)?;
        let child = &mut self.child;
        let status = wait_until("the demo ended", DEMO, || child.try_wait().transpose())??;
        ensure!(status.success(), "the demo ended with {status}");
        Ok(())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // After a story that failed it still runs.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
