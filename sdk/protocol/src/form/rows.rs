//! The rows of a table: what stands in them beside their cells, and what is wrong with them.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ROW_ID;
use crate::view::Item;

/// The key of a row that says how it stands: a [`RowState`].
pub const ROW_STATE: &str = "_state";

/// The key of a row that says in a sentence what is wrong with it.
pub const ROW_ERROR: &str = "_error";

/// How a row of a table stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RowState {
    /// It will be made.
    New,
    /// It is there and will be changed.
    Changed,
    /// It is there and stays as it is.
    Unchanged,
    /// It is left out.
    LeftOut,
    /// It wants a decision.
    Conflict,
    /// It is being worked on.
    Running,
    /// It is done.
    Done,
    /// It went wrong.
    Failed,
    /// A state that this version does not know.
    #[serde(other)]
    Unknown,
}

impl RowState {
    /// Returns how a row says that it stands.
    pub fn of(row: &Map<String, Value>) -> Option<Self> {
        row.get(ROW_STATE)
            .and_then(|state| Self::deserialize(state).ok())
    }
}

/// Returns the first thing that is wrong with a table's rows, and how many more there are.
pub(super) fn rows_problem(
    columns: &[Item],
    value: &Value,
    choices_change: bool,
) -> Option<String> {
    let Value::Array(rows) = value else {
        return Some("must be a list of rows".to_owned());
    };
    let mut ids = HashSet::new();
    let mut first = None;
    let mut further = 0_usize;
    for (place, row) in rows.iter().enumerate() {
        let id = row.get(ROW_ID).and_then(Value::as_str);
        let Some(id) = id else {
            return Some(format!("has no `{ROW_ID}` in row {}", place + 1));
        };
        if !ids.insert(id) {
            return Some(format!("has the row `{id}` twice"));
        }
        for column in columns {
            let cell = row.get(&column.name).unwrap_or(&Value::Null);
            let Some(problem) = column.problem(cell, choices_change) else {
                continue;
            };
            if first.is_none() {
                first = Some(format!("row {}: `{}` {problem}", place + 1, column.label));
            } else {
                further += 1;
            }
        }
    }
    let first = first?;
    Some(match further {
        0 => format!("has a cell that is not right, {first}"),
        _ => format!(
            "has {} cells that are not right, the first in {first}",
            further + 1
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_are_checked_cell_by_cell() {
        let columns = [
            Item::text("name", "Name").required(),
            Item::number("frames", "Frames").min(1),
        ];
        let check = |rows: Value, expected: Option<&str>| {
            let table = Item::table("shots", "Shots", columns.to_vec());
            assert_eq!(table.problem(&rows, false).as_deref(), expected);
        };
        check(json!([]), None);
        check(json!([{"id": "a", "name": "sh010", "frames": 8}]), None);
        check(json!("rows"), Some("must be a list of rows"));
        check(json!([{"name": "sh010"}]), Some("has no `id` in row 1"));
        check(
            json!([{"id": "a", "name": "x"}, {"id": "a", "name": "y"}]),
            Some("has the row `a` twice"),
        );
        check(
            json!([{"id": "a", "name": "x"}, {"id": "b", "name": ""}]),
            Some("has a cell that is not right, row 2: `Name` must be filled in"),
        );
        check(
            json!([{"id": "a", "frames": 0}]),
            Some("has 2 cells that are not right, the first in row 1: `Name` must be filled in"),
        );
    }

    #[test]
    fn a_row_says_how_it_stands() {
        let state = |row: Value| RowState::of(row.as_object().expect("a row"));
        assert_eq!(
            state(json!({"_state": "left_out"})),
            Some(RowState::LeftOut)
        );
        assert_eq!(
            state(json!({"_state": "dreaming"})),
            Some(RowState::Unknown)
        );
        assert_eq!(state(json!({})), None);
    }
}
