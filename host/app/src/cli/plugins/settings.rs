//! `callboard plugins settings`: what is set for a plugin, and where that comes from.

use callboard_protocol::{BusMethod, Control, PluginId, PluginSettings, PluginSettingsAsk};
use clap::Args;
use serde_json::Value;

use crate::cli::Session;
use crate::cli::print::{failure_text, table, value_text};
use crate::cli::problem::{Code, Problem};
use crate::cli::values::Set;

#[derive(Args, Debug)]
pub(super) struct SettingsArguments {
    /// The plugin.
    plugin: String,
    /// Sets a value for this person: `name=text`, or `name:=json` for a list.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<Set>,
    /// Leaves a value to the studio or the plugin again.
    #[arg(long, value_name = "NAME")]
    reset: Vec<String>,
}

pub(super) fn settings(session: &Session, arguments: SettingsArguments) -> Result<Code, Problem> {
    let ask = PluginSettingsAsk {
        plugin: PluginId::from(arguments.plugin),
        set: arguments.set.into_iter().map(Set::into_pair).collect(),
        reset: arguments.reset,
    };
    let settings: PluginSettings = session.client()?.call(BusMethod::PluginsSettings, &ask)?;
    session.output.result(&settings, &human_text(&settings))?;
    Ok(Code::Done)
}

fn human_text(settings: &PluginSettings) -> String {
    let fields = settings.view.items.iter();
    let rows: Vec<_> = fields
        .filter(|item| item.control != Control::Label)
        .map(|item| {
            let origin = settings.origins.get(&item.name);
            let value = match item.control {
                Control::Password if origin.is_some() => "(kept as a secret)".to_owned(),
                _ => value_text(settings.values.get(&item.name).unwrap_or(&Value::Null)),
            };
            let origin = origin.cloned().unwrap_or_else(|| "not set".to_owned());
            [item.name.clone(), value, origin, item.label.clone()]
        })
        .collect();
    let mut lines = vec![if rows.is_empty() {
        format!("`{}` has no settings.", settings.plugin)
    } else {
        table(["SETTING", "VALUE", "FROM", "WHAT"], &rows)
    }];
    lines.extend(settings.problems.iter().map(failure_text));
    lines.join("\n")
}
