//! What a process says: hello first, then messages within bounds.

use std::time::Instant;

use callboard_protocol::{MAX_MESSAGE_BYTES, Message, PluginHello, PluginId};
use callboard_wire::{DecodeError, Decoder, HelloError, parse_hello};
use connect::Outward;
use engine::{Event, HOST_APPLICATION, ProcessEnd, ProcessId};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::rate::{Bucket, Rate};
use super::recent::Recent;
use crate::engine_thread::EngineHandle;

/// How much is read at once.
const PIECE_BYTES: usize = 16 * 1024;

/// Why nothing more is read.
#[derive(Debug, PartialEq)]
pub(super) enum ReadEnd {
    /// The process closed its output between messages.
    Closed,
    /// The process closed its output within a message, or it could not be read.
    Cut(String),
    /// The process broke the rules.
    Broken(ProcessEnd),
}

/// Reads a process's output to its end, and tells the engine what it says.
pub(super) struct Reader<'a> {
    pub(super) engine: &'a EngineHandle,
    pub(super) process: ProcessId,
    pub(super) plugin: &'a PluginId,
    pub(super) rate: Rate,
    pub(super) recent: &'a Recent,
    /// Has a Connect child's answers to the host name the server.
    pub(super) outward: Option<&'a Outward>,
}

impl Reader<'_> {
    pub(super) async fn run(self, mut output: impl AsyncRead + Unpin) -> ReadEnd {
        let mut decoder = Decoder::default();
        let mut bucket = Bucket::new(self.rate, Instant::now());
        let mut piece = vec![0; PIECE_BYTES];
        let mut line_bytes = 0;
        let mut said_hello = false;
        loop {
            let read = match output.read(&mut piece).await {
                Ok(0) => break,
                Ok(read) => &piece[..read],
                Err(error) => {
                    return ReadEnd::Cut(format!("its output could not be read: {error}"));
                }
            };
            // A line is refused while it grows: one that never ends would keep this side busy for ever.
            line_bytes = match read.iter().rposition(|byte| *byte == b'\n') {
                Some(end) => read.len() - end - 1,
                None => line_bytes + read.len(),
            };
            if line_bytes > MAX_MESSAGE_BYTES {
                return unruly(format!(
                    "it sent a message longer than the {MAX_MESSAGE_BYTES} bytes allowed"
                ));
            }
            decoder.push(read);
            while let Some(line) = decoder.next_line() {
                if !bucket.take(Instant::now()) {
                    let Rate { per_sec, burst } = self.rate;
                    return ReadEnd::Broken(ProcessEnd::OverLimit(format!(
                        "it sent more than {burst} messages at once, and more than {per_sec} in a second (its limit `messages_per_sec`)"
                    )));
                }
                let heard = match line {
                    Ok(line) if said_hello => self.message(&line).await,
                    Ok(line) => {
                        said_hello = true;
                        self.hello(&line).await
                    }
                    Err(error) => Err(ProcessEnd::Unruly(decode_sentence(&error))),
                };
                if let Err(end) = heard {
                    return ReadEnd::Broken(end);
                }
            }
        }
        match decoder.finish() {
            Ok(()) => ReadEnd::Closed,
            Err(error) => ReadEnd::Cut(decode_sentence(&error)),
        }
    }

    async fn hello(&self, line: &[u8]) -> Result<(), ProcessEnd> {
        match parse_hello::<PluginHello>(line) {
            Ok(_) => {
                self.engine.tell(Event::ProcessReady(self.process)).await;
                Ok(())
            }
            Err(error @ (HelloError::Refused { .. } | HelloError::NoCommonVersion { .. })) => {
                let who = format!("the plugin `{}`", self.plugin);
                Err(ProcessEnd::NotStarted(error.failure(&who)))
            }
            Err(error) => Err(ProcessEnd::Unruly(error.to_string())),
        }
    }

    async fn message(&self, line: &[u8]) -> Result<(), ProcessEnd> {
        match Message::from_json(line) {
            Ok(mut message) => {
                if let Some(outward) = self.outward {
                    for_people(&mut message, outward);
                }
                self.recent.said(&message);
                let process = self.process;
                self.engine
                    .tell(Event::ProcessSaid { process, message })
                    .await;
                Ok(())
            }
            Err(_) => Err(ProcessEnd::Unruly(format!(
                "it wrote something else than a message: `{}`",
                start_of(line)
            ))),
        }
    }
}

/// Has what hooks answered to an event of the host's own name the server: it is shown to people.
///
/// What they answer each other is left as it is, for whoever asked uses the door as well.
fn for_people(message: &mut Message, outward: &Outward) {
    let Message::Answer {
        result: Ok(answered),
        ..
    } = message
    else {
        return;
    };
    let by = answered.pointer("/event/source/applicationId");
    let is_hosts = by.and_then(Value::as_str) == Some(HOST_APPLICATION);
    if let Some(result) = answered.get_mut("result").filter(|_| is_hosts) {
        outward.mend(result);
    }
}

fn unruly(sentence: String) -> ReadEnd {
    ReadEnd::Broken(ProcessEnd::Unruly(sentence))
}

fn decode_sentence(error: &DecodeError) -> String {
    match error {
        DecodeError::TooLong { bytes, limit } => {
            format!("it sent a message of {bytes} bytes, more than the {limit} bytes allowed")
        }
        DecodeError::HalfMessage { bytes } => {
            format!("its output ended {bytes} bytes into a message")
        }
        other => format!("it broke the protocol: {other}"),
    }
}

/// Returns the beginning of a line, fit for a sentence.
fn start_of(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(60)])
        .chars()
        .map(|letter| if letter.is_control() { '·' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn end(output: &[u8]) -> ReadEnd {
        let (engine, _inbox) = EngineHandle::new();
        let plugin = PluginId::from("hello");
        let reader = Reader {
            engine: &engine,
            process: ProcessId(1),
            plugin: &plugin,
            rate: Rate {
                per_sec: 1,
                burst: 5,
            },
            recent: &Recent::default(),
            outward: None,
        };
        reader.run(output).await
    }

    async fn check(output: &[u8], expected: &str) {
        let seen = match end(output).await {
            ReadEnd::Closed => "closed".to_owned(),
            ReadEnd::Cut(sentence) => format!("cut: {sentence}"),
            ReadEnd::Broken(ProcessEnd::Unruly(sentence)) => format!("unruly: {sentence}"),
            ReadEnd::Broken(ProcessEnd::OverLimit(sentence)) => format!("over: {sentence}"),
            ReadEnd::Broken(ProcessEnd::NotStarted(failure)) => failure.message,
            other => format!("{other:?}"),
        };
        assert_eq!(seen, expected);
    }

    const HELLO: &str = "{\"versions\":[1]}\n";

    #[tokio::test]
    async fn rules_are_kept_or_named() {
        let say = |text: &str| format!("{HELLO}{text}").into_bytes();
        check(&say("{\"method\":\"log\"}\n"), "closed").await;
        check(b"", "closed").await;
        check(
            &say("{\"method\":\"lo"),
            "cut: its output ended 13 bytes into a message",
        )
        .await;
        check(
            &say("hello there\n"),
            "unruly: it wrote something else than a message: `hello there`",
        )
        .await;
        check(
            b"hello there\n",
            "unruly: the first line is no hello: `hello there`",
        )
        .await;
        check(
            b"{\"versions\":[7]}\n",
            "the plugin `hello` speaks protocol 7, Callboard speaks 1",
        )
        .await;
        check(
            &say(&"{\"method\":\"log\"}\n".repeat(9)),
            "over: it sent more than 5 messages at once, and more than 1 in a second (its limit `messages_per_sec`)",
        )
        .await;
        check(
            &say(&"x".repeat(9 * 1024 * 1024)),
            "unruly: it sent a message longer than the 8388608 bytes allowed",
        )
        .await;
    }
}
