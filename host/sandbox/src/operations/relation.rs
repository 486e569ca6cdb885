//! Replacing the members of a collection.

use std::collections::HashSet;
use std::sync::Arc;

use uuid::Uuid;

use super::Transaction;
use crate::error::ApiError;
use crate::schema::{Attribute, Join, Kind, TypeId};
use crate::store::{Row, Value};

impl Transaction<'_> {
    /// Makes exactly `keys` the members of a collection.
    pub(super) fn replace_members(
        &mut self,
        owner: &Arc<Row>,
        attribute: &Attribute,
        keys: &[Arc<str>],
    ) -> Result<(), ApiError> {
        let Kind::Collection { target, join, .. } = &attribute.kind else {
            return Ok(());
        };
        // What the caller cannot see stays where it is, and cannot be brought in.
        let current = self.view().members(owner, *target, join);
        let wanted: HashSet<&Arc<str>> = keys.iter().collect();
        let present: HashSet<Arc<str>> = current.iter().map(|row| row.key(&self.schema)).collect();
        let added: Vec<&Arc<str>> = keys.iter().filter(|key| !present.contains(*key)).collect();
        let dropped: Vec<Arc<Row>> = current
            .into_iter()
            .filter(|row| {
                !wanted.contains(&row.key(&self.schema)) && !self.is_author_of(owner, row)
            })
            .collect();
        match join {
            Join::Nothing => Err(ApiError::validation(format!(
                "Attribute {} cannot be set",
                attribute.name
            ))),
            Join::Column { column, filter } => {
                for key in added {
                    self.attach(owner, attribute, *target, *column, filter.as_ref(), key)?;
                }
                dropped.iter().try_for_each(|row| self.detach(row, *column))
            }
            Join::Through { link, own, other } => {
                let owner_key = owner.key(&self.schema);
                for row in dropped {
                    let key = row.key(&self.schema);
                    for pair in self.store.rows_with(*link, *own, &owner_key) {
                        if pair.values[*other].as_text() == Some(&key) {
                            self.remove(&pair)?;
                        }
                    }
                }
                added.into_iter().try_for_each(|key| {
                    // It may be created later in the batch.
                    if self.store.find(*target, key).is_some() {
                        self.member(attribute, *target, key)?;
                    }
                    self.pair(*link, (*own, &owner_key), (*other, key))
                })
            }
        }
    }

    /// The author stays a recipient of a note, whoever else is made one.
    fn is_author_of(&self, note: &Row, recipient: &Row) -> bool {
        recipient.kind == self.schema.expect_type("Recipient").id
            && note.kind == self.schema.expect_type("Note").id
            && recipient.text(&self.schema, "resource_id") == note.text(&self.schema, "user_id")
    }

    /// Finds what is to become a member.
    fn member(
        &self,
        attribute: &Attribute,
        target: TypeId,
        key: &str,
    ) -> Result<Arc<Row>, ApiError> {
        self.view().find(target, key).cloned().ok_or_else(|| {
            let target = &self.schema.entity_type(target).name;
            ApiError::integrity(format!(
                "Attribute {} refers to {target} {key}, which does not exist",
                attribute.name
            ))
        })
    }

    fn attach(
        &mut self,
        owner: &Arc<Row>,
        attribute: &Attribute,
        target: TypeId,
        column: usize,
        filter: Option<&(usize, Arc<str>)>,
        key: &str,
    ) -> Result<(), ApiError> {
        let schema = self.schema.clone();
        let before = self.member(attribute, target, key)?;
        let entity = schema.entity_type(before.kind);
        let mut row = Row::clone(&before);
        row.values[column] = Value::Text(owner.key(&schema));
        if let Some((column, value)) = filter {
            row.values[*column] = Value::Text(value.clone());
        }
        if entity
            .column("parent_type")
            .is_some_and(|_| entity.column("parent_id") == Some(column))
        {
            row.set(&schema, "parent_type", Value::text(self.parent_type(owner)));
        }
        if &*entity.name == "Note" {
            self.adopt_note(owner, &mut row);
        }
        self.change(entity, &before, row)?;
        Ok(())
    }

    /// What a note or a piece of metadata says its parent is.
    fn parent_type(&self, owner: &Row) -> String {
        let entity = self.schema.entity_type(owner.kind);
        if entity.is_typed_context() {
            "TypedContext".to_owned()
        } else {
            entity.name.to_string()
        }
    }

    /// Takes a member out. What cannot exist without its owner is deleted.
    fn detach(&mut self, member: &Arc<Row>, column: usize) -> Result<(), ApiError> {
        let schema = self.schema.clone();
        // An earlier removal may have taken it along.
        let Some(before) = self.store.find(member.kind, &member.key(&schema)).cloned() else {
            return Ok(());
        };
        let entity = schema.entity_type(before.kind);
        let holds = |attribute: &&Attribute| matches!(attribute.kind, Kind::Scalar { column: own, .. } if own == column);
        let is_needed = entity
            .attributes
            .iter()
            .find(holds)
            .is_some_and(|attribute| attribute.required);
        if is_needed || entity.key_columns.contains(&column) {
            return self.remove(&before);
        }
        let mut row = Row::clone(&before);
        row.values[column] = Value::Null;
        if entity.column("parent_id") == Some(column) && entity.column("parent_type").is_some() {
            row.set(&schema, "parent_type", Value::Null);
        }
        self.change(entity, &before, row)?;
        Ok(())
    }

    fn pair(
        &mut self,
        link: TypeId,
        own: (usize, &Arc<str>),
        other: (usize, &Arc<str>),
    ) -> Result<(), ApiError> {
        let schema = self.schema.clone();
        let entity = schema.entity_type(link);
        let mut row = Row::new(&schema, entity);
        self.fill_in(entity, &mut row);
        row.values[own.0] = Value::Text(own.1.clone());
        row.values[other.0] = Value::Text(other.1.clone());
        if entity.primary_key.iter().any(|name| &**name == "id") {
            row.set(&schema, "id", Value::text(Uuid::new_v4().to_string()));
        }
        self.insert(entity, row)?;
        Ok(())
    }
}
