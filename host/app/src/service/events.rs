//! Events that plugins publish. The engine has checked them, and said who publishes them.

use std::time::Duration;

use callboard_event::Event;
use callboard_protocol::{EventPlace, EventsPublish, Failure, FailureKind, Replies};
use engine::CallResult;
use ftrack::{EventHub, PublishError};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::serve::Services;

/// The longest that replies are waited for, in seconds.
const LONGEST_WAIT_SECS: f64 = 60.0;

/// How long the server may take to confirm an event whose replies are not waited for.
const CONFIRM: Duration = Duration::from_secs(15);

/// Publishes an event, and returns the replies that were waited for.
///
/// # Errors
///
/// When it could not be published.
pub(super) async fn publish(services: &Services, ask: EventsPublish) -> Result<Replies, Failure> {
    let mut event: Event = serde_json::from_value(ask.event)
        .map_err(|error| Failure::invalid("the event cannot be read").caused_by(&error))?;
    let wait = ask.wait_secs.map(duration).transpose()?;
    let at_most = usize::try_from(ask.max_replies.unwrap_or(1)).unwrap_or(usize::MAX);
    let replies = match ask.on {
        EventPlace::Bus => {
            if event.id.is_empty() {
                event.id = uuid::Uuid::new_v4().to_string();
            }
            services
                .outside
                .applications
                .publish(event, wait, at_most)
                .await?
        }
        _ => on_hub(services, event, wait, at_most).await?,
    };
    let replies: Vec<Value> = replies.iter().map(|reply| json!(reply)).collect();
    Ok(Replies { replies })
}

/// Publishes an event of a step, and says what came of it.
pub(crate) async fn publish_step(
    hub: &watch::Receiver<Option<EventHub>>,
    event: Value,
) -> CallResult {
    let refused = |failure| CallResult::Refused {
        failure,
        duplicate: false,
    };
    let event: Event = match serde_json::from_value(event) {
        Ok(event) => event,
        Err(error) => {
            return refused(Failure::invalid("the event cannot be read").caused_by(&error));
        }
    };
    let published = match connected(hub) {
        Ok(hub) => hub.publish_confirmed(event, CONFIRM).await,
        Err(failure) => {
            return CallResult::NotSent {
                failure,
                retry_after_ms: None,
            };
        }
    };
    let Err(error) = published else {
        return CallResult::Done;
    };
    let failure = failure(&error);
    match error {
        error if error.outcome_unknown() => CallResult::Unknown { failure },
        PublishError::Rejected { .. } => refused(failure),
        _ => CallResult::NotSent {
            failure,
            retry_after_ms: None,
        },
    }
}

fn connected(hub: &watch::Receiver<Option<EventHub>>) -> Result<EventHub, Failure> {
    hub.borrow().clone().ok_or_else(|| {
        Failure::new(
            FailureKind::Unavailable,
            "there is no connection to ftrack's event hub",
        )
        .hint("try again when `callboard status` says that it is connected")
    })
}

async fn on_hub(
    services: &Services,
    event: Event,
    wait: Option<Duration>,
    at_most: usize,
) -> Result<Vec<Event>, Failure> {
    let hub = connected(&services.outside.hub)?;
    let published = match wait {
        None => hub
            .publish_confirmed(event, CONFIRM)
            .await
            .map(|_| Vec::new()),
        Some(wait) if at_most <= 1 => {
            let reply = hub.request(event, wait).await;
            reply.map(|reply| reply.into_iter().collect())
        }
        Some(wait) => hub.publish_and_collect(event, wait).await,
    };
    let mut replies = published.map_err(|error| failure(&error))?;
    replies.truncate(at_most);
    Ok(replies)
}

fn failure(error: &PublishError) -> Failure {
    let failure = if error.outcome_unknown() {
        Failure::new(
            FailureKind::Interrupted,
            "nobody knows whether the event was published",
        )
        .hint("publish it again where twice does no harm")
    } else {
        Failure::new(FailureKind::Unavailable, "the event was not published").hint("try again")
    };
    failure.caused_by(error)
}

fn duration(secs: f64) -> Result<Duration, Failure> {
    if (0.0..=LONGEST_WAIT_SECS).contains(&secs) {
        return Ok(Duration::from_secs_f64(secs));
    }
    Err(Failure::invalid(format!(
        "a wait must be between 0 and {LONGEST_WAIT_SECS} seconds: `{secs}`"
    )))
}
