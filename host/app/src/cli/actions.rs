//! `callboard actions`: what applies to a selection, and what a person keeps at hand.

use callboard_protocol::{
    ActionId, ActionItems, ActionRef, ActionsDiscover, BusMethod, Context, KeptActions, Surface,
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Session;
use super::print::table;
use super::problem::{Code, Problem};
use super::values::On;

/// What is selected, or what is to be kept at hand.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct ActionsArguments {
    /// Something that is selected, such as `Shot:ID`; may be given several times.
    #[arg(long, value_name = "KIND:ID")]
    on: Vec<On>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists what is pinned, and what was launched last.
    Kept,
    /// Puts an action to the top of the tray's menu.
    Pin {
        /// The action, as `callboard actions` lists it.
        action: String,
    },
    /// Takes an action from there.
    Unpin {
        /// The action.
        action: String,
    },
}

pub(super) fn actions(session: &Session, arguments: ActionsArguments) -> Result<Code, Problem> {
    match arguments.command {
        None => list(session, arguments.on)?,
        Some(Command::Kept) => kept(session)?,
        Some(Command::Pin { action }) => pin(session, action, BusMethod::ActionsPin)?,
        Some(Command::Unpin { action }) => pin(session, action, BusMethod::ActionsUnpin)?,
    }
    Ok(Code::Done)
}

fn list(session: &Session, on: Vec<On>) -> Result<(), Problem> {
    let params = ActionsDiscover {
        context: context_on(on),
    };
    let found: ActionItems = session
        .client()?
        .call(BusMethod::ActionsDiscover, &params)?;
    let rows: Vec<_> = found
        .items
        .iter()
        .map(|item| {
            let label = match &item.variant {
                Some(variant) => format!("{} ({variant})", item.label),
                None => item.label.clone(),
            };
            [
                item.action_identifier.to_string(),
                label,
                item.description.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let human = if rows.is_empty() {
        "No action applies.".to_owned()
    } else {
        table(["ACTION", "LABEL", "DESCRIPTION"], &rows)
    };
    session.output.result(&found, &human)
}

fn kept(session: &Session) -> Result<(), Problem> {
    let kept: KeptActions = session.client()?.call(BusMethod::ActionsKept, &json!({}))?;
    let row = |mark: &str, action: &ActionId| [action.to_string(), mark.to_owned()];
    let pinned = kept.pinned.iter().map(|action| row("pinned", action));
    let recent = kept.recent.iter().map(|action| row("recent", action));
    let rows: Vec<_> = pinned.chain(recent).collect();
    let human = if rows.is_empty() {
        "Nothing is pinned, and nothing was launched.".to_owned()
    } else {
        table(["ACTION", "KEPT"], &rows)
    };
    session.output.result(&kept, &human)
}

fn pin(session: &Session, action: String, method: BusMethod) -> Result<(), Problem> {
    let params = ActionRef {
        action: ActionId::from(action),
    };
    let _: Value = session.client()?.call(method, &params)?;
    let is = match method {
        BusMethod::ActionsPin => "pinned",
        _ => "no longer pinned",
    };
    let human = format!("`{}` is {is}.", params.action);
    session
        .output
        .result(&json!({ "action": params.action }), &human)
}

/// Returns the context of a command; the host fills in who gives it.
pub(super) fn context_on(on: Vec<On>) -> Context {
    Context {
        surface: Surface::Cli,
        selection: on.into_iter().map(|on| on.0).collect(),
        ..Context::default()
    }
}
