//! The two topics that the host itself answers, and the one on which it tells how a job ended.

use std::sync::Arc;

use callboard_event::Event;
use callboard_protocol::{Context, DccContext, Entity, Failure, FailureKind, JobDetail, JobId};
use engine::{Ask, AskLaunch, Reply};
use serde_json::Value;

use super::{Client, Shared, lock};
use crate::surface::dialect::{
    DISCOVER_TOPIC, Dialect, DiscoverRequest, LAUNCH_TOPIC, LaunchRequest, failure_reply,
    launch_reply, menu_reply,
};
use crate::surface::submit::{Submitted, submit};

/// The topic on which the end of a job is told to whoever launched it.
const JOB_TOPIC: &str = "callboard.job";

/// How long a launch may take before "started" is said, in milliseconds.
const STARTED_MS: u64 = 5_000;

/// Tells whether the host answers events of this topic.
pub(super) fn is_answered(topic: &str) -> bool {
    topic == DISCOVER_TOPIC || topic == LAUNCH_TOPIC
}

/// Returns the event that tells how a job stands.
pub(super) fn job_event(job: &JobDetail) -> Event {
    Event::new(JOB_TOPIC, launch_reply(job, Dialect::Bus)).with_id(uuid::Uuid::new_v4().to_string())
}

/// Answers an event of one of the host's topics with the reply's `data`; none where it is not for this host.
///
/// What is asked is in the engine's queue when the first part returns, so that the order of events holds.
pub(super) async fn ask(
    shared: &Arc<Shared>,
    client: &Arc<Client>,
    event: &Event,
) -> impl Future<Output = Option<Value>> + Send + use<> {
    let asked = if event.topic == DISCOVER_TOPIC {
        ask_discover(shared, client, event).await
    } else {
        ask_launch(shared, client, event).await
    };
    let (shared, client) = (Arc::clone(shared), Arc::clone(client));
    async move {
        match asked {
            Asked::Nothing => None,
            Asked::Failed(failure) => Some(failure_reply(&failure, Dialect::Bus)),
            Asked::Discover(pending) => Some(match pending.reply().await {
                Reply::Menu(items) => menu_reply(&items),
                other => failure_reply(&unexpected(other), Dialect::Bus),
            }),
            Asked::Launch { pending, job } => {
                let reply = pending.reply().await;
                Some(launched(&shared, &client, &job, reply))
            }
            Asked::Submit(form) => {
                let job = form.job.clone();
                let reply = submit(&shared.options.engine, form, STARTED_MS).await;
                Some(launched(&shared, &client, &job, reply))
            }
        }
    }
}

enum Asked {
    Nothing,
    Failed(Failure),
    Discover(crate::engine_thread::Pending),
    Launch {
        pending: crate::engine_thread::Pending,
        job: JobId,
    },
    Submit(Submitted),
}

async fn ask_discover(shared: &Shared, client: &Client, event: &Event) -> Asked {
    match DiscoverRequest::from_data(&event.data) {
        Ok(request) => {
            let context = context(shared, client, request.selection, request.dcc);
            let ask = Ask::Discover { context };
            Asked::Discover(shared.options.engine.submit(ask).await)
        }
        Err(failure) => Asked::Failed(failure),
    }
}

async fn ask_launch(shared: &Shared, client: &Client, event: &Event) -> Asked {
    let request = match LaunchRequest::from_data(&event.data) {
        Ok(request) => request,
        Err(failure) => return Asked::Failed(failure),
    };
    let host = shared.options.about.host();
    if request.host.as_deref().is_some_and(|other| other != host) {
        return Asked::Nothing;
    }
    if let Some(form) = request.form {
        return match client.check_sees(&form.job) {
            Ok(()) => Asked::Submit(form),
            Err(failure) => Asked::Failed(failure),
        };
    }
    let job = JobId::from(uuid::Uuid::new_v4().to_string());
    lock(&client.jobs).insert(job.clone());
    lock(&shared.started).insert(job.clone(), client.session);
    let launch = AskLaunch {
        job: job.clone(),
        event_id: (!event.id.is_empty()).then(|| event.id.clone()),
        action: request.action,
        context: context(shared, client, request.selection, request.dcc),
        values: request.values,
        wait_ms: Some(STARTED_MS),
        ..AskLaunch::default()
    };
    let pending = shared.options.engine.submit(Ask::Launch(launch)).await;
    Asked::Launch { pending, job }
}

/// Returns the reply to a launch, and remembers to tell how the job ends where it has only started.
fn launched(shared: &Shared, client: &Client, job: &JobId, reply: Reply) -> Value {
    let mut started = lock(&shared.started);
    started.remove(job);
    match reply {
        Reply::Job(detail) => {
            let id = detail.summary.id.clone();
            if detail.summary.state.is_moving() {
                started.insert(id.clone(), client.session);
            }
            drop(started);
            // The same event twice is the same launch: the job may be another than the one just named.
            lock(&client.jobs).insert(id);
            launch_reply(&detail, Dialect::Bus)
        }
        other => failure_reply(&unexpected(other), Dialect::Bus),
    }
}

/// Tells every client of jobs that have come to rest unnoticed.
pub(super) async fn tell_rested(shared: &Shared) {
    let open: Vec<(JobId, u64)> = lock(&shared.started)
        .iter()
        .map(|(job, session)| (job.clone(), *session))
        .collect();
    for (job, session) in open {
        if let Reply::Job(detail) = shared.options.engine.ask(Ask::Show(job.clone())).await
            && !detail.summary.state.is_moving()
            && lock(&shared.started).remove(&job).is_some()
        {
            shared.tell_job(Some(session), &detail);
        }
    }
}

/// Returns the context of what a client asks: its surface and the person are not its to say.
pub(super) fn context(
    shared: &Shared,
    client: &Client,
    selection: Vec<Entity>,
    dcc: Option<DccContext>,
) -> Context {
    Context {
        surface: client.hello.surface,
        user: shared.options.about.user(),
        selection,
        dcc: dcc.map(|dcc| DccContext {
            session: Some(client.session),
            ..dcc
        }),
    }
}

/// Returns the failure in a reply that is not the one expected.
pub(super) fn unexpected(reply: Reply) -> Failure {
    match reply {
        Reply::Failed(failure) => failure,
        _ => Failure::new(FailureKind::Internal, "the host answered something else")
            .hint("report this"),
    }
}
