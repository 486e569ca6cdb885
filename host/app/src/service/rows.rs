//! Rows of the server as maps.

use serde_json::{Map, Value};

/// Returns the rows that are objects, which is all of them.
pub(super) fn maps(rows: Vec<Value>) -> Vec<Map<String, Value>> {
    rows.into_iter()
        .filter_map(|row| match row {
            Value::Object(row) => Some(row),
            _ => None,
        })
        .collect()
}

/// Returns the text at a path of a row.
pub(super) fn text(row: &Map<String, Value>, path: &[&str]) -> Option<String> {
    let (first, rest) = path.split_first()?;
    let found = rest
        .iter()
        .try_fold(row.get(*first)?, |value, name| value.get(*name))?;
    found.as_str().map(str::to_owned)
}
