//! Messages on their way to the program.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;

use super::HubMessage;
use super::metrics::{Counters, count};

/// Keeps what the program has not taken yet, so that its slowness never delays an answer to the server.
#[derive(Debug)]
pub(super) struct Mailbox {
    sender: mpsc::Sender<HubMessage>,
    waiting: VecDeque<HubMessage>,
    limit: usize,
    dropped: u64,
    counters: Arc<Counters>,
}

impl Mailbox {
    pub(super) fn new(
        sender: mpsc::Sender<HubMessage>,
        limit: usize,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            sender,
            waiting: VecDeque::new(),
            limit,
            dropped: 0,
            counters,
        }
    }

    /// Posts an event, or counts it as dropped when there is no room.
    pub(super) fn event(&mut self, message: HubMessage) {
        if self.waiting.len() < self.limit {
            self.report_dropped();
            self.post(message);
        } else {
            self.dropped += 1;
            count(&self.counters.dropped);
        }
    }

    /// Posts news of the connection, for which there is always some room.
    pub(super) fn notice(&mut self, message: HubMessage) {
        if self.waiting.len() < self.limit + 64 {
            self.post(message);
        }
    }

    fn post(&mut self, message: HubMessage) {
        self.waiting.push_back(message);
        self.hand_over();
        let most = &self.counters.most_waiting_messages;
        most.fetch_max(self.waiting.len(), Ordering::Relaxed);
    }

    /// Hands over as much as the program has room for.
    fn hand_over(&mut self) {
        while let Some(message) = self.waiting.pop_front() {
            match self.sender.try_send(message) {
                // Nobody listens any more; the hub may still be wanted for publishing.
                Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {}
                Err(mpsc::error::TrySendError::Full(message)) => {
                    self.waiting.push_front(message);
                    return;
                }
            }
        }
    }

    fn report_dropped(&mut self) {
        if self.dropped > 0 {
            let events = std::mem::take(&mut self.dropped);
            self.post(HubMessage::Dropped { events });
        }
    }

    /// Returns whether something waits.
    pub(super) fn has_mail(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Hands over what waits as soon as the program has room. Nothing is lost when this is given up half way.
    pub(super) async fn deliver(&mut self) {
        match self.sender.reserve().await {
            Ok(room) => drop(room),
            Err(_) => self.waiting.clear(),
        }
        self.hand_over();
        if self.waiting.is_empty() {
            self.report_dropped();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(number: usize) -> HubMessage {
        HubMessage::Warning {
            sentence: number.to_string(),
        }
    }

    #[tokio::test]
    async fn what_does_not_fit_is_counted_and_said() {
        let (sender, mut receiver) = mpsc::channel(1);
        let mut mailbox = Mailbox::new(sender, 2, Arc::default());
        for number in 0..6 {
            mailbox.event(warning(number));
        }
        let mut taken = Vec::new();
        for _ in 0..4 {
            taken.extend(receiver.recv().await);
            if mailbox.has_mail() {
                mailbox.deliver().await;
            }
        }
        assert_eq!(
            taken,
            [
                warning(0),
                warning(1),
                warning(2),
                HubMessage::Dropped { events: 3 }
            ]
        );
    }

    #[tokio::test]
    async fn a_program_that_went_away_costs_no_memory() {
        let (sender, receiver) = mpsc::channel(1);
        let mut mailbox = Mailbox::new(sender, 100, Arc::default());
        (0..10).for_each(|number| mailbox.event(warning(number)));
        drop(receiver);
        mailbox.deliver().await;
        assert!(!mailbox.has_mail());
        mailbox.event(warning(1));
        assert!(!mailbox.has_mail());
    }
}
