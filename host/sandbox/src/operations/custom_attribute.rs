//! Setting the value of a custom attribute: there is no create, only an upsert.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::{Request, Touched, Transaction, key_from_operation};
use crate::access::Verb;
use crate::error::ApiError;
use crate::query::{unset_value, value_type};
use crate::store::{Row, Value, key_from_parts};

/// Where entities with custom attributes lie.
const OWNERS: [&str; 6] = [
    "Context",
    "AssetVersion",
    "Asset",
    "User",
    "List",
    "ListObject",
];

impl Transaction<'_> {
    pub(super) fn set_custom_attribute(
        &mut self,
        request: &Request<'_>,
        action: &'static str,
    ) -> Result<Touched, ApiError> {
        let schema = self.schema.clone();
        let (configuration_id, entity_id) = key_parts(request.key, request.data)?;
        let configuration =
            self.found_by_id("CustomAttributeConfiguration", Some(&configuration_id));
        let missing =
            |what: &str, id: &str| ApiError::integrity(format!("{what} {id} does not exist"));
        let configuration = configuration
            .ok_or_else(|| missing("CustomAttributeConfiguration", &configuration_id))?;
        let owner = OWNERS
            .iter()
            .find_map(|owner| self.store.find(schema.expect_type(owner).id, &entity_id))
            .cloned();
        let owner = owner.ok_or_else(|| missing("Entity", &entity_id))?;
        self.allow(
            request.wish(Verb::Update, schema.entity_type(request.named)),
            Some(&owner),
        )?;
        let kind = value_type(schema.entity_type(owner.kind)).ok_or_else(|| {
            ApiError::validation(format!(
                "{} has no custom attributes",
                schema.entity_type(owner.kind).name
            ))
        })?;
        let key = key_from_parts([&*configuration_id, &*entity_id]);
        let before = self.store.find(kind, &key).cloned();
        let mut row = match &before {
            Some(row) => Row::clone(row),
            None => unset_value(self.view(), kind, &configuration, &entity_id),
        };
        if let Some(json) = request.data.get("value") {
            row.set(&schema, "value", self.checked_value(&configuration, json)?);
        }
        let row = match before {
            Some(_) => self.store.replace(row),
            None => self.store.insert(row),
        };
        let shown_as =
            (request.named != kind).then(|| schema.entity_type(request.named).name.clone());
        Ok(Touched {
            action,
            row,
            shown_as,
            before: None,
            sent_columns: Vec::new(),
            sent_relations: Vec::new(),
        })
    }

    fn checked_value(&self, configuration: &Row, json: &Json) -> Result<Value, ApiError> {
        let schema = &self.schema;
        let kind = self.found_by_id("CustomAttributeType", configuration.text(schema, "type_id"));
        let kind = kind
            .map(|kind| kind.get(schema, "name").to_text())
            .unwrap_or_default();
        let value = Value::from_any(json);
        let is_time = |text: &str| crate::time::seconds_from_text(text).is_some();
        let fits = match (kind.as_str(), &value) {
            (_, Value::Null) => true,
            ("number", value) => value.as_number().is_some(),
            ("boolean", value) => matches!(value, Value::Boolean(_)),
            ("date", Value::Text(text)) => is_time(text),
            ("date", value) => matches!(value, Value::Time(_)),
            ("text" | "url" | "expression", value) => {
                matches!(value, Value::Text(_) | Value::Time(_))
            }
            ("enumerator" | "dynamic enumerator", value) => {
                matches!(value, Value::Text(_))
                    || json
                        .as_array()
                        .is_some_and(|items| items.iter().all(Json::is_string))
            }
            _ => true,
        };
        if !fits {
            let key = configuration.get(schema, "key").to_text();
            return Err(ApiError::validation(format!(
                "Custom attribute {key} must be of type {kind}"
            )));
        }
        Ok(match (kind.as_str(), value) {
            ("date", Value::Text(text)) => {
                crate::time::seconds_from_text(&text).map_or(Value::Null, Value::Time)
            }
            (_, value) => value,
        })
    }
}

/// Configuration and entity, from the key or, in older clients' creates, from the data.
fn key_parts(
    entity_key: Option<&Json>,
    data: &Map<String, Json>,
) -> Result<(Arc<str>, Arc<str>), ApiError> {
    let from_data = |name: &str| data.get(name).and_then(Json::as_str).map(Arc::from);
    if let (Some(configuration), Some(entity)) =
        (from_data("configuration_id"), from_data("entity_id"))
    {
        return Ok((configuration, entity));
    }
    let operation = serde_json::json!({"entity_key": entity_key});
    let key = key_from_operation(&operation)?;
    let (configuration, entity) = key
        .split_once('\u{1f}')
        .ok_or_else(|| ApiError::validation("A custom attribute value has a key of two parts"))?;
    Ok((Arc::from(configuration), Arc::from(entity)))
}
