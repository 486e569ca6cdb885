//! The right-hand side of a comparison: a text until the attribute says what it means.

use std::cmp::Ordering;

use super::ast::Operator;
use crate::schema::Scalar;
use crate::store::Value;
use crate::time::{Seconds, seconds_from_text};

/// A value as written, with everything it could stand for worked out once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Literal {
    pub(crate) text: String,
    /// The text with only the quotes unescaped, which is what `like` reads.
    pub(crate) pattern: String,
    /// What `like` looks for, worked out when the operator is known to be one.
    parts: Vec<Part>,
    /// A bare `none`, `None` or `null`.
    pub(crate) is_none: bool,
    number: Option<f64>,
    boolean: Option<bool>,
    time: Option<Seconds>,
}

impl Literal {
    pub(crate) fn bare(text: &str) -> Self {
        let is_none = matches!(text, "none" | "None" | "null" | "NONE" | "NULL" | "Null");
        Self {
            is_none,
            ..Self::quoted(text.to_owned(), text.to_owned())
        }
    }

    pub(crate) fn quoted(text: String, pattern: String) -> Self {
        let boolean = match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        };
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        Self {
            is_none: false,
            number,
            boolean,
            time: seconds_from_text(&text),
            text,
            pattern,
            parts: Vec::new(),
        }
    }

    /// The same value on the right of `like`.
    pub(crate) fn into_pattern(self) -> Self {
        Self {
            parts: parts_from_pattern(&self.pattern),
            ..self
        }
    }

    /// A pattern that finds this text anywhere in another.
    pub(crate) fn into_part(self) -> Self {
        let exactly = self.text.chars().flat_map(char::to_lowercase);
        let exactly = exactly.map(Part::Exactly);
        Self {
            parts: std::iter::once(Part::Run)
                .chain(exactly)
                .chain([Part::Run])
                .collect(),
            ..self
        }
    }

    /// Tells whether this can be compared with an attribute of that type.
    pub(crate) fn fits(&self, scalar: Scalar) -> bool {
        self.is_none
            || match scalar {
                Scalar::Integer | Scalar::Number => self.number.is_some(),
                Scalar::Boolean => self.boolean.is_some(),
                Scalar::Time => self.time.is_some(),
                _ => true,
            }
    }

    /// Compares a stored value with this one. A null is different from every value: assumed, as the
    /// real server's behaviour is not known.
    pub(crate) fn matches(&self, value: &Value, operator: Operator) -> bool {
        match operator {
            Operator::Is => self.equals(value),
            Operator::IsNot => !self.equals(value),
            Operator::Like => self.is_liked(value),
            Operator::NotLike => !self.is_liked(value),
            Operator::Greater => self.order(value).is_some_and(Ordering::is_gt),
            Operator::GreaterOrEqual => self.order(value).is_some_and(Ordering::is_ge),
            Operator::Less => self.order(value).is_some_and(Ordering::is_lt),
            Operator::LessOrEqual => self.order(value).is_some_and(Ordering::is_le),
        }
    }

    fn is_liked(&self, value: &Value) -> bool {
        match value {
            Value::Null => false,
            Value::Text(text) => is_like(text, &self.parts),
            _ => is_like(&value.to_text(), &self.parts),
        }
    }

    pub(crate) fn equals(&self, value: &Value) -> bool {
        if self.is_none {
            return value.is_null();
        }
        match value {
            Value::Text(text) => **text == *self.text,
            Value::Json(json) => match json.as_array() {
                Some(items) => items.iter().any(|item| self.equals(&Value::from_any(item))),
                None => json.to_string() == self.text,
            },
            _ => self.order(value).is_some_and(Ordering::is_eq),
        }
    }

    /// How a stored value lies to this one; `None` when they cannot be compared.
    fn order(&self, value: &Value) -> Option<Ordering> {
        if self.is_none {
            return None;
        }
        match value {
            Value::Null | Value::Json(_) => None,
            Value::Boolean(flag) => Some(flag.cmp(&self.boolean?)),
            Value::Integer(_) | Value::Number(_) => value.as_number()?.partial_cmp(&self.number?),
            Value::Time(seconds) => Some(seconds.cmp(&self.time?)),
            Value::Text(text) => match (text.parse::<f64>(), self.number) {
                // Numbers kept as text, such as the values of custom attributes.
                (Ok(stored), Some(number)) => stored.partial_cmp(&number),
                _ => Some((**text).cmp(self.text.as_str())),
            },
        }
    }
}

/// A piece of a pattern.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Run,
    One,
    Exactly(char),
}

/// SQL's LIKE: `%` any run, `_` any character, backslash takes the next one as it is; letter case is ignored.
fn parts_from_pattern(pattern: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut characters = pattern.chars().flat_map(char::to_lowercase);
    while let Some(character) = characters.next() {
        parts.push(match character {
            '%' => Part::Run,
            '_' => Part::One,
            '\\' => Part::Exactly(characters.next().unwrap_or('\\')),
            other => Part::Exactly(other),
        });
    }
    parts
}

fn is_like(text: &str, parts: &[Part]) -> bool {
    if text.is_ascii() {
        let bytes = text.as_bytes();
        return fits(bytes.len(), parts, |at| {
            char::from(bytes[at].to_ascii_lowercase())
        });
    }
    let folded: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    fits(folded.len(), parts, |at| folded[at])
}

/// Greedy, with one point to return to: the last run seen.
fn fits(len: usize, parts: &[Part], character: impl Fn(usize) -> char) -> bool {
    let (mut at, mut part) = (0, 0);
    let mut last_run: Option<(usize, usize)> = None;
    while at < len {
        match parts.get(part) {
            Some(Part::Run) => {
                last_run = Some((part, at));
                part += 1;
                continue;
            }
            Some(Part::One) => (at, part) = (at + 1, part + 1),
            Some(Part::Exactly(wanted)) if *wanted == character(at) => {
                (at, part) = (at + 1, part + 1);
            }
            _ => match &mut last_run {
                Some((run, from)) => {
                    *from += 1;
                    (at, part) = (*from, *run + 1);
                }
                None => return false,
            },
        }
    }
    parts[part..].iter().all(|part| *part == Part::Run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_understands_wildcards_and_escapes() {
        for (text, pattern, expected) in [
            ("sh010", "sh%", true),
            ("SH010", "sh%", true),
            ("sh010", "%010", true),
            ("sh010", "s_010", true),
            ("sh010", "sh01", false),
            ("100% done", "%100\\%%", true),
            ("100 done", "%100\\%%", false),
            ("aXbXc", "%X%c", true),
            ("", "%", true),
            ("", "_", false),
            ("a_b", "a\\_b", true),
            ("axb", "a\\_b", false),
            ("Élan", "éL%", true),
            ("aaab", "%a_b", true),
        ] {
            let found = is_like(text, &parts_from_pattern(pattern));
            assert_eq!(found, expected, "{text} like {pattern}");
        }
    }

    #[test]
    fn values_compare_by_the_type_they_are_stored_as() {
        for (value, operator, text, expected) in [
            (Value::Integer(10), Operator::Greater, "9", true),
            (Value::text("10"), Operator::Greater, "9", true),
            (Value::text("b"), Operator::Greater, "a", true),
            (Value::Boolean(true), Operator::Is, "True", true),
            (Value::Boolean(true), Operator::Is, "1", true),
            (Value::Null, Operator::Is, "none", true),
            (Value::Null, Operator::IsNot, "x", true),
            (Value::Null, Operator::Less, "5", false),
            (Value::Time(86400), Operator::Is, "1970-01-02", true),
            (
                Value::Time(86400),
                Operator::Less,
                "1970-01-02T00:00:01",
                true,
            ),
            (Value::text("none"), Operator::Is, "none", false),
        ] {
            assert_eq!(
                Literal::bare(text).matches(&value, operator),
                expected,
                "{value:?} {operator:?} {text}"
            );
        }
    }
}
