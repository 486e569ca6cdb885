//! Requests to the host: who may ask what, and how it is asked of the engine.

use std::time::Duration;

use callboard_event::Event;
use callboard_protocol::{
    ActionItems, ActionsDiscover, ActionsLaunch, BusMethod, EventParams, Failure, FailureKind,
    Items, JobAnswer, JobBack, JobChange, JobDraft, JobId, JobRef, JobState, JobWait, JobsList,
    Launched, MessageId, PluginSettingsAsk, Publish, Replies, Scope, Subscribe, Subscribed,
};
use engine::{Ask, AskLaunch, Reply};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::connection::Connection;
use super::host_topics::{self, context, unexpected};
use super::launcher;
use super::lock;
use super::person;
use super::plugins;
use super::router::source_id;
use super::sign_in;
use super::windows;
use crate::pins::Pin;
use crate::surface::dialect::values_for_view;

/// The longest that anything may be waited for.
const LONGEST_WAIT_SECS: f64 = 600.0;

/// How many jobs a list has where its request does not say.
const LISTED: u32 = 100;

/// Takes one request: answers it, or sees to it that it will be answered.
pub(super) async fn take(connection: &mut Connection, id: MessageId, method: &str, params: Value) {
    let result = match BusMethod::from_name(method) {
        None => {
            let message = format!("there is no request `{method}`");
            Err(Failure::new(FailureKind::Unsupported, message))
        }
        Some(method) if !is_allowed(connection.client.hello.scope, method) => {
            let message = format!("an application may not ask `{}`", method.name());
            Err(Failure::denied(message).hint("connect with the scope `cli`"))
        }
        Some(method) => dispatch(connection, id, method, params).await,
    };
    match result {
        Ok(Answer::Now(value)) => connection.answer(id, Ok(value)),
        Ok(Answer::Later) => {}
        Err(failure) => connection.answer(id, Err(failure)),
    }
}

pub(super) enum Answer {
    Now(Value),
    Later,
}

pub(super) type Taken = Result<Answer, Failure>;

/// Tells what a scope allows. Which jobs an application may ask for is decided job by job.
fn is_allowed(scope: Scope, method: BusMethod) -> bool {
    match scope {
        Scope::Cli | Scope::Ui => true,
        _ => !matches!(
            method,
            BusMethod::JobsList
                | BusMethod::PluginsList
                | BusMethod::PluginsSettings
                | BusMethod::PluginsReload
                | BusMethod::PluginsEnable
                | BusMethod::PluginsDisable
                | BusMethod::PluginsLogs
                | BusMethod::PluginsBisect
                | BusMethod::SignInRenew
                | BusMethod::SignInEnd
                | BusMethod::ActionsKept
                | BusMethod::ActionsPin
                | BusMethod::ActionsUnpin
                | BusMethod::ActionsRemote
                | BusMethod::ActionsLaunchRemote
                | BusMethod::EntitiesList
                | BusMethod::WindowsHold
                | BusMethod::WindowsShown
                | BusMethod::WindowsResized
                | BusMethod::Quit
                | BusMethod::Restart
        ),
    }
}

async fn dispatch(
    connection: &mut Connection,
    id: MessageId,
    method: BusMethod,
    params: Value,
) -> Taken {
    match method {
        BusMethod::Subscribe => subscribe(connection, read(params)?),
        BusMethod::Unsubscribe => Ok(unsubscribe(connection, read(params)?)),
        BusMethod::Publish => publish(connection, id, read(params)?).await,
        BusMethod::Reply => reply(connection, read(params)?),
        BusMethod::ActionsDiscover => {
            let discover = read(with_surface(params))?;
            ask_discover(connection, id, discover).await
        }
        BusMethod::ActionsLaunch => {
            let launch = read(with_surface(params))?;
            ask_launch(connection, id, launch).await
        }
        BusMethod::ActionsKept => person::kept(connection, id).await,
        BusMethod::ActionsPin => person::pin(connection, id, read(params)?, Pin::On),
        BusMethod::ActionsUnpin => person::pin(connection, id, read(params)?, Pin::Off),
        BusMethod::ApplicationBusy => Ok(person::busy(connection, read(params)?)),
        BusMethod::Restart => person::restart(connection),
        BusMethod::ActionsRemote => Ok(launcher::discover(connection, id, read(params)?)),
        BusMethod::ActionsLaunchRemote => Ok(launcher::launch(connection, id, read(params)?)),
        BusMethod::EntitiesList => Ok(launcher::entities(connection, id, read(params)?)),
        BusMethod::JobsList => {
            let JobsList { states, limit } = read(params)?;
            let limit = usize::try_from(limit.unwrap_or(LISTED)).unwrap_or(usize::MAX);
            ask(connection, id, Ask::List { states, limit }).await
        }
        BusMethod::JobsShow => {
            let JobRef { job } = read(params)?;
            job_ask(connection, id, job.clone(), Ask::Show(job)).await
        }
        BusMethod::JobsWait => {
            let JobWait { job, timeout_secs } = read(params)?;
            let wait_ms = milliseconds(timeout_secs)?;
            job_ask(connection, id, job.clone(), Ask::Wait { job, wait_ms }).await
        }
        BusMethod::JobsAnswer => answer(connection, id, read(params)?).await,
        BusMethod::JobsDraft => {
            let draft: JobDraft = read(params)?;
            job_ask(connection, id, draft.job.clone(), Ask::Draft(draft)).await
        }
        BusMethod::JobsChange => {
            let change: JobChange = read(params)?;
            job_ask(connection, id, change.job.clone(), Ask::Change(change)).await
        }
        BusMethod::JobsBack => {
            let back: JobBack = read(params)?;
            job_ask(connection, id, back.job.clone(), Ask::Back(back)).await
        }
        BusMethod::JobsCancel => {
            let JobRef { job } = read(params)?;
            job_ask(connection, id, job.clone(), Ask::Cancel(job)).await
        }
        BusMethod::JobsRetry => {
            let JobRef { job } = read(params)?;
            job_ask(connection, id, job.clone(), Ask::Retry(job)).await
        }
        BusMethod::PluginsList => plugins::list(connection, id).await,
        BusMethod::PluginsReload => plugins::reload(connection, id),
        BusMethod::PluginsEnable => plugins::set_enabled(connection, id, read(params)?, true),
        BusMethod::PluginsDisable => plugins::set_enabled(connection, id, read(params)?, false),
        BusMethod::PluginsLogs => plugins::logs(connection, id, read(params)?),
        BusMethod::PluginsBisect => plugins::bisect(connection, id, read(params)?),
        BusMethod::PluginsSettings => settings(connection, id, read(params)?).await,
        BusMethod::CommandsList => ask(connection, id, Ask::Commands).await,
        BusMethod::WindowsList => ask(connection, id, Ask::Windows).await,
        BusMethod::WindowsOpen => Ok(windows::open(connection, id, read(params)?)),
        BusMethod::WindowsHold => Ok(windows::hold(connection, id, read(params)?)),
        BusMethod::WindowsShown => Ok(windows::shown(connection)),
        BusMethod::WindowsResized => Ok(windows::resized(connection, read(params)?)),
        BusMethod::Status => status(connection, id).await,
        BusMethod::WhoAmI => {
            let who = connection.shared.options.about.whoami()?;
            Ok(Answer::Now(write(&who)))
        }
        BusMethod::SignInRenew => sign_in::renew(connection, id),
        BusMethod::SignInEnd => sign_in::end(connection, id, read(params)?),
        BusMethod::Quit => {
            connection.shared.options.stopping.send_replace(true);
            Ok(Answer::Now(json!({})))
        }
        other => Err(Failure::new(
            FailureKind::Unsupported,
            format!("`{}` is not asked of the host", other.name()),
        )),
    }
}

/// Tells how the host fares, with what plugins say.
async fn status(connection: &mut Connection, id: MessageId) -> Taken {
    let pending = connection
        .shared
        .options
        .engine
        .submit(Ask::StatusLines)
        .await;
    let shared = std::sync::Arc::clone(&connection.shared);
    connection.answer_later(id, async move {
        let mut status = shared.options.about.status();
        if let Reply::StatusLines(lines) = pending.reply().await {
            status.lines = lines;
        }
        Ok(write(&status))
    });
    Ok(Answer::Later)
}

/// Shows a plugin's settings, after setting values, which are given the types that its form asks for.
async fn settings(
    connection: &mut Connection,
    id: MessageId,
    mut given: PluginSettingsAsk,
) -> Taken {
    if !given.set.is_empty() {
        let show = Ask::Settings(PluginSettingsAsk {
            plugin: given.plugin.clone(),
            ..PluginSettingsAsk::default()
        });
        match connection.shared.options.engine.ask(show).await {
            Reply::Settings(shown) => given.set = values_for_view(&shown.view, given.set),
            other => return Err(unexpected(other)),
        }
    }
    ask(connection, id, Ask::Settings(given)).await
}

fn subscribe(connection: &Connection, subscribe: Subscribe) -> Taken {
    let Subscribe {
        subscription,
        subscriber,
    } = subscribe;
    let session = connection.client.session;
    let mut router = connection.shared.publishing.router();
    let subscription_id = router
        .subscribe(session, &subscription, subscriber)
        .map_err(|error| {
            Failure::invalid(format!("the subscription cannot be read: `{subscription}`"))
                .hint("write an expression such as `topic=ftrack.update`")
                .caused_by(&error)
        })?;
    Ok(Answer::Now(write(&Subscribed { subscription_id })))
}

fn unsubscribe(connection: &Connection, subscribed: Subscribed) -> Answer {
    let session = connection.client.session;
    // Ending what has ended already is no error.
    connection
        .shared
        .publishing
        .router()
        .unsubscribe(session, subscribed.subscription_id);
    Answer::Now(json!({}))
}

fn reply(connection: &Connection, params: EventParams) -> Taken {
    let event = event(connection, params.event)?;
    if event.in_reply_to_event.is_none() {
        return Err(Failure::invalid("the reply names no event")
            .hint("set `inReplyToEvent` to the event's id"));
    }
    connection.shared.reply(event)?;
    Ok(Answer::Now(json!({})))
}

async fn publish(connection: &mut Connection, id: MessageId, publish: Publish) -> Taken {
    let event = event(connection, publish.event)?;
    let wait = publish.wait_secs.map(milliseconds).transpose()?;
    let shared = std::sync::Arc::clone(&connection.shared);
    let expected = wait.map(|_| shared.expect_replies(&event.id));
    shared.route(&event)?;
    shared.hear(&event).await;
    if host_topics::is_answered(&event.topic) {
        let answering = host_topics::ask(&shared, &connection.client, &event).await;
        let (shared, event) = (std::sync::Arc::clone(&shared), event.clone());
        // One whose replies are waited for is counted below.
        let in_flight = wait.is_none().then(|| connection.count());
        // A launch goes on and is answered even when its client has gone.
        tokio::spawn(async move {
            let _in_flight = in_flight;
            if let Some(data) = answering.await {
                let reply = Event::reply_to(&event, data).with_id(uuid::Uuid::new_v4().to_string());
                if let Err(failure) = shared.reply(reply) {
                    tracing::debug!(%failure, "a reply on the bus could not be delivered");
                }
            }
        });
    }
    let (Some(wait_ms), Some(expected)) = (wait, expected) else {
        return Ok(Answer::Now(write(&Replies::default())));
    };
    let deadline = Instant::now() + Duration::from_millis(wait_ms);
    let at_most = usize::try_from(publish.max_replies.unwrap_or(1)).unwrap_or(usize::MAX);
    connection.answer_later(id, async move {
        let replies = expected.collect(deadline, at_most).await;
        let replies = replies.iter().map(write).collect();
        Ok(write(&Replies { replies }))
    });
    Ok(Answer::Later)
}

async fn ask_discover(
    connection: &mut Connection,
    id: MessageId,
    discover: ActionsDiscover,
) -> Taken {
    let given = discover.context;
    let context = context(
        &connection.shared,
        &connection.client,
        given.selection,
        given.dcc,
    );
    ask(connection, id, Ask::Discover { context }).await
}

async fn ask_launch(connection: &mut Connection, id: MessageId, launch: ActionsLaunch) -> Taken {
    let given = launch.context;
    let job = JobId::from(uuid::Uuid::new_v4().to_string());
    lock(&connection.client.jobs).insert(job.clone());
    let launch = AskLaunch {
        job,
        event_id: None,
        action: launch.action,
        context: context(
            &connection.shared,
            &connection.client,
            given.selection,
            given.dcc,
        ),
        values: launch.values,
        wait_ms: None,
        ..AskLaunch::default()
    };
    ask(connection, id, Ask::Launch(launch)).await
}

/// Answers a job, after its values were given the types that its question asks for.
async fn answer(connection: &mut Connection, id: MessageId, answer: JobAnswer) -> Taken {
    let JobAnswer {
        job,
        mut values,
        question,
    } = answer;
    connection.client.check_sees(&job)?;
    let show = Ask::Show(job.clone());
    let detail = match connection.shared.options.engine.ask(show).await {
        Reply::Job(detail) => detail,
        other => return Err(unexpected(other)),
    };
    if let (Some(view), JobState::Asks) = (&detail.view, detail.summary.state) {
        values = values_for_view(view, values);
    }
    let wait_ms = None;
    let ask_answer = Ask::Answer {
        job,
        values,
        question,
        wait_ms,
    };
    ask(connection, id, ask_answer).await
}

/// Asks something about a job, where the client may know of it.
async fn job_ask(connection: &mut Connection, id: MessageId, job: JobId, ask_job: Ask) -> Taken {
    connection.client.check_sees(&job)?;
    ask(connection, id, ask_job).await
}

async fn ask(connection: &mut Connection, id: MessageId, ask: Ask) -> Taken {
    let pending = connection.shared.options.engine.submit(ask).await;
    connection.answer_later(id, async move {
        match pending.reply().await {
            Reply::Menu(items) => Ok(write(&ActionItems { items })),
            Reply::Launched(job) => Ok(write(&Launched { job })),
            Reply::Job(detail) => Ok(write(&detail)),
            Reply::DraftKept(kept) => Ok(write(&kept)),
            Reply::Changed(changed) => Ok(write(&changed)),
            Reply::Jobs(items) => Ok(write(&Items { items })),
            Reply::Plugins(items) => Ok(write(&Items { items })),
            Reply::Commands(items) => Ok(write(&Items { items })),
            Reply::Windows(items) => Ok(write(&Items { items })),
            Reply::Settings(settings) => Ok(write(&settings)),
            Reply::StatusLines(items) => Ok(write(&Items { items })),
            Reply::Done => Ok(json!({})),
            Reply::Failed(failure) => Err(failure),
        }
    });
    Ok(Answer::Later)
}

/// Reads an event, and fills in what its publisher may not say or has left out.
fn event(connection: &Connection, value: Value) -> Result<Event, Failure> {
    let mut event: Event = serde_json::from_value(value).map_err(|error| {
        Failure::invalid("the event cannot be read")
            .hint("give it a `topic` and an object as `data`")
            .caused_by(&error)
    })?;
    if event.id.is_empty() {
        event.id = uuid::Uuid::new_v4().to_string();
    }
    let mut source = match event.source.take() {
        Value::Object(source) => source,
        _ => serde_json::Map::new(),
    };
    source
        .entry("id")
        .or_insert_with(|| source_id(connection.client.session).into());
    source.insert("user".into(), connection.shared.options.about.event_user());
    event.source = Value::Object(source);
    Ok(event)
}

pub(super) fn milliseconds(secs: f64) -> Result<u64, Failure> {
    if !(0.0..=LONGEST_WAIT_SECS).contains(&secs) {
        return Err(Failure::invalid(format!(
            "a wait must be between 0 and {LONGEST_WAIT_SECS} seconds: `{secs}`"
        )));
    }
    let wait = Duration::from_secs_f64(secs);
    Ok(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
}

/// Adds the surface to a context without one: it is the host's to fill in, but a context cannot be read without it.
fn with_surface(mut params: Value) -> Value {
    if let Some(Value::Object(context)) = params.get_mut("context") {
        context.entry("surface").or_insert_with(|| "unknown".into());
    }
    params
}

fn read<T: DeserializeOwned>(params: Value) -> Result<T, Failure> {
    serde_json::from_value(params).map_err(|error| {
        Failure::invalid("the request's `params` cannot be read").caused_by(&error)
    })
}

pub(super) fn write<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value)
        .expect("messages hold JSON values and strings, which always serialise")
}
