//! A filtered, ordered page out of 100,000 tasks, as a list on the screen asks for it.

use std::time::Instant;

use anyhow::{Result, ensure};
use tests::{HostRunner, SandboxClient};

use crate::figures::{Aim, Figures, percentile};

/// With three tasks each that makes 100,000 tasks.
const SHOTS: usize = 33_334;

const REPEATS: usize = 40;

/// A figure's name, and the query behind it; `{project}` and `{sequence}` stand for ids.
const PAGES: [(&str, &str); 4] = [
    (
        "a page of 100,000 tasks, by project, status and assignee, p50",
        "select name, status.name, parent.name from Task where project.id is \"{project}\" and status.name is \
         \"In progress\" and assignments any (resource.username is \"ada\") order by name limit 50",
    ),
    (
        "a page of 100,000 tasks, by project and state, p50",
        "select name, status.name, parent.name from Task where project.id is \"{project}\" and status.state.short \
         is_not \"DONE\" order by parent.name desc, name limit 50",
    ),
    (
        "a page of 100,000 tasks, below a sequence, p50",
        "select name, link from Task where ancestors any (id is \"{sequence}\") order by name limit 50",
    ),
    (
        "a page of 100,000 tasks, by a custom attribute, p50",
        "select name from Task where custom_attributes any (key is \"brief\" and value like \"%storm%\") limit 50",
    ),
];

pub(crate) fn measure(figures: &mut Figures) -> Result<()> {
    let began = Instant::now();
    let sandbox = HostRunner::large_sandbox(SHOTS).start()?;
    let started = began.elapsed().as_secs_f64();
    let client = SandboxClient::new(&sandbox.ready)?;
    let id = |query: &str| -> Result<String> {
        let rows = client.query(query)?;
        ensure!(!rows.is_empty(), "nothing answers `{query}`");
        Ok(rows[0]["id"].as_str().unwrap_or_default().to_owned())
    };
    let project = id("select id from Project where name is \"large\"")?;
    let sequence = id("select id from Sequence where project.name is \"large\" limit 1")?;
    for (name, query) in PAGES {
        let query = query
            .replace("{project}", &project)
            .replace("{sequence}", &sequence);
        let mut samples = Vec::with_capacity(REPEATS);
        for _ in 0..REPEATS {
            let began = Instant::now();
            client.query(&query)?;
            samples.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
        let value = percentile(&mut samples, 50.0);
        figures.add_with_aim(name, value, "ms", Aim::AtMost(50.0));
    }
    figures.add("a sandbox of 100,000 tasks, start", started, "s");
    measure_start(figures)
}

fn measure_start(figures: &mut Figures) -> Result<()> {
    let mut demo = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        HostRunner::sandbox().start()?;
        demo.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    let value = percentile(&mut demo, 50.0);
    let name = "a sandbox with the demo project, start, p50";
    figures.add_with_aim(name, value, "ms", Aim::AtMost(300.0));
    let began = Instant::now();
    HostRunner::large_sandbox(10_000).start()?;
    let value = began.elapsed().as_secs_f64();
    figures.add_with_aim(
        "a sandbox of 10,000 shots, start",
        value,
        "s",
        Aim::AtMost(5.0),
    );
    Ok(())
}
