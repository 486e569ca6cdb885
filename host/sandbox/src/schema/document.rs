//! The schemas as clients download them, and their hash.

use md5::{Digest, Md5};
use serde_json::{Map, Value as Json, json};

use super::{Attribute, EntityType, Kind, Legacy, Scalar, Schema, Shape, TypeId, python_json};

/// What `query_schemas` answers.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) schemas: Json,
    /// MD5 of the schemas as the official Python client computes it from its cache.
    pub(crate) hash: String,
}

impl Document {
    pub(crate) fn new(schema: &Schema) -> Self {
        let visible = schema.types.iter().filter(|found| !found.hidden);
        let schemas: Json = visible
            .map(|found| entity_document(schema, found))
            .collect();
        let digest = Md5::digest(python_json::dumps(&schemas));
        let hash = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { schemas, hash }
    }
}

fn entity_document(schema: &Schema, entity: &EntityType) -> Json {
    let mut document = Map::new();
    document.insert("id".to_owned(), json!(&*entity.name));
    document.insert("type".to_owned(), json!("object"));
    if let Some(mixin) = entity.mixin.filter(|_| entity.shows_mixin) {
        document.insert("$mixin".to_owned(), reference(schema, mixin));
    }
    if let Some(legacy) = &entity.legacy {
        document.insert("alias_for".to_owned(), legacy_document(legacy));
    }
    let mut insert_list = |name: &str, list: Vec<&str>, is_kept_empty: bool| {
        if is_kept_empty || !list.is_empty() {
            document.insert(name.to_owned(), json!(list));
        }
    };
    let names = |wanted: fn(&Attribute) -> bool| -> Vec<&str> {
        entity
            .attributes
            .iter()
            .filter(|found| !found.hidden && wanted(found))
            .map(|found| &*found.name)
            .collect()
    };
    insert_list(
        "primary_key",
        entity.primary_key.iter().map(|name| &**name).collect(),
        true,
    );
    insert_list(
        "default_projections",
        entity
            .default_projections
            .iter()
            .map(|name| &**name)
            .collect(),
        true,
    );
    insert_list(
        "system_projections",
        entity
            .system_projections
            .iter()
            .map(|name| &**name)
            .collect(),
        false,
    );
    insert_list("required", names(|attribute| attribute.required), true);
    insert_list("immutable", names(|attribute| attribute.immutable), true);
    insert_list("computed", names(|attribute| attribute.computed), false);
    if entity.can_group {
        document.insert("metadata".to_owned(), json!({"group_by": true}));
    }
    let attributes = entity
        .attributes
        .iter()
        .filter(|attribute| !attribute.hidden);
    let properties: Map<String, Json> = attributes
        .map(|attribute| (attribute.name.to_string(), property(schema, attribute)))
        .collect();
    document.insert("properties".to_owned(), Json::Object(properties));
    Json::Object(document)
}

fn legacy_document(legacy: &Legacy) -> Json {
    if legacy.classifiers.is_empty() {
        return json!(&*legacy.name);
    }
    let classifiers: Map<String, Json> = legacy
        .classifiers
        .iter()
        .map(|(column, value)| (column.to_string(), json!(&**value)))
        .collect();
    json!({"id": &*legacy.name, "classifiers": classifiers})
}

fn reference(schema: &Schema, target: TypeId) -> Json {
    json!({"$ref": &*schema.entity_type(target).name})
}

fn property(schema: &Schema, attribute: &Attribute) -> Json {
    let mut property = match &attribute.kind {
        Kind::Scalar { scalar, target, .. } => scalar_property(schema, *scalar, *target),
        Kind::Derived {
            shape: Shape::Scalar(scalar),
            ..
        } => scalar_property(schema, *scalar, None),
        Kind::Reference { target, .. }
        | Kind::Derived {
            shape: Shape::Reference(target),
            ..
        } => reference(schema, *target),
        Kind::Collection { target, mapped, .. }
        | Kind::Derived {
            shape: Shape::Collection { target, mapped },
            ..
        } => collection_property(schema, *target, *mapped),
    };
    if let Kind::Collection {
        filter_only: true, ..
    } = attribute.kind
    {
        property["restricted_projection"] = json!(true);
        if let Some(fields) = property.as_object_mut() {
            fields.remove("key_value_attributes");
        }
    }
    if let Some(legacy) = &attribute.legacy {
        property["alias_for"] = json!(&**legacy);
    }
    if let Some(default) = &attribute.default {
        property["default"] = default.clone();
    }
    if !attribute.choices.is_empty() {
        property["enum"] = attribute
            .choices
            .iter()
            .map(|choice| json!(&**choice))
            .collect();
    }
    property
}

fn scalar_property(schema: &Schema, scalar: Scalar, target: Option<TypeId>) -> Json {
    if let Some(target) = target {
        let target = schema.entity_type(target);
        let description = format!("Foreign key(s): {}.{}", target.name, target.primary_key[0]);
        return json!({"type": "string", "format": "foreign_key", "description": description});
    }
    match scalar {
        Scalar::Key => json!({"type": "string", "default": "{uid}"}),
        Scalar::Text => json!({"type": "string"}),
        Scalar::TypeName => {
            json!({"type": "string", "transform": {"client": "{schema_id}", "server": "{table_name}"}})
        }
        Scalar::JsonText => json!({"type": "string", "format": "json"}),
        Scalar::Integer => json!({"type": "integer"}),
        Scalar::Number => json!({"type": "number"}),
        Scalar::Boolean => json!({"type": "boolean"}),
        Scalar::Time => json!({"type": "string", "format": "date-time"}),
        Scalar::Object => json!({"type": "object"}),
        Scalar::Variable => json!({"type": "variable"}),
    }
}

fn collection_property(schema: &Schema, target: TypeId, mapped: bool) -> Json {
    let items = reference(schema, target);
    if mapped {
        let keys = json!({"key": "key", "value": "value"});
        json!({"type": "mapped_array", "items": items, "key_value_attributes": keys})
    } else {
        json!({"type": "array", "items": items})
    }
}
