//! What was measured, and how it is shown.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};
use serde::Serialize;

/// What stands before and after the table in `docs/performance.md`.
const BEGINS: &str = "<!-- figures begin; `cargo xtask bench --write` writes them -->";
const ENDS: &str = "<!-- figures end -->";

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) aim: Option<Aim>,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

/// Everything that was measured on one machine.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) figures: Vec<Figure>,
    /// Measurements that did not come about, and why.
    pub(crate) problems: Vec<String>,
}

/// Where it was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gb: f64,
    pub(crate) system: String,
    pub(crate) kernel: String,
    /// How many processes wanted a core, on the average of the minute before it began.
    pub(crate) load: f64,
}

/// Figures as they come in.
#[derive(Debug, Default)]
pub(crate) struct Figures(pub(crate) Vec<Figure>);

impl Figures {
    pub(crate) fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.push(name.into(), value, unit, None);
    }

    pub(crate) fn add_with_aim(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        aim: Aim,
    ) {
        self.push(name.into(), value, unit, Some(aim));
    }

    fn push(&mut self, name: String, value: f64, unit: &'static str, aim: Option<Aim>) {
        self.0.push(Figure {
            name,
            value,
            unit,
            aim,
        });
    }
}

/// Returns the value below which `percent` of the samples lie. The samples are sorted on the way.
pub(crate) fn percentile(samples: &mut [f64], percent: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let last = samples.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "an index into a list of samples"
    )]
    let at = (last as f64 * percent / 100.0).round() as usize;
    samples.get(at).copied().unwrap_or(f64::NAN)
}

impl Machine {
    /// Looks at this machine; what cannot be told is empty.
    pub(crate) fn this() -> Self {
        let memory_kb = value_in("/proc/meminfo", "MemTotal").and_then(|text| {
            let number = text.split_whitespace().next()?;
            number.parse::<f64>().ok()
        });
        Self {
            processor: value_in("/proc/cpuinfo", "model name").unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gb: (memory_kb.unwrap_or_default() / 1024.0 / 1024.0).round(),
            system: value_in("/etc/os-release", "PRETTY_NAME").unwrap_or_default(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .unwrap_or_default()
                .trim()
                .to_owned(),
            load: load().unwrap_or_default(),
        }
    }
}

fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// Returns what stands behind `key` and a colon or an equals sign in a file.
fn value_in(file: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    let (_, value) = line.split_once([':', '='])?;
    Some(value.trim().trim_matches('"').to_owned())
}

impl Aim {
    /// Says whether `value` meets the aim, and how far off it is where it does not.
    fn judged(self, value: f64) -> String {
        let (words, aim, off) = match self {
            Self::AtLeast(aim) => ("at least", aim, aim / value),
            Self::AtMost(aim) => ("at most", aim, value / aim),
        };
        let words = format!("{words} {}", grouped(aim));
        match off <= 1.0 {
            true => format!("{words}: met"),
            false => format!("{words}: **missed**, {} times off", shown(off)),
        }
    }
}

/// Returns the report as a part of a Markdown page.
pub(crate) fn table(report: &Report) -> String {
    let machine = &report.machine;
    let mut text = format!(
        "{}, {} cores, {} GB, {}, Linux {}, load {} when it began\n\n\
         | Figure | Measured | Aim |\n| --- | ---: | --- |\n",
        machine.processor,
        machine.cores,
        machine.memory_gb,
        machine.system,
        machine.kernel,
        machine.load
    );
    for figure in &report.figures {
        let aim = figure.aim.map(|aim| aim.judged(figure.value));
        let value = shown(figure.value);
        // Writing to a text cannot fail.
        writeln!(
            text,
            "| {} | {value} {} | {} |",
            figure.name,
            figure.unit,
            aim.unwrap_or_default()
        )
        .ok();
    }
    for problem in &report.problems {
        let problem = problem.lines().next().unwrap_or_default();
        writeln!(text, "\nNot measured: {problem}").ok();
    }
    text
}

/// Returns the page with `table` between its two marks.
///
/// # Errors
///
/// When the page has no marks.
pub(crate) fn with_table(page: &str, table: &str) -> Result<String> {
    let (before, rest) = page.split_once(BEGINS).context("the page has no table")?;
    let (_, after) = rest
        .split_once(ENDS)
        .context("the page's table does not end")?;
    Ok(format!("{before}{BEGINS}\n{}\n{ENDS}{after}", table.trim()))
}

/// Returns a number with three digits that count.
fn shown(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    match value.abs() >= 10_000.0 {
        true => grouped(value),
        false => format!("{value:.digits$}"),
    }
}

/// Returns a whole number with its thousands apart, and another as it is.
fn grouped(value: f64) -> String {
    let plain = value.round().to_string();
    if value.fract() != 0.0 && value < 1_000.0 {
        return value.to_string();
    }
    let mut text = String::new();
    for (at, digit) in plain.chars().enumerate() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
