//! `callboard logout`: forgets the key. Work that has not been done yet waits for the same person's next sign-in.

use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::Context as _;
use callboard_protocol::{BusMethod, FailureKind, SignInEnd};
use clap::Args;
use serde_json::{Value, json};

use super::Session;
use super::login::{block_on, is_confirmed};
use super::print::remark;
use super::problem::{Code, Problem};
use crate::home::Home;
use crate::ledger::{Ledger, Place};
use crate::settings::{Credentials, Settings};
use crate::sign_in::{failure_from_credentials, pending};

/// How long the running host may take to say goodbye to the server.
const HOST: Duration = Duration::from_secs(60);

/// How to log out.
#[derive(Args, Debug)]
pub(super) struct LogoutArguments {
    /// Logs out even where jobs have not ended; they wait until the same person signs in again.
    #[arg(long)]
    yes: bool,
}

pub(super) fn logout(session: &Session, arguments: &LogoutArguments) -> Result<Code, Problem> {
    let kept = Credentials::kept(&session.home()).ok().flatten();
    match end(session, arguments.yes) {
        Err(problem)
            if problem.failure.kind == FailureKind::Conflict
                && std::io::stdin().is_terminal()
                && !session.output.is_json() =>
        {
            let question = format!(
                "{}. They wait until the same person signs in again. Log out?",
                problem.failure.message
            );
            if !is_confirmed(&question)? {
                return Err(problem);
            }
            end(session, true)?;
        }
        ended => ended?,
    }
    if session.environment.ftrack_api_key.is_some() {
        remark("`FTRACK_API_KEY` is set here: what is started here still signs in with it.");
    }
    let (server, user) = kept.unwrap_or_default();
    let human = if user.is_empty() {
        "Nobody is signed in.".to_owned()
    } else {
        format!("Logged out: {user} @ {server}. The key is forgotten.")
    };
    let result = json!({"server": server, "user": user});
    session.output.result(&result, &human)?;
    Ok(Code::Done)
}

/// Has the running host forget the key, or forgets it here where none runs.
fn end(session: &Session, leave_pending: bool) -> Result<(), Problem> {
    match session.client() {
        Ok(mut client) => {
            let end = SignInEnd { leave_pending };
            let _: Value = client.call_waiting(BusMethod::SignInEnd, &end, HOST)?;
            Ok(())
        }
        Err(problem) if problem.code == Code::NotRunning => {
            let unfinished = unfinished(session, &session.home())?;
            if unfinished > 0 && !leave_pending {
                return Err(pending(unfinished).into());
            }
            block_on(Credentials::forget(&session.home()))?
                .map_err(|error| failure_from_credentials(&error).into())
        }
        Err(problem) => Err(problem),
    }
}

/// Counts the jobs that have not ended in a home whose host does not run.
pub(super) fn unfinished(session: &Session, home: &Home) -> Result<u64, Problem> {
    let settings = Settings::load(home, &session.environment).settings;
    let place = Place::of(home, &settings.ledger).context("could not find the ledger")?;
    let count = Ledger::count_unfinished(&place).context("could not read the ledger")?;
    Ok(count)
}
