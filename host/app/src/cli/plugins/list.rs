//! `callboard plugins list`: which there are and how they fare.

use callboard_protocol::{BusMethod, Items, PluginSummary};
use serde_json::json;

use crate::cli::Session;
use crate::cli::print::{table, value_text};
use crate::cli::problem::{Code, Problem};

pub(super) fn list(session: &Session) -> Result<Code, Problem> {
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
