//! The last that passed between the host and a process: names and times, never what a message held.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use callboard_protocol::Message;

/// How many messages each way are remembered.
const MESSAGES: usize = 5;

/// How many lines of what it printed are remembered.
const LINES: usize = 60;

/// How long a method's name is kept, in bytes: a process may write any.
const NAME_BYTES: usize = 60;

/// What is remembered of one process.
#[derive(Clone, Default)]
pub(super) struct Recent(Arc<Mutex<Remembered>>);

#[derive(Default)]
struct Remembered {
    told: VecDeque<(Instant, String)>,
    said: VecDeque<(Instant, String)>,
    printed: VecDeque<String>,
    lines: u64,
}

impl Recent {
    /// The host told the process something.
    pub(super) fn told(&self, message: &Message) {
        remember(&mut self.lock().told, name(message));
    }

    /// The process said something.
    pub(super) fn said(&self, message: &Message) {
        remember(&mut self.lock().said, name(message));
    }

    /// The process printed a line.
    pub(super) fn printed(&self, line: &str) {
        let mut remembered = self.lock();
        if remembered.printed.len() == LINES {
            remembered.printed.pop_front();
        }
        remembered.printed.push_back(line.to_owned());
        remembered.lines += 1;
    }

    /// Returns how many lines were printed in all.
    pub(super) fn lines(&self) -> u64 {
        self.lock().lines
    }

    /// Returns the lines that were printed after the first `lines`.
    pub(super) fn printed_since(&self, lines: u64) -> Vec<String> {
        let remembered = self.lock();
        let new = usize::try_from(remembered.lines.saturating_sub(lines)).unwrap_or(usize::MAX);
        let skipped = remembered.printed.len().saturating_sub(new);
        remembered.printed.iter().skip(skipped).cloned().collect()
    }

    /// Says what passed, the last first.
    pub(super) fn sentences(&self) -> Vec<String> {
        let remembered = self.lock();
        let listed = |messages: &VecDeque<(Instant, String)>| {
            let listed: Vec<String> = messages
                .iter()
                .rev()
                .map(|(when, name)| format!("{name} {} s ago", when.elapsed().as_secs()))
                .collect();
            listed.join(", ")
        };
        let mut sentences = Vec::new();
        if !remembered.told.is_empty() {
            sentences.push(format!("it was last told: {}", listed(&remembered.told)));
        }
        sentences.push(match remembered.said.is_empty() {
            true => "it has said nothing since its hello".to_owned(),
            false => format!("it last said: {}", listed(&remembered.said)),
        });
        sentences
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remember(messages: &mut VecDeque<(Instant, String)>, name: String) {
    if messages.len() == MESSAGES {
        messages.pop_front();
    }
    messages.push_back((Instant::now(), name));
}

fn name(message: &Message) -> String {
    match message {
        Message::Request { method, .. } | Message::Notification { method, .. } => {
            let end = method.floor_char_boundary(NAME_BYTES);
            let shown = method[..end]
                .chars()
                .map(|letter| match letter.is_control() {
                    true => '·',
                    false => letter,
                });
            format!("`{}`", shown.collect::<String>())
        }
        Message::Answer { result: Ok(_), .. } => "an answer".to_owned(),
        Message::Answer { result: Err(_), .. } => "a failure".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_told_and_contents_are_not() {
        let recent = Recent::default();
        for number in 0..9 {
            recent.told(&Message::Request {
                id: number,
                method: "launch".into(),
                params: json!({"values": {"password": "hunter2"}}),
            });
        }
        recent.said(&Message::Notification {
            method: format!("pro\ngress{}", "x".repeat(500)),
            params: json!({"text": "hunter2"}),
        });
        let said = recent.sentences().join("\n");
        assert!(!said.contains("hunter2"), "{said}");
        assert_eq!(said.matches("`launch` 0 s ago").count(), MESSAGES, "{said}");
        assert!(said.contains("`pro·gress") && said.len() < 400, "{said}");
    }

    #[test]
    fn lines_are_given_from_where_one_left_off() {
        let recent = Recent::default();
        recent.printed("before");
        let lines = recent.lines();
        for number in 0..LINES + 5 {
            recent.printed(&number.to_string());
        }
        let since = recent.printed_since(lines);
        assert_eq!((since.len(), since[0].as_str()), (LINES, "5"));
        assert!(recent.printed_since(recent.lines()).is_empty());
    }
}
