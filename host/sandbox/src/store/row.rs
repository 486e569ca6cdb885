//! One stored entity.

use std::sync::Arc;

use super::Value;
use crate::schema::{EntityType, Schema, TypeId};

/// The values of one entity, in the order of its table's columns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) kind: TypeId,
    /// Order of creation over all tables; 0 for rows that are computed and not stored.
    pub(crate) sequence: u64,
    pub(crate) values: Box<[Value]>,
}

impl Row {
    pub(crate) fn new(schema: &Schema, entity: &EntityType) -> Self {
        let width = schema.tables[usize::from(entity.table.0)].columns.len();
        Self {
            kind: entity.id,
            sequence: 0,
            values: vec![Value::Null; width].into(),
        }
    }

    pub(crate) fn key(&self, schema: &Schema) -> Arc<str> {
        let columns = &schema.entity_type(self.kind).key_columns;
        if let [column] = columns.as_slice()
            && let Value::Text(text) = &self.values[*column]
        {
            return text.clone();
        }
        key_from_parts(columns.iter().map(|column| self.values[*column].to_text()))
    }

    /// The value of a scalar attribute, by name; null when this type has none of that name.
    pub(crate) fn get(&self, schema: &Schema, name: &str) -> &Value {
        const NULL: &Value = &Value::Null;
        schema
            .entity_type(self.kind)
            .column(name)
            .map_or(NULL, |column| &self.values[column])
    }

    pub(crate) fn text(&self, schema: &Schema, name: &str) -> Option<&Arc<str>> {
        self.get(schema, name).as_text()
    }

    pub(crate) fn set(&mut self, schema: &Schema, name: &str, value: Value) {
        self.values[schema.entity_type(self.kind).expect_column(name)] = value;
    }
}

/// Joins the parts of a composite key with a character that no id contains.
pub(crate) fn key_from_parts(parts: impl IntoIterator<Item = impl AsRef<str>>) -> Arc<str> {
    let parts: Vec<_> = parts
        .into_iter()
        .map(|part| part.as_ref().to_owned())
        .collect();
    Arc::from(parts.join("\u{1f}"))
}
