//! Setting the value of a custom attribute: there is no create, only an upsert.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::{Request, Touched, Transaction, key_from_operation};
use crate::access::{Verb, View};
use crate::error::ApiError;
use crate::query::{applicable_configurations, unset_value, value_type};
use crate::store::{Row, Value, key_from_parts};
use crate::time::seconds_from_text;

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
        if !self.caller.access.may_set(self.store, &configuration_id) {
            let username = &self.caller.username;
            let key = configuration.get(&schema, "key").to_text();
            return Err(ApiError::permission(format!(
                "User {username} is not permitted to set the custom attribute \"{key}\""
            )));
        }
        let kind = value_type(schema.entity_type(owner.kind)).ok_or_else(|| {
            ApiError::validation(format!(
                "{} has no custom attributes",
                schema.entity_type(owner.kind).name
            ))
        })?;
        let applicable = applicable_configurations(View::whole(self.store), &owner);
        if !applicable
            .iter()
            .any(|found| found.sequence == configuration.sequence)
        {
            let key = configuration.get(&schema, "key").to_text();
            let owner = &schema.entity_type(owner.kind).name;
            return Err(ApiError::validation(format!(
                "Custom attribute \"{key}\" is not configured for this {owner}"
            )));
        }
        let key = key_from_parts([&*configuration_id, &*entity_id]);
        let before = self.store.find(kind, &key).cloned();
        let mut row = match &before {
            Some(row) => Row::clone(row),
            None => unset_value(self.view(), kind, &configuration, Value::text(&entity_id)),
        };
        if let Some(json) = request.data.get("value") {
            let key = configuration.get(&schema, "key").to_text();
            let value = checked_value(&self.attribute_type(&configuration), json, &key)?;
            row.set(&schema, "value", value);
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
}

/// What the values of a custom attribute must be.
pub(super) struct AttributeType {
    pub(super) name: String,
    /// An enumerator with one choice.
    pub(super) is_single: bool,
}

/// Reads a value as the type of its custom attribute wants it.
pub(super) fn checked_value(
    kind: &AttributeType,
    json: &Json,
    key: &str,
) -> Result<Value, ApiError> {
    let value = Value::from_any(json);
    let value = match (kind.name.as_str(), value) {
        (_, Value::Null) => Some(Value::Null),
        ("number", value) => Some(value).filter(|value| value.as_number().is_some()),
        ("boolean", value) => Some(value).filter(|value| matches!(value, Value::Boolean(_))),
        ("date", Value::Text(text)) => seconds_from_text(&text).map(Value::Time),
        ("date", value) => Some(value).filter(|value| matches!(value, Value::Time(_))),
        // The JavaScript client turns every text that looks like a time into one.
        ("text" | "url" | "expression", Value::Time(_)) => json["value"].as_str().map(Value::text),
        ("text" | "url" | "expression", value) => {
            Some(value).filter(|value| value.as_text().is_some())
        }
        ("enumerator" | "dynamic enumerator", value) => {
            let items = json.as_array();
            let are_texts = items.is_some_and(|items| items.iter().all(Json::is_string));
            // That several choices are refused where one is asked for is assumed; so is that a choice
            // which is not on the menu is taken.
            let is_one = items.is_some_and(|items| items.len() <= 1);
            Some(value).filter(|_| are_texts && (is_one || !kind.is_single))
        }
        (_, value) => Some(value),
    };
    value.ok_or_else(|| {
        let wanted = match kind.name.as_str() {
            "enumerator" | "dynamic enumerator" if kind.is_single => "list of one",
            "enumerator" | "dynamic enumerator" => "list",
            other => other,
        };
        ApiError::validation(format!(
            "Custom attribute value for \"{key}\" must be of type {wanted}. Got {json} of type {}",
            python_type(json)
        ))
    })
}

/// The type of a value as the real server, which is written in Python, calls it.
fn python_type(json: &Json) -> &'static str {
    match json {
        Json::Null => "<type 'NoneType'>",
        Json::Bool(_) => "<type 'bool'>",
        Json::Number(number) if number.is_f64() => "<type 'float'>",
        Json::Number(_) => "<type 'int'>",
        Json::String(_) => "<type 'unicode'>",
        Json::Array(_) => "<type 'list'>",
        Json::Object(_) => "<type 'dict'>",
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
