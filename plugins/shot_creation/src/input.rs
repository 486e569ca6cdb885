//! What a person asks for: the values of the form's fields, whichever surface they came from.

use callboard_plugin_sdk::{Map, Surface, Value};

use crate::problem::Problem;

/// The names of the form's fields. Scripts and other surfaces rely on them.
pub(crate) mod field {
    pub(crate) const PROJECT: &str = "project";
    pub(crate) const SEQUENCE: &str = "sequence";
    pub(crate) const SHOTS: &str = "shots";
    pub(crate) const TASK_TYPES: &str = "task_types";
    pub(crate) const STATUS: &str = "status";
    pub(crate) const DRY_RUN: &str = "dry_run";
    pub(crate) const ALL: [&str; 6] = [PROJECT, SEQUENCE, SHOTS, TASK_TYPES, STATUS, DRY_RUN];
}

/// The fields' values as they were given, trimmed; what they name is not looked up yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Input {
    /// A project's id or name; empty when none was given.
    pub project: String,
    /// The sequence for rows that name none; may be empty.
    pub sequence: String,
    /// The shots as text: a name a line, or tab-separated columns.
    pub shots: String,
    /// Names or ids of task types, for rows that name none.
    pub task_types: Vec<String>,
    /// A status's name or id, for rows that name none; empty leaves it to the server.
    pub status: String,
    pub dry_run: bool,
}

/// Tells whether `values` hold any field of the form, and so are an answer to it.
pub(crate) fn is_given(values: &Map<String, Value>) -> bool {
    field::ALL
        .iter()
        .any(|name| values.get(*name).is_some_and(|value| !value.is_null()))
}

/// Tells whether the person at `surface` can be asked again; elsewhere a wrong value is a failure.
pub(crate) fn asks_again(surface: Surface) -> bool {
    matches!(surface, Surface::Web | Surface::Tray | Surface::Launcher)
}

/// Reads the form's fields, and tells of values that are not of their field's kind.
pub(crate) fn input_from_values(values: &Map<String, Value>) -> (Input, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut read = |name: &'static str| {
        let value = values.get(name).unwrap_or(&Value::Null);
        strings(value).unwrap_or_else(|| {
            problems.push(Problem::invalid(
                name,
                format!("`{name}` must be text"),
                "give it as a string, or as a list of strings",
            ));
            Vec::new()
        })
    };
    let input = Input {
        project: read(field::PROJECT).join(" ").trim().to_owned(),
        sequence: read(field::SEQUENCE).join(" ").trim().to_owned(),
        shots: read(field::SHOTS).join("\n"),
        task_types: read(field::TASK_TYPES)
            .iter()
            .flat_map(|text| listed(text))
            .collect(),
        status: read(field::STATUS).join(" ").trim().to_owned(),
        dry_run: false,
    };
    let dry_run = boolean(values.get(field::DRY_RUN).unwrap_or(&Value::Null));
    if dry_run.is_none() {
        problems.push(Problem::invalid(
            field::DRY_RUN,
            "`dry_run` must be yes or no",
            "give `true` or `false`",
        ));
    }
    let input = Input {
        // Whoever wrote something here that nobody understands does not want anything made.
        dry_run: dry_run.unwrap_or(true),
        ..input
    };
    (input, problems)
}

/// Splits a list that was typed as one text at its commas.
pub(crate) fn listed(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
}

fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::String(text) => Some(vec![text.clone()]),
        Value::Number(number) => Some(vec![number.to_string()]),
        Value::Array(items) => {
            let lists: Option<Vec<_>> = items.iter().map(strings).collect();
            Some(lists?.concat())
        }
        Value::Bool(_) | Value::Object(_) => None,
    }
}

fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Null => Some(false),
        Value::Bool(is_set) => Some(*is_set),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        Value::String(text) => match text.trim().to_lowercase().as_str() {
            "" | "0" | "false" | "no" | "off" => Some(false),
            "1" | "true" | "yes" | "on" => Some(true),
            _ => None,
        },
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use callboard_plugin_sdk::json;

    use super::*;

    fn read(values: &Value) -> (Input, Vec<Problem>) {
        input_from_values(values.as_object().unwrap())
    }

    #[test]
    fn values_are_read_as_every_surface_writes_them() {
        let check = |values: Value, expected: Input| {
            assert_eq!(read(&values), (expected, Vec::new()), "{values}");
        };
        check(
            json!({"shots": "sh010", "task_types": ["Animation", "FX"], "dry_run": true}),
            Input {
                shots: "sh010".into(),
                task_types: vec!["Animation".into(), "FX".into()],
                dry_run: true,
                ..Input::default()
            },
        );
        check(
            json!({"shots": ["sh010", "sh020"], "task_types": "Animation, FX,", "dry_run": "yes"}),
            Input {
                shots: "sh010\nsh020".into(),
                task_types: vec!["Animation".into(), "FX".into()],
                dry_run: true,
                ..Input::default()
            },
        );
        check(
            json!({"sequence": 10, "shots": 20, "status": null, "dry_run": "0"}),
            Input {
                sequence: "10".into(),
                shots: "20".into(),
                ..Input::default()
            },
        );
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_named_and_makes_nothing() {
        let (input, problems) = read(&json!({"shots": {"a": 1}, "dry_run": "perhaps"}));
        let fields: Vec<_> = problems.iter().map(|problem| problem.field).collect();
        assert_eq!(fields, ["shots", "dry_run"]);
        assert!(input.dry_run);
    }

    #[test]
    fn values_of_others_are_no_answer() {
        assert!(!is_given(json!({"job": "1"}).as_object().unwrap()));
        assert!(!is_given(json!({"shots": null}).as_object().unwrap()));
        assert!(is_given(json!({"shots": ""}).as_object().unwrap()));
    }
}
