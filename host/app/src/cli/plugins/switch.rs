//! `callboard plugins enable`, `disable` and `reload`.

use std::time::Duration;

use callboard_protocol::{BusMethod, PluginRef, PluginsReloaded};
use clap::Args;
use serde_json::json;

use crate::cli::Session;
use crate::cli::print::failure_text;
use crate::cli::problem::{Code, Problem};

/// How long the host may wait for places that do not answer.
const PLACES: Duration = Duration::from_secs(30);

#[derive(Args, Debug)]
pub(super) struct SwitchArguments {
    /// The plugin's id, as `callboard plugins list` shows it.
    plugin: String,
}

pub(super) fn enable(session: &Session, arguments: SwitchArguments) -> Result<Code, Problem> {
    switch(session, arguments, BusMethod::PluginsEnable, "enabled")
}

pub(super) fn disable(session: &Session, arguments: SwitchArguments) -> Result<Code, Problem> {
    switch(session, arguments, BusMethod::PluginsDisable, "disabled")
}

fn switch(
    session: &Session,
    arguments: SwitchArguments,
    method: BusMethod,
    done: &str,
) -> Result<Code, Problem> {
    let plugin = PluginRef {
        plugin: arguments.plugin.into(),
    };
    let _: serde_json::Value = session.client()?.call(method, &plugin)?;
    let human = format!("`{}` is {done}.", plugin.plugin);
    session.output.result(&plugin, &human)?;
    Ok(Code::Done)
}

pub(super) fn reload(session: &Session) -> Result<Code, Problem> {
    let mut client = session.client()?;
    let reloaded: PluginsReloaded =
        client.call_waiting(BusMethod::PluginsReload, &json!({}), PLACES)?;
    let changed: Vec<String> = reloaded
        .changed
        .iter()
        .map(|plugin| format!("`{plugin}`"))
        .collect();
    let mut lines = vec![match changed.as_slice() {
        [] => "Nothing has changed.".to_owned(),
        changed => format!("Changed: {}.", changed.join(", ")),
    }];
    lines.extend(reloaded.problems.iter().map(failure_text));
    session.output.result(&reloaded, &lines.join("\n"))?;
    Ok(Code::Done)
}
