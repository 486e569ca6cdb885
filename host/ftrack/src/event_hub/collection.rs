//! Replies that someone waits for.

use callboard_event::Event;
use tokio::sync::oneshot;

/// The replies to one event, until there are enough of them or their time is over.
pub(super) struct Collection {
    pub(super) replies: Vec<Event>,
    pub(super) at_most: usize,
    pub(super) answer: oneshot::Sender<Vec<Event>>,
}

impl Collection {
    pub(super) fn finish(self) {
        // Whoever asked may have stopped waiting, which is their right.
        self.answer.send(self.replies).ok();
    }
}
