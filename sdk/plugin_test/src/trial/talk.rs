//! One process on trial: its hello, and its turns in fair weather and foul.

use std::collections::{HashSet, VecDeque};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use callboard_protocol::{
    Control, Failure, FailureKind, HostHello, Launch, MAX_STATE_BYTES, Manifest, Message,
    MessageId, Outcome, PluginHello, SUPPORTED_VERSIONS, View,
};
use callboard_wire::{HelloError, ReceiveError, Sender, encode_hello, parse_hello};
use serde_json::{Map, Value, json};

use super::{Patience, Subject};
use crate::fake_host::FakeHost;

/// What ftrack answers to one expression.
pub type Entities = Vec<Map<String, Value>>;

/// How late a host answers that is late.
const LATE: Duration = Duration::from_millis(300);

/// What goes wrong during a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weather {
    /// Nothing.
    Fair,
    /// Every answer comes late.
    Late,
    /// Every request is answered with a failure.
    Down,
    /// The turn is cancelled as soon as it begins.
    CancelledAtOnce,
    /// The turn is cancelled when it asks for something.
    CancelledAtFirst,
    /// The host goes away when it is asked for something.
    GoneAtFirst,
}

/// How a turn ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// With an outcome.
    Outcome(Outcome),
    /// With a failure that a person is shown.
    Failed(Failure),
    /// It did not: the host went away.
    Abandoned,
    /// It did not: the plugin broke the protocol, or its process ended.
    Broke(Failure),
}

enum Received {
    Hello(Result<u32, HelloError>),
    Message(Result<Option<Message>, ReceiveError>),
}

/// The host's end of the pipes to one process.
pub(super) struct Talk {
    sender: Sender,
    received: Receiver<Received>,
    ended: Box<dyn FnMut(Duration) -> bool>,
    version: u32,
    patience: Patience,
    last_message: MessageId,
}

impl Talk {
    /// Exchanges hellos with a process.
    pub(super) fn begin(
        subject: Subject,
        manifest: &Manifest,
        mut patience: Patience,
    ) -> Result<Self, Failure> {
        let secs = |secs: Option<u32>| secs.map(|secs| Duration::from_secs(secs.into()));
        let (receiver, sender) = subject.connection.split();
        let hello = HostHello {
            versions: SUPPORTED_VERSIONS.to_vec(),
            plugin: manifest.id.to_string(),
            ..HostHello::default()
        };
        // A process that ended already is told apart by what can be read from it.
        sender.send_line(&encode_hello(&hello)).ok();
        let (forward, received) = mpsc::sync_channel(16);
        thread::Builder::new()
            .name("trial-reader".to_owned())
            .spawn(move || read(receiver, &forward))
            .map_err(|error| {
                Failure::new(FailureKind::Internal, "could not start a thread").caused_by(&error)
            })?;
        let limit = secs(manifest.limits.hello_secs).unwrap_or(patience.hello);
        let version = match received.recv_timeout(limit) {
            Ok(Received::Hello(Ok(version))) => version,
            Ok(Received::Hello(Err(error))) => {
                return Err(error.failure(&format!("the plugin `{}`", manifest.id)));
            }
            _ => {
                let message = format!("it did not say hello within {}", in_words(limit));
                return Err(Failure::new(FailureKind::TimedOut, message)
                    .hint("say hello first, and prepare at the first launch"));
            }
        };
        if let Some(turn) = secs(manifest.limits.turn_secs) {
            patience.turn = patience.turn.min(turn);
        }
        Ok(Self {
            sender,
            received,
            ended: subject.ended,
            version,
            patience,
            last_message: 0,
        })
    }

    /// Returns the version that both speak, in words.
    pub(super) fn versions(&self) -> String {
        self.version.to_string()
    }

    /// Asks and tells what the plugin cannot know: it must refuse the one and pass over the other.
    pub(super) fn unknown_words(&mut self) -> Result<(), Failure> {
        let method = "trial.no_such_method".to_owned();
        let params = json!({});
        self.send(&Message::Notification {
            method: method.clone(),
            params: params.clone(),
        });
        self.last_message += 1;
        let asked = self.last_message;
        self.send(&Message::Request {
            id: asked,
            method,
            params,
        });
        let hint = "answer what it does not know with a failure of the kind `unsupported`";
        let Ok(Received::Message(answer)) = self.received.recv_timeout(self.patience.turn) else {
            let message = "it does not answer a method that it does not know";
            return Err(Failure::new(FailureKind::TimedOut, message).hint(hint));
        };
        match answer {
            Ok(Some(Message::Answer { id, result: Err(_) })) if id == Some(asked) => Ok(()),
            Ok(None) => Err(Failure::new(
                FailureKind::Plugin,
                "its process ended at a method that it does not know",
            )
            .hint(hint)),
            _ => Err(Failure::new(
                FailureKind::Plugin,
                "it answers a method that it does not know with something else than a failure",
            )
            .hint(hint)),
        }
    }

    /// Runs a turn to its end.
    pub(super) fn turn(&mut self, launch: &Launch, weather: Weather, host: &mut FakeHost) -> Ended {
        self.last_message += 1;
        let turn = self.last_message;
        self.send(&Message::Request {
            id: turn,
            method: "launch".to_owned(),
            params: serde_json::to_value(launch).unwrap_or_default(),
        });
        let mut running = Running {
            give_up: Instant::now() + self.patience.turn,
            limit: self.patience.turn,
            is_cancelled: false,
            late: VecDeque::new(),
        };
        if weather == Weather::CancelledAtOnce {
            self.cancel(&mut running);
        }
        loop {
            let now = Instant::now();
            while running.late.front().is_some_and(|(due, _)| *due <= now) {
                if let Some((_, message)) = running.late.pop_front() {
                    self.send(&message);
                }
            }
            let next = running
                .late
                .front()
                .map_or(running.give_up, |(due, _)| *due);
            let received = match self
                .received
                .recv_timeout(next.saturating_duration_since(now))
            {
                Ok(Received::Message(received)) => received,
                Err(RecvTimeoutError::Timeout) if Instant::now() < running.give_up => continue,
                Err(RecvTimeoutError::Timeout) => return running.too_long(),
                _ => return broke("its process ended in the middle of a turn"),
            };
            match received {
                Ok(Some(Message::Answer { id, result })) if id == Some(turn) => {
                    return ended(result);
                }
                Ok(Some(Message::Answer { .. })) => {
                    return broke("it answered what was not asked");
                }
                Ok(Some(Message::Request { id, method, params })) => {
                    if weather == Weather::GoneAtFirst {
                        return Ended::Abandoned;
                    }
                    let answer = host.answer(&method, params);
                    self.answer(id, answer, weather, &mut running);
                }
                Ok(Some(Message::Notification { method, params })) => {
                    if let Err(failure) = host.take(&method, params)
                        && failure.kind != FailureKind::Denied
                    {
                        return Ended::Broke(failure.because(format!("it told `{method}`")));
                    }
                }
                Ok(None) => return broke("its process ended in the middle of a turn"),
                Err(error) => {
                    let failure = Failure::new(FailureKind::Plugin, "it broke the protocol");
                    return Ended::Broke(failure.caused_by(&error));
                }
            }
        }
    }

    fn answer(
        &self,
        id: MessageId,
        answer: Result<Value, Failure>,
        weather: Weather,
        running: &mut Running,
    ) {
        let result = if weather == Weather::Down {
            Err(Failure::new(FailureKind::Unavailable, "the server is away").hint("try again"))
        } else {
            answer
        };
        let message = Message::Answer {
            id: Some(id),
            result,
        };
        if weather == Weather::CancelledAtFirst {
            self.cancel(running);
        }
        if weather == Weather::Late {
            running.late.push_back((Instant::now() + LATE, message));
        } else {
            self.send(&message);
        }
    }

    fn cancel(&self, running: &mut Running) {
        if running.is_cancelled {
            return;
        }
        running.is_cancelled = true;
        running.limit = self.patience.cancel;
        running.give_up = Instant::now() + running.limit;
        self.send(&Message::Notification {
            method: "cancel".to_owned(),
            params: json!({}),
        });
    }

    /// Goes away as a host does, and tells whether the process ended within `limit`.
    pub(super) fn hang_up(self, limit: Duration) -> bool {
        let Self {
            sender, mut ended, ..
        } = self;
        drop(sender);
        ended(limit)
    }

    fn send(&self, message: &Message) {
        // Where the other side is closed, what is read next tells.
        self.sender.send(message).ok();
    }
}

/// A turn while it runs.
struct Running {
    give_up: Instant,
    limit: Duration,
    is_cancelled: bool,
    late: VecDeque<(Instant, Message)>,
}

impl Running {
    fn too_long(&self) -> Ended {
        let limit = in_words(self.limit);
        let (message, hint) = if self.is_cancelled {
            (
                format!("it still ran {limit} after it was cancelled"),
                "look now and then whether the turn was cancelled",
            )
        } else {
            (
                format!("the turn took longer than {limit}"),
                "do long work in steps, or tell progress and look whether the turn was cancelled",
            )
        };
        Ended::Broke(Failure::new(FailureKind::TimedOut, message).hint(hint))
    }
}

impl Ended {
    /// Says what is wrong with how a turn ended, beyond its being a refusal.
    pub(super) fn check(&self, weather: Weather) -> Result<(), Failure> {
        match self {
            Self::Failed(failure) => match failure.kind {
                FailureKind::Plugin | FailureKind::Internal => Err(failure.clone()),
                FailureKind::Unsupported if weather == Weather::Fair => Err(failure.clone()),
                _ => Ok(()),
            },
            Self::Outcome(Outcome::Unknown) => Err(Failure::invalid(
                "its outcome is none that this Callboard knows",
            )),
            Self::Outcome(Outcome::Asks { view, state }) => {
                let bytes = state.to_string().len();
                if bytes > MAX_STATE_BYTES {
                    let message =
                        format!("its state has {bytes} bytes, more than {MAX_STATE_BYTES}");
                    return Err(Failure::new(FailureKind::Limit, message).hint("keep less in it"));
                }
                check_view(view)
            }
            _ => Ok(()),
        }
    }

    /// Says in a few words how the turn ended.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Outcome(Outcome::Done { message, .. }) => format!("done: {message}"),
            Self::Outcome(Outcome::Partly { message, .. }) => format!("partly: {message}"),
            Self::Outcome(Outcome::Asks { view, .. }) => format!("asks `{}`", view.title),
            Self::Outcome(Outcome::Waits) => "waits for its steps".to_owned(),
            Self::Outcome(_) => "cancelled".to_owned(),
            Self::Failed(failure) if failure.hint.is_none() => {
                format!("fails, without a hint: {failure}")
            }
            Self::Failed(failure) => format!("fails: {failure}"),
            Self::Abandoned | Self::Broke(_) => String::new(),
        }
    }
}

fn ended(result: Result<Value, Failure>) -> Ended {
    match result.map(serde_json::from_value::<Outcome>) {
        Ok(Ok(outcome)) => Ended::Outcome(outcome),
        Ok(Err(error)) => {
            let failure = Failure::invalid("it ended a turn with something that is no outcome");
            Ended::Broke(failure.caused_by(&error))
        }
        Err(failure) => Ended::Failed(failure),
    }
}

/// Returns a length of time as a person reads it: `5 s`, `300 ms`.
pub(super) fn in_words(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{} s", time.as_secs())
    }
}

fn broke(message: &str) -> Ended {
    Ended::Broke(Failure::new(FailureKind::Plugin, message).hint("look at what it printed"))
}

/// Looks for what no surface could draw or send back.
fn check_view(view: &View) -> Result<(), Failure> {
    let mut names = HashSet::new();
    for item in &view.items {
        let has_value = !matches!(item.control, Control::Label | Control::Unknown);
        if has_value && item.name.is_empty() {
            let message = format!("a field of its form has no name: `{}`", item.label);
            return Err(Failure::invalid(message).hint("name it, so that its value comes back"));
        }
        if !item.name.is_empty() && !names.insert(item.name.as_str()) {
            let message = format!("two fields of its form have one name: `{}`", item.name);
            return Err(Failure::invalid(message).hint("give each a name of its own"));
        }
        if item.control == Control::Password && !item.value.is_null() && item.value != "" {
            let message = format!("its form shows a password: `{}`", item.name);
            return Err(Failure::invalid(message).hint("leave a password field empty"));
        }
    }
    Ok(())
}

fn read(mut receiver: callboard_wire::Receiver, forward: &SyncSender<Received>) {
    let hello = match receiver.receive_line() {
        Ok(Some(line)) => parse_hello::<PluginHello>(&line).map(|(_, version)| version),
        Ok(None) => Err(HelloError::Silent),
        Err(source) => Err(HelloError::Receive { source }),
    };
    let speaks = hello.is_ok();
    if forward.send(Received::Hello(hello)).is_err() || !speaks {
        return;
    }
    loop {
        let message = receiver.receive();
        let ended = matches!(message, Ok(None) | Err(_));
        if forward.send(Received::Message(message)).is_err() || ended {
            return;
        }
    }
}
