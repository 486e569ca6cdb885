//! Finds a few rows that a query could want, by index, so that not all must be looked at.
//!
//! What is returned may hold rows that the criteria refuse, but never lacks one that they accept. A
//! condition on a related entity is turned round: the related rows are found first, then those that
//! point at them.

use std::sync::Arc;

use super::ast::{Operator, Segment};
use super::derived;
use super::evaluate::Test;
use crate::access::View;
use crate::schema::{Attribute, Derived, Join, Kind, Scalar, TypeId};
use crate::store::Row;

/// Rows in order of creation, or `None` when no index helps.
pub(super) fn candidates(
    store: View<'_>,
    kind: TypeId,
    test: Option<&Test>,
) -> Option<Vec<Arc<Row>>> {
    if store.schema.entity_type(kind).is_custom_attribute_value()
        && let Some(rows) = test.and_then(|test| unset_values(store, kind, test))
    {
        return Some(rows);
    }
    let mut rows = by_test(store, kind, test?)?;
    rows.sort_by_key(|row| row.sequence);
    rows.dedup_by_key(|row| row.sequence);
    Some(rows)
}

fn by_test(store: View<'_>, kind: TypeId, test: &Test) -> Option<Vec<Arc<Row>>> {
    match test {
        Test::All(inner) => inner
            .iter()
            .filter_map(|test| by_test(store, kind, test))
            .min_by_key(std::vec::Vec::len),
        Test::Any(inner) => {
            let lists: Option<Vec<_>> = inner
                .iter()
                .map(|test| by_test(store, kind, test))
                .collect();
            lists.map(|lists| lists.into_iter().flatten().collect())
        }
        Test::Not(_) => None,
        Test::Compare {
            path,
            operator: Operator::Is,
            literal,
        } if !literal.is_none => by_leaf(store, kind, path, &[literal.text.as_str()]),
        Test::Compare { .. } => None,
        Test::Member {
            path,
            is_negated: false,
            members,
        } => {
            if members.literals.iter().any(|literal| literal.is_none) {
                return None;
            }
            let texts: Vec<&str> = members.texts.iter().map(String::as_str).collect();
            by_leaf(store, kind, path, &texts)
        }
        Test::Member { .. } => None,
        Test::Related { path, inner } => {
            let target = target_of(store, kind, path)?;
            let rows = by_test(store, target, inner.as_ref()?)?;
            owners(store, kind, path, rows)
        }
    }
}

/// Rows whose path ends in one of `texts`.
fn by_leaf(
    store: View<'_>,
    kind: TypeId,
    path: &[Segment],
    texts: &[&str],
) -> Option<Vec<Arc<Row>>> {
    let (leaf, way) = path.split_last()?;
    let target = target_of(store, kind, way)?;
    // `parent.id is "x"` needs no look at the parent.
    if let (Some((last, before)), "id") = (way.split_last(), leaf.name.as_str())
        && last.cast.is_none()
    {
        let owner = target_of(store, kind, before)?;
        if let Kind::Reference { column, .. } =
            store.schema.entity_type(owner).attribute(&last.name)?.kind
        {
            let rows = texts
                .iter()
                .flat_map(|text| store.rows_with(owner, column, text))
                .collect();
            return owners(store, kind, before, rows);
        }
    }
    let entity = store.schema.entity_type(target);
    let column = match entity.attribute(&leaf.name)?.kind {
        Kind::Scalar {
            column,
            scalar: Scalar::Key | Scalar::Text | Scalar::TypeName,
            ..
        } => column,
        Kind::Reference { column, .. } if leaf.cast.is_none() => column,
        _ => return None,
    };
    let rows: Vec<Arc<Row>> = if entity.key_columns == [column] {
        texts
            .iter()
            .filter_map(|text| store.find(target, text))
            .cloned()
            .collect()
    } else if store.is_indexed(target, column) {
        texts
            .iter()
            .flat_map(|text| store.rows_with(target, column, text))
            .collect()
    } else {
        return None;
    };
    owners(store, kind, way, rows)
}

/// The declared type at the end of a way of relations.
fn target_of(store: View<'_>, kind: TypeId, way: &[Segment]) -> Option<TypeId> {
    let mut target = kind;
    for segment in way {
        target = match &segment.cast {
            Some(cast) => store.schema.type_named(cast)?.id,
            None => store
                .schema
                .entity_type(target)
                .attribute(&segment.name)?
                .target()?,
        };
    }
    Some(target)
}

/// The rows of `kind` from which the way leads to one of `rows`.
fn owners(
    store: View<'_>,
    kind: TypeId,
    way: &[Segment],
    rows: Vec<Arc<Row>>,
) -> Option<Vec<Arc<Row>>> {
    let Some((first, rest)) = way.split_first() else {
        return Some(rows);
    };
    let attribute = store.schema.entity_type(kind).attribute(&first.name)?;
    let next = target_of(store, kind, std::slice::from_ref(first))?;
    step_back(store, kind, attribute, owners(store, next, rest, rows)?)
}

fn step_back(
    store: View<'_>,
    kind: TypeId,
    attribute: &Attribute,
    rows: Vec<Arc<Row>>,
) -> Option<Vec<Arc<Row>>> {
    let schema = &store.schema;
    Some(match &attribute.kind {
        Kind::Scalar { .. } => return None,
        Kind::Reference { column, .. } => rows
            .iter()
            .flat_map(|row| store.rows_with(kind, *column, &row.key(schema)))
            .collect(),
        Kind::Collection {
            join: Join::Column { column, .. },
            ..
        } => {
            let keys = rows.iter().filter_map(|row| row.values[*column].as_text());
            keys.filter_map(|key| store.find(kind, key))
                .cloned()
                .collect()
        }
        Kind::Collection {
            join: Join::Through { link, own, other },
            ..
        } => {
            let links = rows
                .iter()
                .flat_map(|row| store.rows_with(*link, *other, &row.key(schema)));
            links
                .filter_map(|link| store.find(kind, link.values[*own].as_text()?).cloned())
                .collect()
        }
        Kind::Collection {
            join: Join::Nothing,
            ..
        } => Vec::new(),
        Kind::Derived {
            derived: Derived::Ancestors,
            ..
        } => {
            let below = rows.iter().flat_map(|row| derived::descendants(store, row));
            let below: Vec<Arc<Row>> = below.collect();
            if schema.entity_type(kind).is_context() || &*schema.entity_type(kind).name == "Context"
            {
                below
                    .into_iter()
                    .filter(|row| schema.is_kind_of(row.kind, kind))
                    .collect()
            } else {
                let contexts = rows.iter().chain(&below);
                contexts
                    .flat_map(|row| store.rows_where("Asset", "context_id", &row.key(schema)))
                    .collect()
            }
        }
        Kind::Derived { .. } => return None,
    })
}

/// Custom attribute values of the entities that the criteria name. They exist even where nothing was
/// stored, so they cannot be found among the rows.
fn unset_values(store: View<'_>, kind: TypeId, test: &Test) -> Option<Vec<Arc<Row>>> {
    let schema = &store.schema;
    let ids = entity_ids(test)?;
    let owners = [
        "Context",
        "AssetVersion",
        "Asset",
        "User",
        "List",
        "ListObject",
    ];
    let mut rows = Vec::new();
    for id in ids {
        let owner = owners
            .iter()
            .find_map(|owner| store.find(schema.expect_type(owner).id, id));
        rows.extend(
            owner
                .into_iter()
                .flat_map(|owner| derived::custom_attribute_rows(store, owner)),
        );
    }
    rows.retain(|row| schema.is_kind_of(row.kind, kind));
    Some(rows)
}

/// The ids that `entity_id` is restricted to, if it is.
fn entity_ids(test: &Test) -> Option<Vec<&str>> {
    let is_entity_id = |path: &[Segment]| matches!(path, [only] if only.name == "entity_id");
    match test {
        Test::All(inner) => inner.iter().find_map(entity_ids),
        Test::Any(inner) => {
            let lists: Option<Vec<_>> = inner.iter().map(entity_ids).collect();
            lists.map(|lists| lists.into_iter().flatten().collect())
        }
        Test::Compare {
            path,
            operator: Operator::Is,
            literal,
        } if is_entity_id(path) => Some(vec![&literal.text]),
        Test::Member {
            path,
            is_negated: false,
            members,
        } if is_entity_id(path) => Some(
            members
                .literals
                .iter()
                .map(|literal| literal.text.as_str())
                .collect(),
        ),
        _ => None,
    }
}
