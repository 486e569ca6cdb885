//! The store as one caller sees it: rows of projects and custom attributes that are hidden from them are
//! not there.
//!
//! The query language reads the store through a [`View`] only, so relations, sub-selects, counts and
//! searches cannot lead to what a query could not have found.

use std::collections::HashSet;
use std::ops::Deref;
use std::sync::Arc;

use crate::schema::{Belongs, Join, Schema, TypeId};
use crate::store::{Row, Store};

/// How many steps lead from a row to its project at most; it only guards against circles.
const LONGEST_WAY: usize = 16;

/// Where an id may lead that is no foreign key, because it may belong to any kind of entity.
const ANYTHING: [&str; 8] = [
    "Context",
    "AssetVersion",
    "Asset",
    "Component",
    "List",
    "Note",
    "ReviewSession",
    "CalendarEvent",
];

/// What a caller must not see.
#[derive(Debug, Default)]
pub(crate) struct Hidden {
    pub(crate) projects: HashSet<Arc<str>>,
    /// Configurations of custom attributes whose values and links are not for the caller's roles.
    pub(crate) attributes: HashSet<Arc<str>>,
}

/// The store without what a caller must not see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    store: &'a Store,
    hidden: Option<&'a Hidden>,
}

impl Deref for View<'_> {
    type Target = Store;

    fn deref(&self) -> &Store {
        self.store
    }
}

impl<'a> View<'a> {
    /// Everything, as the server itself sees it.
    pub(crate) fn whole(store: &'a Store) -> Self {
        Self {
            store,
            hidden: None,
        }
    }

    /// Everything that is not hidden.
    pub(crate) fn without(store: &'a Store, hidden: &'a Hidden) -> Self {
        Self {
            store,
            hidden: Some(hidden)
                .filter(|hidden| !hidden.projects.is_empty() || !hidden.attributes.is_empty()),
        }
    }

    /// What the rows are made of, which is hidden from nobody.
    pub(crate) fn schema(self) -> &'a Schema {
        &self.store.schema
    }

    /// Tells whether the caller may know of this row.
    pub(crate) fn shows(self, row: &Row) -> bool {
        match self.hidden {
            Some(hidden) => {
                let is_hidden = |project: &Arc<str>| hidden.projects.contains(project);
                self.shows_attribute(row)
                    && project_where(self.store, row, LONGEST_WAY, &is_hidden).is_none()
            }
            None => true,
        }
    }

    /// Tells whether the caller may know of the values that a configuration describes.
    pub(crate) fn shows_values_of(self, configuration: &Row) -> bool {
        let key = configuration.key(&self.store.schema);
        self.hidden
            .is_none_or(|hidden| !hidden.attributes.contains(&key))
    }

    /// Tells whether a row is no custom attribute, or one that the caller may read.
    fn shows_attribute(self, row: &Row) -> bool {
        let schema = &self.store.schema;
        let entity = schema.entity_type(row.kind);
        if !entity.is_custom_attribute_value()
            && !entity.is_custom_attribute_link()
            && !entity.is_other_side()
        {
            return true;
        }
        let configuration = row.text(schema, "configuration_id");
        let attributes = self.hidden.map(|hidden| &hidden.attributes);
        !attributes.is_some_and(|hidden| configuration.is_some_and(|id| hidden.contains(id)))
    }

    /// As [`Store::find`].
    pub(crate) fn find(self, kind: TypeId, key: &str) -> Option<&'a Arc<Row>> {
        self.store.find(kind, key).filter(|row| self.shows(row))
    }

    /// As [`Store::rows`].
    pub(crate) fn rows(self, kind: TypeId) -> impl Iterator<Item = &'a Arc<Row>> {
        self.store.rows(kind).filter(move |row| self.shows(row))
    }

    /// As [`Store::each_with`].
    pub(crate) fn each_with(
        self,
        kind: TypeId,
        column: usize,
        text: &str,
    ) -> impl Iterator<Item = &'a Arc<Row>> + use<'a> {
        let rows = self.store.each_with(kind, column, text);
        rows.filter(move |row| self.shows(row))
    }

    /// As [`Store::rows_where`].
    pub(crate) fn rows_where(self, kind: &str, column: &str, text: &str) -> Vec<Arc<Row>> {
        self.shown(self.store.rows_where(kind, column, text))
    }

    /// As [`Store::members`].
    pub(crate) fn members(self, owner: &Row, target: TypeId, join: &Join) -> Vec<Arc<Row>> {
        self.shown(self.store.members(owner, target, join))
    }

    fn shown(self, mut rows: Vec<Arc<Row>>) -> Vec<Arc<Row>> {
        if self.hidden.is_some() {
            rows.retain(|row| self.shows(row));
        }
        rows
    }
}

/// The project that a row belongs to; the first of them where it ties two together.
pub(crate) fn project_of(store: &Store, row: &Row) -> Option<Arc<str>> {
    project_where(store, row, LONGEST_WAY, &|_| true)
}

/// Follows what a row belongs to, to the first project that is wanted.
fn project_where(
    store: &Store,
    row: &Row,
    steps: usize,
    is_wanted: &dyn Fn(&Arc<str>) -> bool,
) -> Option<Arc<str>> {
    let steps = steps.checked_sub(1)?;
    let schema = &store.schema;
    let ways = &schema.entity_type(row.kind).belongs;
    // What names its project need not be followed further.
    let named = ways.iter().find_map(|way| match way {
        Belongs::Project { column } => row.values[*column].as_text(),
        _ => None,
    });
    if let Some(project) = named {
        return Some(project).filter(|project| is_wanted(project)).cloned();
    }
    ways.iter().find_map(|way| {
        let owner = match way {
            Belongs::Project { .. } => None,
            Belongs::Row { column, target } => store.find(*target, row.values[*column].as_text()?),
            Belongs::Anything { column } => {
                let key = row.values[*column].as_text()?;
                let kinds = ANYTHING.iter().map(|name| schema.expect_type(name).id);
                kinds.into_iter().find_map(|kind| store.find(kind, key))
            }
        };
        project_where(store, owner?, steps, is_wanted)
    })
}
