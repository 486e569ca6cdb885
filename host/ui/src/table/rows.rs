//! The rows of a table and how they change: by edits that have an opposite, so that each can be taken back.

use std::collections::HashMap;

use callboard_protocol::{Edit, ROW_ID};
use serde_json::{Map, Value};

/// How many changes can be taken back.
const MAX_UNDO: usize = 200;

/// A row, as a table's value holds it.
pub(super) type Row = Map<String, Value>;

/// What can be taken back and done again.
#[derive(Debug, Default)]
pub(super) struct History {
    done: Vec<Vec<Edit>>,
    undone: Vec<Vec<Edit>>,
}

impl History {
    /// Does edits and remembers how to take them back.
    pub(super) fn apply(&mut self, value: &mut Value, edits: &[Edit]) {
        let back = apply(value, edits);
        self.undone.clear();
        self.done.push(back);
        if self.done.len() > MAX_UNDO {
            self.done.remove(0);
        }
    }

    /// Takes the last change back; returns what was done for it.
    pub(super) fn undo(&mut self, value: &mut Value) -> Option<Vec<Edit>> {
        let back = self.done.pop()?;
        self.undone.push(apply(value, &back));
        Some(back)
    }

    /// Does again what was taken back last; returns what was done.
    pub(super) fn redo(&mut self, value: &mut Value) -> Option<Vec<Edit>> {
        let again = self.undone.pop()?;
        self.done.push(apply(value, &again));
        Some(again)
    }

    pub(super) fn can_undo(&self) -> bool {
        !self.done.is_empty()
    }

    pub(super) fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }
}

/// Returns a table's rows.
pub(super) fn rows(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Returns a row's cells.
pub(super) fn row(value: &Value, place: usize) -> Option<&Row> {
    rows(value).get(place).and_then(Value::as_object)
}

/// Returns the id of a row.
pub(super) fn id_of(row: &Row) -> &str {
    row.get(ROW_ID).and_then(Value::as_str).unwrap_or_default()
}

/// Does edits to a table's value; returns those that take them back, in their order.
///
/// What [`Edit::apply`] does one by one, with a search for each, this does for thousands at once.
fn apply(value: &mut Value, edits: &[Edit]) -> Vec<Edit> {
    if !value.is_array() {
        *value = Value::Array(Vec::new());
    }
    let mut places = places(rows(value));
    let mut back = Vec::with_capacity(edits.len());
    for edit in edits {
        match edit {
            Edit::Cell {
                row,
                column,
                value: new,
            } => {
                let place = places.get(row.as_str()).copied();
                let Some(cells) = place.and_then(|place| value[place].as_object_mut()) else {
                    continue;
                };
                let old = cells.insert(column.clone(), new.clone());
                back.push(Edit::Cell {
                    row: row.clone(),
                    column: column.clone(),
                    value: old.unwrap_or(Value::Null),
                });
            }
            other => {
                back.extend(opposite(rows(value), &places, other));
                let is_at_end = matches!(other, Edit::Insert { before: None, .. });
                other.apply(value);
                if is_at_end && let Some(id) = other.row() {
                    places.entry(id.to_owned()).or_insert(rows(value).len() - 1);
                } else {
                    places = self::places(rows(value));
                }
            }
        }
    }
    back.reverse();
    back
}

fn places(rows: &[Value]) -> HashMap<String, usize> {
    let ids = rows.iter().filter_map(Value::as_object).map(id_of);
    ids.enumerate()
        .map(|(place, id)| (id.to_owned(), place))
        .collect()
}

fn opposite(rows: &[Value], places: &HashMap<String, usize>, edit: &Edit) -> Option<Edit> {
    let id = edit.row()?;
    let there = places.get(id).copied();
    let old = there
        .and_then(|place| rows.get(place))
        .and_then(Value::as_object);
    match (edit, old) {
        (Edit::Insert { .. }, None) => Some(Edit::Delete { row: id.to_owned() }),
        (Edit::Insert { .. }, Some(old)) => Some(Edit::Insert {
            row: old.clone(),
            before: None,
        }),
        (Edit::Delete { .. }, Some(old)) => {
            let next = rows.get(there? + 1).and_then(Value::as_object);
            let before = next.map(|next| id_of(next).to_owned());
            Some(Edit::Insert {
                row: old.clone(),
                before,
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cell(row: &str, column: &str, value: &str) -> Edit {
        Edit::Cell {
            row: row.to_owned(),
            column: column.to_owned(),
            value: Value::from(value),
        }
    }

    #[test]
    fn every_change_can_be_taken_back_and_done_again() {
        let start = json!([{"id": "a", "n": "1"}, {"id": "b", "n": "2"}, {"id": "c", "n": "3"}]);
        let new = json!({"id": "d", "n": "4"})
            .as_object()
            .cloned()
            .expect("a row");
        let changes = [
            vec![cell("a", "n", "9"), cell("c", "n", "8")],
            vec![
                Edit::Delete {
                    row: "b".to_owned(),
                },
                Edit::Delete {
                    row: "c".to_owned(),
                },
            ],
            vec![
                Edit::Insert {
                    row: new,
                    before: Some("a".to_owned()),
                },
                cell("d", "n", "5"),
            ],
        ];
        let mut value = start.clone();
        let mut history = History::default();
        let mut seen = vec![value.clone()];
        for change in &changes {
            history.apply(&mut value, change);
            seen.push(value.clone());
        }
        assert_eq!(value, json!([{"id": "d", "n": "5"}, {"id": "a", "n": "9"}]));
        for expected in seen.iter().rev().skip(1) {
            assert!(history.undo(&mut value).is_some());
            assert_eq!(&value, expected);
        }
        assert!(history.undo(&mut value).is_none());
        for expected in seen.iter().skip(1) {
            assert!(history.redo(&mut value).is_some());
            assert_eq!(&value, expected);
        }
        assert!(!history.can_redo());
    }

    #[test]
    fn what_is_taken_back_does_the_same_to_a_copy_elsewhere() {
        let mut here = json!([{"id": "a", "n": "1"}, {"id": "b", "n": "2"}]);
        let mut there = here.clone();
        let mut history = History::default();
        let delete = [Edit::Delete {
            row: "a".to_owned(),
        }];
        history.apply(&mut here, &delete);
        let back = history.undo(&mut here).expect("a change");
        for edit in delete.iter().chain(&back) {
            edit.apply(&mut there);
        }
        assert_eq!(here, there);
    }
}
