//! Requests to applications: what is your selection?

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callboard_event::Event;
use callboard_protocol::{
    BusMethod, Describe, Description, Failure, FailureKind, Message, MessageId,
};
use serde::Deserialize as _;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::{Shared, lock};

/// How long an application may take for one page. While it is busy it answers with what it has.
const DEADLINE: Duration = Duration::from_secs(30);

/// A way to the applications on the bus.
#[derive(Clone)]
pub(crate) struct Applications {
    shared: Arc<Shared>,
}

impl Applications {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Publishes an event for a plugin, and returns the replies that come within `wait`.
    ///
    /// # Errors
    ///
    /// When the event's target cannot be read.
    pub(crate) async fn publish(
        &self,
        event: Event,
        wait: Option<Duration>,
        at_most: usize,
    ) -> Result<Vec<Event>, Failure> {
        let expected = wait.map(|wait| (wait, self.shared.expect_replies(&event.id)));
        self.shared.route(&event)?;
        self.shared.hear(&event).await;
        match expected {
            None => Ok(Vec::new()),
            Some((wait, expected)) => Ok(expected.collect(Instant::now() + wait, at_most).await),
        }
    }

    /// Asks an application for a page of its selection.
    ///
    /// # Errors
    ///
    /// When it is gone, does not answer in time, or answers with a failure or nonsense.
    pub(crate) async fn describe(
        &self,
        session: u64,
        describe: &Describe,
    ) -> Result<Description, Failure> {
        let gone = || {
            Failure::new(
                FailureKind::Unavailable,
                "the application where the action was chosen is gone",
            )
            .hint("choose the action again in the application")
        };
        let client = self.shared.client(session).ok_or_else(gone)?;
        let params = serde_json::to_value(describe)
            .expect("a page is named by numbers and strings, which always serialise");
        let (id, answer) = client.applications.ask();
        client.outgoing.message(&Message::Request {
            id,
            method: BusMethod::Describe.name().into(),
            params,
        });
        let result = match timeout(DEADLINE, answer).await {
            Ok(answered) => answered.map_err(|_| gone())?,
            Err(_) => {
                client.applications.forget(id);
                let message = "the application did not describe its selection in time";
                return Err(Failure::new(FailureKind::TimedOut, message)
                    .hint("choose the action again when the application is less busy"));
            }
        };
        Description::deserialize(result?).map_err(|error| {
            Failure::new(
                FailureKind::Unsupported,
                "the application described its selection in a way that cannot be read",
            )
            .hint("update the application's hooks")
            .caused_by(&error)
        })
    }
}

/// The questions that one client is asked.
#[derive(Default)]
pub(super) struct Questions {
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    last: MessageId,
    answers: HashMap<MessageId, oneshot::Sender<Result<Value, Failure>>>,
    is_over: bool,
}

impl Questions {
    fn ask(&self) -> (MessageId, oneshot::Receiver<Result<Value, Failure>>) {
        let (sender, receiver) = oneshot::channel();
        let mut open = lock(&self.open);
        open.last += 1;
        let id = open.last;
        if !open.is_over {
            open.answers.insert(id, sender);
        }
        (id, receiver)
    }

    fn forget(&self, id: MessageId) {
        lock(&self.open).answers.remove(&id);
    }

    /// Takes an answer; one that nobody waits for any more is dropped.
    pub(super) fn answered(&self, id: Option<MessageId>, result: Result<Value, Failure>) {
        let waiting = id.and_then(|id| lock(&self.open).answers.remove(&id));
        if let Some(waiting) = waiting {
            // Whoever asked may have gone between the two lines.
            drop(waiting.send(result));
        }
    }

    /// Ends every question: the client is gone.
    pub(super) fn give_up(&self) {
        let mut open = lock(&self.open);
        open.is_over = true;
        open.answers.clear();
    }
}
