//! Which rows are shown and in what order.

use std::cmp::Ordering;

use callboard_protocol::{Item, ROW_ERROR, ROW_STATE};
use serde_json::Value;

use super::cell::{cell, compare, text_from_value};
use super::rows::Row;

/// Which way a column is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

/// What is asked of the rows to be shown, and of their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Wanted {
    pub(super) filter: String,
    pub(super) sort: Option<(usize, Direction)>,
}

impl Wanted {
    /// Sorts by a column: up, then down, then as the rows came.
    pub(super) fn turn(&mut self, column: usize) {
        self.sort = match self.sort {
            Some((sorted, Direction::Up)) if sorted == column => Some((column, Direction::Down)),
            Some((sorted, Direction::Down)) if sorted == column => None,
            _ => Some((column, Direction::Up)),
        };
    }

    /// Returns the places of the rows that are shown, in the order that they are shown in.
    pub(super) fn order(&self, columns: &[Item], rows: &[Value]) -> Vec<usize> {
        let lower = self.filter.to_lowercase();
        let words: Vec<&str> = lower.split_whitespace().collect();
        let row = |place: usize| rows.get(place).and_then(Value::as_object);
        let is_wanted = |place: &usize| {
            words.is_empty() || row(*place).is_some_and(|row| has_words(columns, row, &words))
        };
        let mut order: Vec<usize> = (0..rows.len()).filter(is_wanted).collect();
        if let Some((column, direction)) = self.sort
            && let Some(column) = columns.get(column)
        {
            order.sort_by(|one, other| {
                let cells = row(*one).zip(row(*other));
                let (one, other) = match cells {
                    Some((one, other)) => (cell(one, column), cell(other, column)),
                    None => return Ordering::Equal,
                };
                match (direction, one.is_null() || other.is_null()) {
                    (Direction::Down, false) => compare(column, other, one),
                    _ => compare(column, one, other),
                }
            });
        }
        order
    }
}

fn has_words(columns: &[Item], row: &Row, words: &[&str]) -> bool {
    let mut text = String::new();
    for column in columns {
        text.push_str(&text_from_value(column, cell(row, column)));
        text.push('\n');
    }
    for key in [ROW_STATE, ROW_ERROR] {
        text.push_str(row.get(key).and_then(Value::as_str).unwrap_or_default());
        text.push('\n');
    }
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_are_found_by_words_and_sorted_by_a_column() {
        let columns = [Item::text("name", "Name"), Item::number("frames", "Frames")];
        let rows = json!([
            {"id": "a", "name": "sh10", "frames": 5},
            {"id": "b", "name": "sh2"},
            {"id": "c", "name": "plate", "frames": 50, "_state": "failed"},
        ]);
        let check = |filter: &str, sort, expected: &[usize]| {
            let wanted = Wanted {
                filter: filter.to_owned(),
                sort,
            };
            assert_eq!(
                wanted.order(&columns, rows.as_array().expect("rows")),
                expected
            );
        };
        check("", None, &[0, 1, 2]);
        check("SH", None, &[0, 1]);
        check("failed 50", None, &[2]);
        check("", Some((0, Direction::Up)), &[2, 1, 0]);
        check("", Some((1, Direction::Up)), &[0, 2, 1]);
        check("", Some((1, Direction::Down)), &[2, 0, 1]);
        check("nothing", Some((1, Direction::Down)), &[]);
    }
}
