//! Deleting an entity with everything that cannot be without it.

use std::sync::Arc;

use super::Transaction;
use crate::error::ApiError;
use crate::schema::OnDelete;
use crate::store::{Row, Value};

/// Tables that point at any kind of entity, by a column that is no foreign key.
const BELONG_TO_ANY: [(&str, &str); 9] = [
    ("Note", "parent_id"),
    ("Metadata", "parent_id"),
    ("CustomAttributeValue", "entity_id"),
    ("ListObject", "entity_id"),
    ("StatusChange", "parent_id"),
    ("CustomAttributeLink", "from_id"),
    ("CustomAttributeLink", "to_id"),
    ("CustomAttributeLinkFrom", "from_id"),
    ("CustomAttributeLinkFrom", "to_id"),
];

impl Transaction<'_> {
    pub(super) fn remove(&mut self, row: &Arc<Row>) -> Result<(), ApiError> {
        let schema = self.schema.clone();
        let entity = schema.entity_type(row.kind);
        let key = row.key(&schema);
        for referrer in &schema.tables[usize::from(entity.table.0)].referrers {
            for other in self.store.rows_in(referrer.table, referrer.column, &key) {
                let is_itself = other.kind == row.kind && other.sequence == row.sequence;
                // A cascade further down may have changed or removed it meanwhile.
                let Some(other) = self.store.current(&other).filter(|_| !is_itself) else {
                    continue;
                };
                if other.values[referrer.column].as_text() != Some(&key) {
                    continue;
                }
                match referrer.on_delete {
                    OnDelete::Cascade => self.remove(&other)?,
                    OnDelete::Clear => {
                        let mut cleared = Row::clone(&other);
                        cleared.values[referrer.column] = Value::Null;
                        self.store.replace(cleared);
                    }
                    OnDelete::Refuse => {
                        let user = &schema.entity_type(other.kind).name;
                        return Err(ApiError::integrity(format!(
                            "{} {key} is still used by {user}",
                            entity.name
                        )));
                    }
                }
            }
        }
        for (table, column) in BELONG_TO_ANY {
            for other in self.store.rows_where(table, column, &key) {
                if let Some(other) = self.store.current(&other) {
                    self.remove(&other)?;
                }
            }
        }
        self.store.remove(row);
        self.remove_other_side(row);
        Ok(())
    }
}
