//! The few values that ftrack writes in a way of its own.

use serde_json::{Value, json};

/// Returns the reference to an entity, as a relation's value.
pub fn reference(entity_type: &str, id: &str) -> Value {
    json!({"__entity_type__": entity_type, "id": id})
}

/// Returns a point in time, given in ISO 8601, as an attribute's value.
///
/// ftrack keeps whole seconds in UTC; an offset other than `Z` is understood, fractions are dropped by the server.
pub fn datetime(iso: &str) -> Value {
    json!({"__type__": "datetime", "value": iso})
}

/// Returns the ISO 8601 text of an attribute that is a date or a point in time.
pub fn datetime_text(value: &Value) -> Option<&str> {
    match value.get("__type__")?.as_str()? {
        "datetime" | "date" => value.get("value")?.as_str(),
        _ => None,
    }
}
