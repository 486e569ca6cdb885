//! Notes.

use super::Attributes;
use crate::entity::{EntityRef, Id, Note, NoteLabel, User};
use crate::operation::Operation;

/// A note on something, or a reply to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNote {
    /// The id.
    pub id: Id<Note>,
    /// What it says.
    pub content: String,
    /// Who says it.
    pub author: Id<User>,
    /// What it is about: an entity, with `TypedContext` for anything below a project; for a reply, what the note
    /// that it replies to is about.
    pub parent: EntityRef,
    /// The note that it replies to.
    pub in_reply_to: Option<Id<Note>>,
    /// What it is marked with.
    pub labels: Vec<Id<NoteLabel>>,
    /// Who is told: users and groups, by id.
    pub recipients: Vec<String>,
    /// What is attached: components, by id.
    pub components: Vec<String>,
    /// The frame that it is about.
    pub frame_number: Option<i64>,
}

impl NewNote {
    /// Writes a note with nothing but a text.
    pub fn new(content: impl Into<String>, author: Id<User>, parent: EntityRef) -> Self {
        Self {
            id: Id::random(),
            content: content.into(),
            author,
            parent,
            in_reply_to: None,
            labels: Vec::new(),
            recipients: Vec::new(),
            components: Vec::new(),
            frame_number: None,
        }
    }

    /// Returns the operations that make it.
    ///
    /// Assumed: the server attaches a note by `parent_id` and `parent_type`, and a reply by `in_reply_to_id`. The
    /// official Python client rewrites the parent's collection of notes instead.
    pub fn operations(&self) -> Vec<Operation> {
        let note = Attributes::default()
            .with("id", &self.id)
            .with("content", self.content.as_str())
            .with("user_id", &self.author)
            .with("is_todo", false)
            .with_some("frame_number", self.frame_number);
        let note = match &self.in_reply_to {
            Some(note_id) => note.with("in_reply_to_id", note_id),
            None => note
                .with("parent_id", self.parent.id.as_str())
                .with("parent_type", self.parent.entity_type.as_str()),
        };
        let of_note = || Attributes::default().with("note_id", &self.id);
        let labels = self.labels.iter();
        let labels = labels.map(|id| of_note().with("label_id", id).create("NoteLabelLink"));
        // The server tells the author anyway, and refuses to do so twice.
        let others = self
            .recipients
            .iter()
            .filter(|id| **id != self.author.as_str());
        let recipients = others.map(|id| {
            of_note()
                .with("resource_id", id.as_str())
                .create("Recipient")
        });
        let components = self.components.iter();
        let components = components.map(|id| {
            of_note()
                .with("component_id", id.as_str())
                .create("NoteComponent")
        });
        let mut operations = vec![note.create("Note")];
        operations.extend(labels.chain(recipients).chain(components));
        operations
    }
}
