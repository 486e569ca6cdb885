//! What a command prints: a table or a sentence for a person, one line of JSON for a program.

use std::io::{self, Write};

use callboard_protocol::Failure;
use serde::Serialize;
use serde_json::{Value, json};

use super::problem::Problem;

/// Who reads the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// A person.
    Human,
    /// A program: one line of JSON on stdout, failures included.
    Json,
}

impl Output {
    /// Tells whether a program reads the output.
    pub(crate) fn is_json(self) -> bool {
        self == Self::Json
    }

    /// Prints a result: `value` for a program, the lines of `human` for a person.
    ///
    /// # Errors
    ///
    /// When stdout cannot be written; that nobody reads it any more is no error.
    pub(crate) fn result(self, value: &impl Serialize, human: &str) -> Result<(), Problem> {
        let line = match self {
            Self::Human => human.trim_end().to_owned(),
            Self::Json => serde_json::to_string(value).map_err(anyhow::Error::from)?,
        };
        if line.is_empty() {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        match writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(anyhow::Error::new(error)
                    .context("could not write to stdout")
                    .into())
            }
            _ => Ok(()),
        }
    }

    /// Prints a failure: on stderr for a person, as an object on stdout for a program.
    pub(crate) fn failure(self, failure: &Failure) {
        match self {
            Self::Human => {
                // Where stderr is closed, the exit code alone has to tell.
                drop(writeln!(io::stderr().lock(), "{}", failure_text(failure)));
            }
            Self::Json => {
                drop(writeln!(
                    io::stdout().lock(),
                    "{}",
                    json!({ "error": failure })
                ));
            }
        }
    }
}

/// Prints something beside a command's result, for a person.
pub(crate) fn remark(text: &str) {
    // Where stderr is closed, nobody wants to know.
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Returns a failure as a person reads it: the sentence, its causes, and what to do on a line of its own.
pub(crate) fn failure_text(failure: &Failure) -> String {
    let mut text = format!("error: {}", failure.message);
    for cause in &failure.causes {
        text.push_str("\n  because ");
        text.push_str(cause);
    }
    if let Some(hint) = &failure.hint {
        text.push_str("\nhint: ");
        text.push_str(hint);
    }
    text
}

/// Lays out rows below a heading, each column as wide as it must be.
pub(crate) fn table<const COLUMNS: usize>(
    heading: [&str; COLUMNS],
    rows: &[[String; COLUMNS]],
) -> String {
    let mut widths = heading.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: [&str; COLUMNS]| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            line.push_str(&format!("{cell:width$}  "));
        }
        line.trim_end().to_owned()
    };
    let mut lines = vec![line(heading)];
    lines.extend(
        rows.iter()
            .map(|row| line(row.each_ref().map(String::as_str))),
    );
    lines.join("\n")
}

/// Returns a JSON value as a person reads it: text as it is, nothing for null, JSON otherwise.
pub(crate) fn value_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            ["1".to_owned(), "Größe".to_owned()],
            ["1000".to_owned(), "x".to_owned()],
        ];
        assert_eq!(
            table(["ID", "LABEL"], &rows),
            "ID    LABEL\n1     Größe\n1000  x"
        );
        assert_eq!(table(["ID", "LABEL"], &[]), "ID  LABEL");
    }

    #[test]
    fn a_failure_is_a_sentence_and_a_hint() {
        let failure = Failure::not_found("no such job: `j1`")
            .because("the ledger was reset")
            .hint("look at `callboard jobs list`");
        assert_eq!(
            failure_text(&failure),
            "error: no such job: `j1`\n  because the ledger was reset\nhint: look at `callboard jobs list`"
        );
    }
}
