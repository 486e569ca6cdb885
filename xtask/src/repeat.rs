//! Longer runs of tests that exist: scenarios again and again, property tests and fuzz targets with many more cases.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::javascript;
use crate::python;
use crate::stage;
use crate::test;
use crate::tool;
use crate::workspace::{Profile, Workspace};

/// How often the scenarios that kill the host or the sandbox at random do so in each round.
const SOAK_KILLS: &str = "200";

/// How often a host is killed while a hostile plugin runs.
const SOAK_HOST_KILLS: &str = "1000";

/// How many random histories of hand-overs the engine lives through, once.
const SOAK_HISTORIES: &str = "1000000";

/// How many pairs of an expression and an event are judged by the official parser and ours, once.
const SOAK_EXPRESSIONS: &str = "1000000";

/// The binaries in `tests/fuzz/Cargo.toml`.
const FUZZ_TARGETS: [&str; 4] = ["client_packet", "expression", "query", "server_packet"];

#[derive(clap::Args)]
pub(crate) struct SoakArguments {
    /// How long to go on.
    #[arg(long, default_value_t = 60)]
    minutes: u64,
}

#[derive(clap::Args)]
pub(crate) struct FuzzArguments {
    /// How many cases each property test and each fuzz target tries.
    #[arg(long, default_value_t = 20_000)]
    cases: u32,
    /// How long `cargo fuzz` goes on with each target, where it is installed.
    #[arg(long, default_value_t = 60)]
    secs: u32,
}

/// Has the engine live through a million histories and a million pairs compared with the official parser, then repeats
/// the scenarios until one fails or the time is up.
///
/// It finds what happens once in a hundred runs; it is no test of hours of uptime.
///
/// # Errors
///
/// When a scenario fails; the message says in which round.
pub(crate) fn soak(workspace: &Workspace, arguments: &SoakArguments) -> Result<()> {
    let python = python::environment(workspace)?;
    let packages = javascript::packages(workspace)?;
    stage::build(workspace, Profile::Debug)?;
    stage::stage(workspace, Profile::Debug)?;
    tool::run(
        "histories of hand-overs",
        tool::cargo(
            &workspace.root,
            [
                "test",
                "--release",
                "--quiet",
                "--package",
                "engine",
                "--test",
                "convergence",
            ],
        )
        .env("CALLBOARD_SOAK_HISTORIES", SOAK_HISTORIES),
    )?;
    let mut expressions = tool::cargo(
        &workspace.root,
        [
            "test",
            "--quiet",
            "--package",
            "tests",
            "--test",
            "conformance",
            "the_official_parser",
            "--",
            "--nocapture",
        ],
    );
    expressions.env("CALLBOARD_SOAK_EXPRESSIONS", SOAK_EXPRESSIONS);
    tool::run(
        "expressions beside the official parser",
        test::with_python(&mut expressions, &python),
    )?;
    let begun = Instant::now();
    let length = Duration::from_secs(arguments.minutes * 60);
    let mut round = 0_u32;
    while begun.elapsed() < length {
        round += 1;
        let mut command = tool::cargo(&workspace.root, ["test", "--quiet", "--package", "tests"]);
        command
            .env("CALLBOARD_SOAK_KILLS", SOAK_KILLS)
            .env("CALLBOARD_SOAK_HOST_KILLS", SOAK_HOST_KILLS);
        let command = test::with_clients(&mut command, &python, &packages);
        tool::run("scenarios", command)
            .with_context(|| format!("a scenario failed in round {round}"))?;
    }
    tool::say(&format!("{round} rounds passed"));
    Ok(())
}

/// Runs every property test and every fuzz target with `cases` cases, then the targets under `cargo fuzz`, which looks at
/// coverage and needs a nightly toolchain, where both are installed.
///
/// # Errors
///
/// When a case fails; proptest prints the smallest one, the fuzz test its seed, and `cargo fuzz` keeps the text.
pub(crate) fn fuzz(workspace: &Workspace, arguments: &FuzzArguments) -> Result<()> {
    tool::run(
        "property tests",
        tool::cargo(
            &workspace.root,
            [
                "test",
                "--workspace",
                "--lib",
                "--tests",
                "--exclude",
                "tests",
                "property",
            ],
        )
        .env("PROPTEST_CASES", arguments.cases.to_string()),
    )?;
    tool::run(
        "fuzz targets",
        tool::cargo(
            &workspace.root,
            ["test", "--package", "tests", "--test", "fuzz"],
        )
        .env("CALLBOARD_FUZZ_CASES", arguments.cases.to_string()),
    )?;
    let mut installed = tool::cargo(&workspace.root, ["+nightly", "fuzz", "--version"]);
    if !tool::succeeds(&mut installed) {
        tool::say(
            "`cargo fuzz` and a nightly toolchain are not both installed, so nothing looked at coverage",
        );
        return Ok(());
    }
    for target in FUZZ_TARGETS {
        let words = [
            "+nightly",
            "fuzz",
            "run",
            "--fuzz-dir",
            "tests/fuzz",
            target,
        ];
        let mut command = tool::cargo(&workspace.root, words);
        command.args(["--", &format!("-max_total_time={}", arguments.secs)]);
        tool::run(&format!("cargo fuzz {target}"), &mut command)?;
    }
    Ok(())
}
