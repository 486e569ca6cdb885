//! Custom attribute links: two entities tied together as a configuration says.
//!
//! A link is one row whose type follows from where it leads, and a second of the same id whose type
//! follows from where it begins, so that either end finds the other by relations.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::Transaction;
use crate::error::ApiError;
use crate::schema::{EntityType, TypeId};
use crate::store::{Row, Value};

/// How a configuration calls an end, the type of the entity there, and how the types of links to it begin.
const ENDS: [(&str, &str, &str); 9] = [
    ("show", "Project", "Context"),
    ("task", "TypedContext", "Context"),
    ("assetversion", "AssetVersion", "AssetVersion"),
    ("asset_version", "AssetVersion", "AssetVersion"),
    ("list", "List", "List"),
    ("user", "User", "User"),
    ("group", "Group", "Group"),
    ("asset", "Asset", "Asset"),
    ("component", "Component", "Component"),
];

/// One end of the links of a configuration.
struct End {
    kind: TypeId,
    object_type: Value,
    prefix: &'static str,
}

impl Transaction<'_> {
    /// The type of a link that a client is about to create, whatever type of link it named.
    pub(super) fn link_type(
        &self,
        named: &EntityType,
        data: &Map<String, Json>,
    ) -> Result<Option<TypeId>, ApiError> {
        if named.is_other_side() {
            let content = format!("{} cannot be created, only the link itself", named.name);
            return Err(ApiError::validation(content));
        }
        if !named.is_custom_attribute_link() {
            return Ok(None);
        }
        let id = data.get("configuration_id").and_then(Json::as_str);
        let id = id.or_else(|| data.get("configuration")?.get("id")?.as_str());
        let id = id.ok_or_else(|| {
            let content = format!("Attribute configuration_id of {} is required", named.name);
            ApiError::validation(content)
        })?;
        let to = self.ends(id)?.1;
        let kind = self
            .schema
            .expect_type(&format!("{}CustomAttributeLink", to.prefix));
        if !named.is_abstract && named.id != kind.id {
            let content = format!("{} does not fit the configuration {id}", named.name);
            return Err(ApiError::validation(content));
        }
        Ok(Some(kind.id))
    }

    /// Where the links of a configuration begin and where they lead.
    fn ends(&self, configuration_id: &str) -> Result<(End, End), ApiError> {
        let schema = &self.schema;
        let id = Arc::from(configuration_id);
        let found = self.found_by_id("CustomAttributeLinkConfiguration", Some(&id));
        let found = found.ok_or_else(|| {
            let content =
                format!("CustomAttributeLinkConfiguration {configuration_id} does not exist");
            ApiError::integrity(content)
        })?;
        let end = |word: &str, object_type: &str| {
            let word = found.get(schema, word).to_text();
            let known = ENDS.iter().find(|(known, ..)| *known == word);
            let (_, kind, prefix) =
                known.ok_or_else(|| ApiError::validation(unknown_end(&word)))?;
            Ok::<_, ApiError>(End {
                kind: schema.expect_type(kind).id,
                object_type: found.get(schema, object_type).clone(),
                prefix,
            })
        };
        Ok((
            end("entity_type", "object_type_id")?,
            end("entity_type_to", "object_type_id_to")?,
        ))
    }

    /// Checks both ends of a configuration.
    pub(super) fn check_link_configuration(&self, row: &Row) -> Result<(), ApiError> {
        let schema = &self.schema;
        for (word, object_type) in [
            ("entity_type", "object_type_id"),
            ("entity_type_to", "object_type_id_to"),
        ] {
            let found = row.get(schema, word).to_text();
            if !ENDS.iter().any(|(known, ..)| *known == found) {
                return Err(ApiError::validation(unknown_end(&found)));
            }
            if found == "task" && row.get(schema, object_type).is_null() {
                let content = format!(
                    "Attribute {object_type} of CustomAttributeLinkConfiguration is required"
                );
                return Err(ApiError::validation(content));
            }
        }
        self.check_configuration_key(row)
    }

    /// Checks what a new link ties together, and notes the types of both ends.
    pub(super) fn complete_link(&self, row: &mut Row) -> Result<(), ApiError> {
        let schema = &self.schema;
        let configuration = row.get(schema, "configuration_id").to_text();
        let (from, to) = self.ends(&configuration)?;
        for (end, id, kind) in [
            (&from, "from_id", "from_entity_type"),
            (&to, "to_id", "to_entity_type"),
        ] {
            let key = row.get(schema, id).to_text();
            let entity = self.store.find(end.kind, &key);
            let entity = entity.filter(|entity| {
                end.object_type.is_null()
                    || *entity.get(schema, "object_type_id") == end.object_type
            });
            let entity = entity.ok_or_else(|| {
                let kind = &schema.entity_type(end.kind).name;
                let content =
                    format!("Attribute {id} refers to {kind} {key}, which does not exist");
                ApiError::integrity(content)
            })?;
            let name = schema.entity_type(entity.kind).name.clone();
            row.set(schema, kind, Value::Text(name));
        }
        self.check_single(row, &configuration)
    }

    /// That a second link of a single relation is refused, and does not replace the first, is assumed.
    fn check_single(&self, row: &Row, configuration: &str) -> Result<(), ApiError> {
        let schema = &self.schema;
        let id = Arc::from(configuration);
        let found = self.found_by_id("CustomAttributeLinkConfiguration", Some(&id));
        let is_single = found.is_some_and(|found| found.get(schema, "one_to_one").is_true());
        let from = row.get(schema, "from_id").to_text();
        let links = self
            .store
            .rows_where("CustomAttributeLink", "from_id", &from);
        let mut links = links.iter();
        if is_single && links.any(|link| link.text(schema, "configuration_id") == Some(&id)) {
            let content = format!("Duplicate entry {configuration}-{from} for CustomAttributeLink");
            return Err(ApiError::integrity(content));
        }
        Ok(())
    }

    /// Adds the same link as the entity at its end sees it.
    pub(super) fn add_other_side(&mut self, link: &Row) -> Result<(), ApiError> {
        let schema = self.schema.clone();
        let (from, _) = self.ends(&link.get(&schema, "configuration_id").to_text())?;
        let columns = [
            "id",
            "configuration_id",
            "from_id",
            "from_entity_type",
            "to_id",
            "to_entity_type",
        ];
        let values = columns.map(|name| (name, link.get(&schema, name).clone()));
        self.make(&format!("{}CustomAttributeLinkFrom", from.prefix), &values)?;
        Ok(())
    }

    /// Removes what [`Self::add_other_side`] has added, or what it was added for.
    pub(super) fn remove_other_side(&mut self, row: &Row) {
        let schema = self.schema.clone();
        let entity = schema.entity_type(row.kind);
        let other = if entity.is_custom_attribute_link() {
            "CustomAttributeLinkFrom"
        } else if entity.is_other_side() {
            "CustomAttributeLink"
        } else {
            return;
        };
        let kind = schema.expect_type(other).id;
        if let Some(other) = self.store.find(kind, &row.key(&schema)).cloned() {
            self.store.remove(&other);
        }
    }
}

fn unknown_end(word: &str) -> String {
    format!("{word} is no type of entity that a custom attribute can link")
}
