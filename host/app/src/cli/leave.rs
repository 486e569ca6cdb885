//! `callboard quit` and `callboard restart`.

use callboard_protocol::{BusMethod, Failure, FailureKind, Items, JobState, JobSummary, JobsList};
use clap::Args;
use serde_json::{Value, json};

use super::Session;
use super::problem::{Code, Problem};

#[derive(Args, Debug)]
pub(super) struct LeaveArguments {
    /// Does not mind jobs that run: they are interrupted, and what they handed over goes on at the next start.
    #[arg(long)]
    now: bool,
}

pub(super) fn quit(session: &Session, arguments: &LeaveArguments) -> Result<Code, Problem> {
    leave(session, arguments, BusMethod::Quit, "Callboard ends.")
}

pub(super) fn restart(session: &Session, arguments: &LeaveArguments) -> Result<Code, Problem> {
    leave(
        session,
        arguments,
        BusMethod::Restart,
        "Callboard ends and starts again.",
    )
}

fn leave(
    session: &Session,
    arguments: &LeaveArguments,
    method: BusMethod,
    human: &str,
) -> Result<Code, Problem> {
    let mut client = session.client()?;
    let moving = JobsList {
        states: vec![JobState::Queued, JobState::Running, JobState::Working],
        limit: None,
    };
    let moving: Items<JobSummary> = client.call(BusMethod::JobsList, &moving)?;
    if let Some(job) = moving.items.first()
        && !arguments.now
    {
        let message = match moving.items.len() {
            1 => format!("`{}` is running", job.label),
            several => format!("{several} jobs are running"),
        };
        return Err(Failure::new(FailureKind::Conflict, message)
            .hint("wait for them with `callboard jobs watch`, or add `--now`")
            .into());
    }
    let _: Value = client.call(method, &json!({}))?;
    let value = json!({ "interrupted": moving.items });
    session.output.result(&value, human)?;
    Ok(Code::Done)
}
