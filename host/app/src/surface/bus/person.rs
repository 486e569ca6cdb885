//! Requests about the person: what they have at hand, and whether they may be disturbed.

use std::collections::BTreeMap;

use callboard_protocol::{
    ActionRef, ApplicationBusy, Failure, FailureKind, KeptActions, MessageId,
};
use engine::{Ask, Reply};
use serde_json::json;
use tokio::sync::watch;

use super::connection::Connection;
use super::host_topics::unexpected;
use super::requests::{Answer, Taken, write};
use crate::pins::{Pin, recent_actions};

/// How many jobs are asked for to learn which actions were launched last.
const KNOWN_JOBS: usize = 200;

/// The longest reason that an application may give, in characters.
const MAX_REASON: usize = 80;

/// What the applications that are busy are doing, by the number of their connection.
pub(crate) type Busy = watch::Sender<BTreeMap<u64, String>>;

/// Answers with what the person has pinned and launched last.
pub(super) async fn kept(connection: &mut Connection, id: MessageId) -> Taken {
    let ask = Ask::List {
        states: Vec::new(),
        limit: KNOWN_JOBS,
    };
    let options = &connection.shared.options;
    let pinned = options.about.pins.watch();
    let user = options.about.user();
    let pending = options.engine.submit(ask).await;
    connection.answer_later(id, async move {
        match pending.reply().await {
            Reply::Jobs(jobs) => Ok(write(&KeptActions {
                pinned: pinned.borrow().clone(),
                recent: recent_actions(&jobs, &user),
            })),
            other => Err(unexpected(other)),
        }
    });
    Ok(Answer::Later)
}

/// Pins an action, or lets it go.
pub(super) fn pin(
    connection: &mut Connection,
    id: MessageId,
    ActionRef { action }: ActionRef,
    pin: Pin,
) -> Taken {
    if pin == Pin::On && !action.as_str().contains('.') {
        return Err(Failure::invalid(format!("that is no action: `{action}`"))
            .hint("give its id, as `callboard actions` lists it"));
    }
    let pins = connection.shared.options.about.pins.clone();
    connection.answer_later(id, async move {
        pins.set(action, pin).await?;
        Ok(json!({}))
    });
    Ok(Answer::Later)
}

/// Remembers whether an application is busy, until its connection ends.
pub(super) fn busy(connection: &Connection, busy: ApplicationBusy) -> Answer {
    let session = connection.client.session;
    let reason: String = busy.reason.chars().take(MAX_REASON).collect();
    connection.shared.busy.send_if_modified(|all| {
        if busy.busy {
            all.insert(session, reason.clone()) != Some(reason)
        } else {
            all.remove(&session).is_some()
        }
    });
    Answer::Now(json!({}))
}

/// Has the host end and start again.
pub(super) fn restart(connection: &Connection) -> Taken {
    let options = &connection.shared.options;
    let Some(restart) = &options.restart else {
        let message = "the demo is not started again: its server would be another one";
        return Err(Failure::new(FailureKind::Unsupported, message)
            .hint("stop it and start it with `callboard demo`"));
    };
    restart.send_replace(true);
    options.stopping.send_replace(true);
    Ok(Answer::Now(json!({})))
}
