//! `callboard launch`: do an action, and wait for it if asked to.

use std::time::{Duration, Instant};

use callboard_protocol::{
    ActionId, ActionsLaunch, BusMethod, Failure, FailureKind, JobDetail, JobId, JobState, JobWait,
    Launched,
};
use clap::Args;
use clap::builder::RangedU64ValueParser;
use serde_json::{Value, json};

use super::Session;
use super::actions::context_on;
use super::client::Client;
use super::print::{Output, failure_text};
use super::problem::{Code, Problem};
use super::values::{On, ValueArguments, missing_fields, names};

/// The longest single wait that the host grants.
const WAIT: Duration = Duration::from_secs(60);

/// What to launch.
#[derive(Args, Debug)]
pub(super) struct LaunchArguments {
    /// The action, as `callboard actions` lists it.
    action: String,
    /// Something it is done on, such as `Shot:ID`; may be given several times.
    #[arg(long, value_name = "KIND:ID")]
    on: Vec<On>,
    #[command(flatten)]
    values: ValueArguments,
    #[command(flatten)]
    wait: WaitArguments,
}

/// Whether to wait for a job.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct WaitArguments {
    /// Waits until the job has ended or asks something.
    #[arg(long)]
    wait: bool,
    /// How long to wait, in seconds.
    #[arg(long, value_name = "SECS", default_value_t = 600, requires = "wait", value_parser = seconds())]
    timeout: u64,
}

/// Reads how long to wait: a year is as good as for ever, and a clock can still reach it.
pub(super) fn seconds() -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(..=31_536_000)
}

pub(super) fn launch(session: &Session, arguments: LaunchArguments) -> Result<Code, Problem> {
    let params = ActionsLaunch {
        action: ActionId::from(arguments.action),
        context: context_on(arguments.on),
        values: arguments.values.read()?,
    };
    let mut client = session.client()?;
    let launched: Launched = client.call(BusMethod::ActionsLaunch, &params)?;
    arguments.wait.finish(session, &mut client, &launched.job)
}

impl WaitArguments {
    /// Waits for the job if asked to, and prints what is known of it.
    pub(super) fn finish(
        self,
        session: &Session,
        client: &mut Client,
        job: &JobId,
    ) -> Result<Code, Problem> {
        if !self.wait {
            let human = format!("Started job {job}.\nFollow it with: callboard jobs watch {job}");
            session.output.result(&json!({ "job": job }), &human)?;
            return Ok(Code::Done);
        }
        let detail = wait_for(client, job, Duration::from_secs(self.timeout))?;
        if detail.summary.state.is_moving() {
            let failure = still_running(&detail, self.timeout);
            return Err(failure.into());
        }
        print_rested(session.output, &detail)
    }
}

/// Waits until a job rests or the time is up.
pub(super) fn wait_for(
    client: &mut Client,
    job: &JobId,
    timeout: Duration,
) -> Result<JobDetail, Problem> {
    let deadline = Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now()).min(WAIT);
        let params = JobWait {
            job: job.clone(),
            timeout_secs: left.as_secs_f64(),
        };
        let detail: JobDetail = client.call_waiting(BusMethod::JobsWait, &params, left)?;
        if !detail.summary.state.is_moving() || Instant::now() >= deadline {
            return Ok(detail);
        }
    }
}

/// Prints a job that rests, and returns the code that its state asks for.
pub(super) fn print_rested(output: Output, detail: &JobDetail) -> Result<Code, Problem> {
    let code = Code::of_job(detail.summary.state);
    let failure = failure_of(detail);
    let mut value = json!(detail);
    if let Some(failure) = &failure {
        value["error"] = json!(failure);
    }
    let human = match &failure {
        None => human_text(detail),
        Some(failure) => {
            let mut text = failure_text(failure);
            for unit in failed_units(detail) {
                text.push_str("\n  ");
                text.push_str(&unit);
            }
            text
        }
    };
    match (output, &failure) {
        (Output::Human, Some(_)) if code != Code::Partly => super::print::remark(&human),
        _ => output.result(&value, &human)?,
    }
    Ok(code)
}

/// Returns what went wrong with a job, and what it asks, as a failure.
fn failure_of(detail: &JobDetail) -> Option<Failure> {
    let summary = &detail.summary;
    match summary.state {
        JobState::Asks => Some(question(detail)),
        JobState::Failed => Some(detail.failure.clone().unwrap_or_else(|| {
            Failure::new(FailureKind::Plugin, format!("{} failed", summary.label))
        })),
        JobState::Cancelled => Some(Failure::new(
            FailureKind::Cancelled,
            format!("{} was cancelled", summary.label),
        )),
        JobState::Partly => Some(
            Failure::new(FailureKind::Ftrack, summary.message.clone()).hint(format!(
                "do the rest with `callboard jobs retry {}`",
                summary.id
            )),
        ),
        _ => None,
    }
}

/// Says which fields a job waits for, and how to give them.
fn question(detail: &JobDetail) -> Failure {
    let summary = &detail.summary;
    let Some(view) = &detail.view else {
        return Failure::invalid(format!("{} waits for an answer", summary.label));
    };
    let initial = view.initial_values();
    let missing = names(missing_fields(view, &initial));
    let all = names(view.items.iter());
    let mut failure = if missing.is_empty() {
        Failure::invalid(format!("{} asks about {all}", summary.label))
    } else {
        Failure::invalid(format!("{} needs {missing}", summary.label))
    };
    for item in &view.items {
        if let Some(error) = &item.error {
            failure = failure.because(format!("`{}`: {error}", item.name));
        }
    }
    let id = &summary.id;
    let back = if view.back {
        format!("; go back with `callboard jobs back {id}`")
    } else {
        String::new()
    };
    failure.hint(format!(
        "answer with `callboard jobs answer {id} --set name=value`; its fields are {all}{back}"
    ))
}

fn human_text(detail: &JobDetail) -> String {
    let summary = &detail.summary;
    if summary.message.is_empty() {
        format!("{}: {}", summary.label, state_name(summary.state))
    } else {
        summary.message.clone()
    }
}

/// Returns a line for each unit of the job's steps that failed.
pub(super) fn failed_units(detail: &JobDetail) -> Vec<String> {
    let Some(steps) = &detail.steps else {
        return Vec::new();
    };
    steps
        .units()
        .filter_map(|unit| {
            let failure = unit.failure.as_ref()?;
            let name = if unit.label.is_empty() {
                &unit.key
            } else {
                &unit.label
            };
            Some(format!("{name}: {}", failure.message))
        })
        .collect()
}

/// Returns a state's name, as it is on the wire.
pub(super) fn state_name(state: JobState) -> String {
    match json!(state) {
        Value::String(name) => name,
        _ => "unknown".to_owned(),
    }
}

/// Says that a job goes on although nobody waits any longer.
pub(super) fn still_running(detail: &JobDetail, timeout: u64) -> Failure {
    let id = &detail.summary.id;
    Failure::new(
        FailureKind::TimedOut,
        format!(
            "{} has not ended within {timeout} seconds: job `{id}` goes on",
            detail.summary.label
        ),
    )
    .hint(format!("follow it with `callboard jobs watch {id}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use callboard_protocol::{Context, Item, JobSummary, Surface, View};
    use serde_json::Map;

    fn job(state: JobState, view: Option<View>) -> JobDetail {
        JobDetail {
            summary: JobSummary {
                id: JobId::from("j1"),
                action: ActionId::from("shot_creation.create_shots"),
                label: "Create shots".into(),
                state,
                surface: Surface::Cli,
                user: "ada".into(),
                created_ms: 0,
                changed_ms: 0,
                message: "11 of 12 shots made".into(),
                progress: None,
            },
            context: Context::default(),
            values: Map::new(),
            view,
            question: 0,
            draft: Vec::new(),
            output: Value::Null,
            failure: None,
            steps: None,
            parent: None,
            children: Vec::new(),
            files: Vec::new(),
        }
    }

    #[test]
    fn a_question_names_what_is_missing_and_how_to_answer() {
        let view = View::new("Create shots")
            .with(
                Item::text("project", "Project")
                    .required()
                    .error("no such project"),
            )
            .with(Item::text("status", "Status"));
        let failure = failure_of(&job(JobState::Asks, Some(view))).unwrap();
        assert_eq!(failure.kind, FailureKind::Invalid);
        assert_eq!(failure.message, "Create shots needs `project`");
        assert_eq!(failure.causes, ["`project`: no such project"]);
        assert_eq!(
            failure.hint.as_deref(),
            Some(
                "answer with `callboard jobs answer j1 --set name=value`; its fields are `project`, `status`"
            )
        );
    }

    #[test]
    fn every_end_but_done_is_a_failure() {
        let check = |state, expected: Option<FailureKind>| {
            assert_eq!(
                failure_of(&job(state, None)).map(|failure| failure.kind),
                expected
            );
        };
        check(JobState::Done, None);
        check(JobState::Failed, Some(FailureKind::Plugin));
        check(JobState::Cancelled, Some(FailureKind::Cancelled));
        check(JobState::Partly, Some(FailureKind::Ftrack));
    }
}
