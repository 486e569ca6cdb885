//! `callboard plugins bisect`: who is at fault, by halves.

use std::process::{Command, Stdio};

use anyhow::Context as _;
use callboard_protocol::{BisectStep, Bisected, BusMethod, Failure, PluginId, PluginsBisect};
use clap::{Args, ValueEnum};

use crate::cli::Session;
use crate::cli::client::Client;
use crate::cli::print::remark;
use crate::cli::problem::{Code, Problem};

/// What a tried command ends with when it could not tell.
const CANNOT_TELL: i32 = 125;

#[derive(Args, Debug)]
pub(super) struct BisectArguments {
    /// What to do; without it, how the search stands is told.
    step: Option<Step>,
    /// Searches by itself: the command is run for each half, and ends with 0 where the trouble is gone, with 125 where
    /// it cannot tell, and with anything else where it is there.
    #[arg(long, value_name = "COMMAND", conflicts_with = "step")]
    run: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Step {
    /// Suspects every plugin that is in use, and switches all of them off.
    Start,
    /// The trouble is gone.
    Good,
    /// The trouble is there.
    Bad,
    /// Ends the search and switches everything back on.
    Reset,
}

pub(super) fn bisect(session: &Session, arguments: &BisectArguments) -> Result<Code, Problem> {
    let mut client = session.client()?;
    let told = match (&arguments.run, arguments.step) {
        (Some(command), _) => search(&mut client, command)?,
        (None, None) => take(&mut client, BisectStep::Show)?,
        (None, Some(Step::Start)) => take(&mut client, BisectStep::Start)?,
        (None, Some(Step::Good)) => take(&mut client, BisectStep::Good)?,
        (None, Some(Step::Bad)) => take(&mut client, BisectStep::Bad)?,
        (None, Some(Step::Reset)) => take(&mut client, BisectStep::Reset)?,
    };
    session.output.result(&told, &human_text(&told))?;
    Ok(Code::Done)
}

fn take(client: &mut Client, step: BisectStep) -> Result<Bisected, Problem> {
    client.call(BusMethod::PluginsBisect, &PluginsBisect { step })
}

/// Searches with a command that tells whether the trouble is there.
fn search(client: &mut Client, command: &str) -> Result<Bisected, Problem> {
    let mut told = take(client, BisectStep::Start)?;
    while told.running {
        remark(&told.message);
        let step = match tried(command) {
            Ok(Some(0)) => BisectStep::Good,
            Ok(Some(CANNOT_TELL)) => {
                return give_up(client, Failure::invalid("the command could not tell"));
            }
            Ok(Some(_)) => BisectStep::Bad,
            Ok(None) => return give_up(client, Failure::invalid("the command was killed")),
            Err(error) => {
                let failure = Failure::invalid("the command could not be run");
                return give_up(client, failure.caused_by(error.as_ref()));
            }
        };
        told = take(client, step)?;
    }
    Ok(told)
}

/// Ends a search that leads nowhere, so that no plugin stays off.
fn give_up(client: &mut Client, failure: Failure) -> Result<Bisected, Problem> {
    take(client, BisectStep::Reset)?;
    Err(failure
        .hint("mend the command; every plugin is as it was before the search")
        .into())
}

/// Runs the command and returns its exit code; none where a signal ended it.
#[expect(
    clippy::disallowed_methods,
    reason = "the command is the person's own, as in a terminal"
)]
fn tried(command: &str) -> anyhow::Result<Option<i32>> {
    let mut shell = if cfg!(windows) {
        let mut shell = Command::new("cmd");
        shell.arg("/C");
        shell
    } else {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c");
        shell
    };
    // What it prints is no part of this command's own answer.
    let status = shell
        .arg(command)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("could not start `{command}`"))?;
    Ok(status.code())
}

fn human_text(told: &Bisected) -> String {
    let mut lines = vec![told.message.clone()];
    let named = |plugins: &[PluginId]| {
        let ids: Vec<&str> = plugins.iter().map(PluginId::as_str).collect();
        ids.join(", ")
    };
    if !told.on.is_empty() {
        lines.push(format!("  on:  {}", named(&told.on)));
    }
    if !told.off.is_empty() {
        lines.push(format!("  off: {}", named(&told.off)));
    }
    if told.running {
        lines.push(format!(
            "Try it, then say `callboard plugins bisect good` or `bad`; at most {} more.",
            match told.rounds {
                1 => "1 round".to_owned(),
                rounds => format!("{rounds} rounds"),
            }
        ));
    }
    lines.join("\n")
}
