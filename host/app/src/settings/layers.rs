//! Lays one file over another, and checks each setting against `config/schema.json`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use callboard_protocol::{Failure, FailureKind};
use serde_json::Value as Schema;
use toml::{Table, Value};

use super::Settings;

const DEFAULTS: &str = include_str!("../../../../config/defaults.toml");
const SCHEMA: &str = include_str!("../../../../config/schema.json");

/// The section whose own sections are settings of plugins.
const PLUGIN: &str = "plugin";

/// What it means when a file is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// The person has not written one.
    IsFine,
    /// Another setting names it.
    IsAProblem,
}

/// What a studio's requirement of signatures is made of: whoever may change one of them is not bound by it.
const SIGNATURE_KEYS: [&str; 2] = ["require_signature", "trusted_keys"];

/// The layers that were added so far, flattened.
pub(super) struct Layers {
    table: Table,
    /// Whether the layers so far require signatures, which no later one may weaken.
    requires_signature: bool,
    schema: Schema,
    problems: Vec<Failure>,
}

impl Layers {
    /// Starts from the defaults.
    pub(super) fn built_in() -> Self {
        Self {
            table: DEFAULTS
                .parse()
                .expect("the built-in defaults are checked by a test"),
            requires_signature: false,
            schema: serde_json::from_str(SCHEMA).expect("the built-in schema is checked by a test"),
            problems: Vec::new(),
        }
    }

    /// Returns the studio's file, which the user's file may name.
    pub(super) fn studio_file(&self, user: &Path) -> Option<PathBuf> {
        let user: Option<Table> = fs::read_to_string(user).ok()?.parse().ok();
        let named = |table: &Table| {
            let file = table.get("studio")?.get("file")?.as_str()?;
            (!file.is_empty()).then(|| PathBuf::from(file))
        };
        user.as_ref().and_then(named).or_else(|| named(&self.table))
    }

    /// Lays a file over what there is.
    pub(super) fn add_file(&mut self, path: &Path, missing: Missing) {
        let shown = path.display();
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound && missing == Missing::IsFine => {
                return;
            }
            Err(error) => {
                let failure = Failure::invalid(format!("could not read the settings: `{shown}`"))
                    .hint("make the file readable, or name another in `studio.file`");
                self.problems.push(failure.caused_by(&error));
                return;
            }
        };
        match text.parse::<Table>() {
            Ok(table) => self.add_table(&shown.to_string(), table),
            Err(error) => self.problems.push(
                Failure::invalid(format!("the settings are not TOML: `{shown}`"))
                    .hint("mend the line that is named, or remove the file")
                    .because(error.to_string().trim().to_owned()),
            ),
        }
    }

    /// Keeps what the layers so far require: later ones may say more, and not less.
    pub(super) fn hold_requirements(&mut self) {
        let required = self.table["plugins"].get("require_signature");
        self.requires_signature = required.and_then(Value::as_bool) == Some(true);
    }

    fn add_table(&mut self, file: &str, table: Table) {
        for (section, content) in table {
            match content {
                // What a plugin may be set is for its manifest to say.
                Value::Table(plugins) if section == PLUGIN => {
                    for (plugin, content) in plugins {
                        if !content.is_table() {
                            let expected = format!("a section, such as `[plugin.{plugin}]`");
                            self.problem(file, &format!("{PLUGIN}.{plugin}"), &expected);
                        }
                    }
                }
                Value::Table(keys) => {
                    for (key, value) in keys {
                        self.add_value(file, &section, &key, value);
                    }
                }
                _ => self.problem(file, &section, "a section, such as `[log]`"),
            }
        }
    }

    /// Lays one value over what there is; `origin` is the file or variable it comes from.
    pub(super) fn add_value(&mut self, origin: &str, section: &str, key: &str, value: Value) {
        let sections = &self.schema["properties"];
        let Some(known) = sections.get(section) else {
            let expected = format!("one of the sections {}", names(sections));
            return self.problem(origin, section, &expected);
        };
        let keys = &known["properties"];
        let Some(schema) = keys.get(key) else {
            let expected = format!("one of the keys {}", names(keys));
            return self.problem(origin, &format!("{section}.{key}"), &expected);
        };
        if let Some(expected) = unmet(schema, &value) {
            return self.problem(origin, &format!("{section}.{key}"), &expected);
        }
        let is_held = self.requires_signature
            && section == "plugins"
            && SIGNATURE_KEYS.contains(&key)
            && self.table[section].get(key) != Some(&value);
        if is_held {
            let message = format!("the studio's settings keep `{section}.{key}` from `{origin}`");
            let hint = "take the line out, or ask whoever keeps the studio's settings";
            return self.problems.push(Failure::denied(message).hint(hint));
        }
        if let Some(Value::Table(table)) = self.table.get_mut(section) {
            table.insert(key.to_owned(), value);
        }
    }

    fn problem(&mut self, origin: &str, key: &str, expected: &str) {
        self.problems.push(
            Failure::new(
                FailureKind::Invalid,
                format!("bad setting `{key}` in `{origin}`"),
            )
            .hint(format!("write {expected}")),
        );
    }

    /// Returns the settings and what was wrong.
    pub(super) fn finish(self) -> (Settings, Vec<Failure>) {
        let settings = self
            .table
            .try_into()
            .expect("every value was checked against the schema, as a test shows");
        (settings, self.problems)
    }
}

/// Says what was expected, where `value` is not as the schema wants it.
fn unmet(schema: &Schema, value: &Value) -> Option<String> {
    let bound = |name: &str| schema.get(name).and_then(Schema::as_i64);
    match (schema["type"].as_str()?, value) {
        ("boolean", Value::Boolean(_)) => None,
        ("boolean", _) => Some("`true` or `false`".into()),
        ("string", Value::String(text)) if !text.is_empty() || bound("minLength").is_none() => None,
        ("string", _) => Some("a text in quotes".into()),
        ("integer", value) => {
            let (low, high) = (bound("minimum")?, bound("maximum")?);
            let fits = value
                .as_integer()
                .is_some_and(|number| (low..=high).contains(&number));
            (!fits).then(|| format!("a whole number from {low} to {high}, without quotes"))
        }
        ("array", Value::Array(items)) => {
            let bad = items
                .iter()
                .any(|item| unmet(&schema["items"], item).is_some());
            bad.then(|| "a list of texts, such as `[\"…\"]`".into())
        }
        _ => Some("a list of texts, such as `[\"…\"]`".into()),
    }
}

fn names(schema: &Schema) -> String {
    let names: Vec<String> = schema
        .as_object()
        .into_iter()
        .flat_map(|object| object.keys())
        .map(|name| format!("`{name}`"))
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples(folder: &str) -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../config/examples")
            .join(folder);
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    fn problems_of(path: &Path) -> Vec<Failure> {
        let mut layers = Layers::built_in();
        layers.add_file(path, Missing::IsAProblem);
        layers.finish().1
    }

    #[test]
    fn the_defaults_meet_the_schema() {
        let mut layers = Layers::built_in();
        layers.add_table("defaults", DEFAULTS.parse().unwrap());
        let (settings, problems) = layers.finish();
        assert_eq!(problems, []);
        assert_eq!(settings.plugins.hello_secs, 10);
    }

    #[test]
    fn good_examples_have_no_problem_and_bad_ones_name_their_file() {
        for path in examples("valid") {
            assert_eq!(problems_of(&path), [], "{}", path.display());
        }
        for path in examples("invalid") {
            let problems = problems_of(&path);
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert_eq!(problems.len(), 1, "{name}");
            assert!(problems[0].message.contains(&name), "{:?}", problems[0]);
            assert!(problems[0].hint.is_some(), "{name}");
        }
    }

    #[test]
    fn a_bad_setting_leaves_the_one_below_in_force() {
        let mut layers = Layers::built_in();
        layers.add_value("f", "plugins", "hello_secs", Value::Integer(20));
        layers.add_value("g", "plugins", "hello_secs", Value::Integer(0));
        let (settings, problems) = layers.finish();
        assert_eq!(settings.plugins.hello_secs, 20);
        assert_eq!(
            problems[0].message,
            "bad setting `plugins.hello_secs` in `g`"
        );
        assert_eq!(
            problems[0].hint.as_deref(),
            Some("write a whole number from 1 to 600, without quotes")
        );
    }

    #[test]
    fn nobody_weakens_what_the_studio_requires() {
        let add = |layers: &mut Layers, text: &str| {
            layers.add_table("f", text.parse().unwrap());
        };
        let mut layers = Layers::built_in();
        add(
            &mut layers,
            "[plugins]\nrequire_signature = true\ntrusted_keys = [\"a\"]",
        );
        layers.hold_requirements();
        add(
            &mut layers,
            "[plugins]\nrequire_signature = false\ntrusted_keys = [\"a\", \"b\"]",
        );
        add(
            &mut layers,
            "[plugins]\nrequire_signature = true\nidle_stop_secs = 7",
        );
        let (settings, problems) = layers.finish();
        assert!(settings.plugins.require_signature);
        assert_eq!(settings.plugins.trusted_keys, ["a"]);
        assert_eq!(settings.plugins.idle_stop_secs, 7);
        assert_eq!(problems.len(), 2, "{problems:?}");

        // Where the studio requires nothing, a person may require it.
        let mut layers = Layers::built_in();
        layers.hold_requirements();
        add(
            &mut layers,
            "[plugins]\nrequire_signature = true\ntrusted_keys = [\"b\"]",
        );
        let (settings, problems) = layers.finish();
        assert!(settings.plugins.require_signature && problems.is_empty());
    }
}
