//! Entities as they come in: any of them, by the names of their attributes.

mod field;
mod id;
mod types;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::value::{datetime_text, timestamp_from_text};

pub use id::{EntityRef, Id};
pub use types::{
    Appointment, Asset, AssetBuild, AssetType, AssetVersion, AssetVersionList, Component,
    ComponentLocation, Context, CustomAttributeConfiguration, CustomAttributeType, Episode,
    FileComponent, Folder, Group, Job, List, Location, Metadata, Milestone, Note, NoteLabel,
    ObjectType, Priority, Project, ProjectSchema, Resource, SecurityRole, Sequence,
    SequenceComponent, Shot, State, Status, Task, Timelog, Timer, Type, TypedContext,
    TypedContextList, User,
};

/// An entity of any type, with the attributes that were asked for.
///
/// What was not asked for is not there, and says so; it is never taken for empty.
///
/// ```
/// use ftrack::{Entity, FieldError};
/// use serde_json::json;
///
/// let shot = Entity::from(json!({
///     "__entity_type__": "Shot", "id": "s1", "name": "sh010", "description": null,
///     "status": {"__entity_type__": "Status", "id": "st", "name": "Approved"},
/// }));
/// assert_eq!(shot.text("name")?, Some("sh010"));
/// assert_eq!(shot.text("description")?, None);
/// assert_eq!(shot.text("status.name")?, Some("Approved"));
/// assert!(matches!(shot.text("bid"), Err(FieldError::NotAskedFor { .. })));
/// # Ok::<(), FieldError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Entity(Value);

/// Why an attribute cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// The query did not ask for it. Add it to the projections.
    #[error("`{field}` of `{entity_type}` was not asked for")]
    NotAskedFor {
        /// The entity's type.
        entity_type: String,
        /// The attribute, or the path to it.
        field: String,
    },
    /// It is null, where every entity should have a value.
    #[error("`{field}` of `{entity_type}` is empty")]
    Empty {
        /// The entity's type.
        entity_type: String,
        /// The attribute, or the path to it.
        field: String,
    },
    /// It holds something else than it was read as.
    #[error("`{field}` of `{entity_type}` is no {wanted}")]
    OtherKind {
        /// The entity's type.
        entity_type: String,
        /// The attribute, or the path to it.
        field: String,
        /// What it was read as.
        wanted: &'static str,
    },
    /// The entity is of another type than it was read as.
    #[error("a `{found}` was read as a `{wanted}`")]
    OtherType {
        /// The type it has.
        found: String,
        /// The type it was read as.
        wanted: &'static str,
    },
}

/// A type of entity that has a Rust type of its own.
pub trait Typed: Sized {
    /// The type's name on the server.
    const TYPE: &'static str;

    /// The attributes that can be read, with the kind of each; the schemas of a server can be checked against them.
    const FIELDS: &'static [(&'static str, FieldKind)];

    /// Returns whether the entity is of this type as well: a `Shot` is a `TypedContext`.
    fn includes(entity: &Entity) -> bool {
        entity.entity_type() == Self::TYPE
    }

    /// Wraps an entity whose type fits.
    fn from_entity_unchecked(entity: Entity) -> Self;

    /// Returns the entity with all that was asked for.
    fn entity(&self) -> &Entity;

    /// Takes an entity for what it is.
    ///
    /// # Errors
    ///
    /// Returns its type if that is another.
    fn from_entity(entity: Entity) -> Result<Self, FieldError> {
        if Self::includes(&entity) {
            return Ok(Self::from_entity_unchecked(entity));
        }
        Err(FieldError::OtherType {
            found: entity.entity_type().to_owned(),
            wanted: Self::TYPE,
        })
    }
}

/// The kinds of attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldKind {
    /// A text, or an id.
    Text,
    /// A number.
    Number,
    /// A truth value.
    Boolean,
    /// A point in time.
    Time,
    /// A value of no fixed kind.
    Any,
    /// Another entity.
    One,
    /// Several other entities.
    Many,
}

impl From<Value> for Entity {
    fn from(row: Value) -> Self {
        Self(row)
    }
}

impl From<Entity> for Value {
    fn from(entity: Entity) -> Self {
        entity.0
    }
}

impl Entity {
    /// Returns the type's name; empty for the rows of an aggregate, which are no entities.
    pub fn entity_type(&self) -> &str {
        (self.0.get("__entity_type__").and_then(Value::as_str)).unwrap_or_default()
    }

    /// Returns the entity as ftrack wrote it.
    pub fn as_json(&self) -> &Value {
        &self.0
    }

    /// Returns the attributes as ftrack wrote them.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &Value)> {
        let attributes = self.0.as_object().into_iter().flatten();
        attributes.map(|(name, value)| (name.as_str(), value))
    }

    /// Returns whether the attribute was asked for.
    pub fn has(&self, field: &str) -> bool {
        self.field(field).is_ok()
    }

    /// Returns an attribute as ftrack wrote it; dots lead through relations. Behind a relation to nothing is null.
    ///
    /// # Errors
    ///
    /// Tells if it was not asked for.
    pub fn field(&self, path: &str) -> Result<&Value, FieldError> {
        let mut value = &self.0;
        for name in path.split('.') {
            value = match value {
                Value::Null => return Ok(value),
                Value::Object(attributes) => {
                    (attributes.get(name)).ok_or_else(|| FieldError::NotAskedFor {
                        entity_type: self.entity_type().to_owned(),
                        field: path.to_owned(),
                    })?
                }
                _ => return Err(self.other_kind(path, "relation")),
            };
        }
        Ok(value)
    }

    fn read<'a, T>(
        &'a self,
        path: &str,
        wanted: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, FieldError> {
        match self.field(path)? {
            Value::Null => Ok(None),
            value => (read(value).map(Some)).ok_or_else(|| self.other_kind(path, wanted)),
        }
    }

    fn other_kind(&self, path: &str, wanted: &'static str) -> FieldError {
        FieldError::OtherKind {
            entity_type: self.entity_type().to_owned(),
            field: path.to_owned(),
            wanted,
        }
    }

    /// Returns a text, or the text of an id.
    ///
    /// # Errors
    ///
    /// Tells if it was not asked for, or is something else.
    pub fn text(&self, path: &str) -> Result<Option<&str>, FieldError> {
        self.read(path, "text", Value::as_str)
    }

    /// Returns a number.
    ///
    /// # Errors
    ///
    /// As [`text`](Self::text).
    pub fn number(&self, path: &str) -> Result<Option<f64>, FieldError> {
        self.read(path, "number", Value::as_f64)
    }

    /// Returns a whole number.
    ///
    /// # Errors
    ///
    /// As [`text`](Self::text).
    pub fn integer(&self, path: &str) -> Result<Option<i64>, FieldError> {
        self.read(path, "whole number", Value::as_i64)
    }

    /// Returns a truth value.
    ///
    /// # Errors
    ///
    /// As [`text`](Self::text).
    pub fn boolean(&self, path: &str) -> Result<Option<bool>, FieldError> {
        self.read(path, "truth value", Value::as_bool)
    }

    /// Returns a point in time. ftrack writes it in UTC, without saying so; a date stands for its first second.
    ///
    /// # Errors
    ///
    /// As [`text`](Self::text).
    pub fn time(&self, path: &str) -> Result<Option<Timestamp>, FieldError> {
        self.read(path, "point in time", |value| {
            timestamp_from_text(datetime_text(value)?)
        })
    }

    /// Returns the entity at the end of a relation.
    ///
    /// # Errors
    ///
    /// As [`text`](Self::text).
    pub fn one(&self, path: &str) -> Result<Option<Self>, FieldError> {
        self.read(path, "entity", |value| {
            value.is_object().then(|| Self(value.clone()))
        })
    }

    /// Returns the entities of a collection.
    ///
    /// # Errors
    ///
    /// As [`text`](Self::text).
    pub fn many(&self, path: &str) -> Result<Vec<Self>, FieldError> {
        let members = self.read(path, "collection", |value| {
            Some(value.as_array()?.iter().cloned().map(Self).collect())
        })?;
        Ok(members.unwrap_or_default())
    }

    /// Returns the id.
    ///
    /// # Errors
    ///
    /// Tells if the type has none, as some with keys of several attributes.
    pub fn id(&self) -> Result<&str, FieldError> {
        self.some("id", self.text("id")?)
    }

    /// Returns the type and the id, to refer to the entity from another.
    ///
    /// # Errors
    ///
    /// As [`id`](Self::id).
    pub fn reference(&self) -> Result<EntityRef, FieldError> {
        Ok(EntityRef::new(self.entity_type(), self.id()?))
    }

    /// Returns the attributes as a map, to look at them one by one.
    pub fn into_attributes(self) -> Map<String, Value> {
        match self.0 {
            Value::Object(attributes) => attributes,
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn task() -> Entity {
        Entity::from(json!({
            "__entity_type__": "Task", "id": "t1", "name": "anim", "bid": 7200.0, "sort": null, "type": null,
            "start_date": {"__type__": "datetime", "value": "2026-11-20T13:22:26"},
            "assignments": [{"__entity_type__": "Appointment", "id": "a1", "resource_id": "u1"}],
            "parent": {"__entity_type__": "Shot", "id": "s1"},
        }))
    }

    #[test]
    fn a_field_is_there_or_empty_or_was_not_asked_for_or_is_something_else() {
        let task = task();
        assert_eq!(task.number("bid"), Ok(Some(7200.0)));
        assert_eq!(task.number("sort"), Ok(None));
        assert_eq!(task.text("type.name"), Ok(None));
        for (error, said) in [
            (
                task.text("description").unwrap_err(),
                "`description` of `Task` was not asked for",
            ),
            (
                task.text("parent.name").unwrap_err(),
                "`parent.name` of `Task` was not asked for",
            ),
            (task.text("bid").unwrap_err(), "`bid` of `Task` is no text"),
            (
                task.integer("bid").unwrap_err(),
                "`bid` of `Task` is no whole number",
            ),
            (
                task.text("name.name").unwrap_err(),
                "`name.name` of `Task` is no relation",
            ),
            (
                task.time("name").unwrap_err(),
                "`name` of `Task` is no point in time",
            ),
        ] {
            assert_eq!(error.to_string(), said);
        }
    }

    #[test]
    fn a_typed_entity_reads_what_its_type_has() {
        let task = Task::from_entity(task()).unwrap();
        assert_eq!(task.name(), Ok("anim"));
        assert_eq!(task.id(), Ok(Id::new("t1")));
        assert_eq!(task.bid(), Ok(Some(7200.0)));
        let start: Timestamp = "2026-11-20T13:22:26Z".parse().unwrap();
        assert_eq!(task.start_date(), Ok(Some(start)));
        assert_eq!(
            task.assignments().unwrap()[0].resource_id(),
            Ok(Id::new("u1"))
        );
        let parent = task.parent().unwrap().unwrap();
        assert_eq!(parent.id(), Ok(Id::new("s1")));
        assert_eq!(
            parent.name().unwrap_err().to_string(),
            "`name` of `Shot` was not asked for"
        );
    }

    #[test]
    fn an_entity_is_not_taken_for_what_it_is_not() {
        let error = Shot::from_entity(task()).unwrap_err();
        assert_eq!(error.to_string(), "a `Task` was read as a `Shot`");
        assert!(TypedContext::from_entity(task()).is_ok());
        let user = Entity::from(json!({"__entity_type__": "User", "id": "u1"}));
        assert!(TypedContext::from_entity(user.clone()).is_err());
        assert!(Resource::from_entity(user).is_ok());
    }
}
