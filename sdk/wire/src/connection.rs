//! A connection: messages both ways over two streams of bytes.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use callboard_protocol::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::decoder::{DecodeError, Decoder, message_from_line};
use crate::encoder::{TooLong, encode};
use crate::hello::{HelloError, Versions, encode_hello, parse_hello};
use crate::memory;

/// How much is read at once.
const PIECE_BYTES: usize = 16 * 1024;

/// Why no message was received.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// What came is no message. The connection lives on, unless it was half a message.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The stream failed.
    #[error("could not read from the connection")]
    Io(#[from] io::Error),
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The other side would refuse it. The connection lives on.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The stream failed.
    #[error("could not write to the connection")]
    Io(#[from] io::Error),
}

/// Messages both ways, blocking, over anything that reads and writes.
#[derive(Debug)]
pub struct Connection {
    receiver: Receiver,
    sender: Sender,
}

/// The half of a connection that messages come out of.
pub struct Receiver {
    stream: Box<dyn Read + Send>,
    decoder: Decoder,
    piece: Vec<u8>,
}

/// The half of a connection that messages go into. Its clones write to the same stream, one whole message at a time.
#[derive(Clone)]
pub struct Sender {
    stream: Arc<Mutex<Box<dyn Write + Send>>>,
}

impl Connection {
    /// Makes a connection that reads from `reader` and writes to `writer`.
    pub fn new(reader: impl Read + Send + 'static, writer: impl Write + Send + 'static) -> Self {
        Self {
            receiver: Receiver {
                stream: Box::new(reader),
                decoder: Decoder::default(),
                piece: vec![0; PIECE_BYTES],
            },
            sender: Sender {
                stream: Arc::new(Mutex::new(Box::new(writer))),
            },
        }
    }

    /// Makes a connection over the process's own stdin and stdout.
    pub fn stdio() -> Self {
        Self::new(io::stdin(), io::stdout())
    }

    /// Makes two ends that are connected to each other in memory.
    pub fn memory() -> (Self, Self) {
        let (here_reader, there_writer) = memory::pipe();
        let (there_reader, here_writer) = memory::pipe();
        (
            Self::new(here_reader, here_writer),
            Self::new(there_reader, there_writer),
        )
    }

    /// Says `ours`, waits for the other side's hello, and returns it with the version that both use.
    ///
    /// # Errors
    ///
    /// Says why the two sides cannot talk.
    pub fn hello<H: Versions + DeserializeOwned>(
        &mut self,
        ours: &impl Serialize,
    ) -> Result<(H, u32), HelloError> {
        self.sender
            .send_line(&encode_hello(ours))
            .map_err(|source| HelloError::Send { source })?;
        let line = self
            .receiver
            .receive_line()
            .map_err(|source| HelloError::Receive { source })?
            .ok_or(HelloError::Silent)?;
        parse_hello(&line)
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// Fails when the message is too long or the stream is broken.
    pub fn send(&self, message: &Message) -> Result<(), SendError> {
        self.sender.send(message)
    }

    /// Waits for a message; none comes after the end of the stream.
    ///
    /// # Errors
    ///
    /// Fails when what came is no message, or the stream is broken.
    pub fn receive(&mut self) -> Result<Option<Message>, ReceiveError> {
        self.receiver.receive()
    }

    /// Takes the connection apart, so that one thread may read while others write.
    pub fn split(self) -> (Receiver, Sender) {
        (self.receiver, self.sender)
    }
}

impl Receiver {
    /// Waits for a message; none comes after the end of the stream.
    ///
    /// # Errors
    ///
    /// Fails when what came is no message, or the stream is broken.
    pub fn receive(&mut self) -> Result<Option<Message>, ReceiveError> {
        match self.receive_line()? {
            Some(line) => Ok(Some(message_from_line(&line)?)),
            None => Ok(None),
        }
    }

    /// Waits for a line, without its line feed; none comes after the end of the stream.
    ///
    /// # Errors
    ///
    /// Fails when the line is too long or not finished, or the stream is broken.
    pub fn receive_line(&mut self) -> Result<Option<Vec<u8>>, ReceiveError> {
        loop {
            if let Some(line) = self.decoder.next_line() {
                return Ok(Some(line?));
            }
            match self.stream.read(&mut self.piece) {
                Ok(0) => {
                    self.decoder.finish()?;
                    return Ok(None);
                }
                Ok(count) => self.decoder.push(&self.piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Sender {
    /// Sends a message.
    ///
    /// # Errors
    ///
    /// Fails when the message is too long or the stream is broken.
    pub fn send(&self, message: &Message) -> Result<(), SendError> {
        Ok(self.send_line(&encode(message)?)?)
    }

    /// Sends a line that has its line feed already.
    ///
    /// # Errors
    ///
    /// Fails when the stream is broken.
    pub fn send_line(&self, line: &[u8]) -> io::Result<()> {
        // A writer that panicked wrote a whole line or broke the stream; either way the next write tells.
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        stream.write_all(line)?;
        stream.flush()
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use callboard_protocol::{HostHello, PluginHello, VERSION_1};
    use serde_json::json;

    use super::*;

    fn cancel() -> Message {
        Message::Notification {
            method: "cancel".to_owned(),
            params: json!({}),
        }
    }

    #[test]
    fn two_ends_in_memory_say_hello_and_talk() {
        let (mut plugin, mut host) = Connection::memory();
        let plugin_hello = PluginHello {
            versions: vec![VERSION_1],
            ..PluginHello::default()
        };
        let host_hello = HostHello {
            versions: vec![VERSION_1, 2],
            plugin: "hello".to_owned(),
            ..HostHello::default()
        };
        // Neither waits for the other: the host's hello lies ready before the plugin asks for it.
        host.sender.send_line(&encode_hello(&host_hello)).unwrap();
        host.send(&cancel()).unwrap();
        let (seen, version) = plugin.hello::<HostHello>(&plugin_hello).unwrap();
        assert_eq!((seen, version), (host_hello, VERSION_1));
        assert_eq!(plugin.receive().unwrap(), Some(cancel()));
        let line = host.receiver.receive_line().unwrap().unwrap();
        assert_eq!(line, br#"{"versions":[1]}"#);
    }

    #[test]
    fn the_end_of_one_side_is_the_end_of_the_other() {
        let (mut here, there) = Connection::memory();
        there.send(&cancel()).unwrap();
        drop(there);
        assert_eq!(here.receive().unwrap(), Some(cancel()));
        assert_eq!(here.receive().unwrap(), None);
        assert!(matches!(here.send(&cancel()), Err(SendError::Io(_))));
    }

    #[test]
    fn a_bad_line_leaves_the_connection_alive() {
        let (mut here, there) = Connection::memory();
        there.sender.send_line(b"hello?\n").unwrap();
        there.send(&cancel()).unwrap();
        assert!(matches!(
            here.receive(),
            Err(ReceiveError::Decode(DecodeError::NotAMessage { .. }))
        ));
        assert_eq!(here.receive().unwrap(), Some(cancel()));
    }

    #[test]
    fn half_a_message_is_told_from_an_end() {
        let (mut here, there) = Connection::memory();
        there.sender.send_line(b"{\"id\":1,").unwrap();
        drop(there);
        assert!(matches!(
            here.receive(),
            Err(ReceiveError::Decode(DecodeError::HalfMessage { bytes: 8 }))
        ));
    }
}
