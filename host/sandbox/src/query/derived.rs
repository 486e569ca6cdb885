//! Attributes that are computed when they are read.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::access::View;
use crate::schema::{Attribute, Derived, EntityType, TypeId};
use crate::store::{Row, Value, key_from_parts};
use crate::time::seconds_from_text;

/// Reads a derived scalar.
pub(super) fn scalar(store: View<'_>, row: &Row, derived: Derived, base_url: &str) -> Value {
    let schema = &store.schema;
    let address = |page: &str, id: Option<&Arc<str>>| match id {
        // The inner shape is assumed; the official clients do not look into it.
        Some(id) => {
            Value::from_any(&json!({"value": format!("{base_url}/component/{page}?id={id}")}))
        }
        None => Value::Null,
    };
    match derived {
        Derived::Link => Value::from_any(&Json::Array(link(store, row))),
        Derived::ThumbnailUrl => {
            let component = row
                .text(schema, "thumbnail_id")
                .or_else(|| row.text(schema, "component_id"));
            address("thumbnail", component)
        }
        Derived::Url => address("get", row.text(schema, "component_id")),
        Derived::TimeLogged => Value::Number(time_logged(store, row)),
        Derived::BidTimeLoggedDifference => {
            let bid = row.get(schema, "bid").as_number().unwrap_or_default();
            Value::Number(bid - time_logged(store, row))
        }
        Derived::IsLatestVersion => {
            let latest = row
                .text(schema, "asset_id")
                .and_then(|asset| latest_version(store, asset));
            Value::Boolean(latest.is_some_and(|latest| latest.sequence == row.sequence))
        }
        Derived::IsOpen => {
            let bound = |name| match row.get(schema, name) {
                Value::Time(seconds) => Some(*seconds),
                _ => None,
            };
            let now = store.clock.now();
            let is_started = bound("start_date").is_none_or(|start| start <= now);
            let is_over = bound("end_date").is_some_and(|end| end < now);
            Value::Boolean(is_started && !is_over)
        }
        Derived::Ancestors
        | Derived::CustomAttributes
        | Derived::Descendants
        | Derived::LatestVersion => Value::Null,
    }
}

/// Reads a derived relation.
pub(super) fn related(store: View<'_>, row: &Arc<Row>, derived: Derived) -> Vec<Arc<Row>> {
    match derived {
        Derived::Ancestors => ancestors(store, row),
        Derived::Descendants => descendants(store, row),
        Derived::CustomAttributes => custom_attribute_rows(store, row),
        Derived::LatestVersion => latest_version(store, &row.key(&store.schema))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

fn latest_version(store: View<'_>, asset: &str) -> Option<Arc<Row>> {
    let versions = store.rows_where("AssetVersion", "asset_id", asset);
    let number = |row: &Arc<Row>| match row.get(&store.schema, "version") {
        Value::Integer(number) => *number,
        _ => 0,
    };
    versions.into_iter().max_by_key(number)
}

fn time_logged(store: View<'_>, row: &Row) -> f64 {
    let logs = store.rows_where("Timelog", "context_id", &row.key(&store.schema));
    logs.iter()
        .filter_map(|log| log.get(&store.schema, "duration").as_number())
        .sum()
}

fn context(store: View<'_>, id: &str) -> Option<Arc<Row>> {
    store
        .find(store.schema.expect_type("Context").id, id)
        .cloned()
}

/// The project, everything between, and the context itself.
fn context_chain(store: View<'_>, row: &Arc<Row>) -> Vec<Arc<Row>> {
    let mut chain = vec![row.clone()];
    // Moves that would close a circle are refused, so this ends at a project.
    while let Some(parent) = chain[chain.len() - 1]
        .text(&store.schema, "parent_id")
        .and_then(|id| context(store, id))
    {
        chain.push(parent);
    }
    chain.reverse();
    chain
}

fn ancestors(store: View<'_>, row: &Arc<Row>) -> Vec<Arc<Row>> {
    let schema = &store.schema;
    let mut chain = if schema.entity_type(row.kind).is_context() {
        let mut chain = context_chain(store, row);
        chain.pop();
        chain
    } else {
        let parent = row
            .text(schema, "context_id")
            .and_then(|id| context(store, id));
        parent
            .map(|parent| context_chain(store, &parent))
            .unwrap_or_default()
    };
    chain.retain(|row| schema.entity_type(row.kind).is_typed_context());
    chain
}

/// Everything below a context, parents before their children.
pub(crate) fn descendants(store: View<'_>, row: &Row) -> Vec<Arc<Row>> {
    let mut found = store.rows_where("Context", "parent_id", &row.key(&store.schema));
    let mut next = 0;
    while next < found.len() {
        let children = store.rows_where("Context", "parent_id", &found[next].key(&store.schema));
        found.extend(children);
        next += 1;
    }
    found
}

/// The way from the project to an entity, as clients show it.
pub(crate) fn link(store: View<'_>, row: &Row) -> Vec<Json> {
    let schema = &store.schema;
    let entity = schema.entity_type(row.kind);
    let own = Arc::new(row.clone());
    if entity.is_context() {
        return context_chain(store, &own)
            .iter()
            .map(|row| context_item(store, row))
            .collect();
    }
    match &*entity.name {
        "AssetVersion" => {
            let asset = row
                .text(schema, "asset_id")
                .and_then(|id| store.find(schema.expect_type("Asset").id, id));
            let parent = asset
                .and_then(|asset| asset.text(schema, "context_id"))
                .and_then(|id| context(store, id));
            let chain = parent
                .map(|parent| context_chain(store, &parent))
                .unwrap_or_default();
            let mut items: Vec<Json> = chain.iter().map(|row| context_item(store, row)).collect();
            let name = asset
                .map(|asset| asset.get(schema, "name").to_text())
                .unwrap_or_default();
            // The form of the name is assumed.
            let name = format!("{name} - v{}", row.get(schema, "version").to_text());
            items.push(json!({"type": "AssetVersion", "id": &*row.key(schema), "name": name}));
            items
        }
        "Group" => {
            let mut items = Vec::new();
            let mut next = Some(own);
            while let Some(group) = next {
                let name = group.get(schema, "name").to_text();
                items.insert(
                    0,
                    json!({"type": "Group", "id": &*group.key(schema), "name": name}),
                );
                next = group
                    .text(schema, "parent_id")
                    .and_then(|id| store.find(group.kind, id))
                    .cloned();
            }
            items
        }
        _ => Vec::new(),
    }
}

fn context_item(store: View<'_>, row: &Row) -> Json {
    let schema = &store.schema;
    let name = row.get(schema, "name").to_text();
    if schema.entity_type(row.kind).is_typed_context() {
        return json!({"type": "TypedContext", "id": &*row.key(schema), "name": name});
    }
    // Which of its two names a project shows here is assumed.
    let full_name = row.get(schema, "full_name").to_text();
    let name = if full_name.is_empty() {
        name
    } else {
        full_name
    };
    json!({"type": "Project", "id": &*row.key(schema), "name": name})
}

/// The project that an entity belongs to.
fn project_of(store: View<'_>, row: &Row) -> Option<Arc<str>> {
    row.text(&store.schema, "project_id").cloned()
}

/// The word by which custom attribute configurations name an entity type.
fn configuration_word(entity: &EntityType) -> String {
    match &*entity.name {
        "Project" => "show".to_owned(),
        "AssetVersion" | "Asset" | "User" => entity.name.to_lowercase(),
        "ListObject" => "listobject".to_owned(),
        _ if entity.is_typed_context() => "task".to_owned(),
        _ => "list".to_owned(),
    }
}

/// The type of an entity's custom attribute values.
pub(crate) fn value_type(entity: &EntityType) -> Option<TypeId> {
    entity
        .attribute("custom_attributes")
        .and_then(Attribute::target)
}

/// One value for each configuration that applies to an entity, whether anything was stored or not.
pub(crate) fn custom_attribute_rows(store: View<'_>, owner: &Row) -> Vec<Arc<Row>> {
    let schema = &store.schema;
    let entity = schema.entity_type(owner.kind);
    let Some(kind) = value_type(entity) else {
        return Vec::new();
    };
    let entity_id = owner.key(schema);
    let applicable = applicable_configurations(store, owner);
    let rows = applicable.iter().map(|configuration| {
        let configuration_id = configuration.key(schema);
        let stored = store.find(kind, &key_from_parts([&*configuration_id, &*entity_id]));
        stored
            .cloned()
            .unwrap_or_else(|| Arc::new(unset_value(store, kind, configuration, &entity_id)))
    });
    rows.collect()
}

/// The row of a value that nobody has set: the default, or null where it is inherited.
pub(crate) fn unset_value(
    store: View<'_>,
    kind: TypeId,
    configuration: &Row,
    entity_id: &str,
) -> Row {
    let schema = &store.schema;
    let mut row = Row::new(schema, schema.entity_type(kind));
    row.set(
        schema,
        "configuration_id",
        Value::Text(configuration.key(schema)),
    );
    row.set(schema, "entity_id", Value::text(entity_id));
    row.set(schema, "key", configuration.get(schema, "key").clone());
    if !configuration.get(schema, "is_hierarchical").is_true() {
        row.set(schema, "value", default_value(store, configuration));
    }
    row
}

/// The default of a custom attribute as a value; a configuration keeps that of a date as a text.
fn default_value(store: View<'_>, configuration: &Row) -> Value {
    let schema = &store.schema;
    let default = configuration.get(schema, "default");
    let kinds = schema.expect_type("CustomAttributeType").id;
    let kind = configuration
        .text(schema, "type_id")
        .and_then(|id| store.find(kinds, id));
    let is_date = kind
        .and_then(|kind| kind.text(schema, "name"))
        .is_some_and(|name| **name == *"date");
    let seconds = default
        .as_text()
        .filter(|_| is_date)
        .and_then(|text| seconds_from_text(text));
    seconds.map_or_else(|| default.clone(), Value::Time)
}

/// The configurations that apply to an entity; those of its project hide general ones of the same key.
pub(crate) fn applicable_configurations(store: View<'_>, owner: &Row) -> Vec<Arc<Row>> {
    let schema = &store.schema;
    let entity = schema.entity_type(owner.kind);
    let word = configuration_word(entity);
    let project = project_of(store, owner);
    let object_type = owner.get(schema, "object_type_id");
    let may_inherit = matches!(word.as_str(), "task" | "show" | "asset" | "assetversion");
    let applies = |configuration: &&Arc<Row>| {
        let of = configuration.get(schema, "project_id");
        if !of.is_null() && of.as_text() != project.as_ref() {
            return false;
        }
        if may_inherit && configuration.get(schema, "is_hierarchical").is_true() {
            return true;
        }
        *configuration.get(schema, "entity_type").to_text() == *word
            && configuration.get(schema, "object_type_id") == object_type
    };
    let kind = schema.expect_type("CustomAttributeConfiguration").id;
    let mut found: Vec<Arc<Row>> = Vec::new();
    for configuration in store.rows(kind).filter(applies) {
        let key = configuration.get(schema, "key");
        match found
            .iter_mut()
            .find(|known| known.get(schema, "key") == key)
        {
            Some(known) if known.get(schema, "project_id").is_null() => {
                *known = configuration.clone()
            }
            Some(_) => {}
            None => found.push(configuration.clone()),
        }
    }
    found
}
