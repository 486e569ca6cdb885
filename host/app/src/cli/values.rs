//! Arguments that name entities and values: `--on Shot:ID`, `--set name=value`, `--values FILE`.

use std::io::Read;
use std::path::Path;
use std::str::FromStr;

use callboard_protocol::{Control, Entity, Failure, FieldEdit, Item, View, apply_edits, is_blank};
use clap::Args;
use serde_json::{Map, Value};

use super::problem::Problem;
use crate::surface::dialect;

/// An entity as an argument: `Shot:ID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct On(pub(crate) Entity);

impl FromStr for On {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((kind, id)) if !kind.is_empty() && !id.is_empty() => {
                Ok(Self(Entity::new(dialect::kind_from_entity_type(kind), id)))
            }
            _ => Err("name an entity as `Kind:ID`, such as `Shot:5f2c…`".to_owned()),
        }
    }
}

/// A value as an argument: `name=text` or `name:=json`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Set {
    name: String,
    value: Value,
}

impl Set {
    /// Returns the name and the value.
    pub(crate) fn into_pair(self) -> (String, Value) {
        (self.name, self.value)
    }
}

impl FromStr for Set {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, value)) = text.split_once('=') else {
            return Err("give a value as `name=text` or `name:=json`".to_owned());
        };
        let (name, value) = match name.strip_suffix(':') {
            None => (name, Value::from(value)),
            Some(name) => {
                let value = serde_json::from_str(value)
                    .map_err(|error| format!("what follows `{name}:=` is not JSON: {error}"))?;
                (name, value)
            }
        };
        if name.is_empty() {
            return Err("the value has no name".to_owned());
        }
        Ok(Self {
            name: name.to_owned(),
            value,
        })
    }
}

/// Values for a form.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ValueArguments {
    /// Sets a field: `name=text`, or `name:=json` for a number, yes or no, or a list.
    ///
    /// A field that takes several of a list takes them with commas: `--set task_types=Compositing,Roto`.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<Set>,
    /// Reads the fields from a file with one JSON object; `-` is stdin. `--set` goes before it.
    #[arg(long, value_name = "FILE")]
    values: Option<std::path::PathBuf>,
}

impl ValueArguments {
    /// Returns the values: those of the file, with those of `--set` over them.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or holds something else than one JSON object.
    pub(crate) fn read(&self) -> Result<Map<String, Value>, Problem> {
        let mut values = match &self.values {
            Some(file) => values_from_file(file)?,
            None => Map::new(),
        };
        for set in &self.set {
            values.insert(set.name.clone(), set.value.clone());
        }
        Ok(values)
    }
}

fn values_from_file(file: &Path) -> Result<Map<String, Value>, Problem> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    let text = text.map_err(|error| {
        let mut problem =
            Problem::usage(format!("could not read values from `{}`", file.display()));
        problem.failure = problem.failure.caused_by(&error);
        problem
    })?;
    serde_json::from_str(&text).map_err(|error| {
        let mut problem = Problem::usage(format!("no JSON object in `{}`", file.display()));
        problem.failure = problem.failure.caused_by(&error);
        problem
    })
}

/// Returns the whole form as it is submitted: what was given, over what was filled in before, over what the view starts with.
///
/// # Errors
///
/// Names the fields that do not exist, or says what is wrong with the first that is not filled in right.
pub(crate) fn filled_form(
    view: &View,
    draft: &[FieldEdit],
    given: Map<String, Value>,
) -> Result<Map<String, Value>, Failure> {
    let strangers: Vec<&str> = given
        .keys()
        .filter(|name| !view.items.iter().any(|item| item.name == **name))
        .map(String::as_str)
        .collect();
    if !strangers.is_empty() {
        return Err(Failure::invalid(format!(
            "the form has no field `{}`",
            strangers.join("`, `")
        ))
        .hint(format!("its fields are {}", names(view.items.iter()))));
    }
    let mut values = view.initial_values();
    apply_edits(&mut values, draft);
    values.extend(dialect::values_for_view(view, given));
    let checked = view.check_values(&values);
    checked.map_err(|failure| failure.hint("give it with `--set name=value`"))?;
    Ok(values)
}

/// Returns the fields of a view that must be filled in and are not.
pub(crate) fn missing_fields<'a>(
    view: &'a View,
    values: &'a Map<String, Value>,
) -> impl Iterator<Item = &'a Item> {
    view.items
        .iter()
        .filter(|item| item.visible && item.required)
        .filter(|item| is_blank(values.get(&item.name).unwrap_or(&Value::Null)))
}

/// Returns the names of fields that a person fills in, as a list in a sentence.
pub(crate) fn names<'a>(items: impl Iterator<Item = &'a Item>) -> String {
    items
        .filter(|item| !item.name.is_empty() && item.control != Control::Hidden)
        .map(|item| format!("`{}`", item.name))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use callboard_protocol::{Choice, Edit};
    use serde_json::json;

    #[test]
    fn values_are_text_unless_they_are_json() {
        let check = |text: &str, expected: Result<(&str, Value), &str>| {
            let seen = text.parse::<Set>().map(|set| (set.name, set.value));
            match (seen, expected) {
                (Ok((name, value)), Ok(expected)) => assert_eq!((name.as_str(), value), expected),
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{error}"),
                (seen, expected) => panic!("{text}: {seen:?} instead of {expected:?}"),
            }
        };
        check("shots=sh010", Ok(("shots", json!("sh010"))));
        check("shots=a=b", Ok(("shots", json!("a=b"))));
        check("shots=", Ok(("shots", json!(""))));
        check("count=12", Ok(("count", json!("12"))));
        check("count:=12", Ok(("count", json!(12))));
        check("types:=[\"a\"]", Ok(("types", json!(["a"]))));
        check("shots=a\nb", Ok(("shots", json!("a\nb"))));
        check("shots", Err("name=text"));
        check("=x", Err("no name"));
        check("count:=many", Err("not JSON"));
    }

    #[test]
    fn entities_are_a_kind_and_an_id() {
        let entity = |text: &str| text.parse::<On>().ok().map(|on| (on.0.kind, on.0.id));
        let pair = |kind: &str, id: &str| Some((kind.to_owned(), id.to_owned()));
        assert_eq!(entity("Shot:5f"), pair("Shot", "5f"));
        assert_eq!(entity("shot:5f"), pair("Shot", "5f"));
        assert_eq!(entity("show:5f"), pair("Project", "5f"));
        assert_eq!(entity("User:a:b"), pair("User", "a:b"));
        assert_eq!(entity("5f"), None);
        assert_eq!(entity("Shot:"), None);
    }

    #[test]
    fn a_form_is_submitted_whole_or_says_what_it_needs() {
        let view = View::new("Create shots")
            .with(Item::note("Where"))
            .with(Item::text("project", "Project").required())
            .with(Item::text_area("shots", "Shots").required())
            .with(Item::boolean("dry_run", "Only look"))
            .with(Item::several_of(
                "tasks",
                "Tasks",
                vec![Choice::new("Roto", "t1")],
            ))
            .with(Item::hidden("token", 7));
        let draft = [FieldEdit {
            number: 1,
            name: "project".into(),
            edit: Edit::Value {
                value: "drafted".into(),
            },
        }];
        let check = |draft: &[FieldEdit], given: Value, expected: Result<Value, (&str, &str)>| {
            let Value::Object(given) = given else {
                panic!("{given} is no object")
            };
            match (filled_form(&view, draft, given), expected) {
                (Ok(values), Ok(expected)) => assert_eq!(Value::Object(values), expected),
                (Err(failure), Err((message, hint))) => {
                    assert_eq!(failure.message, message);
                    assert_eq!(failure.hint.as_deref(), Some(hint));
                }
                (seen, expected) => panic!("{seen:?} instead of {expected:?}"),
            }
        };
        check(
            &[],
            json!({"project": "demo", "shots": "sh010", "tasks": "Roto", "dry_run": "yes"}),
            Ok(
                json!({"project": "demo", "shots": "sh010", "dry_run": true, "tasks": ["t1"], "token": 7}),
            ),
        );
        check(
            &draft,
            json!({"shots": "sh010"}),
            Ok(
                json!({"project": "drafted", "shots": "sh010", "dry_run": false, "tasks": [], "token": 7}),
            ),
        );
        check(
            &[],
            json!({"shots": " "}),
            Err((
                "`project` must be filled in, and another field is not filled in right",
                "give it with `--set name=value`",
            )),
        );
        check(
            &[],
            json!({"shot": "sh010"}),
            Err((
                "the form has no field `shot`",
                "its fields are `project`, `shots`, `dry_run`, `tasks`",
            )),
        );
    }
}
