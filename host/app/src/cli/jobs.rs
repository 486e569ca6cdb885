//! `callboard jobs`: list, show, watch, answer, cancel, retry.

mod file;

use std::time::Duration;

use callboard_protocol::{
    BusMethod, Failure, Items, JobAnswer, JobBack, JobDetail, JobId, JobRef, JobState, JobSummary,
    JobsList, apply_edits,
};
use clap::{Args, Subcommand};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use super::Session;
use super::client::Client;
use super::launch::{
    WaitArguments, failed_units, print_rested, seconds, state_name, still_running, wait_for,
};
use super::print::{Output, remark, table, value_text};
use super::problem::{Code, Problem};
use super::values::{ValueArguments, filled_form};

/// How long `watch` waits before it says again how a job stands.
const WATCH: Duration = Duration::from_secs(1);

#[derive(Args, Debug)]
pub(super) struct JobsArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists jobs, newest first.
    List {
        /// Only those in this state: queued, running, asks, working, done, partly, failed or cancelled; may be given several times.
        #[arg(long, value_parser = state_from_name)]
        state: Vec<JobState>,
        /// How many at most.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Shows everything that is kept of a job.
    Show {
        /// The job, or the beginning of its id.
        job: String,
    },
    /// Follows a job until it has ended or asks something.
    Watch {
        /// The job, or the beginning of its id.
        job: String,
        /// How long to follow it, in seconds.
        #[arg(long, value_name = "SECS", default_value_t = 86_400, value_parser = seconds())]
        timeout: u64,
    },
    /// Answers what a job asks; fields that are not given stay as they are.
    Answer {
        /// The job, or the beginning of its id.
        job: String,
        #[command(flatten)]
        values: ValueArguments,
        #[command(flatten)]
        wait: WaitArguments,
    },
    /// Goes back to the question before the one that a job asks.
    Back {
        /// The job, or the beginning of its id.
        job: String,
    },
    /// Cancels a job.
    Cancel {
        /// The job, or the beginning of its id.
        job: String,
    },
    /// Opens a file that a job has attached.
    File(file::FileArguments),
    /// Runs a job again: the whole of one that failed, the rest of one that was partly done.
    Retry {
        /// The job, or the beginning of its id.
        job: String,
        #[command(flatten)]
        wait: WaitArguments,
    },
}

pub(super) fn jobs(session: &Session, arguments: JobsArguments) -> Result<Code, Problem> {
    let mut client = session.client()?;
    match arguments.command {
        Command::List { state, limit } => list(session, &mut client, state, limit),
        Command::Show { job } => {
            let detail = show(&mut client, &job)?;
            session.output.result(&detail, &human_text(&detail))?;
            Ok(Code::Done)
        }
        Command::Watch { job, timeout } => watch(session.output, &mut client, &job, timeout),
        Command::Answer { job, values, wait } => {
            let detail = show(&mut client, &job)?;
            let job = detail.summary.id.clone();
            let (JobState::Asks, Some(view)) = (detail.summary.state, &detail.view) else {
                return Err(asks_nothing(&detail).into());
            };
            let params = JobAnswer {
                job: job.clone(),
                values: filled_form(view, &detail.draft, values.read()?)?,
                question: Some(detail.question),
            };
            let _: Value = client.call(BusMethod::JobsAnswer, &params)?;
            wait.finish(session, &mut client, &job)
        }
        Command::Back { job } => {
            let detail = show(&mut client, &job)?;
            let params = JobBack {
                job: detail.summary.id,
                question: Some(detail.question),
            };
            let detail: JobDetail = client.call(BusMethod::JobsBack, &params)?;
            session.output.result(&detail, &human_text(&detail))?;
            Ok(Code::Done)
        }
        Command::Cancel { job } => {
            let job = find(&mut client, &job)?;
            let _: Value = client.call(BusMethod::JobsCancel, &JobRef { job: job.clone() })?;
            let human = format!("Cancelling job {job}.");
            session.output.result(&json!({ "job": job }), &human)?;
            Ok(Code::Done)
        }
        Command::File(arguments) => file::file(session, &mut client, &arguments),
        Command::Retry { job, wait } => {
            let job = find(&mut client, &job)?;
            let _: Value = client.call(BusMethod::JobsRetry, &JobRef { job: job.clone() })?;
            wait.finish(session, &mut client, &job)
        }
    }
}

fn list(
    session: &Session,
    client: &mut Client,
    states: Vec<JobState>,
    limit: u32,
) -> Result<Code, Problem> {
    let params = JobsList {
        states,
        limit: Some(limit),
    };
    let jobs: Items<JobSummary> = client.call(BusMethod::JobsList, &params)?;
    let rows: Vec<_> = jobs
        .items
        .iter()
        .map(|job| {
            [
                job.id.to_string(),
                state_name(job.state),
                job.label.clone(),
                value_text(&json!(job.surface)),
                job.message.lines().next().unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    let human = if rows.is_empty() {
        "No jobs.".to_owned()
    } else {
        table(["JOB", "STATE", "ACTION", "FROM", "MESSAGE"], &rows)
    };
    session.output.result(&jobs, &human)?;
    Ok(Code::Done)
}

fn watch(output: Output, client: &mut Client, job: &str, timeout: u64) -> Result<Code, Problem> {
    let job = find(client, job)?;
    let mut said = String::new();
    let deadline = std::time::Instant::now() + Duration::from_secs(timeout);
    loop {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        let detail = wait_for(client, &job, left.min(WATCH))?;
        if !detail.summary.state.is_moving() {
            return print_rested(output, &detail);
        }
        let line = progress_line(&detail.summary);
        if line != said {
            match output {
                Output::Human => remark(&line),
                Output::Json => output.result(&detail.summary, "")?,
            }
            said = line;
        }
        if left.is_zero() {
            return Err(still_running(&detail, timeout).into());
        }
    }
}

fn progress_line(job: &JobSummary) -> String {
    let mut line = state_name(job.state);
    if let Some(progress) = &job.progress {
        if let Some(fraction) = progress.fraction {
            line.push_str(&format!(" {:.0} %", fraction * 100.0));
        }
        if let Some(step) = &progress.step {
            line.push_str(&format!(", {step}"));
        }
        if !progress.text.is_empty() {
            line.push_str(&format!(": {}", progress.text));
        }
    } else if !job.message.is_empty() {
        line.push_str(&format!(": {}", job.message));
    }
    line
}

/// Returns the job with this id, or whose id begins with it.
fn find(client: &mut Client, job: &str) -> Result<JobId, Problem> {
    if job.len() >= 32 {
        return Ok(JobId::from(job));
    }
    let jobs: Items<JobSummary> = client.call(
        BusMethod::JobsList,
        &JobsList {
            limit: Some(1_000),
            ..JobsList::default()
        },
    )?;
    let mut found = jobs
        .items
        .iter()
        .filter(|one| one.id.as_str().starts_with(job));
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only.id.clone()),
        (None, _) => Err(Failure::not_found(format!("there is no job `{job}`"))
            .hint("look at `callboard jobs list`")
            .into()),
        (Some(_), Some(_)) => Err(Failure::invalid(format!("several jobs begin with `{job}`"))
            .hint("give more of the id")
            .into()),
    }
}

fn show(client: &mut Client, job: &str) -> Result<JobDetail, Problem> {
    let job = find(client, job)?;
    client.call(BusMethod::JobsShow, &JobRef { job })
}

fn asks_nothing(detail: &JobDetail) -> Failure {
    Failure::new(
        callboard_protocol::FailureKind::Conflict,
        format!("job `{}` asks nothing", detail.summary.id),
    )
    .because(format!("it is {}", state_name(detail.summary.state)))
    .hint(format!(
        "look at `callboard jobs show {}`",
        detail.summary.id
    ))
}

fn state_from_name(name: &str) -> Result<JobState, String> {
    let state = JobState::deserialize(Value::from(name)).unwrap_or(JobState::Unknown);
    if state == JobState::Unknown {
        return Err(
            "a job is queued, running, asks, working, done, partly, failed or cancelled".into(),
        );
    }
    Ok(state)
}

fn human_text(detail: &JobDetail) -> String {
    let summary = &detail.summary;
    let mut lines = vec![
        format!("{} ({})", summary.label, summary.action),
        format!("job      {}", summary.id),
        format!("state    {}", progress_line(summary)),
    ];
    let selection: Vec<String> = detail
        .context
        .selection
        .iter()
        .map(|entity| format!("{}:{}", entity.kind, entity.id))
        .collect();
    if !selection.is_empty() {
        lines.push(format!("on       {}", selection.join(" ")));
    }
    for (name, value) in &detail.values {
        let text = value_text(value).replace('\n', "\n         ");
        lines.push(format!("value    {name} = {text}"));
    }
    lines.extend(
        detail
            .parent
            .iter()
            .map(|parent| format!("part of  {parent}")),
    );
    lines.extend(
        detail
            .children
            .iter()
            .map(|child| format!("launched {child}")),
    );
    for file in &detail.files {
        lines.push(format!(
            "file     {} ({} bytes)",
            file.name, file.size_bytes
        ));
    }
    if let Some(failure) = &detail.failure {
        lines.push(super::print::failure_text(failure));
    }
    if let Some(view) = &detail.view {
        lines.push(format!("asks     {}", view.title));
        let mut drafted = Map::new();
        apply_edits(&mut drafted, &detail.draft);
        let fields = view.items.iter().filter(|item| item.has_value());
        for item in fields.filter(|item| item.visible) {
            let required = if item.required { ", needed" } else { "" };
            // Of a table only some rows may have been changed: they say nothing by themselves.
            let filled = match drafted.get(&item.name) {
                Some(Value::Array(_) | Value::Object(_)) => ": filled in".to_owned(),
                Some(value) => format!(": {}", value_text(value)),
                None => String::new(),
            };
            lines.push(format!(
                "  {} ({}{required}){filled}",
                item.name, item.label
            ));
            lines.extend(item.error.iter().map(|error| format!("    {error}")));
        }
        lines.push(format!(
            "answer with: callboard jobs answer {} --set name=value",
            summary.id
        ));
        if view.back {
            lines.push(format!("go back with: callboard jobs back {}", summary.id));
        }
    }
    for line in failed_units(detail) {
        lines.push(format!("failed   {line}"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_named_as_on_the_wire() {
        assert_eq!(state_from_name("asks"), Ok(JobState::Asks));
        assert_eq!(state_name(JobState::Partly), "partly");
        assert!(state_from_name("unknown").is_err());
        assert!(state_from_name("Asks").is_err());
    }
}
