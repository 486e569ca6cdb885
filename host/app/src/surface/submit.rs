//! A form that was sent whole by a surface that keeps nothing of it: ftrack's page, an application's menu.

use callboard_protocol::{Failure, FailureKind, JobBack, JobDetail, JobId, JobState};
use engine::{Ask, Reply};
use serde_json::{Map, Value};

use super::dialect::values_for_view;
use crate::engine_thread::EngineHandle;

/// A form that was sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Submitted {
    /// The job that asks with it.
    pub(crate) job: JobId,
    /// The question that it answers, where the form said so.
    pub(crate) question: Option<u64>,
    /// Whether the person wants to go back to the question before.
    pub(crate) back: bool,
    /// What was filled in.
    pub(crate) values: Map<String, Value>,
}

/// Answers a job with a form, and waits for so long for what comes of it.
///
/// A form that is sent twice, or after another question was asked, shows how the job stands.
/// One that is not filled in right is shown again with what is wrong beside its fields.
pub(crate) async fn submit(engine: &EngineHandle, form: Submitted, wait_ms: u64) -> Reply {
    let detail = match engine.ask(Ask::Show(form.job.clone())).await {
        Reply::Job(detail) => detail,
        reply => return reply,
    };
    let is_asked = form.question.is_none_or(|asked| asked == detail.question);
    let (Some(view), JobState::Asks, true) = (&detail.view, detail.summary.state, is_asked) else {
        return Reply::Job(detail);
    };
    let question = Some(detail.question);
    if form.back {
        let job = form.job;
        return engine.ask(Ask::Back(JobBack { job, question })).await;
    }
    let values = values_for_view(view, form.values);
    let answer = Ask::Answer {
        job: form.job,
        values: values.clone(),
        question,
        wait_ms: Some(wait_ms),
    };
    match engine.ask(answer).await {
        Reply::Failed(failure) if is_about_fields(&failure) => {
            Reply::Job(Box::new(with_problems(*detail, &values, &failure)))
        }
        reply => reply,
    }
}

fn is_about_fields(failure: &Failure) -> bool {
    failure.kind == FailureKind::Invalid && !failure.fields.is_empty()
}

/// Returns the job with its form as it was filled in, and what is wrong with it. The job itself still asks as it did.
fn with_problems(mut job: JobDetail, values: &Map<String, Value>, failure: &Failure) -> JobDetail {
    for item in job.view.iter_mut().flat_map(|view| &mut view.items) {
        if let Some(value) = values.get(&item.name) {
            item.value.clone_from(value);
        }
        item.error = failure.fields.get(&item.name).cloned();
    }
    job
}
