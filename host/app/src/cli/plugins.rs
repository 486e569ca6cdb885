//! `callboard plugins`: which there are and how they fare.

use callboard_protocol::{BusMethod, Items, PluginSummary};
use clap::{Args, Subcommand};
use serde_json::json;

use super::Session;
use super::print::{table, value_text};
use super::problem::{Code, Problem};

#[derive(Args, Debug)]
pub(super) struct PluginsArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists plugins.
    List,
}

pub(super) fn plugins(session: &Session, arguments: &PluginsArguments) -> Result<Code, Problem> {
    match arguments.command {
        Command::List => list(session),
    }
}

fn list(session: &Session) -> Result<Code, Problem> {
    let plugins: Items<PluginSummary> =
        session.client()?.call(BusMethod::PluginsList, &json!({}))?;
    let rows: Vec<_> = plugins
        .items
        .iter()
        .map(|plugin| {
            [
                plugin.id.to_string(),
                plugin.version.clone(),
                value_text(&json!(plugin.state)),
                plugin.path.clone(),
            ]
        })
        .collect();
    let mut human = if rows.is_empty() {
        "No plugins.".to_owned()
    } else {
        table(["PLUGIN", "VERSION", "STATE", "FOLDER"], &rows)
    };
    for plugin in &plugins.items {
        if let Some(problem) = &plugin.problem {
            human.push_str(&format!("\n{}: {}", plugin.id, problem.message));
            if let Some(hint) = &problem.hint {
                human.push_str(&format!("\n  hint: {hint}"));
            }
        }
    }
    session.output.result(&plugins, &human)?;
    Ok(Code::Done)
}
