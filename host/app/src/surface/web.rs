//! ftrack's web page as a surface: its Actions menu asks and launches over the event hub.
//!
//! Only events of the person who is signed in are answered. A job that takes longer than the page waits is answered
//! with "started", and its end is pushed to that person's pages.

use std::sync::Arc;

use callboard_event::{Event, Expression, ParseError, RawEvent, quote};
use callboard_protocol::{Context, Failure, FailureKind, JobDetail, JobId, Surface};
use engine::{Ask, AskLaunch, Identity, Reply};
use ftrack::{EventHub, SubscribeError};
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, broadcast};

use crate::engine_thread::{Announcement, EngineHandle};
use crate::surface::dialect::{
    DISCOVER_TOPIC, Dialect, DiscoverRequest, INTERFACE_TOPIC, LAUNCH_TOPIC, LaunchRequest,
    failure_reply, launch_reply, menu_reply, message_event_data,
};
use crate::surface::submit::submit;

/// How long the page is kept waiting before it is told that a job has started, in milliseconds.
const PAGE_WAIT_MS: u64 = 5_000;

/// How many events may be under way at once. One person with many pages open stays far below.
const UNDER_WAY: usize = 256;

/// The web page's surface, for one person on one server.
pub(crate) struct WebSurface {
    engine: EngineHandle,
    hub: EventHub,
    /// The host's id, which menu entries carry and launches come back with.
    host: String,
    identity: Identity,
    room: Arc<Semaphore>,
}

/// Why the surface could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebError {
    /// The user's name cannot be written into a subscription.
    #[error("could not subscribe to the events of the user `{user}`")]
    UserName {
        /// The name.
        user: String,
        /// What is wrong with it.
        #[source]
        source: Option<ParseError>,
    },
    /// The hub was closed meanwhile.
    #[error("could not subscribe to the events of the web page")]
    Closed(#[from] SubscribeError),
}

impl WebSurface {
    /// Subscribes to what the web pages of `identity` ask.
    ///
    /// # Errors
    ///
    /// When the subscription cannot be written, or the hub was closed.
    pub(crate) async fn start(
        engine: EngineHandle,
        hub: EventHub,
        host: String,
        identity: Identity,
    ) -> Result<Arc<Self>, WebError> {
        for topic in [DISCOVER_TOPIC, LAUNCH_TOPIC] {
            let expression = subscription(topic, &identity.user)?;
            hub.subscribe(expression, Map::new()).await?;
        }
        Ok(Arc::new(Self {
            engine,
            hub,
            host,
            identity,
            room: Arc::new(Semaphore::new(UNDER_WAY)),
        }))
    }

    /// Takes an event that the hub delivered; one for somebody else is left alone. Never waits.
    pub(crate) fn take(self: &Arc<Self>, event: RawEvent) {
        let is_discover = event.topic == DISCOVER_TOPIC;
        let is_ours = is_discover || event.topic == LAUNCH_TOPIC;
        if !is_ours || event.username() != Some(self.identity.user.as_str()) {
            return;
        }
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            tracing::warn!(
                topic = event.topic,
                "an event was not answered: too many are under way"
            );
            return;
        };
        let surface = Arc::clone(self);
        tokio::spawn(async move {
            let event = match event.into_event() {
                Ok(event) => event,
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, "an event was not answered");
                    return;
                }
            };
            let reply = if is_discover {
                surface.discover(&event).await
            } else {
                surface.launch(&event).await
            };
            if let Some(data) = reply
                && let Err(error) = surface.hub.reply(&event, data)
            {
                tracing::warn!(%error, "a reply to the web page was not sent");
            }
            drop(room);
        });
    }

    /// Pushes the ends of jobs to the page, until the engine or the hub ends.
    pub(crate) async fn follow(self: Arc<Self>) {
        let mut announcements = self.engine.announcements();
        loop {
            match announcements.recv().await {
                Ok(Announcement::JobRested(job)) if job.summary.surface == Surface::Web => {
                    self.push(&job);
                }
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    tracing::warn!(
                        missed,
                        "some ends of jobs may not have been shown on the web page"
                    );
                }
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    async fn discover(&self, event: &Event) -> Option<Value> {
        let request = match DiscoverRequest::from_data(&event.data) {
            Ok(request) => request,
            // An event that nobody can read is not ours to complain about: others may know what it means.
            Err(failure) => {
                tracing::debug!(%failure, "a discovery could not be read");
                return None;
            }
        };
        let context = self.context(request.selection);
        match self.engine.ask(Ask::Discover { context }).await {
            Reply::Menu(items) if !items.is_empty() => Some(menu_reply(&items)),
            Reply::Failed(failure) => {
                tracing::warn!(%failure, "a discovery failed");
                None
            }
            _ => None,
        }
    }

    async fn launch(&self, event: &Event) -> Option<Value> {
        let request = match LaunchRequest::from_data(&event.data) {
            Ok(request) => request,
            Err(failure) => {
                let is_ours = event.data.get("callboardHost").and_then(Value::as_str)
                    == Some(self.host.as_str());
                return is_ours.then(|| failure_reply(&failure, Dialect::Web));
            }
        };
        let offered_here = match &request.host {
            Some(host) if *host != self.host => return None,
            host => host.is_some(),
        };
        let reply = match request.form.clone() {
            Some(form) => match submit(&self.engine, form, PAGE_WAIT_MS).await {
                Reply::Failed(failure) if failure.kind == FailureKind::NotFound && offered_here => {
                    Reply::Failed(job_is_gone())
                }
                reply => reply,
            },
            None => self.start_job(event, request).await,
        };
        match reply {
            Reply::Job(job) => Some(launch_reply(&job, Dialect::Web)),
            // Launches that name no host reach every listener of the person: somebody else's action or form is theirs.
            Reply::Failed(failure) if failure.kind == FailureKind::NotFound && !offered_here => {
                None
            }
            Reply::Failed(failure) => Some(failure_reply(&failure, Dialect::Web)),
            _ => None,
        }
    }

    async fn start_job(&self, event: &Event, request: LaunchRequest) -> Reply {
        let launch = AskLaunch {
            job: JobId::from(uuid::Uuid::new_v4().to_string()),
            event_id: (!event.id.is_empty()).then(|| event.id.clone()),
            action: request.action,
            context: self.context(request.selection),
            values: request.values,
            wait_ms: Some(PAGE_WAIT_MS),
            ..AskLaunch::default()
        };
        self.engine.ask(Ask::Launch(launch)).await
    }

    fn push(&self, job: &JobDetail) {
        let Some(user) = quote(&self.identity.user_id) else {
            return;
        };
        let event = Event::new(INTERFACE_TOPIC, message_event_data(job, &self.host)).with_target(
            format!("applicationId=ftrack.client.web and user.id={user}"),
        );
        if let Err(error) = self.hub.publish(event) {
            tracing::warn!(%error, job = %job.summary.id, "the end of a job was not shown on the web page");
        }
    }

    fn context(&self, selection: Vec<callboard_protocol::Entity>) -> Context {
        Context {
            surface: Surface::Web,
            user: self.identity.user.clone(),
            selection,
            dcc: None,
        }
    }
}

fn job_is_gone() -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "the form belongs to a job that is not kept any more",
    )
    .hint("choose the action again")
}

fn subscription(topic: &str, user: &str) -> Result<Expression, WebError> {
    let bad_name = |source| WebError::UserName {
        user: user.to_owned(),
        source,
    };
    let quoted = quote(user).ok_or_else(|| bad_name(None))?;
    Expression::parse(&format!("topic={topic} and source.user.username={quoted}"))
        .map_err(|error| bad_name(Some(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_subscription_wants_the_events_of_its_user_alone() {
        let check = |user: &str, publisher: &str, expected: bool| {
            let mut event = Event::new(LAUNCH_TOPIC, json!({}));
            event.source = json!({"user": {"username": publisher}});
            let expression = subscription(LAUNCH_TOPIC, user).unwrap();
            assert_eq!(expression.matches(&event), expected, "{user} {publisher}");
        };
        check("ada", "ada", true);
        check("ada", "grace", false);
        check("ada", "adabel", false);
        check("ada lovelace", "ada lovelace", true);
        check("ada@studio.tv", "ada@studio.tv", true);
    }
}
