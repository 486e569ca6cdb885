//! Every command worth remembering: `cargo xtask demo`, `cargo xtask test`, and the rest.
//!
//! It builds, stages and tests the repository, and must never know how the program works inside:
//! it meets Callboard only as files that cargo built and commands that anyone could type.
//! Read [`tool`] first (the one place that starts programs), then [`workspace`] and [`mod@test`].

mod bench;
mod check;
mod demo;
mod installation;
mod javascript;
mod package;
mod python;
#[cfg(unix)]
mod reachable;
mod repeat;
mod schemas;
mod screenshots;
mod stage;
mod system;
mod test;
mod tool;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use workspace::{Profile, Workspace};

/// Every command worth remembering.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, about)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the program and its plugins, then run `callboard demo`.
    Demo(demo::Arguments),
    /// Do everything that a fresh machine needs, then run every test.
    Test,
    /// Run what must hold before a commit: format, lints, docs, licences.
    Check,
    /// Measure what `docs/performance.md` lists, beside the official client.
    Bench(bench::Arguments),
    /// Repeat the scenarios until one fails or the time is up.
    Soak(repeat::SoakArguments),
    /// Run the property tests and the fuzz targets with many more cases than `test` does.
    Fuzz(repeat::FuzzArguments),
    /// Build the documentation of every crate.
    Doc,
    /// Build, and lay the bundled plugins beside the program.
    Stage(stage::Arguments),
    /// Draw the windows that `docs/` shows, light and dark, into `docs/images/`.
    Screenshots,
    /// Compare the sandbox's schemas with captured ones.
    SchemaCompare(schemas::Arguments),
    /// Make an archive of the release that a studio can unpack.
    Package,
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tool::say(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let workspace = Workspace::find()?;
    match task {
        Task::Demo(arguments) => demo::run(&workspace, &arguments),
        Task::Test => test::run(&workspace),
        Task::Check => check::run(&workspace),
        Task::Bench(arguments) => bench::run(&workspace, &arguments),
        Task::Soak(arguments) => repeat::soak(&workspace, &arguments),
        Task::Fuzz(arguments) => repeat::fuzz(&workspace, &arguments),
        Task::Doc => check::doc(&workspace),
        Task::Stage(arguments) => {
            let profile = Profile::from_release_flag(arguments.release);
            stage::build(&workspace, profile)?;
            stage::stage(&workspace, profile).map(|_| ())
        }
        Task::SchemaCompare(arguments) => schemas::compare(&workspace, &arguments),
        Task::Screenshots => screenshots::run(&workspace),
        Task::Package => package::run(&workspace),
    }
}
