//! Reads the rows of our client in the words of `official.py`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Collections that the official client shows as a dictionary.
const DICTIONARIES: [&str; 2] = ["custom_attributes", "metadata"];

/// What a row shows at each path, and what entity it is.
pub(crate) fn row(row: &Value, paths: &[String]) -> Value {
    let mut shown = Map::new();
    for path in paths {
        let path_parts: Vec<&str> = path.split('.').collect();
        shown.insert(path.clone(), read(row, &path_parts));
    }
    shown.insert("entity".to_owned(), plain(row));
    Value::Object(shown)
}

/// A value as a text in which the names of each object are in order.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(text).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(object) => {
            let members: BTreeMap<&String, String> = object
                .iter()
                .map(|(name, value)| (name, text(value)))
                .collect();
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{name:?}:{value}"))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        plain => plain.to_string(),
    }
}

fn read(value: &Value, path: &[&str]) -> Value {
    match (value, path) {
        (value, []) => plain(value),
        (Value::Array(items), path) => in_any_order(items.iter().map(|item| read(item, path))),
        (value, [name, ..]) if DICTIONARIES.contains(name) => dictionary(&value[*name]),
        (value, [name, rest @ ..]) => read(&value[*name], rest),
    }
}

fn dictionary(members: &Value) -> Value {
    let pairs = members.as_array().into_iter().flatten().map(|member| {
        let key = member["key"].as_str().unwrap_or_default().to_owned();
        (key, plain(&member["value"]))
    });
    Value::Object(pairs.collect())
}

fn plain(value: &Value) -> Value {
    match value {
        Value::Object(object) if object.contains_key("__type__") => object["value"].clone(),
        Value::Object(object) => match object.get("__entity_type__").and_then(Value::as_str) {
            Some(kind) => Value::String(format!("{kind}/{}", key(object))),
            None => value.clone(),
        },
        Value::Array(items)
            if items
                .iter()
                .any(|item| item.get("__entity_type__").is_some()) =>
        {
            in_any_order(items.iter().map(plain))
        }
        _ => value.clone(),
    }
}

/// The primary key, its parts in the order of the schema.
fn key(entity: &Map<String, Value>) -> String {
    let keys: [&[&str]; 5] = [
        &["id"],
        &["status_id", "schema_id"],
        &["parent_id", "key"],
        &["configuration_id", "entity_id"],
        &["name", "group"],
    ];
    let found = keys
        .iter()
        .find(|names| names.iter().all(|name| entity.contains_key(*name)));
    let parts = found.into_iter().flat_map(|names| names.iter());
    let parts: Vec<String> = parts
        .map(|name| match &entity[*name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
        .collect();
    parts.join("/")
}

fn in_any_order(items: impl Iterator<Item = Value>) -> Value {
    let mut items: Vec<Value> = items.collect();
    items.sort_by_key(text);
    Value::Array(items)
}
