//! `callboard plugins list`: which there are and how they fare.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use callboard_protocol::{
    ActionId, BusMethod, Failure, Items, PluginSource, PluginState, PluginSummary,
};
use clap::Args;
use serde_json::json;

use crate::cli::Session;
use crate::cli::print::{table, value_text};
use crate::cli::problem::{Code, Problem};

/// How wide a line may be that no terminal breaks.
const WIDTH: usize = 80;

#[derive(Args, Debug)]
pub(super) struct ListArguments {
    /// Only the plugin with this id, with everything that is known of it.
    plugin: Option<String>,
}

pub(super) fn list(session: &Session, arguments: &ListArguments) -> Result<Code, Problem> {
    let mut plugins: Items<PluginSummary> =
        session.client()?.call(BusMethod::PluginsList, &json!({}))?;
    let human = match &arguments.plugin {
        None => overview(&plugins.items),
        Some(id) => {
            plugins.items.retain(|plugin| plugin.id.as_str() == id);
            if plugins.items.is_empty() {
                return Err(Failure::not_found(format!("there is no plugin `{id}`"))
                    .hint("list the plugins with `callboard plugins list`")
                    .into());
            }
            let details: Vec<String> = plugins.items.iter().map(detail).collect();
            details.join("\n\n")
        }
    };
    session.output.result(&plugins, &human)?;
    Ok(Code::Done)
}

fn overview(plugins: &[PluginSummary]) -> String {
    if plugins.is_empty() {
        return "No plugins.".to_owned();
    }
    let is_used = |plugin: &&PluginSummary| plugin.state != PluginState::NotUsed;
    let rows: Vec<_> = plugins
        .iter()
        .filter(is_used)
        .map(|plugin| {
            [
                shortened(plugin.id.as_str(), 20),
                shortened(&plugin.version, 10),
                state_text(plugin),
                value_text(&json!(plugin.source)),
                memory_text(plugin.memory_bytes),
                plugin.crashes.to_string(),
            ]
        })
        .collect();
    let heading = ["PLUGIN", "VERSION", "STATE", "SOURCE", "MEMORY", "CRASHES"];
    let mut text = table(heading, &rows);
    for plugin in plugins {
        let unused = format!("{} {}", plugin.id, plugin.version);
        if plugin.state == PluginState::NotUsed {
            text.push_str(&wrapped(&format!("{unused} is not used: {}", plugin.why)));
        }
        if plugin.state == PluginState::Disabled {
            text.push_str(&wrapped(&plugin.why));
        }
        for failure in plugin.problem.iter().chain(&plugin.warnings) {
            text.push_str(&wrapped(&format!("{}: {}", plugin.id, failure.message)));
            for cause in &failure.causes {
                text.push_str(&wrapped(&format!("  because {cause}")));
            }
            if let Some(hint) = &failure.hint {
                text.push_str(&wrapped(&format!("  hint: {hint}")));
            }
        }
    }
    text
}

fn detail(plugin: &PluginSummary) -> String {
    let mut lines = vec![
        format!("{} {}", plugin.id, plugin.version),
        format!("state    {}", state_text(plugin)),
        format!("folder   {}", plugin.path),
        format!("source   {}", value_text(&json!(plugin.source))),
    ];
    if plugin.source == PluginSource::Unknown {
        lines.pop();
    }
    if !plugin.why.is_empty() {
        lines.push(format!("why      {}", plugin.why));
    }
    if !plugin.pids.is_empty() {
        let pids: Vec<String> = plugin.pids.iter().map(u32::to_string).collect();
        lines.push(format!("process  {}", pids.join(", ")));
        lines.push(format!("memory   {}", memory_text(plugin.memory_bytes)));
    }
    if let Some(cpu_ms) = plugin.cpu_ms {
        lines.push(format!("cpu      {} ms", cpu_ms));
    }
    lines.push(format!(
        "starts   {}, {} of them crashed",
        plugin.starts, plugin.crashes
    ));
    let actions: Vec<&str> = plugin.actions.iter().map(ActionId::as_str).collect();
    lines.push(format!("actions  {}", actions.join(", ")));
    for failure in &plugin.warnings {
        lines.push(format!("odd      {}", failure.message));
    }
    if let Some(failure) = &plugin.problem {
        lines.push(format!("error    {}", failure.message));
        lines.extend(
            failure
                .causes
                .iter()
                .map(|cause| format!("         {cause}")),
        );
        lines.extend(failure.hint.iter().map(|hint| format!("hint     {hint}")));
    }
    lines.join("\n")
}

/// Says a state, and until when it lasts.
fn state_text(plugin: &PluginSummary) -> String {
    let state = value_text(&json!(plugin.state)).replace('_', " ");
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let left = plugin
        .until_ms
        .map(Duration::from_millis)
        .zip(now.ok())
        .map(|(until, now)| until.saturating_sub(now).as_secs());
    match left {
        Some(secs @ 0..120) => format!("{state} {secs} s"),
        Some(secs) => format!("{state} {} min", secs / 60),
        None => state,
    }
}

fn memory_text(bytes: Option<u64>) -> String {
    const MB: u64 = 1024 * 1024;
    match bytes {
        Some(bytes) if bytes >= 10_000 * MB => format!("{} GB", bytes.div_ceil(1024 * MB)),
        Some(bytes) => format!("{} MB", bytes.div_ceil(MB)),
        None => String::new(),
    }
}

fn shortened(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters - 1).chain(['…']).collect()
}

/// Returns a line of its own, broken between words where it is too wide.
fn wrapped(text: &str) -> String {
    let indent = text.len() - text.trim_start().len();
    let mut lines = String::new();
    let mut width = WIDTH;
    for word in text.split_whitespace() {
        let letters = word.chars().count();
        if width + 1 + letters > WIDTH {
            let deeper = if width == WIDTH && lines.is_empty() {
                indent
            } else {
                indent + 4
            };
            lines.push('\n');
            lines.push_str(&" ".repeat(deeper));
            width = deeper;
        } else {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += letters;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(id: &str, state: PluginState) -> PluginSummary {
        PluginSummary {
            id: id.into(),
            version: "1.0.0-preview.123".into(),
            state,
            path: format!("/a/rather/long/path/to/plugins/{id}"),
            source: PluginSource::Argument,
            ..PluginSummary::default()
        }
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        let mut broken = plugin("a_plugin_with_a_name_that_goes_on", PluginState::Broken);
        broken.problem = Some(
            Failure::invalid("word ".repeat(40))
                .hint("and more ".repeat(20))
                .because("for a reason ".repeat(12)),
        );
        let mut resting = plugin("resting", PluginState::Quarantined);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let until = now + Duration::from_secs(3600);
        resting.until_ms = Some(u64::try_from(until.as_millis()).unwrap());
        resting.memory_bytes = Some(123_456_789_012);
        resting.crashes = 123_456;
        let mut unused = plugin("unused", PluginState::NotUsed);
        unused.why = "because ".repeat(30);
        let text = overview(&[broken, resting, unused]);
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
        assert!(text.contains("a_plugin_with_a_nam…"), "{text}");
        assert!(text.contains("is not used: because"), "{text}");
    }
}
