//! A host for tests: answers what it was told to, and remembers what it was asked.

use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use callboard_protocol::{BusMethod, Failure, Message, WindowNews};
use callboard_wire::{Connection, Sender};
use serde_json::{Value, json};

use super::Bus;

/// How long anything may take on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

type Answers = Arc<Mutex<Vec<(String, Result<Value, Failure>)>>>;

pub(crate) struct FakeHost {
    sender: Sender,
    answers: Answers,
    asked: Receiver<(String, Value)>,
}

impl FakeHost {
    /// Makes a host and the window's way to it.
    pub(crate) fn new() -> (Self, Bus) {
        let (here, there) = Connection::memory();
        let (mut receiver, sender) = here.split();
        let answers = Answers::default();
        let (note, asked) = sync_channel(1024);
        let (answering, writer) = (Arc::clone(&answers), sender.clone());
        std::thread::Builder::new()
            .name("fake host".into())
            .spawn(move || {
                while let Ok(Some(Message::Request { id, method, params })) = receiver.receive() {
                    note.send((method.clone(), params)).ok();
                    let answers = answering.lock().unwrap();
                    let known = answers.iter().rev().find(|(name, _)| *name == method);
                    let result = known.map_or_else(|| Ok(json!({})), |(_, result)| result.clone());
                    drop(answers);
                    let answer = Message::Answer {
                        id: Some(id),
                        result,
                    };
                    if writer.send(&answer).is_err() {
                        return;
                    }
                }
            })
            .unwrap();
        let host = Self {
            sender,
            answers,
            asked,
        };
        (host, Bus::over(there).unwrap())
    }

    /// Says what a method answers from now on.
    pub(crate) fn answer(&self, method: BusMethod, result: Result<Value, Failure>) {
        let mut answers = self.answers.lock().unwrap();
        answers.push((method.name().to_owned(), result));
    }

    /// Waits until a method is asked, and returns with what.
    pub(crate) fn asked(&self, method: BusMethod) -> Value {
        let deadline = Instant::now() + SOON;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let (name, params) = self
                .asked
                .recv_timeout(left)
                .unwrap_or_else(|_| panic!("`{}` is not asked", method.name()));
            if name == method.name() {
                return params;
            }
        }
    }

    /// Returns with what a method was asked, if it was.
    pub(crate) fn was_asked(&self, method: BusMethod) -> Option<Value> {
        let mut asked = self.asked.try_iter();
        asked.find_map(|(name, params)| (name == method.name()).then_some(params))
    }

    /// Tells the window what has changed.
    pub(crate) fn tell(&self, news: &WindowNews) {
        let params = serde_json::to_value(news).unwrap();
        let message = Message::Notification {
            method: BusMethod::WindowsNews.name().to_owned(),
            params,
        };
        self.sender.send(&message).unwrap();
    }
}
