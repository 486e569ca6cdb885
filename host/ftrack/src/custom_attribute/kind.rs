//! What an attribute can hold.

use serde_json::Value;

use super::AttributeError;
use crate::value::{datetime, datetime_text, timestamp_from_text};

/// What an attribute can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttributeKind {
    /// A text.
    Text,
    /// A number.
    Number {
        /// Whether it may have a fraction.
        is_decimal: bool,
    },
    /// Yes or no.
    Boolean,
    /// A day, or a point in time.
    Date,
    /// Some of these values.
    Enumerator {
        /// Whether there may be several.
        is_multiple: bool,
        /// What can be chosen; `None` where the server finds that out when it is asked.
        choices: Option<Vec<String>>,
    },
    /// Something else, by ftrack's name for it. Values are sent as they are.
    Other(String),
}

impl AttributeKind {
    /// Reads the kind's name and its configuration, which is JSON in a text, with the choices as JSON in a text again.
    pub(super) fn new(name: &str, config: &str) -> Self {
        let config: Value = serde_json::from_str(config).unwrap_or_default();
        let is = |name: &str| config.get(name).and_then(Value::as_bool).unwrap_or(false);
        match name {
            "text" | "url" => Self::Text,
            "number" => Self::Number {
                is_decimal: is("isdecimal"),
            },
            "boolean" => Self::Boolean,
            "date" => Self::Date,
            "enumerator" => Self::Enumerator {
                is_multiple: is("multiSelect"),
                choices: choices(&config),
            },
            "dynamic enumerator" => Self::Enumerator {
                is_multiple: is("multiSelect"),
                choices: None,
            },
            other => Self::Other(other.to_owned()),
        }
    }

    /// Returns the value as the server takes it.
    pub(super) fn to_wire(&self, key: &str, value: &Value) -> Result<Value, AttributeError> {
        let other = |wanted| AttributeError::OtherKind {
            key: key.to_owned(),
            wanted,
        };
        match (self, value) {
            (_, Value::Null) | (Self::Other(_), _) => Ok(value.clone()),
            (Self::Text, Value::String(_)) | (Self::Boolean, Value::Bool(_)) => Ok(value.clone()),
            (Self::Number { is_decimal }, Value::Number(number)) => {
                let is_whole = number.as_f64().is_some_and(|number| number.fract() == 0.0);
                match *is_decimal || is_whole {
                    true => Ok(value.clone()),
                    false => Err(other("a whole number")),
                }
            }
            (Self::Date, _) => {
                let text = value.as_str().or_else(|| datetime_text(value));
                let text = text.filter(|text| timestamp_from_text(text).is_some());
                text.map(datetime).ok_or_else(|| other("a date"))
            }
            (
                Self::Enumerator {
                    is_multiple,
                    choices,
                },
                _,
            ) => {
                let chosen = chosen(value).ok_or_else(|| other("a choice"))?;
                if chosen.len() > 1 && !is_multiple {
                    return Err(other("one choice"));
                }
                let is_choice = |value: &&str| {
                    let choices = choices.iter().flatten();
                    choices.into_iter().any(|choice| choice == value)
                };
                match chosen
                    .iter()
                    .find(|value| choices.is_some() && !is_choice(value))
                {
                    None => Ok(Value::from(chosen)),
                    Some(value) => Err(AttributeError::NoChoice {
                        key: key.to_owned(),
                        value: (*value).to_owned(),
                        choices: choices.clone().unwrap_or_default(),
                    }),
                }
            }
            (Self::Text, _) => Err(other("a text")),
            (Self::Number { .. }, _) => Err(other("a number")),
            (Self::Boolean, _) => Err(other("yes or no")),
        }
    }
}

fn choices(config: &Value) -> Option<Vec<String>> {
    let data: Vec<Value> = serde_json::from_str(config.get("data")?.as_str()?).ok()?;
    let value = |choice: &Value| Some(choice.get("value")?.as_str()?.to_owned());
    Some(data.iter().filter_map(value).collect())
}

/// One text stands for a list of one.
fn chosen(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(values) => values.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_sent_as_its_kind_has_it_or_refused_by_name() {
        let choices = json!([{"menu": "Low", "value": "low"}, {"menu": "High", "value": "high"}]);
        let enumerator = |is_multiple: bool| {
            json!({"multiSelect": is_multiple, "data": choices.to_string()}).to_string()
        };
        let (one, several) = (enumerator(false), enumerator(true));
        let day = json!({"__type__": "datetime", "value": "2026-11-20"});
        for (kind, config, value, expected) in [
            ("text", "{}", json!("x"), Ok(json!("x"))),
            ("text", "{}", json!(1), Err("`k` takes a text")),
            ("text", "{}", json!(null), Ok(json!(null))),
            (
                "number",
                r#"{"isdecimal":true}"#,
                json!(1.5),
                Ok(json!(1.5)),
            ),
            ("number", "{}", json!(1001), Ok(json!(1001))),
            ("number", "{}", json!(1.5), Err("`k` takes a whole number")),
            ("number", "{}", json!("1"), Err("`k` takes a number")),
            ("boolean", "{}", json!(true), Ok(json!(true))),
            ("boolean", "{}", json!("yes"), Err("`k` takes yes or no")),
            ("date", "{}", json!("2026-11-20"), Ok(day.clone())),
            ("date", "{}", day.clone(), Ok(day.clone())),
            ("date", "{}", json!("soon"), Err("`k` takes a date")),
            ("enumerator", &one, json!("low"), Ok(json!(["low"]))),
            (
                "enumerator",
                &one,
                json!(["low", "high"]),
                Err("`k` takes one choice"),
            ),
            (
                "enumerator",
                &several,
                json!(["low", "high"]),
                Ok(json!(["low", "high"])),
            ),
            (
                "enumerator",
                &one,
                json!("none"),
                Err("`k` cannot be `none`; it is one of `low`, `high`"),
            ),
            ("dynamic enumerator", "{}", json!("any"), Ok(json!(["any"]))),
            ("expression", "", json!({"a": 1}), Ok(json!({"a": 1}))),
        ] {
            let sent = AttributeKind::new(kind, config).to_wire("k", &value);
            let sent = sent.map_err(|error| error.to_string());
            assert_eq!(
                sent,
                expected.map_err(str::to_owned),
                "{kind} {config} {value}"
            );
        }
    }
}
