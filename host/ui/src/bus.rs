//! The window's way to the host: a client of the bus on threads of its own.
//!
//! The window asks and looks later whether there is an answer; it never waits. When the host goes away, what was asked
//! fails, and the window is connected anew once the host is there again.

#[cfg(test)]
pub(crate) mod fake;
mod link;
mod query;

use std::collections::{HashMap, HashSet, VecDeque};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use callboard_protocol::{
    BusMethod, Failure, FailureKind, Message, WindowHeld, WindowNews, WindowRef,
};
use callboard_wire::{Connection, Sender};
use serde::Serialize;
use serde_json::Value;

pub use query::Query;

/// How many requests may wait to be sent.
const QUEUE: usize = 64;

/// How many pieces of news may wait for the window to look; it is then told that everything may have changed.
const NEWS: usize = 1024;

/// Makes a connection to the socket of the host.
pub type Dial = Box<dyn Fn() -> Result<UnixStream, Failure> + Send>;

/// The window's way to the host. Its clones are the same way.
#[derive(Clone)]
pub struct Bus {
    shared: Arc<Shared>,
    queue: SyncSender<Outgoing>,
}

/// What a window is told without having asked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum News {
    /// Something that it may show has changed.
    Changed(WindowNews),
    /// It is to come to the front.
    Raise,
    /// It is to end.
    Close,
}

/// A request that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Ticket(u64);

/// What the threads and the window share.
struct Shared {
    state: Mutex<State>,
    /// Something that was asked has been answered.
    answered: Condvar,
    /// The way to the host, while there is one.
    sender: Mutex<Option<Sender>>,
    /// What is drawn anew when something has come.
    context: OnceLock<egui::Context>,
}

#[derive(Default)]
struct State {
    last_id: u64,
    waiting: HashSet<u64>,
    answers: HashMap<u64, Result<Value, Failure>>,
    news: VecDeque<News>,
    /// Why there is no host, while there is none.
    down: Option<Failure>,
}

struct Outgoing {
    id: u64,
    message: Message,
}

impl Bus {
    /// Connects to the host and takes the place of `window`.
    ///
    /// # Errors
    ///
    /// When there is no host, or it refuses.
    pub fn open(
        dial: Dial,
        window: WindowRef,
        token: Option<String>,
    ) -> Result<(Self, WindowHeld), Failure> {
        let (connection, held) = link::connect(&dial, &window, token)?;
        let (bus, outgoing) = Self::new();
        if held.held {
            let shared = Arc::clone(&bus.shared);
            bus.write(outgoing)?;
            let (receiver, sender) = connection.split();
            shared.up(sender);
            let follow = move || link::follow(&shared, receiver, &dial, &window);
            named("bus", follow)?;
        }
        Ok((bus, held))
    }

    /// Makes a way over a connection whose hellos are said; there is no other when it ends.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn over(connection: Connection) -> Result<Self, Failure> {
        let (bus, outgoing) = Self::new();
        let shared = Arc::clone(&bus.shared);
        bus.write(outgoing)?;
        let (mut receiver, sender) = connection.split();
        shared.up(sender);
        named("bus", move || shared.read(&mut receiver))?;
        Ok(bus)
    }

    fn new() -> (Self, Receiver<Outgoing>) {
        let (queue, outgoing) = sync_channel(QUEUE);
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            answered: Condvar::new(),
            sender: Mutex::default(),
            context: OnceLock::new(),
        });
        (Self { shared, queue }, outgoing)
    }

    /// Starts the thread that writes.
    fn write(&self, outgoing: Receiver<Outgoing>) -> Result<(), Failure> {
        let shared = Arc::clone(&self.shared);
        named("bus-writer", move || {
            while let Ok(Outgoing { id, message }) = outgoing.recv() {
                shared.send(id, &message);
            }
        })
    }

    /// Says what is to be drawn anew when something has come.
    pub fn repaints(&self, context: egui::Context) {
        // A second one would be the same: a window has one.
        drop(self.shared.context.set(context));
    }

    /// Asks something and does not look for the answer.
    pub fn tell(&self, method: BusMethod, params: &impl Serialize) {
        let ticket = self.ask(method, params);
        self.forget(ticket);
    }

    /// Waits until everything that was asked is answered, for at most so long. Only for a window that closes.
    pub fn settle(&self, longest: Duration) {
        let deadline = Instant::now() + longest;
        let mut state = self.shared.state();
        while !state.waiting.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.shared.answered.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Returns the news since the last time.
    pub fn news(&self) -> Vec<News> {
        self.shared.state().news.drain(..).collect()
    }

    /// Returns why there is no host, while there is none.
    pub fn down(&self) -> Option<Failure> {
        self.shared.state().down.clone()
    }

    fn ask(&self, method: BusMethod, params: &impl Serialize) -> Ticket {
        let id = {
            let mut state = self.shared.state();
            state.last_id += 1;
            let id = state.last_id;
            state.waiting.insert(id);
            id
        };
        let params = match serde_json::to_value(params) {
            Ok(params) => params,
            Err(error) => {
                let failure = Failure::invalid("the request could not be written");
                self.shared.answer(id, Err(failure.caused_by(&error)));
                return Ticket(id);
            }
        };
        let message = Message::Request {
            id,
            method: method.name().to_owned(),
            params,
        };
        if self.queue.try_send(Outgoing { id, message }).is_err() {
            let failure = Failure::new(FailureKind::Limit, "callboard is slow to answer")
                .hint("try again in a moment");
            self.shared.answer(id, Err(failure));
        }
        Ticket(id)
    }

    /// Returns the answer where it has come.
    fn take(&self, ticket: Ticket) -> Option<Result<Value, Failure>> {
        self.shared.state().answers.remove(&ticket.0)
    }

    /// The answer is not wanted any more.
    fn forget(&self, ticket: Ticket) {
        let mut state = self.shared.state();
        state.waiting.remove(&ticket.0);
        state.answers.remove(&ticket.0);
    }

    /// Has the window drawn again after a while, in which nothing else may come.
    pub(crate) fn wake_after(&self, wait: Duration) {
        if let Some(context) = self.shared.context.get() {
            context.request_repaint_after(wait);
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sender(&self) -> MutexGuard<'_, Option<Sender>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn repaint(&self) {
        if let Some(context) = self.context.get() {
            context.request_repaint();
        }
    }

    fn send(&self, id: u64, message: &Message) {
        let sender = self.sender().clone();
        let sent = match sender {
            None => Err(self.state().down.clone().unwrap_or_else(link::broken)),
            Some(sender) => sender
                .send(message)
                .map_err(|error| link::broken().caused_by(&error)),
        };
        if let Err(failure) = sent {
            self.answer(id, Err(failure));
        }
    }

    /// There is a host from now on.
    fn up(&self, sender: Sender) {
        *self.sender() = Some(sender);
        self.state().down = None;
    }

    /// There is no host from now on: what was asked is not answered.
    fn down(&self, why: &Failure) {
        *self.sender() = None;
        let mut state = self.state();
        let waiting: Vec<u64> = state.waiting.drain().collect();
        for id in waiting {
            state.answers.insert(id, Err(why.clone()));
        }
        state.down = Some(why.clone());
        drop(state);
        self.answered.notify_all();
        self.repaint();
    }

    fn answer(&self, id: u64, result: Result<Value, Failure>) {
        let mut state = self.state();
        if state.waiting.remove(&id) {
            state.answers.insert(id, result);
            drop(state);
            self.answered.notify_all();
            self.repaint();
        }
    }

    fn tell(&self, news: News) {
        let mut state = self.state();
        if state.news.len() >= NEWS {
            state.news.retain(|news| !matches!(news, News::Changed(_)));
            state.news.push_back(News::Changed(WindowNews::Everything));
        }
        state.news.push_back(news);
        drop(state);
        self.repaint();
    }

    /// Takes what the host says until the connection ends.
    fn read(&self, receiver: &mut callboard_wire::Receiver) {
        loop {
            match receiver.receive() {
                Ok(Some(message)) => self.take(message),
                // What is no message is passed over.
                Err(callboard_wire::ReceiveError::Decode(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        self.down(&link::broken());
    }

    fn take(&self, message: Message) {
        match message {
            Message::Answer {
                id: Some(id),
                result,
            } => self.answer(id, result),
            Message::Notification { method, params } => {
                let news = match BusMethod::from_name(&method) {
                    Some(BusMethod::WindowsNews) => {
                        serde_json::from_value(params).ok().map(News::Changed)
                    }
                    Some(BusMethod::WindowsRaise) => Some(News::Raise),
                    Some(BusMethod::WindowsClose) => Some(News::Close),
                    _ => None,
                };
                if let Some(news) = news {
                    self.tell(news);
                }
            }
            // An error without id is the host's last word, and the end follows.
            Message::Answer { id: None, .. } | Message::Request { .. } => {}
        }
    }
}

fn named(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map(drop)
        .map_err(|error| {
            Failure::new(FailureKind::Internal, "the window could not start a thread")
                .caused_by(&error)
        })
}
