//! What a client sent for an entity, checked against its type.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::error::ApiError;
use crate::schema::{Attribute, Derived, EntityType, Kind, Schema, TypeId};
use crate::store::{Row, Value, key_from_parts};

/// The usual width of a name's column; that the real server has this limit is assumed.
const LONGEST_NAME: usize = 255;

/// Attributes to set.
pub(super) struct Given {
    /// Columns and values; a relation is set through the column that holds its key.
    pub(super) scalars: Vec<(usize, Value)>,
    /// Collections to replace, with the keys of their members.
    pub(super) collections: Vec<(Attribute, Vec<Arc<str>>)>,
    /// Names of the relations among them.
    pub(super) relations: Vec<Arc<str>>,
}

impl Given {
    /// Reads `entity_data`; `before` is the row when it is an update.
    pub(super) fn read(
        schema: &Schema,
        entity: &EntityType,
        data: &Map<String, Json>,
        before: Option<&Row>,
    ) -> Result<Self, ApiError> {
        let mut given = Self {
            scalars: Vec::new(),
            collections: Vec::new(),
            relations: Vec::new(),
        };
        // Relations after scalars: a client that sends both means the relation.
        let mut references = Vec::new();
        for (name, json) in data {
            if name == "__entity_type__" {
                continue;
            }
            let attribute = entity.public_attribute(name).ok_or_else(|| {
                ApiError::validation(format!(
                    "Attribute {name} does not exist on {}.",
                    entity.name
                ))
            })?;
            match &attribute.kind {
                Kind::Scalar { column, scalar, .. } => {
                    let value = Value::from_client(json, *scalar).map_err(|expected| {
                        ApiError::validation(format!(
                            "Attribute {name} of {} must be of type {expected}",
                            entity.name
                        ))
                    })?;
                    check_change(entity, attribute, before, *column, &value)?;
                    check_choice(entity, attribute, &value)?;
                    check_length(entity, attribute, &value)?;
                    given.scalars.push((*column, value));
                }
                Kind::Reference { target, column } => {
                    let value = match json {
                        Json::Null => Value::Null,
                        _ => Value::Text(key_from_reference(schema, *target, json, name)?),
                    };
                    check_change(entity, attribute, before, *column, &value)?;
                    references.push((*column, value));
                    given.relations.push(attribute.name.clone());
                }
                // Values are set one by one; the list only repeats what will be there.
                Kind::Derived {
                    derived: Derived::CustomAttributes,
                    ..
                } => {}
                Kind::Derived { .. } if json.is_null() => {}
                Kind::Collection {
                    target,
                    filter_only: false,
                    ..
                } => {
                    let items = json.as_array().ok_or_else(|| {
                        ApiError::validation(format!(
                            "Attribute {name} of {} must be a list",
                            entity.name
                        ))
                    })?;
                    let keys = items
                        .iter()
                        .map(|item| key_from_reference(schema, *target, item, name));
                    given
                        .collections
                        .push((attribute.clone(), keys.collect::<Result<_, _>>()?));
                    given.relations.push(attribute.name.clone());
                }
                Kind::Derived { .. } | Kind::Collection { .. } => {
                    return Err(ApiError::validation(format!(
                        "Attribute {name} of {} cannot be set",
                        entity.name
                    )));
                }
            }
        }
        given.scalars.append(&mut references);
        Ok(given)
    }
}

fn check_change(
    entity: &EntityType,
    attribute: &Attribute,
    before: Option<&Row>,
    column: usize,
    value: &Value,
) -> Result<(), ApiError> {
    let Some(before) = before else { return Ok(()) };
    let is_fixed = attribute.immutable || entity.key_columns.contains(&column);
    if is_fixed && before.values[column] != *value {
        let name = &attribute.name;
        return Err(ApiError::validation(format!(
            "Attribute {name} of {} is immutable",
            entity.name
        )));
    }
    if attribute.required && value.is_null() && !before.values[column].is_null() {
        let name = &attribute.name;
        return Err(ApiError::validation(format!(
            "Attribute {name} of {} is required",
            entity.name
        )));
    }
    Ok(())
}

fn check_length(entity: &EntityType, attribute: &Attribute, value: &Value) -> Result<(), ApiError> {
    let is_too_long = |text: &Arc<str>| text.chars().count() > LONGEST_NAME;
    if &*attribute.name == "name" && value.as_text().is_some_and(is_too_long) {
        let content = format!(
            "Attribute name of {} is longer than {LONGEST_NAME} characters",
            entity.name
        );
        return Err(ApiError::validation(content));
    }
    Ok(())
}

fn check_choice(entity: &EntityType, attribute: &Attribute, value: &Value) -> Result<(), ApiError> {
    let Some(text) = value.as_text() else {
        return Ok(());
    };
    if attribute.choices.is_empty() || attribute.choices.contains(text) {
        return Ok(());
    }
    let choices = attribute.choices.join(", ");
    Err(ApiError::validation(format!(
        "Attribute {} of {} must be one of {choices}",
        attribute.name, entity.name
    )))
}

/// Reads `{"__entity_type__": "Task", "id": "…"}`; a plain id is understood too.
fn key_from_reference(
    schema: &Schema,
    target: TypeId,
    json: &Json,
    name: &str,
) -> Result<Arc<str>, ApiError> {
    if let Some(id) = json.as_str() {
        return Ok(Arc::from(id));
    }
    let named = json
        .get("__entity_type__")
        .and_then(Json::as_str)
        .and_then(|name| schema.type_named(name));
    let entity = named.unwrap_or_else(|| schema.entity_type(target));
    let part = |part: &Arc<str>| match json.get(&**part) {
        Some(Json::String(text)) => Ok(text.clone()),
        Some(Json::Number(number)) => Ok(number.to_string()),
        _ => Err(ApiError::validation(format!(
            "Attribute {name} must refer to an entity by {part}"
        ))),
    };
    let parts = entity
        .primary_key
        .iter()
        .map(part)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(key_from_parts(parts))
}
