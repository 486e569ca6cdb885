//! What an expression can be asked about: an event, or a subscriber's metadata.

use std::fmt;

use serde_json::{Number, Value};

/// A dotted key, split once so that looking it up costs no allocation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    parts: Box<[Box<str>]>,
}

impl Path {
    /// Returns the path that `key` spells, where dots separate its parts.
    pub fn new(key: &str) -> Self {
        Self {
            parts: key.split('.').map(Box::from).collect(),
        }
    }

    /// Returns whether this is the single part `key`.
    pub fn is(&self, key: &str) -> bool {
        self.parts.len() == 1 && &*self.parts[0] == key
    }

    /// Returns the first part and the rest. There is always a first part, if only an empty one.
    pub(crate) fn split_first(&self) -> (&str, &[Box<str>]) {
        match self.parts.split_first() {
            Some((first, rest)) => (first, rest),
            None => ("", &[]),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            f.write_str(part)?;
        }
        Ok(())
    }
}

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Field<'a> {
    /// A string.
    Text(&'a str),
    /// A number.
    Number(&'a Number),
    /// A boolean.
    Boolean(bool),
    /// Something without a text form: null, a list or an object.
    Other,
}

impl<'a> Field<'a> {
    /// Returns what lies at `parts` below `value`. Only objects are descended into.
    pub(crate) fn find(value: &'a Value, parts: &[Box<str>]) -> Option<Self> {
        let mut value = value;
        for part in parts {
            value = value.as_object()?.get(&**part)?;
        }
        Some(Self::from(value))
    }

    /// Calls `with` with the text form, the one that expressions compare; not for what has none.
    pub(crate) fn with_text<T>(self, with: impl FnOnce(&str) -> T) -> Option<T> {
        match self {
            Self::Text(text) => Some(with(text)),
            Self::Number(number) => Some(with(&number.to_string())),
            Self::Boolean(true) => Some(with("true")),
            Self::Boolean(false) => Some(with("false")),
            Self::Other => None,
        }
    }
}

impl<'a> From<&'a Value> for Field<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text),
            Value::Number(number) => Self::Number(number),
            Value::Bool(boolean) => Self::Boolean(*boolean),
            Value::Null | Value::Array(_) | Value::Object(_) => Self::Other,
        }
    }
}

/// Something whose fields an expression can look up by a dotted path.
pub trait Candidate {
    /// Returns what lies at `path`, or `None` when there is nothing at all.
    fn field(&self, path: &Path) -> Option<Field<'_>>;
}

impl Candidate for Value {
    fn field(&self, path: &Path) -> Option<Field<'_>> {
        let (first, rest) = path.split_first();
        Field::find(self.as_object()?.get(first)?, rest)
    }
}

impl<C: Candidate + ?Sized> Candidate for &C {
    fn field(&self, path: &Path) -> Option<Field<'_>> {
        (**self).field(path)
    }
}
