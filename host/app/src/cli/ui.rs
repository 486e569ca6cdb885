//! `callboard ui`: the windows that plugins declare.

use callboard_protocol::{BusMethod, DeclaredWindow, Items, WindowRef};
use clap::Args;
use serde_json::{Value, json};

use super::Session;
use super::print::table;
use super::problem::{Code, Problem};

#[derive(Args, Debug)]
pub(super) struct UiArguments {
    /// The window to open, as `--list` names it.
    #[arg(required_unless_present = "list")]
    window: Option<String>,
    /// Lists the windows that plugins declare.
    #[arg(long, conflicts_with = "window")]
    list: bool,
}

pub(super) fn ui(session: &Session, arguments: UiArguments) -> Result<Code, Problem> {
    let mut client = session.client()?;
    if let Some(window) = arguments.window {
        let _: Value = client.call(BusMethod::WindowsOpen, &WindowRef { window })?;
        return Ok(Code::Done);
    }
    let windows: Items<DeclaredWindow> = client.call(BusMethod::WindowsList, &json!({}))?;
    let rows: Vec<_> = windows
        .items
        .iter()
        .map(|window| {
            [
                window.id.clone(),
                window.window.title.clone(),
                window.launches.to_string(),
            ]
        })
        .collect();
    let human = if rows.is_empty() {
        "No plugin declares a window.".to_owned()
    } else {
        table(["WINDOW", "TITLE", "ACTION"], &rows)
    };
    session.output.result(&windows, &human)?;
    Ok(Code::Done)
}
