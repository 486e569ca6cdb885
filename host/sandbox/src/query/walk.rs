//! Walks along paths: from a row over its relations to other rows and to values.
//!
//! A path is looked up in the schema once per query, for every type it may lead over, and then walked
//! from each row without a name being compared again.

use std::sync::Arc;

use super::ast::Segment;
use super::configuration::Configurations;
use super::derived;
use crate::access::View;
use crate::schema::{Derived, Join, Kind, Schema, Shape, TypeId};
use crate::store::{Row, Value};

/// Attributes of a custom attribute's value that are the same for every entity that has none of its own.
const SHARED_BY_UNSET: [&str; 4] = ["configuration", "configuration_id", "key", "value"];

/// One step of a path.
pub(super) struct Step<'a> {
    pub(super) name: Arc<str>,
    pub(super) cast: Option<TypeId>,
    /// What the step's name stands for, by type.
    kinds: Vec<Option<&'a Kind>>,
    /// Whether what follows asks a custom attribute's value whose it is.
    pub(super) asks_for_owner: bool,
}

impl<'a> Step<'a> {
    fn new(schema: &'a Schema, segment: &Segment) -> Self {
        let kinds = schema.types.iter().map(|entity| {
            let attribute = entity.public_attribute(&segment.name);
            attribute.map(|attribute| &attribute.kind)
        });
        let cast = segment.cast.as_deref();
        Self {
            name: Arc::from(segment.name.as_str()),
            cast: cast.and_then(|cast| Some(schema.type_named(cast)?.id)),
            kinds: kinds.collect(),
            asks_for_owner: true,
        }
    }

    /// What the step stands for on rows of a type.
    pub(super) fn on(&self, kind: TypeId) -> Option<&'a Kind> {
        self.kinds[usize::from(kind.0)]
    }

    /// Tells whether a custom attribute's value gives the same answer whichever entity it is of.
    pub(super) fn is_shared_by_unset(&self) -> bool {
        SHARED_BY_UNSET.contains(&&*self.name)
    }

    /// Says that nothing which follows asks a custom attribute's value whose it is.
    pub(super) fn forget_owner(&mut self) {
        self.asks_for_owner = false;
    }
}

/// Looks a path up in the schema.
pub(super) fn way<'a>(schema: &'a Schema, path: &[Segment]) -> Vec<Step<'a>> {
    let mut way: Vec<Step<'a>> = path
        .iter()
        .map(|segment| Step::new(schema, segment))
        .collect();
    for position in 1..way.len() {
        if way[position].is_shared_by_unset() {
            way[position - 1].forget_owner();
        }
    }
    way
}

/// Reads relations for one query.
pub(super) struct Walker<'a> {
    pub(super) store: View<'a>,
    configurations: Configurations,
}

impl<'a> Walker<'a> {
    pub(super) fn new(store: View<'a>) -> Self {
        Self {
            store,
            configurations: Configurations::default(),
        }
    }

    /// Shows `visit` every value at the end of a way until it returns true. A way that ends early, at an
    /// empty relation or at a type without the attribute, shows a null.
    pub(super) fn any_value(
        &self,
        row: &Arc<Row>,
        way: &[Step<'a>],
        visit: &mut dyn FnMut(&Value) -> bool,
    ) -> bool {
        let [step, rest @ ..] = way else {
            return visit(&Value::Text(row.key(&self.store.schema)));
        };
        match step.on(row.kind) {
            None => return visit(&Value::Null),
            Some(Kind::Scalar { column, .. }) if rest.is_empty() => {
                return visit(&row.values[*column]);
            }
            Some(Kind::Scalar { .. }) => return visit(&Value::Null),
            Some(Kind::Derived {
                derived,
                shape: Shape::Scalar(_),
            }) => return visit(&derived::scalar(self.store, row, *derived, "")),
            // A relation compared as such is its key, for which the related row need not be fetched.
            Some(Kind::Reference { column, .. }) if rest.is_empty() && step.cast.is_none() => {
                return visit(&row.values[*column]);
            }
            Some(_) => {}
        }
        let found = self.any_related(row, step, &mut |related| {
            self.any_value(related, rest, visit)
        });
        found.unwrap_or_else(|| visit(&Value::Null))
    }

    /// The first value at the end of a way.
    pub(super) fn first_value(&self, row: &Arc<Row>, way: &[Step<'a>]) -> Value {
        let mut found = Value::Null;
        self.any_value(row, way, &mut |value| {
            found = value.clone();
            true
        });
        found
    }

    /// Shows `visit` the rows at the end of a way until it returns true.
    pub(super) fn any_row(
        &self,
        row: &Arc<Row>,
        way: &[Step<'a>],
        visit: &mut dyn FnMut(&Arc<Row>) -> bool,
    ) -> bool {
        let [step, rest @ ..] = way else {
            return visit(row);
        };
        let found = self.any_related(row, step, &mut |related| self.any_row(related, rest, visit));
        found.unwrap_or(false)
    }

    /// Shows `visit` the rows that one step leads to until it returns true; `None` when there are none.
    fn any_related(
        &self,
        row: &Arc<Row>,
        step: &Step<'a>,
        visit: &mut dyn FnMut(&Arc<Row>) -> bool,
    ) -> Option<bool> {
        let schema = &self.store.schema;
        let mut is_empty = true;
        let mut visit = |related: &Arc<Row>| {
            if step
                .cast
                .is_some_and(|cast| !schema.is_kind_of(related.kind, cast))
            {
                return false;
            }
            is_empty = false;
            visit(related)
        };
        let found = match step.on(row.kind)? {
            Kind::Derived {
                derived: Derived::CustomAttributes,
                ..
            } if !step.asks_for_owner => {
                let values = self.configurations.shared_values(self.store, row);
                values.iter().any(visit)
            }
            Kind::Collection {
                target,
                join: Join::Column { column, filter },
                ..
            } => {
                let key = row.key(schema);
                let mut members = self.store.each_with(*target, *column, &key);
                members.any(|member| {
                    let passes = |(column, wanted): &(usize, Arc<str>)| {
                        member.values[*column].as_text() == Some(wanted)
                    };
                    filter.as_ref().is_none_or(passes) && visit(member)
                })
            }
            kind => self.related(row, kind).iter().any(visit),
        };
        (!is_empty).then_some(found)
    }

    /// The rows that an attribute of a row leads to.
    pub(super) fn related(&self, row: &Arc<Row>, kind: &Kind) -> Vec<Arc<Row>> {
        match kind {
            Kind::Scalar { .. } => Vec::new(),
            Kind::Reference { target, column } => {
                let key = row.values[*column].as_text();
                key.and_then(|key| self.store.find(*target, key))
                    .into_iter()
                    .cloned()
                    .collect()
            }
            Kind::Collection { target, join, .. } => self.store.members(row, *target, join),
            Kind::Derived {
                derived: Derived::CustomAttributes,
                ..
            } => self.custom_attributes(row),
            Kind::Derived { derived, .. } => derived::related(self.store, row, *derived),
        }
    }

    /// The values of an entity's custom attributes.
    pub(super) fn custom_attributes(&self, owner: &Row) -> Vec<Arc<Row>> {
        self.configurations.values(self.store, owner)
    }
}
