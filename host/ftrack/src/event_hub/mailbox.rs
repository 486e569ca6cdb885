//! Messages on their way to the program.
//!
//! What one look at the socket brought is posted at once: the program is woken for all of it, not for each event.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::HubMessage;
use super::metrics::{Counters, count_many};

/// News of the connection have so much room beyond the limit.
const ROOM_FOR_NOTICES: usize = 64;

/// The hub's end, which keeps what the program has not taken yet, so that its slowness never delays an answer to the
/// server.
#[derive(Debug)]
pub(super) struct Mailbox {
    shared: Arc<Shared>,
    /// What came since the last hand-over.
    collected: Vec<HubMessage>,
    limit: usize,
    counters: Arc<Counters>,
}

/// What the hub tells the program, in order.
///
/// When it is dropped, the hub goes on without it, as one that only publishes.
#[derive(Debug)]
pub struct HubMessages {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    letters: Mutex<Letters>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Letters {
    waiting: VecDeque<HubMessage>,
    /// How many events were dropped after the last that waits.
    dropped: u64,
    end: End,
}

/// Which end is gone.
#[derive(Debug, Default, PartialEq)]
enum End {
    #[default]
    None,
    Hub,
    Program,
}

/// Returns both ends of a mailbox that keeps `limit` events.
pub(super) fn mailbox(limit: usize, counters: Arc<Counters>) -> (Mailbox, HubMessages) {
    let shared = Arc::<Shared>::default();
    let mailbox = Mailbox {
        shared: Arc::clone(&shared),
        collected: Vec::new(),
        limit,
        counters,
    };
    (mailbox, HubMessages { shared })
}

impl Mailbox {
    /// Collects a message for the next hand-over.
    pub(super) fn collect(&mut self, message: HubMessage) {
        self.collected.push(message);
    }

    /// Hands over a message, after all that were collected.
    pub(super) fn post(&mut self, message: HubMessage) {
        self.collect(message);
        self.hand_over();
    }

    /// Hands over what was collected, and counts the events that have no room as dropped.
    pub(super) fn hand_over(&mut self) {
        if self.collected.is_empty() {
            return;
        }
        let mut letters = self.shared.letters();
        let mut dropped = 0;
        for message in self.collected.drain(..) {
            if letters.end == End::Program {
                // Nobody listens any more; the hub may still be wanted for publishing.
                continue;
            }
            let is_event = matches!(message, HubMessage::Event { .. });
            let room = if is_event { 0 } else { ROOM_FOR_NOTICES };
            if letters.waiting.len() < self.limit + room {
                letters.tell_dropped();
                letters.waiting.push_back(message);
            } else if is_event {
                letters.dropped += 1;
                dropped += 1;
            }
        }
        let most = &self.counters.most_waiting_messages;
        most.fetch_max(letters.waiting.len(), Ordering::Relaxed);
        count_many(&self.counters.dropped, dropped);
        drop(letters);
        self.shared.news.notify_one();
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.hand_over();
        self.shared.letters().end = End::Hub;
        self.shared.news.notify_one();
    }
}

impl HubMessages {
    /// Returns the next message, or `None` when the hub has ended. Nothing is lost when this is given up half way.
    pub async fn recv(&mut self) -> Option<HubMessage> {
        self.arrived().await?.waiting.pop_front()
    }

    /// Appends the next messages to `taken`, `at_most` of them, and returns how many; none when the hub has ended.
    ///
    /// It waits for the first alone. Where events come quickly it costs much less than taking them one by one.
    /// Nothing is lost when this is given up half way.
    pub async fn recv_many(&mut self, taken: &mut Vec<HubMessage>, at_most: usize) -> usize {
        let Some(mut letters) = self.arrived().await else {
            return 0;
        };
        let count = at_most.min(letters.waiting.len());
        taken.extend(letters.waiting.drain(..count));
        count
    }

    /// Returns the next message if there is one already.
    pub fn try_recv(&mut self) -> Option<HubMessage> {
        self.shared.letters().with_dropped().waiting.pop_front()
    }

    /// Waits until there is a message; returns `None` when there will be none.
    async fn arrived(&self) -> Option<MutexGuard<'_, Letters>> {
        loop {
            {
                let mut letters = self.shared.letters();
                if !letters.with_dropped().waiting.is_empty() {
                    return Some(letters);
                }
                if letters.end == End::Hub {
                    return None;
                }
            }
            self.shared.news.notified().await;
        }
    }
}

impl Drop for HubMessages {
    fn drop(&mut self) {
        let mut letters = self.shared.letters();
        letters.end = End::Program;
        letters.waiting = VecDeque::new();
    }
}

impl Shared {
    fn letters(&self) -> MutexGuard<'_, Letters> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Letters {
    /// Puts in how many events were dropped, when that is what comes next.
    fn with_dropped(&mut self) -> &mut Self {
        if self.waiting.is_empty() {
            self.tell_dropped();
        }
        self
    }

    fn tell_dropped(&mut self) {
        if self.dropped > 0 {
            let events = std::mem::take(&mut self.dropped);
            self.waiting.push_back(HubMessage::Dropped { events });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(number: usize) -> HubMessage {
        HubMessage::Event {
            event: serde_json::from_value(json!({"topic": number.to_string()})).unwrap(),
            subscribers: Vec::new(),
        }
    }

    fn collect(mailbox: &mut Mailbox, numbers: std::ops::Range<usize>) {
        numbers.for_each(|number| mailbox.collect(event(number)));
        mailbox.hand_over();
    }

    #[tokio::test]
    async fn what_does_not_fit_is_counted_and_said() {
        let (mut mailbox, mut messages) = mailbox(3, Arc::default());
        collect(&mut mailbox, 0..6);
        // News has room where events have none, and comes after the word of what is missing before it.
        mailbox.post(HubMessage::Connected);
        collect(&mut mailbox, 6..8);
        let mut taken = Vec::new();
        assert_eq!(messages.recv_many(&mut taken, 2).await, 2);
        collect(&mut mailbox, 8..9);
        drop(mailbox);
        while let Some(message) = messages.recv().await {
            taken.push(message);
        }
        let dropped = |events| HubMessage::Dropped { events };
        let expected = [
            event(0),
            event(1),
            event(2),
            dropped(3),
            HubMessage::Connected,
            dropped(3),
        ];
        assert_eq!(taken, expected);
    }

    #[tokio::test]
    async fn a_program_that_catches_up_hears_at_once_what_it_missed() {
        let (mut mailbox, mut messages) = mailbox(1, Arc::default());
        collect(&mut mailbox, 0..3);
        assert_eq!(messages.try_recv(), Some(event(0)));
        assert_eq!(
            messages.recv().await,
            Some(HubMessage::Dropped { events: 2 })
        );
        assert_eq!(messages.try_recv(), None);
        collect(&mut mailbox, 3..4);
        assert_eq!(messages.recv().await, Some(event(3)));
    }

    #[tokio::test]
    async fn a_program_that_waits_is_woken_for_all_that_came() {
        let (mut mailbox, mut messages) = mailbox(10, Arc::default());
        let mut taken = Vec::new();
        let post = async {
            tokio::task::yield_now().await;
            collect(&mut mailbox, 0..4);
        };
        let (count, ()) = tokio::join!(messages.recv_many(&mut taken, 10), post);
        assert_eq!(count, 4);
        assert_eq!(taken, [event(0), event(1), event(2), event(3)]);
        drop(mailbox);
        assert_eq!(messages.recv_many(&mut taken, 10).await, 0);
    }

    #[test]
    fn a_program_that_went_away_costs_no_memory() {
        let counters = Arc::<Counters>::default();
        let (mut mailbox, messages) = mailbox(100, Arc::clone(&counters));
        collect(&mut mailbox, 0..10);
        drop(messages);
        collect(&mut mailbox, 10..20);
        assert_eq!(mailbox.shared.letters().waiting.len(), 0);
        assert_eq!(counters.read().dropped, 0);
    }
}
