//! What must hold for every stored row.

use std::sync::Arc;

use super::Transaction;
use crate::error::ApiError;
use crate::schema::{EntityType, Kind};
use crate::store::{Row, Value};

/// Required by the schema, but left empty where a type or status makes no sense.
const MAY_BE_EMPTY: [&str; 2] = ["type_id", "status_id"];

impl Transaction<'_> {
    /// Checks that a new row has a whole key; the rest may follow within the batch.
    pub(super) fn check_key(&self, entity: &EntityType, row: &Row) -> Result<(), ApiError> {
        let parts = entity.primary_key.iter().zip(&entity.key_columns);
        for (name, column) in parts {
            if row.values[*column].is_null() {
                let content = format!("Attribute {name} of {} is required", entity.name);
                return Err(ApiError::validation(content));
            }
        }
        Ok(())
    }

    fn check_required(&self, entity: &EntityType, row: &Row) -> Result<(), ApiError> {
        for attribute in &entity.attributes {
            let Kind::Scalar { column, .. } = attribute.kind else {
                continue;
            };
            let is_excused = entity.is_typed_context() && MAY_BE_EMPTY.contains(&&*attribute.name);
            if attribute.required && row.values[column].is_null() && !is_excused {
                let name = &attribute.name;
                return Err(ApiError::validation(format!(
                    "Attribute {name} of {} is required",
                    entity.name
                )));
            }
        }
        Ok(())
    }

    pub(super) fn check_unique(
        &self,
        entity: &EntityType,
        row: &Row,
        before: Option<&Row>,
    ) -> Result<(), ApiError> {
        for unique in &entity.unique {
            let columns = unique.columns.iter();
            let is_like = |other: &Row| {
                columns
                    .clone()
                    .all(|column| other.values[*column] == row.values[*column])
            };
            // A null shares nothing with anybody.
            let texts: Option<Vec<(usize, &Arc<str>)>> = columns
                .clone()
                .map(|column| Some((*column, row.values[*column].as_text()?)))
                .collect();
            let Some(texts) = texts.filter(|_| !before.is_some_and(is_like)) else {
                continue;
            };
            // A folder may have thousands of children, and few things in it share a name.
            let root = self.root_of(entity);
            let rarest = texts
                .into_iter()
                .min_by_key(|(column, text)| self.store.count_with(root, *column, text));
            let Some((column, text)) = rarest else {
                continue;
            };
            let rows = self.store.rows_with(root, column, text);
            let clash = rows.iter().find(|other| {
                let shares_rule = self
                    .schema
                    .entity_type(other.kind)
                    .unique
                    .iter()
                    .any(|rule| rule.columns == unique.columns);
                let is_other = before.is_none_or(|before| before.sequence != other.sequence);
                shares_rule && is_other && is_like(other)
            });
            if clash.is_some() {
                return Err(clash_error(
                    entity,
                    &unique.exception,
                    unique.columns.iter().map(|column| &row.values[*column]),
                ));
            }
        }
        Ok(())
    }

    /// Checks the required attributes and the references of every row that the transaction changed. Done
    /// at its end, because a batch may refer to what it creates later, and fill in what it created.
    pub(crate) fn check_rows(&self) -> Result<(), ApiError> {
        for change in self.store.changes() {
            let Some(after) = &change.after else { continue };
            let entity = self.schema.entity_type(after.kind);
            if change.before.is_none() {
                self.check_required(entity, after)?;
            }
            for attribute in &entity.attributes {
                let Kind::Scalar {
                    column,
                    target: Some(target),
                    ..
                } = attribute.kind
                else {
                    continue;
                };
                let value = &after.values[column];
                if change
                    .before
                    .as_ref()
                    .is_some_and(|before| before.values[column] == *value)
                {
                    continue;
                }
                let Some(key) = value.as_text() else { continue };
                if self.store.find(target, key).is_none() {
                    let target = &self.schema.entity_type(target).name;
                    let name = &attribute.name;
                    return Err(ApiError::integrity(format!(
                        "{}.{name} refers to {target} {key}, which does not exist",
                        entity.name
                    )));
                }
            }
        }
        Ok(())
    }

    pub(super) fn found_by_id(&self, kind: &str, id: Option<&Arc<str>>) -> Option<Arc<Row>> {
        self.store
            .find(self.schema.expect_type(kind).id, id?)
            .cloned()
    }
}

fn clash_error<'a>(
    entity: &EntityType,
    exception: &str,
    values: impl Iterator<Item = &'a Value>,
) -> ApiError {
    let values: Vec<String> = values.map(Value::to_text).collect();
    let values = values.join("-");
    let content = format!("Duplicate entry {values} for {}", entity.name);
    match exception {
        "DuplicateEntryError" => ApiError::duplicate(format!("DuplicateEntryError: {content}")),
        _ => ApiError::integrity(content),
    }
}
