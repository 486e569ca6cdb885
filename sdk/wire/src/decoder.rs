//! Bytes in, lines and messages out.

use std::collections::VecDeque;
use std::mem;

use callboard_protocol::{MAX_MESSAGE_BYTES, Message, MessageError};

/// Why a line is no message. All but [`DecodeError::HalfMessage`] leave the connection as good as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The line is longer than a message may be. It was skipped, not kept.
    #[error("a message of {bytes} bytes is longer than the {limit} bytes allowed")]
    TooLong {
        /// How long the line is, without its line feed.
        bytes: u64,
        /// How long it may be.
        limit: usize,
    },
    /// The input ended in the middle of a line.
    #[error("the input ended {bytes} bytes into a message")]
    HalfMessage {
        /// How much of the line there was.
        bytes: u64,
    },
    /// The line is something else than a message.
    #[error("not a message: `{start}`")]
    NotAMessage {
        /// How the line begins.
        start: String,
        /// What is wrong with it.
        #[source]
        source: MessageError,
    },
}

/// Cuts a stream of bytes into lines, in whatever pieces they come.
///
/// Does no I/O, so that it serves blocking and asynchronous readers alike: push what was read, then take what is ready.
/// A line that is too long is skipped up to its line feed without being kept, so a peer cannot make this side hold more than one message and the piece just pushed.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    partial: Vec<u8>,
    /// Bytes thrown away of the line that is being skipped.
    skipped: Option<u64>,
    ready: VecDeque<Result<Vec<u8>, DecodeError>>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::with_limit(MAX_MESSAGE_BYTES)
    }
}

impl Decoder {
    /// Makes a decoder for lines of at most `limit` bytes, the line feed not counted.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            partial: Vec::new(),
            skipped: None,
            ready: VecDeque::new(),
        }
    }

    /// Takes in bytes as they were read.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.end_line(&bytes[..end]);
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    /// Returns the next whole line, without its line feed. Blank lines are passed over.
    pub fn next_line(&mut self) -> Option<Result<Vec<u8>, DecodeError>> {
        self.ready.pop_front()
    }

    /// Returns the next whole line as a message.
    pub fn next_message(&mut self) -> Option<Result<Message, DecodeError>> {
        let line = self.next_line()?;
        Some(line.and_then(|line| message_from_line(&line)))
    }

    /// Tells it that no more bytes come.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::HalfMessage`] when the last line was not finished.
    pub fn finish(&mut self) -> Result<(), DecodeError> {
        let bytes = self.skipped.unwrap_or(0) + self.partial.len() as u64;
        self.skipped = None;
        self.partial = Vec::new();
        if bytes == 0 {
            Ok(())
        } else {
            Err(DecodeError::HalfMessage { bytes })
        }
    }

    fn end_line(&mut self, rest: &[u8]) {
        if let Some(skipped) = self.skipped.take() {
            let bytes = skipped + rest.len() as u64;
            let limit = self.limit;
            self.ready
                .push_back(Err(DecodeError::TooLong { bytes, limit }));
            return;
        }
        let bytes = self.partial.len() + rest.len();
        if bytes > self.limit {
            self.partial = Vec::new();
            self.ready.push_back(Err(DecodeError::TooLong {
                bytes: bytes as u64,
                limit: self.limit,
            }));
            return;
        }
        let mut line = mem::take(&mut self.partial);
        line.extend_from_slice(rest);
        if !line.iter().all(u8::is_ascii_whitespace) {
            self.ready.push_back(Ok(line));
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if let Some(skipped) = &mut self.skipped {
            *skipped += bytes.len() as u64;
        } else if self.partial.len() + bytes.len() > self.limit {
            self.skipped = Some((self.partial.len() + bytes.len()) as u64);
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(bytes);
        }
    }
}

pub(crate) fn message_from_line(line: &[u8]) -> Result<Message, DecodeError> {
    Message::from_json(line).map_err(|source| DecodeError::NotAMessage {
        start: start_of(line),
        source,
    })
}

/// Returns the beginning of a line, fit for a log.
pub(crate) fn start_of(line: &[u8]) -> String {
    const SHOWN: usize = 60;
    let text = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]);
    text.chars()
        .map(|letter| if letter.is_control() { '·' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes pieces into a decoder of 8 bytes a line, and writes down what comes out.
    fn check(pieces: &[&str], expected: &[&str]) {
        let mut decoder = Decoder::with_limit(8);
        let mut seen = Vec::new();
        for piece in pieces {
            decoder.push(piece.as_bytes());
            while let Some(line) = decoder.next_line() {
                seen.push(match line {
                    Ok(line) => String::from_utf8(line).unwrap(),
                    Err(error) => format!("! {error}"),
                });
            }
        }
        if let Err(error) = decoder.finish() {
            seen.push(format!("! {error}"));
        }
        assert_eq!(seen, expected, "{pieces:?}");
    }

    #[test]
    fn lines_come_out_whole_however_they_went_in() {
        check(&["ab\ncd\n"], &["ab", "cd"]);
        check(&["a", "b\nc", "d", "\n"], &["ab", "cd"]);
        check(&["12345678\n"], &["12345678"]);
        check(&["\n \r\nab\r\n"], &["ab\r"]);
        check(&[], &[]);
    }

    #[test]
    fn where_the_pieces_are_cut_makes_no_difference() {
        let bytes = b"ab\n\n123456789\n12345678\n\xf0\x9f\x8e\xac\n".as_slice();
        let drain = |decoder: &mut Decoder| -> Vec<_> {
            std::iter::from_fn(|| decoder.next_line()).collect()
        };
        let mut whole = Decoder::with_limit(8);
        whole.push(bytes);
        let expected = drain(&mut whole);
        assert_eq!(expected.len(), 4);
        for size in 1..bytes.len() {
            let mut decoder = Decoder::with_limit(8);
            let mut seen = Vec::new();
            for piece in bytes.chunks(size) {
                decoder.push(piece);
                seen.extend(drain(&mut decoder));
            }
            assert_eq!(seen, expected, "pieces of {size} bytes");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_named_and_skipped() {
        let refused = "! a message of 9 bytes is longer than the 8 bytes allowed";
        check(&["123456789\nab\n"], &[refused, "ab"]);
        check(&["12345678", "9", "\nab\n"], &[refused, "ab"]);
        check(&["ab\n123456789", "\nab\n"], &["ab", refused, "ab"]);
    }

    #[test]
    fn an_end_within_a_line_is_a_half_message() {
        check(
            &["ab\nc"],
            &["ab", "! the input ended 1 bytes into a message"],
        );
        check(
            &["123456789"],
            &["! the input ended 9 bytes into a message"],
        );
    }

    #[test]
    fn a_line_that_is_skipped_takes_no_memory() {
        let mut decoder = Decoder::default();
        let piece = vec![b'x'; 1024 * 1024];
        for _ in 0..100 {
            decoder.push(&piece);
            assert!(decoder.partial.capacity() <= 2 * MAX_MESSAGE_BYTES);
        }
        decoder.push(b"\n{\"method\":\"cancel\"}\n");
        assert!(matches!(
            decoder.next_message(),
            Some(Err(DecodeError::TooLong {
                bytes: 104_857_600,
                ..
            }))
        ));
        assert!(matches!(decoder.next_message(), Some(Ok(_))));
        assert_eq!(decoder.partial.capacity(), 0);
    }

    #[test]
    fn what_is_no_message_is_shown_in_part() {
        let mut decoder = Decoder::default();
        let deep = "[".repeat(100_000);
        for line in [
            "hello \u{1b}[31mred",
            "{\"id\":1}",
            "[]",
            &deep,
            "{\"id\":-1}",
        ] {
            decoder.push(line.as_bytes());
            decoder.push(b"\n");
            let error = decoder.next_message().unwrap().unwrap_err();
            assert!(error.to_string().len() < 100, "{error}");
        }
        decoder.push(b"{\"method\":\"\xff\"}\n");
        assert!(decoder.next_message().unwrap().is_err());
    }
}
