//! Changes to entities.

use serde_json::{Map, Value, json};

/// An id for an entity that is about to be made.
///
/// Ids are made here, before the first call, so that a call of which no answer came can be looked up.
pub type EntityId = String;

/// Returns a new id.
pub fn new_id() -> EntityId {
    uuid::Uuid::new_v4().to_string()
}

/// One change; a batch of them happens whole or not at all.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Makes an entity. `data` should hold its `id`; without one the server makes it up.
    Create {
        /// The type, such as `Shot`.
        entity_type: String,
        /// The attributes; a relation is a [`reference`](crate::reference).
        data: Map<String, Value>,
    },
    /// Changes some attributes of an entity. A collection is replaced by what is given.
    Update {
        /// The type, such as `Shot`.
        entity_type: String,
        /// The primary key: the id alone for almost every type.
        key: Vec<String>,
        /// The attributes to change.
        data: Map<String, Value>,
    },
    /// Removes an entity and what hangs below it.
    Delete {
        /// The type, such as `Shot`.
        entity_type: String,
        /// The primary key: the id alone for almost every type.
        key: Vec<String>,
    },
}

impl Operation {
    /// Returns the creation of an entity.
    pub fn create(entity_type: impl Into<String>, data: Map<String, Value>) -> Self {
        Self::Create {
            entity_type: entity_type.into(),
            data,
        }
    }

    /// Returns a change of the entity with this id.
    pub fn update(
        entity_type: impl Into<String>,
        id: impl Into<String>,
        data: Map<String, Value>,
    ) -> Self {
        Self::Update {
            entity_type: entity_type.into(),
            key: vec![id.into()],
            data,
        }
    }

    /// Returns the removal of the entity with this id.
    pub fn delete(entity_type: impl Into<String>, id: impl Into<String>) -> Self {
        Self::Delete {
            entity_type: entity_type.into(),
            key: vec![id.into()],
        }
    }

    /// Returns the operation as ftrack's API wants it.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Create { entity_type, data } => {
                let mut operation = json!({
                    "action": "create",
                    "entity_type": entity_type,
                    "entity_data": with_type(entity_type, data),
                });
                if let Some(id) = data.get("id") {
                    operation["entity_key"] = json!([id]);
                }
                operation
            }
            Self::Update {
                entity_type,
                key,
                data,
            } => json!({
                "action": "update",
                "entity_type": entity_type,
                "entity_key": key,
                "entity_data": with_type(entity_type, data),
            }),
            Self::Delete { entity_type, key } => json!({
                "action": "delete",
                "entity_type": entity_type,
                "entity_key": key,
            }),
        }
    }
}

fn with_type(entity_type: &str, data: &Map<String, Value>) -> Map<String, Value> {
    let mut whole = Map::with_capacity(data.len() + 1);
    whole.insert("__entity_type__".to_owned(), entity_type.into());
    whole.extend(
        data.iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(value: Value) -> Map<String, Value> {
        let Value::Object(data) = value else {
            panic!("not an object")
        };
        data
    }

    #[test]
    fn operations_look_as_the_official_client_writes_them() {
        let create = Operation::create(
            "Shot",
            data(json!({"id": "s1", "name": "sh010", "parent_id": "q1"})),
        );
        assert_eq!(
            create.to_json(),
            json!({"action": "create", "entity_type": "Shot", "entity_key": ["s1"],
                "entity_data": {"__entity_type__": "Shot", "id": "s1", "name": "sh010", "parent_id": "q1"}})
        );
        let update = Operation::update("Shot", "s1", data(json!({"description": null})));
        assert_eq!(
            update.to_json(),
            json!({"action": "update", "entity_type": "Shot", "entity_key": ["s1"],
                "entity_data": {"__entity_type__": "Shot", "description": null}})
        );
        let delete = Operation::delete("Shot", "s1");
        assert_eq!(
            delete.to_json(),
            json!({"action": "delete", "entity_type": "Shot", "entity_key": ["s1"]})
        );
    }
}
