//! `callboard plugins logs`: what a plugin has logged, and goes on to log.

use std::time::Duration;

use callboard_protocol::{BusMethod, PluginLogLines, PluginLogs};
use clap::Args;
use serde_json::{Value, json};

use crate::cli::Session;
use crate::cli::problem::{Code, Problem};

/// How long one request waits for a line; then the next one does.
const WAIT_SECS: f64 = 20.0;

#[derive(Args, Debug)]
pub(super) struct LogsArguments {
    /// The plugin's id, as `callboard plugins list` shows it.
    plugin: String,
    /// Goes on showing lines as they come, until Ctrl-C; with `--json`, one object a line.
    #[arg(short, long)]
    follow: bool,
    /// How many of the last lines are shown.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    lines: u32,
}

pub(super) fn logs(session: &Session, arguments: LogsArguments) -> Result<Code, Problem> {
    let mut client = session.client()?;
    let plugin = arguments.plugin;
    let mut request = PluginLogs {
        plugin: plugin.as_str().into(),
        last: Some(arguments.lines),
        ..PluginLogs::default()
    };
    let mut answer: PluginLogLines = client.call(BusMethod::PluginsLogs, &request)?;
    if !arguments.follow {
        let items: Vec<Value> = answer.lines.iter().map(|line| line_value(line)).collect();
        let human = match answer.lines.as_slice() {
            [] => format!("`{plugin}` has logged nothing."),
            lines => lines.join("\n"),
        };
        session.output.result(&json!({ "items": items }), &human)?;
        return Ok(Code::Done);
    }
    request.last = None;
    request.wait_secs = Some(WAIT_SECS);
    loop {
        for line in &answer.lines {
            session.output.result(&line_value(line), line)?;
        }
        request.after = Some(answer.next);
        let wait = Duration::from_secs_f64(WAIT_SECS);
        answer = client.call_waiting(BusMethod::PluginsLogs, &request, wait)?;
    }
}

/// Takes a line apart: time and level first; a line that goes on with what was begun has its text alone.
fn line_value(line: &str) -> Value {
    let mut words = line.splitn(3, ' ');
    match (words.next(), words.next(), words.next()) {
        (Some(time), Some(level), Some(text)) if time.ends_with('Z') => {
            json!({"time": time, "level": level, "text": text})
        }
        _ => json!({ "text": line.trim_start() }),
    }
}
