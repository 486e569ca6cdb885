//! ftrack's answers, merged by entity.
//!
//! In one answer the server writes an entity out where it first occurs and may name it by its key alone from then on.
//! So what a row says about an entity is looked up here, and never in the row itself.

use std::collections::HashMap;

use callboard_plugin_sdk::{Map, Value};

/// Everything that one answer says about each entity.
#[derive(Debug, Default)]
pub(crate) struct Entities {
    fields: HashMap<(String, String), Map<String, Value>>,
}

impl Entities {
    /// Takes in rows and whatever is nested in them.
    pub(crate) fn take_in(&mut self, rows: &[Map<String, Value>]) {
        for row in rows {
            self.take_in_entity(row);
        }
    }

    fn take_in_entity(&mut self, entity: &Map<String, Value>) {
        if let Some(key) = key(entity) {
            let known = self.fields.entry(key).or_default();
            for (name, value) in entity {
                known.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        for value in entity.values() {
            match value {
                Value::Object(nested) => self.take_in_entity(nested),
                Value::Array(items) => {
                    for nested in items.iter().filter_map(Value::as_object) {
                        self.take_in_entity(nested);
                    }
                }
                _ => {}
            }
        }
    }

    /// Returns the attribute of an entity, which may be a bare reference.
    pub(crate) fn get<'a>(&'a self, entity: &'a Map<String, Value>, name: &str) -> &'a Value {
        key(entity)
            .and_then(|key| self.fields.get(&key)?.get(name))
            .or_else(|| entity.get(name))
            .unwrap_or(&Value::Null)
    }

    /// Returns the text of an attribute; empty where there is none.
    pub(crate) fn text<'a>(&'a self, entity: &'a Map<String, Value>, name: &str) -> &'a str {
        self.get(entity, name).as_str().unwrap_or_default()
    }

    /// Returns the entity that an attribute refers to.
    pub(crate) fn one<'a>(
        &'a self,
        entity: &'a Map<String, Value>,
        name: &str,
    ) -> Option<&'a Map<String, Value>> {
        self.get(entity, name).as_object()
    }

    /// Returns the entities of a collection.
    pub(crate) fn many<'a>(
        &'a self,
        entity: &'a Map<String, Value>,
        name: &str,
    ) -> impl Iterator<Item = &'a Map<String, Value>> + use<'a> {
        let items = self.get(entity, name).as_array();
        items.into_iter().flatten().filter_map(Value::as_object)
    }
}

fn key(entity: &Map<String, Value>) -> Option<(String, String)> {
    let entity_type = entity.get("__entity_type__")?.as_str()?;
    let id = entity.get("id")?.as_str()?;
    Some((entity_type.to_owned(), id.to_owned()))
}

#[cfg(test)]
mod tests {
    use callboard_plugin_sdk::json;

    use super::*;

    #[test]
    fn a_bare_reference_says_what_the_whole_entity_said_earlier() {
        let rows = json!([
            {"__entity_type__": "Task", "id": "1", "status": {"__entity_type__": "Status", "id": "s", "name": "Done"}},
            {"__entity_type__": "Task", "id": "2", "status": {"__entity_type__": "Status", "id": "s"}},
        ]);
        let rows: Vec<Map<String, Value>> = serde_json::from_value(rows).unwrap();
        let mut entities = Entities::default();
        entities.take_in(&rows);
        let status = entities.one(&rows[1], "status").unwrap();
        assert_eq!(entities.text(status, "name"), "Done");
        assert_eq!(entities.text(status, "color"), "");
        assert_eq!(entities.many(status, "tasks").count(), 0);
    }
}
