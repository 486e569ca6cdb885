//! What a person changed in a form: whole values, and single rows and cells of tables.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The longest draft of one question, in bytes of its JSON.
pub const MAX_DRAFT_BYTES: usize = 4 * 1024 * 1024;

/// How many edits one message may bring.
pub const MAX_EDITS: usize = 10_000;

/// The key of a table's row that names it: a text, and no other row of the table has it.
///
/// The value of a table is a list of rows, and a row is an object with this key and one for each column.
pub const ROW_ID: &str = "id";

/// One change that a person made to one item of a form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldEdit {
    /// Counts the edits of its writer, from 1.
    pub number: u64,
    /// The item.
    pub name: String,
    /// What was done.
    #[serde(flatten)]
    pub edit: Edit,
}

/// What was done to an item, or to a row of the table that it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Edit {
    /// Its value is another one.
    Value {
        /// The value.
        value: Value,
    },
    /// A cell of the table is another one. Nothing happens where the row is not there any more.
    Cell {
        /// The row's id.
        row: String,
        /// The column's name.
        column: String,
        /// What stands in it.
        value: Value,
    },
    /// A row of the table is new. One that is there already takes these cells, where it is.
    Insert {
        /// The row, with its id.
        row: Map<String, Value>,
        /// The row that it goes before; it is the last where there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
    },
    /// A row of the table is gone.
    Delete {
        /// The row's id.
        row: String,
    },
    /// An edit that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Edit {
    /// Returns the id of the row that it is about, where it is about one.
    pub fn row(&self) -> Option<&str> {
        match self {
            Self::Cell { row, .. } | Self::Delete { row } => Some(row),
            Self::Insert { row, .. } => row.get(ROW_ID).and_then(Value::as_str),
            _ => None,
        }
    }

    /// Does it to an item's value. The same edit twice is done once.
    pub fn apply(&self, value: &mut Value) {
        if let Self::Value { value: new } = self {
            value.clone_from(new);
            return;
        }
        let Some(id) = self.row() else {
            return;
        };
        if value.is_null() {
            *value = Value::Array(Vec::new());
        }
        let Value::Array(rows) = value else {
            return;
        };
        let place = place_of(rows, id);
        match self {
            Self::Cell { column, value, .. } => {
                if let Some(Value::Object(row)) = place.and_then(|place| rows.get_mut(place)) {
                    row.insert(column.clone(), value.clone());
                }
            }
            Self::Insert { row, before } => match place.and_then(|place| rows.get_mut(place)) {
                Some(there) => *there = Value::Object(row.clone()),
                None => {
                    let before = before.as_deref().and_then(|before| place_of(rows, before));
                    let place = before.unwrap_or(rows.len());
                    rows.insert(place, Value::Object(row.clone()));
                }
            },
            Self::Delete { .. } => {
                if let Some(place) = place {
                    rows.remove(place);
                }
            }
            Self::Value { .. } | Self::Unknown => {}
        }
    }
}

fn place_of(rows: &[Value], id: &str) -> Option<usize> {
    rows.iter()
        .position(|row| row.get(ROW_ID).and_then(Value::as_str) == Some(id))
}

/// Does edits to a form's values, in order.
pub fn apply_edits<'a>(
    values: &mut Map<String, Value>,
    edits: impl IntoIterator<Item = &'a FieldEdit>,
) {
    for edit in edits {
        let value = values.entry(edit.name.as_str()).or_insert(Value::Null);
        edit.edit.apply(value);
    }
}
