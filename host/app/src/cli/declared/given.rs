//! What was typed after a declared command.

use callboard_protocol::{Control, Item, View};
use clap::ArgMatches;
use serde_json::{Map, Value};

use crate::cli::problem::Problem;
use crate::cli::values::On;

/// What was typed after a declared command.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    /// Fields, by name.
    pub(super) values: Map<String, Value>,
    /// What it is done on.
    pub(super) on: Vec<On>,
    /// Whether not to wait for the job's end.
    pub(super) no_wait: bool,
    /// How long to wait for it.
    pub(super) timeout_secs: Option<u64>,
    /// Whether `--json` was typed after a field.
    pub(super) json: bool,
}

impl Given {
    /// Takes the fields that the manifest names.
    pub(super) fn from_matches(items: &[Item], matches: &ArgMatches) -> Result<Self, Problem> {
        let mut given = Self {
            no_wait: matches.get_flag("no_wait"),
            timeout_secs: matches.get_one::<u64>("timeout").copied(),
            ..Self::default()
        };
        for on in matches.get_many::<String>("on").into_iter().flatten() {
            given.on.push(on.parse().map_err(Problem::usage)?);
        }
        for item in items {
            // Fields that are never typed have no argument.
            let Ok(Some(values)) = matches.try_get_many::<String>(&item.name) else {
                continue;
            };
            let values: Vec<&str> = values.map(String::as_str).collect();
            given
                .values
                .insert(item.name.clone(), values.join(",").into());
        }
        Ok(given)
    }

    /// Takes `--name value` pairs of any name; one without a value is a yes.
    pub(super) fn from_words(words: impl Iterator<Item = String>) -> Result<Self, Problem> {
        let mut given = Self::default();
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--").filter(|name| !name.is_empty()) else {
                return Err(Problem::usage(format!(
                    "a field is given as `--name value`: `{word}`"
                )));
            };
            let (name, value) = match name.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (
                    name.to_owned(),
                    words.next_if(|next| !next.starts_with("--")),
                ),
            };
            given.take(&name, value)?;
        }
        Ok(given)
    }

    fn take(&mut self, name: &str, value: Option<String>) -> Result<(), Problem> {
        match (name, value) {
            ("json", None) => self.json = true,
            ("no-wait", None) => self.no_wait = true,
            ("on", Some(on)) => self.on.push(on.parse().map_err(Problem::usage)?),
            ("timeout", Some(secs)) => {
                let secs = secs.parse().map_err(|_| {
                    Problem::usage(format!("`--timeout` must be a number of seconds: `{secs}`"))
                })?;
                self.timeout_secs = Some(secs);
            }
            ("on" | "timeout", None) => {
                return Err(Problem::usage(format!("`--{name}` has no value")));
            }
            (name, value) => {
                let value = value.unwrap_or_else(|| "true".to_owned());
                self.values.insert(name.replace('-', "_"), value.into());
            }
        }
        Ok(())
    }
}

/// Returns a field's name as an argument, without the dashes before it.
pub(super) fn argument(name: &str) -> String {
    name.replace('_', "-")
}

/// Returns a field's name as it is typed.
pub(super) fn shown(name: &str) -> String {
    format!("`--{}`", argument(name))
}

/// Returns the fields of a form that a person fills in, as they are typed.
pub(super) fn fields(view: &View) -> Vec<String> {
    view.items
        .iter()
        .filter(|item| !item.name.is_empty() && item.control != Control::Hidden)
        .map(|item| shown(&item.name))
        .collect()
}

/// Checks that a value is of its field's kind.
pub(super) fn check(item: &Item, value: Option<&Value>) -> Result<(), Problem> {
    let expected = match (&item.control, value) {
        (Control::Number, Some(Value::String(_))) => "a number".to_owned(),
        (Control::Boolean, Some(Value::String(_))) => "yes or no".to_owned(),
        (Control::Enumerator { data, .. }, Some(value)) => {
            let is_one = |value: &Value| data.iter().any(|choice| choice.value == *value);
            let fits = match value {
                Value::Array(values) => values.iter().all(is_one),
                value => is_one(value),
            };
            if fits {
                return Ok(());
            }
            let labels: Vec<String> = data
                .iter()
                .map(|choice| format!("`{}`", choice.label))
                .collect();
            format!("of {}", labels.join(", "))
        }
        _ => return Ok(()),
    };
    Err(Problem::usage(format!(
        "{} must be {expected}",
        shown(&item.name)
    )))
}
