//! The loop that a plugin's process runs.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::process::exit;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread;

use callboard_protocol::{
    Failure, FailureKind, HostHello, Message, MessageId, PluginHello, PluginMethod,
    SUPPORTED_VERSIONS,
};
use callboard_wire::{Connection, DecodeError, HelloError, ReceiveError, Receiver, SendError};
use serde_json::Value;

use crate::link::WireLink;
use crate::plugin::{Plugin, Turns, Typed};
use crate::{Host, stdio};

/// Why a plugin stopped serving before its input ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// There can be no talk with the host.
    #[error("could not agree with the host")]
    Hello(#[from] HelloError),
    /// The thread that reads could not be started.
    #[error("could not start the thread that reads")]
    Thread(#[source] io::Error),
    /// An answer could not be written.
    #[error("could not answer the host")]
    Answer(#[source] SendError),
}

/// Runs a plugin as a program: `fn main() { serve(Hello) }`.
///
/// Takes stdin and stdout for the protocol first, so that whatever the plugin prints goes to stderr, which is its log.
/// Ends the process when the host closes its side: with code 0, or with 1 when something went wrong.
/// Run by hand on a terminal, says what it is and ends with code 2.
pub fn serve(plugin: impl Plugin) -> ! {
    let code = if io::stdin().is_terminal() {
        say(
            &"this is a plugin of Callboard, which starts it when it is needed\n\
             put its folder where Callboard finds plugins, then run `callboard plugins list`",
        );
        2
    } else {
        match serve_stdio(plugin) {
            Ok(()) => 0,
            Err(error) => {
                say(&error);
                1
            }
        }
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the plugin is dropped, and the author's `main` returns nothing"
    )]
    exit(code)
}

fn serve_stdio(plugin: impl Plugin) -> Result<(), String> {
    let connection =
        stdio::take().map_err(|error| format!("could not take stdin and stdout: {error}"))?;
    serve_connection(connection, &mut Typed(plugin)).map_err(|error| error_in_words(&error))
}

fn error_in_words(error: &ServeError) -> String {
    match error {
        ServeError::Hello(HelloError::NoCommonVersion { theirs, ours, .. }) => format!(
            "the host speaks protocol {theirs}, this plugin speaks {ours}\n\
             build it with the SDK of that host"
        ),
        ServeError::Hello(error) => {
            let failure = error.failure("the host");
            let hint = failure.hint.map(|hint| format!("\n{hint}"));
            format!("{}{}", failure.message, hint.unwrap_or_default())
        }
        ServeError::Thread(source) => format!("{error}: {source}"),
        ServeError::Answer(source) => format!("{error}: {source}"),
    }
}

fn say(what: &dyn fmt::Display) {
    // Where stderr is closed, there is nobody to tell.
    writeln!(io::stderr(), "{what}").ok();
}

struct Turn {
    id: MessageId,
    asked: Asked,
    params: Value,
}

/// What a turn is.
enum Asked {
    Launch,
    Change,
}

/// Serves one connection until the host closes it.
///
/// One thread reads, so that a cancel is seen while a turn runs; turns run on the calling thread.
///
/// # Errors
///
/// Says what ended it before the host did.
pub fn serve_connection(
    mut connection: Connection,
    plugin: &mut dyn Turns,
) -> Result<(), ServeError> {
    let ours = PluginHello {
        versions: SUPPORTED_VERSIONS.to_vec(),
        features: Vec::new(),
    };
    connection.hello::<HostHello>(&ours)?;
    let (receiver, sender) = connection.split();
    let link = Arc::new(WireLink::new(sender));
    let host = Host::new(link.clone());
    // One turn runs at a time, and a further one is refused: the channel never holds two.
    let (turns, next_turn) = mpsc::sync_channel(1);
    let reader_link = Arc::clone(&link);
    thread::Builder::new()
        .name("callboard-reader".to_owned())
        .spawn(move || read(receiver, &reader_link, &turns))
        .map_err(ServeError::Thread)?;
    for Turn { id, asked, params } in next_turn {
        let result = match asked {
            Asked::Launch => plugin.turn(params, &host),
            Asked::Change => plugin.change(params, &host),
        };
        link.end_turn();
        answer(&link, id, result)?;
    }
    Ok(())
}

fn answer(
    link: &WireLink,
    id: MessageId,
    result: Result<Value, Failure>,
) -> Result<(), ServeError> {
    let id = Some(id);
    match link.sender().send(&Message::Answer { id, result }) {
        Err(SendError::TooLong(error)) => {
            let failure = Failure::new(FailureKind::Limit, "the outcome is too large")
                .hint("return less at once")
                .caused_by(&error);
            let result = Err(failure);
            link.sender()
                .send(&Message::Answer { id, result })
                .map_err(ServeError::Answer)
        }
        sent => sent.map_err(ServeError::Answer),
    }
}

fn read(mut receiver: Receiver, link: &WireLink, turns: &SyncSender<Turn>) {
    loop {
        match receiver.receive() {
            Ok(Some(message)) => take(message, link, turns),
            Ok(None) => break,
            Err(ReceiveError::Decode(error))
                if !matches!(error, DecodeError::HalfMessage { .. }) =>
            {
                let failure = Failure::invalid("could not read a message").caused_by(&error);
                refuse(link, None, failure);
            }
            Err(error) => {
                say(&format_args!("the connection to the host broke: {error}"));
                break;
            }
        }
    }
    link.take_end();
}

fn take(message: Message, link: &WireLink, turns: &SyncSender<Turn>) {
    match message {
        Message::Request { id, method, params } => {
            let asked = match PluginMethod::from_name(&method) {
                Some(PluginMethod::Launch) => Asked::Launch,
                Some(PluginMethod::Change) => Asked::Change,
                _ => {
                    let message = format!("the plugin has no method `{method}`");
                    let failure = Failure::new(FailureKind::Unsupported, message);
                    return refuse(link, Some(id), failure);
                }
            };
            if link.begin_turn() {
                // Fails only when the serving thread is gone, and the process with it.
                turns.try_send(Turn { id, asked, params }).ok();
            } else {
                let failure = Failure::new(FailureKind::Limit, "another turn is still running")
                    .hint("start a further process");
                refuse(link, Some(id), failure);
            }
        }
        Message::Notification { method, .. } => {
            // A notification that this version does not know asks for nothing.
            if PluginMethod::from_name(&method) == Some(PluginMethod::Cancel) {
                link.take_cancel();
            }
        }
        Message::Answer {
            id: Some(id),
            result,
        } => link.take_answer(id, result),
        Message::Answer { id: None, result } => {
            if let Err(failure) = result {
                say(&format_args!(
                    "the host could not read a message: {failure}"
                ));
            }
        }
    }
}

fn refuse(link: &WireLink, id: Option<MessageId>, failure: Failure) {
    let result = Err(failure);
    // A broken connection is noticed by the thread that answers turns.
    link.sender().send(&Message::Answer { id, result }).ok();
}
