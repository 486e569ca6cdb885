//! Asks the person at the terminal. What is asked goes to stderr, so that stdout holds the result alone.

use std::io::{BufRead as _, Write as _, stderr, stdin};

use callboard_protocol::{Failure, FailureKind};

use crate::cli::problem::{Code, Problem};

/// Asks for a line; an empty one means `usual`, where there is such a thing.
pub(in crate::cli) fn ask(label: &str, usual: Option<&str>) -> Result<String, Problem> {
    let shown = usual.map(|usual| format!(" [{usual}]")).unwrap_or_default();
    prompt(&format!("{label}{shown}: "))?;
    let mut line = String::new();
    stdin().lock().read_line(&mut line).map_err(unreadable)?;
    match (line.trim(), usual) {
        ("", Some(usual)) => Ok(usual.to_owned()),
        ("", None) => Err(Problem::usage(format!(
            "no {} is given",
            label.to_lowercase()
        ))),
        (given, _) => Ok(given.to_owned()),
    }
}

/// Asks whether to go on; only `y` or `yes` means it.
pub(in crate::cli) fn is_confirmed(question: &str) -> Result<bool, Problem> {
    prompt(&format!("{question} [y/N] "))?;
    let mut line = String::new();
    stdin().lock().read_line(&mut line).map_err(unreadable)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Asks for a secret: each letter shows as a dot.
#[cfg(unix)]
pub(super) fn ask_secret(label: &str) -> Result<String, Problem> {
    use std::io::Read as _;

    // Before it is asked for: what is typed at once must not show either.
    let raw = Raw::begin()?;
    prompt(&format!("{label}: "))?;
    let mut line = Line::default();
    let mut byte = [0];
    let ended = loop {
        match stdin().lock().read(&mut byte).map_err(unreadable)? {
            0 => break Ended::Given,
            _ => match line.take(byte[0]) {
                Some(ended) => break ended,
                None => prompt(&line.drawn(label))?,
            },
        }
    };
    drop(raw);
    prompt("\n")?;
    match (ended, line.text().trim()) {
        (Ended::Cancelled, _) => Err(Problem {
            failure: Failure::new(FailureKind::Cancelled, "nothing was done"),
            code: Code::Failed,
        }),
        (Ended::Given, "") => Err(Problem::usage("no API key is given")),
        (Ended::Given, key) => Ok(key.to_owned()),
    }
}

#[cfg(not(unix))]
pub(super) fn ask_secret(_: &str) -> Result<String, Problem> {
    Err(Problem::usage(
        "a key cannot be typed here; write it to stdin with `--key-stdin`",
    ))
}

fn prompt(text: &str) -> Result<(), Problem> {
    let mut stderr = stderr().lock();
    stderr
        .write_all(text.as_bytes())
        .and_then(|()| stderr.flush())
        .map_err(unreadable)
}

fn unreadable(error: std::io::Error) -> Problem {
    Failure::new(FailureKind::Unavailable, "could not ask at the terminal")
        .hint("write the key to stdin with `--key-stdin`")
        .caused_by(&error)
        .into()
}

/// How a line that is typed ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Given,
    Cancelled,
}

/// A line that is typed without the terminal's help.
#[derive(Default)]
struct Line {
    bytes: Vec<u8>,
}

impl Line {
    /// Takes what a key of the keyboard sends.
    fn take(&mut self, byte: u8) -> Option<Ended> {
        const INTERRUPT: u8 = 0x03;
        const END: u8 = 0x04;
        const BACKSPACE: u8 = 0x08;
        const CLEAR: u8 = 0x15;
        const ESCAPE: u8 = 0x1b;
        const DELETE: u8 = 0x7f;
        match byte {
            b'\r' | b'\n' | END => return Some(Ended::Given),
            INTERRUPT | ESCAPE => return Some(Ended::Cancelled),
            BACKSPACE | DELETE => {
                // A letter may have several bytes, of which only the first is no continuation.
                while self.bytes.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            CLEAR => self.bytes.clear(),
            byte if byte < 0x20 => {}
            byte => self.bytes.push(byte),
        }
        None
    }

    /// Returns what shows of the line: as many dots as there are letters, within one row.
    fn drawn(&self, label: &str) -> String {
        const LONGEST: usize = 40;
        let dots = "•".repeat(self.text().chars().count().min(LONGEST));
        format!("\r\x1b[K{label}: {dots}")
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// The terminal without echo, as long as this lives.
#[cfg(unix)]
struct Raw {
    before: rustix::termios::Termios,
}

#[cfg(unix)]
impl Raw {
    fn begin() -> Result<Self, Problem> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(stdin()).map_err(|error| unreadable(error.into()))?;
        let mut raw = before.clone();
        // Without signals too: an interrupted process would leave the terminal without echo.
        raw.local_modes &= !(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(stdin(), OptionalActions::Flush, &raw)
            .map_err(|error| unreadable(error.into()))?;
        Ok(Self { before })
    }
}

#[cfg(unix)]
impl Drop for Raw {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Err(error) = tcsetattr(stdin(), OptionalActions::Now, &self.before) {
            tracing::warn!(%error, "the terminal stays without echo: `stty sane` mends it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &str) -> (String, Option<Ended>) {
        let mut line = Line::default();
        let ended = keys.bytes().find_map(|byte| line.take(byte));
        (line.text(), ended)
    }

    #[test]
    fn a_secret_is_typed_mended_and_cancelled() {
        let given = Some(Ended::Given);
        assert_eq!(typed("abc\n"), ("abc".into(), given));
        assert_eq!(typed("abx\x7fc\r"), ("abc".into(), given));
        assert_eq!(typed("aü\x7fb\n"), ("ab".into(), given));
        assert_eq!(typed("wrong\x15right\n"), ("right".into(), given));
        assert_eq!(typed("\x7f\x7fa\n"), ("a".into(), given));
        assert_eq!(typed("abc\x03"), ("abc".into(), Some(Ended::Cancelled)));
        assert_eq!(typed("abc"), ("abc".into(), None));
    }

    #[test]
    fn a_secret_shows_as_dots() {
        let mut line = Line::default();
        for byte in "ünd".bytes() {
            line.take(byte);
        }
        assert!(line.drawn("API key").ends_with("API key: •••"));
    }
}
