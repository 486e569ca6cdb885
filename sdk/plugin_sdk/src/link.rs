//! What ties a [`Host`](crate::Host) to the real one.

use std::collections::HashMap;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use callboard_protocol::{Failure, FailureKind, HostMethod, Message, MessageId};
use callboard_wire::{SendError, Sender};
use serde_json::Value;

/// A way to the host: over the wire, or through the C ABI to whoever has the wire.
pub(crate) trait Link: Send + Sync {
    /// Asks the host something and waits for the answer, at most for `deadline`.
    fn request(&self, method: &str, params: Value, deadline: Duration) -> Result<Value, Failure>;
    /// Tells the host something.
    fn notify(&self, method: &str, params: Value);
    /// Tells whether the running turn was cancelled.
    fn is_cancelled(&self) -> bool;
    /// Waits for a cancel, at most for `duration`, and tells whether it came.
    fn wait_for_cancel(&self, duration: Duration) -> bool;
}

type Answer = Result<Value, Failure>;

/// The way over the wire.
///
/// One thread reads the wire and calls the `take_…` methods; any thread may ask.
pub(crate) struct WireLink {
    sender: Sender,
    state: Mutex<State>,
    cancelled: Condvar,
}

#[derive(Default)]
struct State {
    asked: MessageId,
    pending: HashMap<MessageId, Pending>,
    busy: bool,
    cancelled: bool,
    ended: bool,
}

struct Pending {
    answer: SyncSender<Answer>,
    ends_at_cancel: bool,
}

impl WireLink {
    pub(crate) fn new(sender: Sender) -> Self {
        Self {
            sender,
            state: Mutex::default(),
            cancelled: Condvar::new(),
        }
    }

    pub(crate) fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Takes a turn in hand, unless one is running.
    pub(crate) fn begin_turn(&self) -> bool {
        let mut state = self.state();
        if state.busy {
            return false;
        }
        state.busy = true;
        state.cancelled = false;
        true
    }

    pub(crate) fn end_turn(&self) {
        self.state().busy = false;
    }

    pub(crate) fn take_answer(&self, id: MessageId, answer: Answer) {
        // An answer to a request that gave up waiting is late, not wrong.
        if let Some(pending) = self.state().pending.remove(&id) {
            pending.answer.try_send(answer).ok();
        }
    }

    pub(crate) fn take_cancel(&self) {
        let mut state = self.state();
        state.cancelled = true;
        state.pending.retain(|_, pending| {
            if pending.ends_at_cancel {
                pending.answer.try_send(Err(cancelled())).ok();
            }
            !pending.ends_at_cancel
        });
        drop(state);
        self.cancelled.notify_all();
    }

    pub(crate) fn take_end(&self) {
        let mut state = self.state();
        state.ended = true;
        // Dropping what they wait on wakes all who wait.
        state.pending.clear();
        drop(state);
        self.cancelled.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here is left half changed by a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn expect_answer(&self, method: &str) -> Result<(MessageId, mpsc::Receiver<Answer>), Failure> {
        let ends_at_cancel = ends_at_cancel(method);
        let mut state = self.state();
        if state.ended {
            return Err(host_is_gone());
        }
        if state.cancelled && ends_at_cancel {
            return Err(cancelled());
        }
        let (answer, receiver) = mpsc::sync_channel(1);
        state.asked += 1;
        let id = state.asked;
        let pending = Pending {
            answer,
            ends_at_cancel,
        };
        state.pending.insert(id, pending);
        Ok((id, receiver))
    }
}

impl Link for WireLink {
    fn request(&self, method: &str, params: Value, deadline: Duration) -> Result<Value, Failure> {
        let (id, answer) = self.expect_answer(method)?;
        let sent = self.sender.send(&Message::Request {
            id,
            method: method.to_owned(),
            params,
        });
        if let Err(error) = sent {
            self.state().pending.remove(&id);
            return Err(failure_from_send(&error));
        }
        match answer.recv_timeout(deadline) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Disconnected) => Err(host_is_gone()),
            Err(RecvTimeoutError::Timeout) => {
                self.state().pending.remove(&id);
                let secs = deadline.as_secs();
                let message = format!("the host did not answer `{method}` within {secs} s");
                Err(Failure::new(FailureKind::TimedOut, message).hint("try again"))
            }
        }
    }

    fn notify(&self, method: &str, params: Value) {
        let message = Message::Notification {
            method: method.to_owned(),
            params,
        };
        // Whom there is nobody to tell needs no telling; the end of input tells the plugin that the host is gone.
        self.sender.send(&message).ok();
    }

    fn is_cancelled(&self) -> bool {
        self.state().cancelled
    }

    fn wait_for_cancel(&self, duration: Duration) -> bool {
        let (state, _) = self
            .cancelled
            .wait_timeout_while(self.state(), duration, |state| {
                !state.cancelled && !state.ended
            })
            .unwrap_or_else(PoisonError::into_inner);
        state.cancelled
    }
}

/// Tells whether a cancel may end the request at once. Not those that change something: whether they did must be known.
fn ends_at_cancel(method: &str) -> bool {
    matches!(
        HostMethod::from_name(method),
        Some(
            HostMethod::EventsNext
                | HostMethod::Query
                | HostMethod::QueryPage
                | HostMethod::FtrackDownload
                | HostMethod::Describe
                | HostMethod::SecretGet
                | HostMethod::StoreGet
                | HostMethod::StoreKeys
                | HostMethod::StoreEntries
        )
    )
}

fn cancelled() -> Failure {
    Failure::new(FailureKind::Cancelled, "the job was cancelled")
}

fn host_is_gone() -> Failure {
    Failure::new(FailureKind::Unavailable, "the host is gone").hint("start Callboard and try again")
}

fn failure_from_send(error: &SendError) -> Failure {
    match error {
        SendError::TooLong(_) => Failure::new(FailureKind::Limit, "the request is too large")
            .hint("ask for less at once")
            .caused_by(error),
        _ => host_is_gone().caused_by(error),
    }
}
