//! Cells as text: shown, copied, compared, and read from what was typed or pasted.

use std::cmp::Ordering;

use callboard_protocol::{Choice, Control, Item};
use serde_json::{Map, Value};

/// Returns the cell of a row.
pub(super) fn cell<'a>(row: &'a Map<String, Value>, column: &Item) -> &'a Value {
    row.get(&column.name).unwrap_or(&Value::Null)
}

/// Returns a cell's value as it is shown and copied.
pub(super) fn text_from_value(column: &Item, value: &Value) -> String {
    match (&column.control, value) {
        (_, Value::Null) => String::new(),
        (Control::Boolean, Value::Bool(is_on)) => if *is_on { "yes" } else { "no" }.to_owned(),
        (Control::Enumerator { data, .. }, Value::Array(list)) => {
            let labels: Vec<String> = list.iter().map(|value| label_of(data, value)).collect();
            labels.join(", ")
        }
        (Control::Enumerator { data, .. }, value) => label_of(data, value),
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

fn label_of(data: &[Choice], value: &Value) -> String {
    let choice = data.iter().find(|choice| choice.value == *value);
    choice.map_or_else(
        || match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        },
        |choice| choice.label.clone(),
    )
}

/// Reads a cell's value from what was typed or pasted. What cannot be read stays text, which the cell then complains of.
pub(crate) fn value_from_text(column: &Item, text: &str) -> Value {
    let trimmed = text.trim();
    match &column.control {
        Control::Number => crate::form::value_from_number_text(trimmed),
        _ if trimmed.is_empty() && !matches!(column.control, Control::Boolean) => {
            match column.control {
                Control::Text { .. } | Control::TextArea { .. } => Value::from(""),
                _ => Value::Null,
            }
        }
        Control::Boolean => match trimmed.to_lowercase().as_str() {
            "yes" | "true" | "1" | "on" | "x" => Value::Bool(true),
            "no" | "false" | "0" | "off" | "" => Value::Bool(false),
            _ => Value::from(trimmed),
        },
        Control::Enumerator {
            data,
            multi_select: true,
        } => trimmed
            .split(',')
            .map(str::trim)
            .filter(|one| !one.is_empty())
            .map(|one| choice_from_text(data, one))
            .collect(),
        Control::Enumerator { data, .. } => choice_from_text(data, trimmed),
        Control::Date => Value::from(trimmed),
        _ => Value::from(text),
    }
}

fn choice_from_text(data: &[Choice], text: &str) -> Value {
    let lower = text.to_lowercase();
    let choice = data
        .iter()
        .find(|choice| choice.label == text || choice.value == text)
        .or_else(|| {
            data.iter()
                .find(|choice| choice.label.to_lowercase() == lower)
        });
    choice.map_or_else(|| Value::from(text), |choice| choice.value.clone())
}

/// Compares two cells of a column: numbers by size, choices by their order, text as people order names with numbers;
/// what is empty comes last.
pub(super) fn compare(column: &Item, one: &Value, other: &Value) -> Ordering {
    let rank = |value: &Value| match &column.control {
        Control::Enumerator { data, .. } => data.iter().position(|choice| choice.value == *value),
        _ => None,
    };
    match (one, other) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Greater,
        (_, Value::Null) => Ordering::Less,
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64(), other.as_f64());
            one.partial_cmp(&other).unwrap_or(Ordering::Equal)
        }
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        _ => match (rank(one), rank(other)) {
            (Some(one), Some(other)) => one.cmp(&other),
            _ => compare_names(
                &text_from_value(column, one),
                &text_from_value(column, other),
            ),
        },
    }
}

/// Compares names so that `sh2` comes before `sh10`.
fn compare_names(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.chars().peekable(), other.chars().peekable());
    loop {
        match (one.peek().copied(), other.peek().copied()) {
            (None, None) => return Ordering::Equal,
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(a), Some(b)) if a.is_ascii_digit() && b.is_ascii_digit() => {
                match number(&mut one).cmp(&number(&mut other)) {
                    Ordering::Equal => {}
                    unequal => return unequal,
                }
            }
            (Some(a), Some(b)) => {
                match a.to_lowercase().cmp(b.to_lowercase()) {
                    Ordering::Equal => {}
                    unequal => return unequal,
                }
                one.next();
                other.next();
            }
        }
    }
}

fn number(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> u128 {
    let mut number = 0_u128;
    while let Some(digit) = letters.peek().and_then(|letter| letter.to_digit(10)) {
        number = number.saturating_mul(10).saturating_add(u128::from(digit));
        letters.next();
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_with_numbers_are_ordered_by_number() {
        let check = |one, other, expected| assert_eq!(compare_names(one, other), expected);
        check("sh2", "sh10", Ordering::Less);
        check("SH020", "sh10", Ordering::Greater);
        check("sh010", "sh010_b", Ordering::Less);
        check("", "a", Ordering::Less);
        check("ä", "ä", Ordering::Equal);
    }

    #[test]
    fn cells_are_read_as_their_column_wants_them() {
        let data = vec![Choice::new("In progress", "ip"), Choice::new("Done", "d")];
        let check = |column: &Item, text, expected: Value| {
            assert_eq!(value_from_text(column, text), expected);
        };
        check(&Item::number("n", "N"), " 12 ", json!(12));
        check(&Item::number("n", "N"), "", Value::Null);
        check(&Item::number("n", "N"), "x", json!("x"));
        check(&Item::boolean("b", "B"), "Yes", json!(true));
        check(&Item::boolean("b", "B"), "", json!(false));
        check(
            &Item::one_of("s", "S", data.clone()),
            "in PROGRESS",
            json!("ip"),
        );
        check(&Item::one_of("s", "S", data.clone()), "d", json!("d"));
        check(&Item::one_of("s", "S", data.clone()), "lost", json!("lost"));
        check(
            &Item::several_of("s", "S", data),
            "Done, in progress",
            json!(["d", "ip"]),
        );
        check(&Item::text("t", "T"), " a ", json!(" a "));
    }
}
