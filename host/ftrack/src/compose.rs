//! What is made often, as the operations that make it.
//!
//! Each of these is plain data with [`operations`](NewNote::operations): put into one [`Unit`](crate::Unit) with
//! whatever must happen together, or kept in a ledger first. Ids are made here, so that a lost answer can be looked
//! up. What belongs to something is attached by its key and never by rewriting a collection, which would undo what
//! others add meanwhile.

mod component;
mod job;
mod note;
mod time;
mod version;

use serde_json::{Map, Value};

use crate::operation::Operation;

pub use component::{NewComponent, ServerLocation, metadata, thumbnail};
pub use job::{JobStatus, NewJob, update_job};
pub use note::NewNote;
pub use time::{NewTimelog, NewTimer, stop_timer};
pub use version::{NewAsset, NewVersion, assignment};

/// Attributes that are put together; what is `None` is left to the server.
#[derive(Debug, Default)]
struct Attributes(Map<String, Value>);

impl Attributes {
    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    fn with_some(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    fn create(self, entity_type: &str) -> Operation {
        Operation::create(entity_type, self.0)
    }
}
