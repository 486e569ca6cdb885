//! What a hub has done, counted.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What a hub has done since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubMetrics {
    /// Events that the server sent, replies included.
    pub received: u64,
    /// Of those, events that some subscription wanted.
    pub matched: u64,
    /// Of those, events that were dropped because the program took too long to take them.
    pub dropped: u64,
    /// Replies that someone waited for.
    pub replies: u64,
    /// Events that were sent, subscriptions included.
    pub sent: u64,
    /// Connections after the first.
    pub reconnects: u64,
    /// The most messages that waited for the program at one time.
    pub most_waiting_messages: usize,
    /// The most events that waited to be sent at one time.
    pub most_waiting_publishes: usize,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) received: AtomicU64,
    pub(super) matched: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) replies: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) most_waiting_messages: AtomicUsize,
    pub(super) most_waiting_publishes: AtomicUsize,
}

impl Counters {
    pub(super) fn read(&self) -> HubMetrics {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        HubMetrics {
            received: count(&self.received),
            matched: count(&self.matched),
            dropped: count(&self.dropped),
            replies: count(&self.replies),
            sent: count(&self.sent),
            reconnects: count(&self.connections).saturating_sub(1),
            most_waiting_messages: self.most_waiting_messages.load(Ordering::Relaxed),
            most_waiting_publishes: self.most_waiting_publishes.load(Ordering::Relaxed),
        }
    }
}

pub(super) fn count(counter: &AtomicU64) {
    count_many(counter, 1);
}

pub(super) fn count_many(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Ordering::Relaxed);
}
