//! What is wrong with the values of a form, as far as the form itself says: the same for every surface.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::Failure;
use crate::view::{Choice, Control, Item, View};

impl View {
    /// Returns what is wrong with `values`, one sentence for each item that has something, in the order of the view.
    ///
    /// An item that is not shown may have any value.
    /// Choices are not looked at where a field is live: what may be chosen then depends on what the plugin would say.
    pub fn problems(&self, values: &Map<String, Value>) -> Vec<(&str, String)> {
        let has_live = self.items.iter().any(|item| item.live);
        let items = self.items.iter().filter(|item| item.has_value());
        items
            .filter(|item| item.visible)
            .filter_map(|item| {
                let value = values.get(&item.name).unwrap_or(&Value::Null);
                let problem = item.problem(value, has_live)?;
                Some((item.name.as_str(), problem))
            })
            .collect()
    }

    /// Checks the values of the whole form.
    ///
    /// # Errors
    ///
    /// Says what is wrong with which item: in a sentence each in `fields`, and together in the message.
    pub fn check_values(&self, values: &Map<String, Value>) -> Result<(), Failure> {
        let problems = self.problems(values);
        let Some((first, sentence)) = problems.first() else {
            return Ok(());
        };
        let further = problems.len() - 1;
        let message = match further {
            0 => format!("`{first}` {sentence}"),
            1 => format!("`{first}` {sentence}, and another field is not filled in right"),
            _ => format!("`{first}` {sentence}, and {further} more are not filled in right"),
        };
        let mut failure = Failure::invalid(message).hint("mend it and send the form again");
        if further > 0 {
            let sentences = problems.iter();
            failure.causes = sentences
                .map(|(name, sentence)| format!("`{name}` {sentence}"))
                .collect();
        }
        let fields = problems.into_iter();
        failure.fields = fields
            .map(|(name, sentence)| (name.to_owned(), sentence))
            .collect::<BTreeMap<_, _>>();
        Err(failure)
    }
}

impl Item {
    /// Returns what is wrong with a value of this item, said of it: `must be filled in`.
    ///
    /// `choices_change` tells that what may be chosen depends on other fields, so that it is not looked at.
    pub fn problem(&self, value: &Value, choices_change: bool) -> Option<String> {
        if is_blank(value) {
            let must_be = self.required && self.control != Control::Hidden;
            return must_be.then(|| "must be filled in".to_owned());
        }
        match &self.control {
            Control::Text { .. } | Control::TextArea { .. } | Control::Password => {
                self.text_problem(value)
            }
            Control::Number => self.number_problem(value),
            Control::Date => (!value.as_str().is_some_and(is_day))
                .then(|| "must be a day, such as 2026-11-20".to_owned()),
            Control::Boolean => (!value.is_boolean()).then(|| "must be yes or no".to_owned()),
            Control::Enumerator {
                data, multi_select, ..
            } if !choices_change => choice_problem(data, *multi_select, value),
            Control::Table { columns, .. } => {
                super::rows::rows_problem(columns, value, choices_change)
            }
            _ => None,
        }
    }

    fn text_problem(&self, value: &Value) -> Option<String> {
        let Some(text) = value.as_str() else {
            return Some("must be a text".to_owned());
        };
        let most = self.max_length?;
        let length = text.chars().count();
        (length > most as usize)
            .then(|| format!("may have {most} characters at most, it has {length}"))
    }

    fn number_problem(&self, value: &Value) -> Option<String> {
        let Some(number) = value.as_f64() else {
            return Some("must be a number".to_owned());
        };
        if self.whole && number.fract() != 0.0 {
            return Some("must be a whole number".to_owned());
        }
        let below = self.min.as_ref().filter(|min| {
            let min = min.as_f64();
            min.is_some_and(|min| number < min)
        });
        let above = self.max.as_ref().filter(|max| {
            let max = max.as_f64();
            max.is_some_and(|max| number > max)
        });
        match (below, above) {
            (None, None) => None,
            _ => Some(match (&self.min, &self.max) {
                (Some(min), Some(max)) => format!("must be between {min} and {max}"),
                (Some(min), None) => format!("must be at least {min}"),
                (_, Some(max)) => format!("must be at most {max}"),
                (None, None) => return None,
            }),
        }
    }
}

fn choice_problem(data: &[Choice], several: bool, value: &Value) -> Option<String> {
    let is_choice = |value: &Value| data.iter().any(|choice| choice.value == *value);
    let stranger = match value {
        Value::Array(values) if several => values.iter().find(|value| !is_choice(value)),
        _ if several => return Some("must be a list of choices".to_owned()),
        value => Some(value).filter(|value| !is_choice(value)),
    };
    stranger.map(|value| match value {
        Value::String(text) => format!("cannot be `{text}`, which is not one of its choices"),
        other => format!("cannot be `{other}`, which is not one of its choices"),
    })
}

/// Tells whether a value says nothing: null, blank text or an empty list.
pub fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// Tells whether a text is a day of the calendar, as `YYYY-MM-DD`.
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else {
        return false;
    };
    let number = |part: &str, digits: usize| {
        (part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<u32>().ok())
            .flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2))
    else {
        return false;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}
