//! Finds a few rows that a query could want, by index, so that not all must be looked at.
//!
//! What is found may hold rows that the criteria refuse, but never lacks one that they accept. A
//! condition on a related entity is turned round: the related rows are found first, then those that
//! point at them. Where several conditions could be answered by index, the one with the fewest rows is.

use std::collections::HashSet;
use std::sync::Arc;

use super::ast::Operator;
use super::configuration::{unset_values, value_type};
use super::derived;
use super::evaluate::{Test, accepts};
use super::walk::{Step, Walker};
use crate::access::View;
use crate::schema::{Derived, Join, Kind, Scalar, Schema, TypeId};
use crate::store::Row;

/// The rows to look at, in order of creation.
pub(super) fn candidates<'a>(
    walker: &Walker<'a>,
    kind: TypeId,
    test: Option<&Test<'a>>,
) -> Box<dyn Iterator<Item = Arc<Row>> + 'a> {
    let store = walker.store;
    if store.schema.entity_type(kind).is_custom_attribute_value()
        && let Some(ids) = test.and_then(entity_ids)
    {
        return Box::new(values_of(walker, kind, ids).into_iter());
    }
    let everything = store.table_len(kind);
    let planner = Planner { walker };
    match test.and_then(|test| planner.source(kind, test, everything)) {
        Some(source) if source.len(store) < everything => source.rows(store),
        _ => Box::new(store.rows(kind).cloned()),
    }
}

/// Rows that an index finds.
enum Source {
    /// Those with one of these keys.
    Keyed {
        kind: TypeId,
        keys: Vec<Arc<str>>,
    },
    /// Those whose column holds one of these keys.
    Pointing {
        kind: TypeId,
        column: usize,
        keys: Vec<Arc<str>>,
    },
    Rows(Vec<Arc<Row>>),
    Together(Vec<Source>),
}

impl Source {
    /// How many rows there are at most.
    fn len(&self, store: View<'_>) -> usize {
        match self {
            Self::Keyed { keys, .. } => keys.len(),
            Self::Pointing { kind, column, keys } => keys
                .iter()
                .map(|key| store.count_with(*kind, *column, key))
                .sum(),
            Self::Rows(rows) => rows.len(),
            Self::Together(sources) => sources.iter().map(|source| source.len(store)).sum(),
        }
    }

    /// The rows in order of creation, each of them once.
    fn rows<'a>(self, store: View<'a>) -> Box<dyn Iterator<Item = Arc<Row>> + 'a> {
        if let Self::Pointing { kind, column, keys } = &self
            && let [key] = keys.as_slice()
        {
            return Box::new(store.each_with(*kind, *column, key).cloned());
        }
        let mut rows = Vec::with_capacity(self.len(store));
        self.collect(store, &mut rows);
        rows.sort_by_key(|row| row.sequence);
        rows.dedup_by_key(|row| row.sequence);
        Box::new(rows.into_iter())
    }

    fn collect(self, store: View<'_>, rows: &mut Vec<Arc<Row>>) {
        match self {
            Self::Keyed { kind, keys } => {
                let found = keys.iter().filter_map(|key| store.find(kind, key));
                rows.extend(found.cloned());
            }
            Self::Pointing { kind, column, keys } => {
                for key in &keys {
                    rows.extend(store.each_with(kind, column, key).cloned());
                }
            }
            Self::Rows(mut found) => rows.append(&mut found),
            Self::Together(sources) => {
                for source in sources {
                    source.collect(store, rows);
                }
            }
        }
    }
}

struct Planner<'w, 'a> {
    walker: &'w Walker<'a>,
}

impl<'a> Planner<'_, 'a> {
    fn store(&self) -> View<'a> {
        self.walker.store
    }

    fn schema(&self) -> &'a Schema {
        self.walker.store.schema()
    }

    /// Rows of `kind` among which are all that the test accepts. Related rows are only looked up while
    /// they are no more than `bound`, beyond which testing the rows themselves is as quick.
    fn source(&self, kind: TypeId, test: &Test<'a>, bound: usize) -> Option<Source> {
        match test {
            Test::All(inner) => self.fewest(kind, inner, bound),
            Test::Any(inner) => {
                let sources = inner.iter().map(|test| self.source(kind, test, bound));
                sources.collect::<Option<Vec<_>>>().map(Source::Together)
            }
            Test::Not(_) => None,
            Test::Compare {
                way,
                operator,
                literal,
                ..
            } => {
                let by_index = || {
                    let is_indexed = *operator == Operator::Is && !literal.is_none;
                    let text = is_indexed.then(|| Arc::from(&*literal.text))?;
                    self.by_value(kind, way, vec![text], bound)
                };
                by_index().or_else(|| self.by_custom_attribute(kind, way, test, bound))
            }
            Test::Member {
                way,
                is_negated: false,
                members,
                ..
            } if !members.hold_none => {
                let texts = members.texts.iter().cloned().collect();
                self.by_value(kind, way, texts, bound)
                    .or_else(|| self.by_custom_attribute(kind, way, test, bound))
            }
            Test::Member { .. } => None,
            Test::Related { way, inner, .. } => {
                let inner = inner.as_deref()?;
                let by_index = || {
                    let target = self.target(kind, way)?;
                    self.owners(kind, way, self.source(target, inner, bound)?, bound)
                };
                by_index().or_else(|| self.by_custom_attribute(kind, way, test, bound))
            }
        }
    }

    /// The condition with the fewest rows, those that lead over few relations tried first.
    fn fewest(&self, kind: TypeId, tests: &[Test<'a>], mut bound: usize) -> Option<Source> {
        let length = |test: &&Test<'a>| match test {
            Test::Compare { way, .. } | Test::Member { way, .. } => way.len(),
            _ => usize::MAX,
        };
        let mut tests: Vec<&Test<'a>> = tests.iter().collect();
        tests.sort_by_key(length);
        let mut best: Option<Source> = None;
        for test in tests {
            let Some(source) = self.source(kind, test, bound) else {
                continue;
            };
            let len = source.len(self.store());
            if best.is_none() || len < bound {
                bound = bound.min(len);
                best = Some(source);
            }
        }
        best
    }

    /// What a step stands for on every type that a query on `kind` finds, if that is one thing.
    fn meaning(&self, kind: TypeId, step: &Step<'a>) -> Option<&'a Kind> {
        let kinds = self.schema().entity_type(kind).kinds.iter();
        let mut meanings = kinds.filter_map(|kind| step.on(*kind));
        let first = meanings.next()?;
        meanings
            .all(|other| leads_alike(first, other))
            .then_some(first)
    }

    /// The declared type at the end of a way of relations.
    fn target(&self, kind: TypeId, way: &[Step<'a>]) -> Option<TypeId> {
        way.iter().try_fold(kind, |kind, step| {
            let target = || self.meaning(kind, step)?.target();
            step.cast.or_else(target)
        })
    }

    /// Rows whose way ends in one of `texts`.
    fn by_value(
        &self,
        kind: TypeId,
        way: &[Step<'a>],
        texts: Vec<Arc<str>>,
        bound: usize,
    ) -> Option<Source> {
        let (leaf, way) = way.split_last()?;
        // `parent.id is "x"` needs no look at the parent.
        if let (Some((last, before)), "id") = (way.split_last(), &*leaf.name)
            && last.cast.is_none()
        {
            let owner = self.target(kind, before)?;
            if let Kind::Reference { column, .. } = self.meaning(owner, last)? {
                let source = self.pointing(owner, *column, texts)?;
                return self.owners(kind, before, source, bound);
            }
        }
        let target = self.target(kind, way)?;
        let column = match self.meaning(target, leaf)? {
            Kind::Scalar {
                column,
                scalar: Scalar::Key | Scalar::Text | Scalar::TypeName,
                ..
            } => *column,
            Kind::Reference { column, .. } if leaf.cast.is_none() => *column,
            _ => return None,
        };
        let source = if self.schema().entity_type(target).key_columns == [column] {
            Source::Keyed {
                kind: target,
                keys: texts,
            }
        } else {
            self.pointing(target, column, texts)?
        };
        self.owners(kind, way, source, bound)
    }

    fn pointing(&self, kind: TypeId, column: usize, keys: Vec<Arc<str>>) -> Option<Source> {
        let is_indexed = self.store().is_indexed(kind, column);
        is_indexed.then_some(Source::Pointing { kind, column, keys })
    }

    /// The rows of `kind` from which the way leads to one of those that `source` finds.
    fn owners(
        &self,
        kind: TypeId,
        way: &[Step<'a>],
        source: Source,
        bound: usize,
    ) -> Option<Source> {
        let Some((first, rest)) = way.split_first() else {
            return Some(source);
        };
        let next = self.target(kind, std::slice::from_ref(first))?;
        let source = self.owners(next, rest, source, bound)?;
        if source.len(self.store()) > bound {
            return None;
        }
        self.step_back(kind, self.meaning(kind, first)?, source)
    }

    fn step_back(&self, kind: TypeId, meaning: &Kind, source: Source) -> Option<Source> {
        let (store, schema) = (self.store(), self.schema());
        let rows = source.rows(store);
        match meaning {
            Kind::Reference { column, .. } => {
                self.pointing(kind, *column, rows.map(|row| row.key(schema)).collect())
            }
            Kind::Collection {
                join: Join::Column { column, .. },
                ..
            } => Some(keyed(kind, rows, *column)),
            Kind::Collection {
                join: Join::Through { link, own, other },
                ..
            } => {
                let keys = rows.map(|row| row.key(schema)).collect();
                let links = self.pointing(*link, *other, keys)?;
                Some(keyed(kind, links.rows(store), *own))
            }
            Kind::Collection {
                join: Join::Nothing,
                ..
            } => Some(Source::Rows(Vec::new())),
            Kind::Derived { derived, .. } => self.below_or_above(kind, *derived, rows),
            Kind::Scalar { .. } => None,
        }
    }

    fn below_or_above(
        &self,
        kind: TypeId,
        derived: Derived,
        rows: impl Iterator<Item = Arc<Row>>,
    ) -> Option<Source> {
        let (store, schema) = (self.store(), self.schema());
        let entity = schema.entity_type(kind);
        match derived {
            Derived::Ancestors if entity.is_context() => {
                let mut below = derived::descendants_of(store, rows);
                below.retain(|row| schema.is_kind_of(row.kind, kind));
                Some(Source::Rows(below))
            }
            Derived::Ancestors => {
                let mut contexts: Vec<Arc<Row>> = rows.collect();
                contexts.extend(derived::descendants_of(store, contexts.iter().cloned()));
                let keys = contexts.iter().map(|row| row.key(schema)).collect();
                self.pointing(kind, entity.column("context_id")?, keys)
            }
            Derived::Descendants => {
                let mut above = derived::ancestors_of(store, rows);
                above.retain(|row| schema.is_kind_of(row.kind, kind));
                Some(Source::Rows(above))
            }
            _ => None,
        }
    }

    /// Rows with a custom attribute that somebody has set so that the test accepts it. Where the test
    /// accepts a default, most rows have it, and no index helps.
    fn by_custom_attribute(
        &self,
        kind: TypeId,
        way: &[Step<'a>],
        test: &Test<'a>,
        bound: usize,
    ) -> Option<Source> {
        let (step, rest) = way.split_first()?;
        let derived = Derived::CustomAttributes;
        let is_value = matches!(self.meaning(kind, step)?, Kind::Derived { derived: found, .. } if *found == derived);
        if !is_value || step.asks_for_owner {
            return None;
        }
        let is_accepted = |value: &Arc<Row>| match test {
            Test::Compare {
                operator, literal, ..
            } => self
                .walker
                .any_value(value, rest, &mut |value| literal.matches(value, *operator)),
            Test::Member {
                is_negated,
                members,
                ..
            } => self.walker.any_value(value, rest, &mut |value| {
                members.contain(value) != *is_negated
            }),
            Test::Related {
                inner: Some(inner), ..
            } if rest.is_empty() => accepts(self.walker, value, inner),
            _ => true,
        };
        let store = self.store();
        let values = value_type(self.schema().entity_type(kind))?;
        if store.table_len(values) > bound || unset_values(store, kind).iter().any(is_accepted) {
            return None;
        }
        let accepted = store.rows(values).filter(|value| is_accepted(value));
        let column = self.schema().entity_type(values).expect_column("entity_id");
        Some(keyed(kind, accepted.cloned(), column))
    }
}

/// Rows of `kind` whose keys other rows hold in a column.
fn keyed(kind: TypeId, rows: impl Iterator<Item = Arc<Row>>, column: usize) -> Source {
    let keys: HashSet<Arc<str>> = rows
        .filter_map(|row| row.values[column].as_text().cloned())
        .collect();
    Source::Keyed {
        kind,
        keys: keys.into_iter().collect(),
    }
}

/// Tells whether two types mean the same by an attribute, as far as finding its owners goes.
fn leads_alike(one: &Kind, other: &Kind) -> bool {
    match (one, other) {
        (Kind::Scalar { column: one, .. }, Kind::Scalar { column: other, .. }) => one == other,
        (
            Kind::Reference { target, column },
            Kind::Reference {
                target: other_target,
                column: other_column,
            },
        ) => (target, column) == (other_target, other_column),
        (
            Kind::Collection { target, join, .. },
            Kind::Collection {
                target: other_target,
                join: other_join,
                ..
            },
        ) => (target, join) == (other_target, other_join),
        (Kind::Derived { derived: one, .. }, Kind::Derived { derived: other, .. }) => one == other,
        _ => false,
    }
}

/// Custom attribute values of the entities that the criteria name. They exist even where nothing was
/// stored, so they cannot be found among the rows.
fn values_of(walker: &Walker<'_>, kind: TypeId, mut ids: Vec<&str>) -> Vec<Arc<Row>> {
    let schema = &walker.store.schema;
    let owners = [
        "Context",
        "AssetVersion",
        "Asset",
        "User",
        "List",
        "ListObject",
    ];
    let owners = owners.map(|owner| schema.expect_type(owner).id);
    // The order must be the same for every page.
    ids.sort_unstable();
    ids.dedup();
    let mut rows = Vec::new();
    for id in ids {
        let owner = owners
            .iter()
            .find_map(|owner| walker.store.find(*owner, id));
        rows.extend(
            owner
                .into_iter()
                .flat_map(|owner| walker.custom_attributes(owner)),
        );
    }
    rows.retain(|row| schema.is_kind_of(row.kind, kind));
    rows
}

/// The ids that `entity_id` is restricted to, if it is.
fn entity_ids<'t>(test: &'t Test<'_>) -> Option<Vec<&'t str>> {
    let is_entity_id = |way: &[Step<'_>]| matches!(way, [only] if &*only.name == "entity_id");
    match test {
        Test::All(inner) => inner.iter().find_map(entity_ids),
        Test::Any(inner) => {
            let lists: Option<Vec<_>> = inner.iter().map(entity_ids).collect();
            lists.map(|lists| lists.into_iter().flatten().collect())
        }
        Test::Compare {
            way,
            operator: Operator::Is,
            literal,
            ..
        } if is_entity_id(way) => Some(vec![&literal.text]),
        Test::Member {
            way,
            is_negated: false,
            members,
            ..
        } if is_entity_id(way) => Some(members.texts.iter().map(|text| &**text).collect()),
        _ => None,
    }
}
