//! What a custom attribute may be configured to be.

use serde_json::Value as Json;

use super::Transaction;
use super::custom_attribute::{AttributeType, checked_value};
use crate::error::ApiError;
use crate::store::{Row, Value};
use crate::time::text_from_seconds;

/// What may have custom attributes, in the words of the older API.
const ENTITY_TYPES: [&str; 7] = [
    "task",
    "show",
    "assetversion",
    "user",
    "list",
    "asset",
    "listobject",
];

impl Transaction<'_> {
    /// Checks a configuration; `before` is what it was when it is changed.
    pub(super) fn complete_configuration(
        &self,
        row: &mut Row,
        before: Option<&Row>,
    ) -> Result<(), ApiError> {
        let schema = &self.schema;
        let refuse = |content: &str| Err(ApiError::validation(content));
        let entity_type = row.get(schema, "entity_type").to_text();
        if !ENTITY_TYPES.contains(&entity_type.as_str()) {
            return refuse(&format!(
                "{entity_type} is no type of entity with custom attributes"
            ));
        }
        let is_hierarchical = row.get(schema, "is_hierarchical").is_true();
        if entity_type == "task" && !is_hierarchical && row.get(schema, "object_type_id").is_null()
        {
            return refuse("Attribute object_type_id of CustomAttributeConfiguration is required");
        }
        let project = row.get(schema, "project_id");
        if entity_type == "user" && !project.is_null() {
            return refuse("A custom attribute of users cannot belong to a project");
        }
        if let Some(before) = before {
            if row.get(schema, "type_id") != before.get(schema, "type_id") {
                return refuse("The type of a custom attribute cannot be changed");
            }
            if before.get(schema, "project_id").is_null() && !project.is_null() {
                return refuse("A global custom attribute cannot be bound to a project");
            }
        }
        let config = row.get(schema, "config").to_text();
        if serde_json::from_str::<Json>(&config).is_err() {
            return refuse("Attribute config of CustomAttributeConfiguration must be JSON");
        }
        let kind = self.attribute_type(row);
        let default = row.get(schema, "default").to_client();
        let default = match checked_value(&kind, &default, &row.get(schema, "key").to_text()) {
            // The real server keeps the default of a date as a text.
            Ok(Value::Time(seconds)) => Value::text(format!("{}.000Z", text_from_seconds(seconds))),
            Ok(value) => value,
            // What clients send who give no default.
            Err(_) if default == "" => Value::Null,
            Err(error) => return Err(error),
        };
        row.set(schema, "default", default);
        self.check_configuration_key(row)
    }

    /// The name of a custom attribute must be there, and must be of one use at one place.
    pub(super) fn check_configuration_key(&self, row: &Row) -> Result<(), ApiError> {
        let schema = &self.schema;
        let key = row.get(schema, "key").to_text();
        if key.is_empty() {
            let name = &schema.entity_type(row.kind).name;
            return Err(ApiError::validation(format!(
                "Attribute key of {name} is required"
            )));
        }
        let place = [
            "entity_type",
            "object_type_id",
            "project_id",
            "is_hierarchical",
        ];
        let others = self
            .store
            .rows_where("CustomConfigurationBase", "key", &key);
        let is_same = |other: &Row| {
            let is_place = place
                .iter()
                .all(|name| other.get(schema, name) == row.get(schema, name));
            is_place && other.key(schema) != row.key(schema)
        };
        if others.iter().any(|other| is_same(other)) {
            let content = format!("Duplicate entry {key} for CustomAttributeConfiguration");
            return Err(ApiError::integrity(content));
        }
        Ok(())
    }

    /// What the values of a configuration must be.
    pub(super) fn attribute_type(&self, configuration: &Row) -> AttributeType {
        let schema = &self.schema;
        let kind = self.found_by_id("CustomAttributeType", configuration.text(schema, "type_id"));
        let config = configuration.get(schema, "config").to_text();
        let config: Json = serde_json::from_str(&config).unwrap_or_default();
        AttributeType {
            name: kind.map_or_else(String::new, |kind| kind.get(schema, "name").to_text()),
            is_single: config["multiSelect"] == Json::Bool(false),
        }
    }
}
