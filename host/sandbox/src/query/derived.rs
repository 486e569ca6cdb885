//! Attributes that are computed when they are read.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::access::View;
use crate::schema::Derived;
use crate::store::{Row, Value};

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

/// The hours of a context and everything below it; that those below count is assumed.
fn time_logged(store: View<'_>, row: &Row) -> f64 {
    let schema = &store.schema;
    let below = descendants(store, row);
    let keys = below.iter().map(|row| row.key(schema));
    let logs = keys
        .chain([row.key(schema)])
        .flat_map(|key| store.rows_where("Timelog", "context_id", &key));
    logs.filter_map(|log| log.get(schema, "duration").as_number())
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
    let schema = &store.schema;
    let context = schema.expect_type("Context");
    let column = context.expect_column("parent_id");
    let children = |key: Arc<str>| store.each_with(context.id, column, &key).cloned().collect();
    let mut found: Vec<Arc<Row>> = children(row.key(schema));
    let mut next = 0;
    while next < found.len() {
        let children: Vec<Arc<Row>> = children(found[next].key(schema));
        found.extend(children);
        next += 1;
    }
    found
}

/// Everything below any of some contexts, each of them once.
pub(super) fn descendants_of(
    store: View<'_>,
    rows: impl Iterator<Item = Arc<Row>>,
) -> Vec<Arc<Row>> {
    let schema = &store.schema;
    let context = schema.expect_type("Context");
    let column = context.expect_column("parent_id");
    let mut seen = HashSet::new();
    let mut open: Vec<Arc<Row>> = rows.collect();
    let mut found = Vec::new();
    while let Some(row) = open.pop() {
        for child in store.each_with(context.id, column, &row.key(schema)) {
            if seen.insert(child.sequence) {
                found.push(child.clone());
                open.push(child.clone());
            }
        }
    }
    found
}

/// Everything above any of some contexts, up to their projects, each of them once.
pub(super) fn ancestors_of(store: View<'_>, rows: impl Iterator<Item = Arc<Row>>) -> Vec<Arc<Row>> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for row in rows {
        let above = |row: &Row| context(store, row.text(&store.schema, "parent_id")?);
        let mut next = above(&row);
        while let Some(row) = next.filter(|row| seen.insert(row.sequence)) {
            next = above(&row);
            found.push(row);
        }
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
