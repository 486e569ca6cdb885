//! Messages in, lines out.

use callboard_protocol::{MAX_MESSAGE_BYTES, Message};

/// A message is longer than the other side accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message has {bytes} bytes, more than the {MAX_MESSAGE_BYTES} allowed")]
pub struct TooLong {
    /// How long it is.
    pub bytes: usize,
}

/// Writes a message as one line, with its line feed.
///
/// # Errors
///
/// Returns [`TooLong`] when the other side would refuse it.
pub fn encode(message: &Message) -> Result<Vec<u8>, TooLong> {
    let mut line = message.to_json();
    let bytes = line.len();
    if bytes > MAX_MESSAGE_BYTES {
        return Err(TooLong { bytes });
    }
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use callboard_protocol::Message;
    use serde_json::json;

    use super::*;
    use crate::Decoder;

    #[test]
    fn what_is_encoded_is_decoded() {
        let message = Message::Request {
            id: 7,
            method: "launch".to_owned(),
            params: json!({"name": "line\nfeed, \"quote\", \\ and 🎬"}),
        };
        let line = encode(&message).unwrap();
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        let mut decoder = Decoder::default();
        decoder.push(&line);
        assert_eq!(decoder.next_message(), Some(Ok(message)));
    }

    #[test]
    fn a_message_that_would_be_refused_is_not_written() {
        let message = Message::Notification {
            method: "log".to_owned(),
            params: json!("x".repeat(MAX_MESSAGE_BYTES)),
        };
        assert!(encode(&message).is_err());
    }
}
