//! Writes rows as clients expect them.
//!
//! An entity is written in full where it is met first and as a bare reference after that. The official
//! Python client keeps only the first occurrence, so that one carries everything that any projection of
//! the query asked of the entity. Which one is first for that client follows from the order of the
//! attributes in the schema, so they are written in that order.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::ast::Path;
use super::derived;
use super::walk::Walker;
use crate::access::View;
use crate::schema::{Attribute, EntityType, Kind, Shape};
use crate::store::Row;

/// The attributes to write, and those of the entities they lead to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Projection {
    attributes: BTreeMap<String, Branch>,
}

#[derive(Clone, Debug, Default)]
struct Branch {
    cast: Option<String>,
    below: Projection,
}

impl Projection {
    pub(crate) fn from_paths(paths: &[Path]) -> Self {
        let mut projection = Self::default();
        for path in paths {
            let mut place = &mut projection;
            for segment in &path.segments {
                let branch = place.attributes.entry(segment.name.clone()).or_default();
                branch.cast.clone_from(&segment.cast);
                place = &mut branch.below;
            }
        }
        projection
    }

    pub(crate) fn from_names<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let attributes = names
            .map(|name| (name.to_owned(), Branch::default()))
            .collect();
        Self { attributes }
    }

    /// What is asked of a type, in the order of its schema. What only other types have, which the same
    /// relation may lead to, is left out.
    fn of<'p>(
        &'p self,
        entity: &'p EntityType,
    ) -> impl Iterator<Item = (&'p Attribute, &'p Branch)> {
        let attributes = entity.attributes.iter();
        let shown = attributes.filter(|attribute| !attribute.hidden);
        shown.filter_map(|attribute| Some((attribute, self.attributes.get(&*attribute.name)?)))
    }

    fn merge(&mut self, other: &Self) {
        for (name, branch) in &other.attributes {
            self.attributes
                .entry(name.clone())
                .or_default()
                .below
                .merge(&branch.below);
        }
    }
}

pub(crate) struct Encoder<'a> {
    store: View<'a>,
    walker: Walker<'a>,
    base_url: &'a str,
    denormalize: bool,
    /// Everything asked of each entity, by sequence.
    asked: HashMap<u64, Projection>,
    written: HashSet<u64>,
}

impl<'a> Encoder<'a> {
    pub(crate) fn new(store: View<'a>, base_url: &'a str, denormalize: bool) -> Self {
        Self {
            store,
            walker: Walker::new(store),
            base_url,
            denormalize,
            asked: HashMap::new(),
            written: HashSet::new(),
        }
    }

    pub(crate) fn rows(&mut self, rows: &[Arc<Row>], projection: &Projection) -> Json {
        if !self.denormalize {
            for row in rows {
                self.collect(row, projection);
            }
        }
        rows.iter()
            .map(|row| self.entity(row, projection))
            .collect()
    }

    fn collect(&mut self, row: &Arc<Row>, projection: &Projection) {
        if row.sequence != 0 {
            self.asked
                .entry(row.sequence)
                .or_default()
                .merge(projection);
        }
        let entity = self.store.schema().entity_type(row.kind);
        for (attribute, branch) in projection.of(entity) {
            for related in self.related(row, &attribute.kind, branch) {
                self.collect(&related, &branch.below);
            }
        }
    }

    fn related(&self, row: &Arc<Row>, kind: &Kind, branch: &Branch) -> Vec<Arc<Row>> {
        let schema = &self.store.schema;
        let mut rows = self.walker.related(row, kind);
        let cast = branch.cast.as_deref();
        if let Some(cast) = cast.and_then(|cast| schema.type_named(cast)) {
            rows.retain(|row| schema.is_kind_of(row.kind, cast.id));
        }
        rows
    }

    fn entity(&mut self, row: &Arc<Row>, projection: &Projection) -> Json {
        let mut written = reference(self.store, row);
        if self.denormalize || row.sequence == 0 {
            self.write(&mut written, row, projection);
        } else if self.written.insert(row.sequence) {
            let asked = self.asked.get(&row.sequence).cloned().unwrap_or_default();
            self.write(&mut written, row, &asked);
        }
        Json::Object(written)
    }

    fn write(&mut self, written: &mut Map<String, Json>, row: &Arc<Row>, projection: &Projection) {
        let entity = self.store.schema().entity_type(row.kind);
        for (attribute, branch) in projection.of(entity) {
            let kind = &attribute.kind;
            let value = match kind {
                Kind::Scalar { column, .. } => row.values[*column].to_client(),
                Kind::Derived {
                    derived,
                    shape: Shape::Scalar(_),
                } => derived::scalar(self.store, row, *derived, self.base_url).to_client(),
                _ => {
                    let related = self.related(row, kind, branch);
                    if attribute.is_collection() {
                        related
                            .iter()
                            .map(|row| self.entity(row, &branch.below))
                            .collect()
                    } else {
                        related
                            .first()
                            .map_or(Json::Null, |row| self.entity(row, &branch.below))
                    }
                }
            };
            written.insert(attribute.name.to_string(), value);
        }
    }

    /// A relation of a row, as references.
    pub(crate) fn relation(&self, row: &Arc<Row>, name: &str) -> Json {
        let Some(attribute) = self
            .store
            .schema
            .entity_type(row.kind)
            .public_attribute(name)
        else {
            return Json::Null;
        };
        let related = self.walker.related(row, &attribute.kind);
        let mut written = related
            .iter()
            .map(|row| Json::Object(reference(self.store, row)));
        if attribute.is_collection() {
            written.collect()
        } else {
            written.next().unwrap_or_default()
        }
    }

    /// A reference to a row with those of its scalars whose column `is_wanted`.
    pub(crate) fn scalars(
        &self,
        row: &Row,
        is_wanted: &dyn Fn(usize) -> bool,
    ) -> Map<String, Json> {
        let mut written = reference(self.store, row);
        for attribute in &self.store.schema.entity_type(row.kind).attributes {
            let Kind::Scalar { column, .. } = &attribute.kind else {
                continue;
            };
            if !attribute.hidden && is_wanted(*column) {
                written.insert(attribute.name.to_string(), row.values[*column].to_client());
            }
        }
        written
    }
}

/// A row as other rows mention it: its type, its key, and what the schema always sends along.
fn reference(store: View<'_>, row: &Row) -> Map<String, Json> {
    let entity = store.schema.entity_type(row.kind);
    let mut written = Map::new();
    written.insert("__entity_type__".to_owned(), json!(&*entity.name));
    for (name, column) in entity.primary_key.iter().zip(&entity.key_columns) {
        written.insert(name.to_string(), row.values[*column].to_client());
    }
    let always = entity
        .system_projections
        .iter()
        .filter_map(|legacy| entity.system_attribute(legacy));
    let by_type: &[&str] = match &*entity.name {
        "Metadata" => &["value", "parent_type"],
        _ if entity.is_typed_context() => &["object_type_id"],
        _ if entity.is_custom_attribute_value() => &["key", "value"],
        _ => &[],
    };
    let by_type = by_type
        .iter()
        .filter_map(|name| entity.public_attribute(name));
    for attribute in always.chain(by_type) {
        if let Kind::Scalar { column, .. } = attribute.kind {
            written.insert(attribute.name.to_string(), row.values[column].to_client());
        }
    }
    written
}
