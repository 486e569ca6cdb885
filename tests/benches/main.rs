//! Measures what `docs/performance.md` lists. `cargo xtask bench` builds and runs it.
//!
//! It is a program and no test: a slow machine gives slow figures, and nothing fails.

mod events;
mod figures;
mod flame;
mod hub;
mod in_process;
mod plugin;
mod plugins;
mod query;
mod relay;
mod resident;
mod shots;
mod table;
mod upload;
mod web;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use figures::{Figures, Machine, Report, table, with_table};
use tests::checkout;

/// Measures a release build.
#[derive(Parser)]
struct Arguments {
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Write the table into `docs/performance.md` as well.
    #[arg(long, conflicts_with = "only")]
    write: bool,
    /// Measure only this.
    #[arg(long, value_parser = NAMES)]
    only: Option<String>,
}

type Measurement = fn(&mut Figures) -> Result<()>;

const NAMES: [&str; 10] = [
    "web", "shots", "query", "resident", "plugin", "plugins", "events", "flame", "upload", "table",
];
const MEASUREMENTS: [Measurement; 10] = [
    web::measure,
    shots::measure,
    query::measure,
    resident::measure,
    plugin::measure,
    plugins::measure,
    events::measure,
    flame::measure,
    upload::measure,
    table::measure,
];

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let machine = Machine::this();
    let mut figures = Figures::default();
    let mut problems = Vec::new();
    for (name, measure) in NAMES.into_iter().zip(MEASUREMENTS) {
        if arguments.only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        writeln!(std::io::stderr().lock(), "measuring {name}")?;
        if let Err(error) = measure(&mut figures) {
            problems.push(format!("{name}: {error:#}"));
        }
    }
    let report = Report {
        machine,
        figures: figures.0,
        problems,
    };
    let text = if arguments.json {
        serde_json::to_string_pretty(&report)?
    } else {
        table(&report)
    };
    if arguments.write {
        let page = checkout().join("docs/performance.md");
        let written = with_table(&std::fs::read_to_string(&page)?, &table(&report))?;
        std::fs::write(&page, written)?;
    }
    writeln!(std::io::stdout().lock(), "{}", text.trim_end())?;
    Ok(if report.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
