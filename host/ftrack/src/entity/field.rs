//! How the attributes of typed entities are read.

use jiff::Timestamp;
use serde_json::Value;

use super::{Entity, FieldError, FieldKind, Id, Typed};

/// What an attribute can be read as. `Option` is for what may be null.
pub(super) trait FromField<'a>: Sized {
    const KIND: FieldKind;

    fn from_field(entity: &'a Entity, name: &str) -> Result<Self, FieldError>;
}

impl Entity {
    /// Turns nothing into an error.
    pub(super) fn some<T>(&self, path: &str, value: Option<T>) -> Result<T, FieldError> {
        value.ok_or_else(|| FieldError::Empty {
            entity_type: self.entity_type().to_owned(),
            field: path.to_owned(),
        })
    }
}

/// Reads what may be null, and what may not, by the same function.
macro_rules! from_field {
    ($type:ty, $kind:ident, |$entity:ident, $name:ident| $read:expr $(, $parameter:ident: $bound:path)?) => {
        impl<'a $(, $parameter: $bound)?> FromField<'a> for Option<$type> {
            const KIND: FieldKind = FieldKind::$kind;

            fn from_field($entity: &'a Entity, $name: &str) -> Result<Self, FieldError> {
                $read
            }
        }

        impl<'a $(, $parameter: $bound)?> FromField<'a> for $type {
            const KIND: FieldKind = FieldKind::$kind;

            fn from_field(entity: &'a Entity, name: &str) -> Result<Self, FieldError> {
                entity.some(name, Option::from_field(entity, name)?)
            }
        }
    };
}

from_field!(&'a str, Text, |entity, name| entity.text(name));
from_field!(f64, Number, |entity, name| entity.number(name));
from_field!(i64, Number, |entity, name| entity.integer(name));
from_field!(bool, Boolean, |entity, name| entity.boolean(name));
from_field!(Timestamp, Time, |entity, name| entity.time(name));
from_field!(
    Id<T>,
    Text,
    |entity, name| Ok(entity.text(name)?.map(Id::new)),
    T: Typed
);
from_field!(
    T,
    One,
    |entity, name| entity.one(name)?.map(T::from_entity).transpose(),
    T: Typed
);

impl<'a, T: Typed> FromField<'a> for Vec<T> {
    const KIND: FieldKind = FieldKind::Many;

    fn from_field(entity: &'a Entity, name: &str) -> Result<Self, FieldError> {
        let members = entity.many(name)?.into_iter();
        members.map(T::from_entity).collect()
    }
}

impl<'a> FromField<'a> for &'a Value {
    const KIND: FieldKind = FieldKind::Any;

    fn from_field(entity: &'a Entity, name: &str) -> Result<Self, FieldError> {
        entity.field(name)
    }
}
