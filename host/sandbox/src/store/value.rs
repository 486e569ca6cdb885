//! One stored value.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::schema::Scalar;
use crate::time::{Seconds, seconds_from_text, text_from_seconds};

/// What a column of a row holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Value {
    #[default]
    Null,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(Arc<str>),
    Time(Seconds),
    /// A list or an object.
    Json(Arc<Json>),
}

impl Value {
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Arc::from(text.as_ref()))
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(crate) fn as_text(&self) -> Option<&Arc<str>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_number(&self) -> Option<f64> {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "numbers of this size do not occur"
            )]
            Self::Integer(number) => Some(*number as f64),
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        matches!(self, Self::Boolean(true))
    }

    /// Reads a value that a client sent for an attribute of this type.
    ///
    /// # Errors
    ///
    /// Returns the expected type when the value has another.
    pub(crate) fn from_client(json: &Json, scalar: Scalar) -> Result<Self, &'static str> {
        let time_text = json.get("__type__").and_then(|_| json.get("value"));
        match (scalar, json) {
            (_, Json::Null) => Ok(Self::Null),
            (Scalar::Time, _) => {
                let text = time_text.unwrap_or(json).as_str().ok_or("datetime")?;
                seconds_from_text(text).map(Self::Time).ok_or("datetime")
            }
            (Scalar::Boolean, Json::Bool(flag)) => Ok(Self::Boolean(*flag)),
            (Scalar::Boolean, _) => match json.as_i64() {
                Some(0) => Ok(Self::Boolean(false)),
                Some(1) => Ok(Self::Boolean(true)),
                _ => Err("boolean"),
            },
            (Scalar::Integer, Json::Number(number)) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "checked to have no fraction"
                )]
                let from_float = || {
                    number
                        .as_f64()
                        .filter(|number| number.fract() == 0.0)
                        .map(|number| number as i64)
                };
                number
                    .as_i64()
                    .or_else(from_float)
                    .map(Self::Integer)
                    .ok_or("integer")
            }
            (Scalar::Integer, _) => Err("integer"),
            (Scalar::Number, Json::Number(number)) => {
                number.as_f64().map(Self::Number).ok_or("number")
            }
            (Scalar::Number, _) => Err("number"),
            (Scalar::Key | Scalar::Text | Scalar::TypeName | Scalar::JsonText, _) => {
                // The JavaScript client turns every text that looks like a time into one.
                time_text
                    .unwrap_or(json)
                    .as_str()
                    .map(Self::text)
                    .ok_or("string")
            }
            (Scalar::Object | Scalar::Variable, _) => Ok(Self::from_any(json)),
        }
    }

    /// Reads a value whose type nobody declared.
    pub(crate) fn from_any(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Boolean(*flag),
            Json::Number(number) => number.as_i64().map_or_else(
                || Self::Number(number.as_f64().unwrap_or_default()),
                Self::Integer,
            ),
            Json::String(text) => Self::text(text),
            Json::Object(map) if map.contains_key("__type__") => {
                let text = map.get("value").and_then(Json::as_str);
                text.and_then(seconds_from_text)
                    .map_or(Self::Null, Self::Time)
            }
            Json::Array(_) | Json::Object(_) => Self::Json(Arc::new(json.clone())),
        }
    }

    /// The value as clients get it.
    pub(crate) fn to_client(&self) -> Json {
        match self {
            Self::Time(seconds) => {
                json!({"__type__": "datetime", "value": text_from_seconds(*seconds)})
            }
            _ => self.to_plain(),
        }
    }

    /// The value as events carry it: times are plain texts.
    pub(crate) fn to_plain(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Boolean(flag) => json!(flag),
            Self::Integer(number) => json!(number),
            Self::Number(number) => json!(number),
            Self::Text(text) => json!(&**text),
            Self::Time(seconds) => json!(text_from_seconds(*seconds)),
            Self::Json(json) => (**json).clone(),
        }
    }

    /// The value as text, which is how criteria and events compare what has no declared type.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Boolean(flag) => flag.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.to_string(),
            Self::Time(seconds) => text_from_seconds(*seconds),
            Self::Json(json) => json.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_against_the_type_of_the_attribute() {
        for (json, scalar, expected) in [
            (json!(true), Scalar::Boolean, Ok(Value::Boolean(true))),
            (json!(1), Scalar::Boolean, Ok(Value::Boolean(true))),
            (json!("yes"), Scalar::Boolean, Err("boolean")),
            (json!(3.0), Scalar::Integer, Ok(Value::Integer(3))),
            (json!(3.5), Scalar::Integer, Err("integer")),
            (json!("3"), Scalar::Number, Err("number")),
            (json!(5), Scalar::Text, Err("string")),
            (
                json!({"__type__": "datetime", "value": "2020-01-01"}),
                Scalar::Text,
                Ok(Value::text("2020-01-01")),
            ),
            (
                json!({"__type__": "datetime", "value": "1970-01-02"}),
                Scalar::Time,
                Ok(Value::Time(86400)),
            ),
            (json!("soon"), Scalar::Time, Err("datetime")),
            (Json::Null, Scalar::Number, Ok(Value::Null)),
        ] {
            assert_eq!(
                Value::from_client(&json, scalar),
                expected,
                "{json} as {scalar:?}"
            );
        }
    }
}
