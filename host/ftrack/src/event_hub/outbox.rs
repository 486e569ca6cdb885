//! What is to be sent, and what was sent and not yet acknowledged.

use std::collections::{BTreeMap, VecDeque};

use callboard_event::Event;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::PublishError;
use super::packet::{Outcome, encode_event};

/// A place among the events that wait to be sent.
pub(super) type Room = OwnedSemaphorePermit;

/// Where to tell what became of an event.
pub(super) type Confirm = oneshot::Sender<Result<(), PublishError>>;

/// A server that acknowledges nothing must not fill the memory.
const MAX_UNACKNOWLEDGED: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Waiting>,
    sent: BTreeMap<u64, Sent>,
    last_number: u64,
}

#[derive(Debug)]
struct Waiting {
    event: Box<Event>,
    confirm: Option<Confirm>,
    /// Given back when the event is sent.
    _room: Room,
}

#[derive(Debug)]
struct Sent {
    event_id: String,
    what: String,
    confirm: Option<Confirm>,
}

impl Outbox {
    /// Adds an event to be sent.
    pub(super) fn push(&mut self, event: Box<Event>, room: Room, confirm: Option<Confirm>) {
        self.waiting.push_back(Waiting {
            event,
            confirm,
            _room: room,
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Returns how many events wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Forgets events at the head of the queue that nobody wants sent any more, because who asked went away.
    pub(super) fn skip_abandoned(&mut self, is_abandoned: impl Fn(&str) -> bool) {
        while self.waiting.front().is_some_and(|first| {
            let is_closed = first.confirm.as_ref().is_some_and(Confirm::is_closed);
            is_closed || is_abandoned(&first.event.id)
        }) {
            self.waiting.pop_front();
        }
    }

    /// Returns the packet of the next event. From now on it counts as sent.
    pub(super) fn next_packet(&mut self) -> Option<String> {
        let Waiting { event, confirm, .. } = self.waiting.pop_front()?;
        let (_, packet) = self.sent(&event, format!("the event `{}`", event.topic), confirm);
        Some(packet)
    }

    /// Returns the packet of an event that the hub itself sends, and the number of its acknowledgement.
    pub(super) fn control_packet(&mut self, event: &Event, what: String) -> (u64, String) {
        self.sent(event, what, None)
    }

    fn sent(&mut self, event: &Event, what: String, confirm: Option<Confirm>) -> (u64, String) {
        self.last_number += 1;
        if self.sent.len() == MAX_UNACKNOWLEDGED
            && let Some((_, oldest)) = self.sent.pop_first()
        {
            oldest.finish(Err(PublishError::Unconfirmed));
        }
        self.sent.insert(
            self.last_number,
            Sent {
                event_id: event.id.clone(),
                what,
                confirm,
            },
        );
        (self.last_number, encode_event(self.last_number, event))
    }

    /// Takes note of an acknowledgement. Returns a sentence if the server did not accept something and nobody waits
    /// to hear it.
    pub(super) fn acknowledge(&mut self, number: u64, outcome: Outcome) -> Option<String> {
        let sent = self.sent.remove(&number)?;
        match outcome {
            Outcome::Success => {
                sent.finish(Ok(()));
                None
            }
            Outcome::Failure(message) if sent.confirm.is_some() => {
                sent.finish(Err(PublishError::Rejected { message }));
                None
            }
            Outcome::Failure(message) => {
                Some(format!("ftrack did not accept {}: {message}", sent.what))
            }
        }
    }

    /// Gives up on an event whose time is over.
    pub(super) fn expire(&mut self, event_id: &str) {
        if let Some(index) = self
            .waiting
            .iter()
            .position(|waiting| waiting.event.id == event_id)
            && let Some(waiting) = self.waiting.remove(index)
        {
            tell(waiting.confirm, Err(PublishError::NotSent));
        }
        // What waits for a confirmation is recent, and so near the end.
        let number = self
            .sent
            .iter()
            .rev()
            .find(|(_, sent)| sent.event_id == event_id)
            .map(|(number, _)| *number);
        if let Some(sent) = number.and_then(|number| self.sent.remove(&number)) {
            sent.finish(Err(PublishError::Unconfirmed));
        }
    }

    /// Gives up on the acknowledgements that a broken connection will not bring any more.
    pub(super) fn connection_lost(&mut self) {
        for sent in std::mem::take(&mut self.sent).into_values() {
            sent.finish(Err(PublishError::Unconfirmed));
        }
    }
}

impl Sent {
    fn finish(self, result: Result<(), PublishError>) {
        tell(self.confirm, result);
    }
}

fn tell(confirm: Option<Confirm>, result: Result<(), PublishError>) {
    // Whoever asked may have stopped waiting, which is their right.
    confirm.map(|confirm| confirm.send(result).ok());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;
    use tokio::sync::Semaphore;

    struct Fixture {
        outbox: Outbox,
        room: Arc<Semaphore>,
    }

    impl Fixture {
        fn new() -> Self {
            Self {
                outbox: Outbox::default(),
                room: Arc::new(Semaphore::new(2)),
            }
        }

        fn push(&mut self, id: &str) -> oneshot::Receiver<Result<(), PublishError>> {
            let room = Arc::clone(&self.room).try_acquire_owned().unwrap();
            let (confirm, confirmed) = oneshot::channel();
            self.outbox.push(
                Box::new(Event::new("a", json!({})).with_id(id)),
                room,
                Some(confirm),
            );
            confirmed
        }
    }

    #[test]
    fn a_sent_event_makes_room_and_is_confirmed_by_its_number() {
        let mut fixture = Fixture::new();
        let mut first = fixture.push("1");
        let mut second = fixture.push("2");
        assert_eq!(fixture.room.available_permits(), 0);
        assert!(fixture.outbox.next_packet().unwrap().starts_with("5:1+::"));
        assert!(fixture.outbox.next_packet().unwrap().starts_with("5:2+::"));
        assert_eq!(fixture.room.available_permits(), 2);
        let failure = Outcome::Failure("no".to_owned());
        assert_eq!(fixture.outbox.acknowledge(2, failure), None);
        assert_eq!(fixture.outbox.acknowledge(1, Outcome::Success), None);
        assert_eq!(fixture.outbox.acknowledge(1, Outcome::Success), None);
        assert_eq!(first.try_recv().unwrap(), Ok(()));
        assert_eq!(
            second.try_recv().unwrap(),
            Err(PublishError::Rejected {
                message: "no".to_owned()
            })
        );
    }

    #[test]
    fn it_is_told_whether_an_event_was_sent_when_its_time_is_over() {
        let mut fixture = Fixture::new();
        let mut sent = fixture.push("sent");
        let mut waiting = fixture.push("waiting");
        fixture.outbox.next_packet().unwrap();
        fixture.outbox.expire("sent");
        fixture.outbox.expire("waiting");
        assert_eq!(sent.try_recv().unwrap(), Err(PublishError::Unconfirmed));
        assert_eq!(waiting.try_recv().unwrap(), Err(PublishError::NotSent));
        assert!(fixture.outbox.is_empty());
        assert_eq!(fixture.room.available_permits(), 2);
    }

    #[test]
    fn what_was_given_up_before_it_left_is_never_sent() {
        let mut fixture = Fixture::new();
        drop(fixture.push("given up"));
        let mut wanted = fixture.push("wanted");
        fixture.outbox.skip_abandoned(|_| false);
        assert!(fixture.outbox.next_packet().unwrap().contains("wanted"));
        assert!(wanted.try_recv().is_err());
        assert!(fixture.outbox.is_empty());
        assert_eq!(fixture.room.available_permits(), 2);
    }

    #[test]
    fn a_broken_connection_leaves_the_sent_unconfirmed_and_the_rest_waiting() {
        let mut fixture = Fixture::new();
        let mut sent = fixture.push("sent");
        let mut waiting = fixture.push("waiting");
        fixture.outbox.next_packet().unwrap();
        fixture.outbox.connection_lost();
        assert_eq!(sent.try_recv().unwrap(), Err(PublishError::Unconfirmed));
        assert!(waiting.try_recv().is_err());
        assert!(fixture.outbox.next_packet().is_some());
    }

    #[test]
    fn a_refused_subscription_becomes_a_sentence() {
        let mut outbox = Outbox::default();
        let event = Event::new("ftrack.meta.subscribe", json!({}));
        let (number, _) = outbox.control_packet(&event, "the subscription `topic=*`".to_owned());
        assert_eq!(
            outbox
                .acknowledge(number, Outcome::Failure("no such".to_owned()))
                .unwrap(),
            "ftrack did not accept the subscription `topic=*`: no such"
        );
    }
}
