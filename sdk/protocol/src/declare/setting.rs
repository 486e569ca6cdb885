//! Settings of a plugin's own: their schema, and whether a value meets it.

use std::fmt;

use regex_lite::Regex;
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::Choice;

use super::DeclareError;

/// The longest text that a setting holds, in bytes.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// The settings that a plugin declares, in the manifest's order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(Vec<(String, Setting)>);

/// One setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// What kind of value it has, and its bounds.
    #[serde(flatten)]
    pub kind: SettingKind,
    /// What stands beside it in the form; its name when there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// One sentence on what it changes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its value where nobody sets another; null for none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub default: Value,
    /// Whether it must have a value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

/// What kind of value a setting has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SettingKind {
    /// One line of text.
    Text {
        /// A regular expression that the whole text must match.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pattern: Option<String>,
    },
    /// A number.
    Number {
        /// The least.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<f64>,
        /// The most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<f64>,
    },
    /// Yes or no.
    Boolean,
    /// One of several, or several of them.
    Enumerator {
        /// The choices.
        data: Vec<Choice>,
        /// Whether several may be chosen; the value is then a list.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        multi_select: bool,
    },
    /// A day, as `YYYY-MM-DD`.
    Date,
    /// A file's path, absolute or below `~/`.
    File,
    /// A folder's path, absolute or below `~/`.
    Folder,
    /// A text that is kept as a secret: in the system's keyring, never in a file of settings.
    Password,
    /// Several texts.
    List {
        /// A regular expression that each whole text must match.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pattern: Option<String>,
    },
}

impl Settings {
    /// Returns each setting with its name, in the manifest's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.0
            .iter()
            .map(|(name, setting)| (name.as_str(), setting))
    }

    /// Returns the setting with this name.
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, setting)| setting)
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn check(&self) -> Result<(), DeclareError> {
        for (name, setting) in self.iter() {
            let what = format!("the setting `{name}`");
            super::check_name(what.clone(), name)?;
            if let Some(pattern) = setting.pattern()
                && let Err(error) = whole(pattern)
            {
                let expected = format!("a regular expression: {error}");
                return Err(DeclareError::bad(
                    format!("the pattern of {what}"),
                    expected,
                ));
            }
            if setting.kind == SettingKind::Password && !setting.default.is_null() {
                let what = format!("the default of {what}");
                return Err(DeclareError::bad(
                    what,
                    "left out: a manifest holds no secrets",
                ));
            }
            if !setting.default.is_null()
                && let Err(expected) = setting.accepts(&setting.default)
            {
                return Err(DeclareError::bad(
                    format!("the default of {what}"),
                    expected,
                ));
            }
        }
        Ok(())
    }
}

impl Setting {
    fn pattern(&self) -> Option<&str> {
        match &self.kind {
            SettingKind::Text { pattern } | SettingKind::List { pattern } => pattern.as_deref(),
            _ => None,
        }
    }

    /// Checks a value; null is none.
    ///
    /// # Errors
    ///
    /// Says what is expected: `a number of at most 8`.
    pub fn accepts(&self, value: &Value) -> Result<(), String> {
        let is_nothing = match value {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            Value::Array(list) => list.is_empty(),
            _ => false,
        };
        if is_nothing && self.required {
            return Err("filled in".to_owned());
        }
        if value.is_null() {
            return Ok(());
        }
        match &self.kind {
            SettingKind::Text { pattern } => is_text(value, pattern.as_deref(), is_nothing),
            SettingKind::Number { min, max } => is_number(value, *min, *max),
            SettingKind::Boolean if value.is_boolean() => Ok(()),
            SettingKind::Boolean => Err("`true` or `false`".to_owned()),
            SettingKind::Enumerator { data, multi_select } => {
                is_chosen(value, data, *multi_select, is_nothing)
            }
            SettingKind::Date => match value {
                Value::String(day) if day.is_empty() || is_day(day) => Ok(()),
                _ => Err("a day in quotes, such as `2026-11-21`".to_owned()),
            },
            SettingKind::File | SettingKind::Folder => match value {
                Value::String(path)
                    if path.is_empty() || path.starts_with('/') || path.starts_with("~/") =>
                {
                    Ok(())
                }
                _ => Err("an absolute path, or one that begins with `~/`".to_owned()),
            },
            SettingKind::Password => is_text(value, None, is_nothing),
            SettingKind::List { pattern } => {
                let expected = || match pattern {
                    Some(pattern) => format!("a list of texts that each match `{pattern}`"),
                    None => "a list of texts, such as `[\"…\"]`".to_owned(),
                };
                let items = value.as_array().ok_or_else(expected)?;
                let fits = |item| is_text(item, pattern.as_deref(), false).is_ok();
                if items.iter().all(fits) && value.to_string().len() <= MAX_TEXT_BYTES {
                    Ok(())
                } else {
                    Err(expected())
                }
            }
        }
    }
}

fn is_text(value: &Value, pattern: Option<&str>, is_nothing: bool) -> Result<(), String> {
    let Value::String(text) = value else {
        return Err("a text in quotes".to_owned());
    };
    if text.len() > MAX_TEXT_BYTES {
        return Err(format!("a text of at most {MAX_TEXT_BYTES} bytes"));
    }
    match pattern {
        Some(pattern) if !is_nothing && !whole(pattern).is_ok_and(|regex| regex.is_match(text)) => {
            Err(format!("a text that matches `{pattern}`"))
        }
        _ => Ok(()),
    }
}

fn is_number(value: &Value, min: Option<f64>, max: Option<f64>) -> Result<(), String> {
    let fits = value.as_f64().is_some_and(|number| {
        min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max)
    });
    if fits {
        return Ok(());
    }
    Err(match (min, max) {
        (Some(min), Some(max)) => format!("a number from {min} to {max}"),
        (Some(min), None) => format!("a number of at least {min}"),
        (None, Some(max)) => format!("a number of at most {max}"),
        (None, None) => "a number".to_owned(),
    })
}

fn is_chosen(
    value: &Value,
    data: &[Choice],
    several: bool,
    is_nothing: bool,
) -> Result<(), String> {
    let is_one = |value: &Value| data.iter().any(|choice| choice.value == *value);
    let fits = match value {
        Value::Array(values) if several => values.iter().all(is_one),
        _ if several => false,
        value => is_nothing || is_one(value),
    };
    if fits {
        return Ok(());
    }
    let choices: Vec<String> = data
        .iter()
        .map(|choice| format!("`{}`", choice.value))
        .collect();
    let several = if several {
        "a list of some of"
    } else {
        "one of"
    };
    Err(format!("{several} {}", choices.join(", ")))
}

fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    let number = |part: &str, digits: usize| {
        let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse::<u32>().ok()).flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2))
    else {
        return false;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// Returns a regular expression that wants the whole text.
fn whole(pattern: &str) -> Result<Regex, regex_lite::Error> {
    Regex::new(&format!("^(?:{pattern})$"))
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, setting) in self.iter() {
            map.serialize_entry(name, setting)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Settings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of settings, each with its `type`")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Settings, M::Error> {
                let mut settings = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    settings.push(entry);
                }
                Ok(Settings(settings))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_accepted_or_what_is_expected_is_said() {
        let check = |setting: Value, value: Value, expected: Result<(), &str>| {
            let setting: Setting = serde_json::from_value(setting).unwrap();
            let seen = setting.accepts(&value);
            assert_eq!(seen, expected.map_err(str::to_owned), "{setting:?} {value}");
        };
        let text = json!({"type": "text", "pattern": "[a-z]+", "required": true});
        check(text.clone(), json!("abc"), Ok(()));
        check(
            text.clone(),
            json!("abc1"),
            Err("a text that matches `[a-z]+`"),
        );
        check(text.clone(), json!(" "), Err("filled in"));
        check(text, json!(null), Err("filled in"));
        let number = json!({"type": "number", "min": 1, "max": 8.5});
        check(number.clone(), json!(8.5), Ok(()));
        check(number.clone(), json!(0), Err("a number from 1 to 8.5"));
        check(number, json!("3"), Err("a number from 1 to 8.5"));
        check(
            json!({"type": "boolean"}),
            json!("yes"),
            Err("`true` or `false`"),
        );
        let one = json!({"type": "enumerator", "data": [{"label": "A", "value": "a"}]});
        check(one.clone(), json!("a"), Ok(()));
        check(one, json!("b"), Err("one of `\"a\"`"));
        let day = json!({"type": "date"});
        check(day.clone(), json!("2028-02-29"), Ok(()));
        check(
            day,
            json!("2026-02-29"),
            Err("a day in quotes, such as `2026-11-21`"),
        );
        check(
            json!({"type": "folder"}),
            json!("renders"),
            Err("an absolute path, or one that begins with `~/`"),
        );
        check(json!({"type": "folder"}), json!("~/renders"), Ok(()));
        let list = json!({"type": "list", "pattern": "[0-9]+"});
        check(list.clone(), json!(["1", "22"]), Ok(()));
        check(
            list,
            json!(["1", "x"]),
            Err("a list of texts that each match `[0-9]+`"),
        );
    }

    #[test]
    fn settings_keep_the_order_of_the_manifest() {
        let settings: Settings = serde_json::from_str(
            r#"{"zoom":{"type":"number"},"age":{"type":"text"},"mood":{"type":"boolean"}}"#,
        )
        .unwrap();
        let names: Vec<&str> = settings.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["zoom", "age", "mood"]);
    }
}
