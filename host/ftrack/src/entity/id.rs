//! Ids, and references that name a type as well.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use serde_json::Value;

use super::Typed;
use crate::value::reference;

/// The id of an entity whose type is known: the id of a [`User`](super::User) does not pass for that of a
/// [`Task`](super::Task).
pub struct Id<T> {
    text: String,
    entity: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// Takes a text for an id.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            entity: PhantomData,
        }
    }

    /// Makes the id of an entity that is about to be made.
    ///
    /// Ids are made here, before the first call, so that a call of which no answer came can be looked up.
    pub fn random() -> Self {
        Self::new(crate::operation::new_id())
    }

    /// Returns the id's text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<T: Typed> Id<T> {
    /// Returns the reference to the entity.
    pub fn reference(&self) -> EntityRef {
        EntityRef::new(T::TYPE, &self.text)
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        Self::new(&self.text)
    }
}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<T> Eq for Id<T> {}

impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<T> From<Id<T>> for String {
    fn from(id: Id<T>) -> Self {
        id.text
    }
}

impl<T> From<&Id<T>> for Value {
    fn from(id: &Id<T>) -> Self {
        Self::from(id.as_str())
    }
}

impl<T> From<&Id<T>> for crate::query::Literal {
    fn from(id: &Id<T>) -> Self {
        Self::Text(id.text.clone())
    }
}

/// An entity by its type and id, where the type is not known beforehand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntityRef {
    /// The type's name on the server.
    pub entity_type: String,
    /// The id.
    pub id: String,
}

impl EntityRef {
    /// Names an entity.
    pub fn new(entity_type: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            entity_type: entity_type.into(),
            id: id.into(),
        }
    }

    /// Returns the reference as a relation's value.
    pub fn to_json(&self) -> Value {
        reference(&self.entity_type, &self.id)
    }
}

impl<T: Typed> From<&Id<T>> for EntityRef {
    fn from(id: &Id<T>) -> Self {
        id.reference()
    }
}
