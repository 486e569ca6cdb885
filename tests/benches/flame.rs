//! How long a click holds Flame, with a host that is well, stopped, absent, and gone without a word.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Deserialize;
use tests::{HostRunner, Signal, checkout, run_python};

use crate::figures::{Aim, Figures};

#[derive(Deserialize)]
struct Clicks {
    p50_us: f64,
    max_us: f64,
}

pub(crate) fn measure(figures: &mut Figures) -> Result<()> {
    let mut host = HostRunner::demo().plugin("shot_creation").start()?;
    let home = host.home();
    click("host running", home.path(), figures)?;
    host.signal(Signal::STOP)?;
    let stopped = click("host stopped", home.path(), figures);
    host.signal(Signal::CONT)?;
    stopped?;
    host.kill()?;
    click("stale socket", home.path(), figures)?;
    let nobody = tests::Home::empty()?;
    click("no host", nobody.path(), figures)
}

fn click(case: &str, home: &Path, figures: &mut Figures) -> Result<()> {
    let home = home.to_string_lossy();
    let finished = run_python(
        &checkout().join("flame_integration/tests/bench_hook.py"),
        &["--calls", "1000"],
        [("CALLBOARD_HOME", home.as_ref())],
        Duration::from_secs(120),
    )?;
    ensure!(
        finished.status.success(),
        "the hook failed: {}",
        finished.stderr
    );
    let clicks: Clicks = serde_json::from_str(&finished.stdout)?;
    figures.add(
        format!("Flame hook, {case}, p50"),
        clicks.p50_us / 1e3,
        "ms",
    );
    figures.add_with_aim(
        format!("Flame hook, {case}, longest of 1,000"),
        clicks.max_us / 1e3,
        "ms",
        Aim::AtMost(10.0),
    );
    Ok(())
}
