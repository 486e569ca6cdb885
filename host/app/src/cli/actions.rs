//! `callboard actions`: what applies to a selection.

use callboard_protocol::{ActionItems, ActionsDiscover, BusMethod, Context, Surface};
use clap::Args;

use super::Session;
use super::print::table;
use super::problem::{Code, Problem};
use super::values::On;

/// What is selected.
#[derive(Args, Debug)]
pub(super) struct ActionsArguments {
    /// Something that is selected, such as `Shot:ID`; may be given several times.
    #[arg(long, value_name = "KIND:ID")]
    on: Vec<On>,
}

pub(super) fn actions(session: &Session, arguments: ActionsArguments) -> Result<Code, Problem> {
    let params = ActionsDiscover {
        context: context_on(arguments.on),
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
    session.output.result(&found, &human)?;
    Ok(Code::Done)
}

/// Returns the context of a command; the host fills in who gives it.
pub(super) fn context_on(on: Vec<On>) -> Context {
    Context {
        surface: Surface::Cli,
        selection: on.into_iter().map(|on| on.0).collect(),
        ..Context::default()
    }
}
