//! Checks a query against the schema, so that running it cannot fail half way.
//!
//! A relation may lead to several entity types (a parent is a project or any typed context), so an
//! attribute is known when any of them has it; on the others it reads as null.

use std::collections::BTreeSet;

use super::QueryError;
use super::ast::{Criteria, Operator, Path, Query, Set};
use super::literal::Literal;
use crate::schema::{Attribute, EntityType, Kind, Scalar, Schema, Shape, TypeId};

pub(super) fn entity_type<'a>(
    schema: &'a Schema,
    query: &Query,
) -> Result<&'a EntityType, QueryError> {
    schema
        .type_named(&query.entity)
        .ok_or_else(|| QueryError::Invalid {
            message: format!("Entity type {} does not exist", query.entity),
            position: query.entity_position,
        })
}

pub(super) fn check(schema: &Schema, query: &Query) -> Result<(), QueryError> {
    let entity = entity_type(schema, query)?;
    for path in query.projections.iter().flatten() {
        let end = walk(schema, entity.id, path)?;
        if end.is_filter_only {
            return Err(invalid(
                path,
                format!(
                    "Attribute {path} of {} can only be filtered by",
                    entity.name
                ),
            ));
        }
    }
    for path in query
        .aggregates
        .iter()
        .map(|aggregate| &aggregate.path)
        .chain(&query.group)
    {
        walk(schema, entity.id, path)?;
    }
    for order in &query.order {
        walk(schema, entity.id, &order.path)?;
    }
    if query.is_aggregate() {
        check_grouped(query)?;
    }
    match &query.criteria {
        Some(criteria) => check_criteria(schema, entity.id, criteria),
        None => Ok(()),
    }
}

/// Beside its functions, a query with groups may name only what it groups by.
fn check_grouped(query: &Query) -> Result<(), QueryError> {
    let selected = query.projections.iter().flatten();
    let mut named = selected.chain(query.order.iter().map(|order| &order.path));
    let is_grouped = |path: &&Path| {
        let mut groups = query.group.iter();
        groups.any(|group| group.segments == path.segments)
    };
    match named.find(|path| !is_grouped(path)) {
        Some(path) => Err(invalid(
            path,
            format!("Attribute {path} is neither grouped by nor in a function"),
        )),
        None => Ok(()),
    }
}

fn invalid(path: &Path, message: String) -> QueryError {
    QueryError::Invalid {
        message,
        position: path.position,
    }
}

/// Where a path ends.
struct End {
    scalars: Vec<Scalar>,
    targets: BTreeSet<TypeId>,
    is_filter_only: bool,
}

fn walk(schema: &Schema, from: TypeId, path: &Path) -> Result<End, QueryError> {
    let mut end = End {
        scalars: Vec::new(),
        targets: BTreeSet::from([from]),
        is_filter_only: false,
    };
    for segment in &path.segments {
        let kinds: BTreeSet<TypeId> = end
            .targets
            .iter()
            .flat_map(|target| schema.entity_type(*target).kinds.iter().copied())
            .collect();
        let found: Vec<&Attribute> = kinds
            .iter()
            .filter_map(|kind| schema.entity_type(*kind).public_attribute(&segment.name))
            .collect();
        if found.is_empty() {
            let owner = match end.targets.iter().next() {
                Some(target) => schema.entity_type(*target).name.to_string(),
                None => "a plain value".to_owned(),
            };
            return Err(invalid(
                path,
                format!("Attribute {} does not exist on {owner}.", segment.name),
            ));
        }
        end.scalars = found
            .iter()
            .filter_map(|attribute| scalar_of(attribute))
            .collect();
        end.targets = found
            .iter()
            .filter_map(|attribute| attribute.target())
            .collect();
        end.is_filter_only |= found.iter().any(|found| {
            matches!(
                found.kind,
                Kind::Collection {
                    filter_only: true,
                    ..
                }
            )
        });
        if let Some(cast) = &segment.cast {
            let cast = schema
                .type_named(cast)
                .ok_or_else(|| invalid(path, format!("Entity type {cast} does not exist")))?;
            end.targets = BTreeSet::from([cast.id]);
        }
    }
    Ok(end)
}

fn scalar_of(attribute: &Attribute) -> Option<Scalar> {
    match attribute.kind {
        Kind::Scalar { scalar, .. }
        | Kind::Derived {
            shape: Shape::Scalar(scalar),
            ..
        } => Some(scalar),
        _ => None,
    }
}

fn check_criteria(schema: &Schema, from: TypeId, criteria: &Criteria) -> Result<(), QueryError> {
    match criteria {
        Criteria::All(inner) | Criteria::Any(inner) => inner
            .iter()
            .try_for_each(|criteria| check_criteria(schema, from, criteria)),
        Criteria::Not(inner) => check_criteria(schema, from, inner),
        Criteria::Compare {
            path,
            operator,
            literal,
        } => {
            let end = walk(schema, from, path)?;
            match operator {
                Operator::Like | Operator::NotLike => Ok(()),
                _ => check_literal(path, &end, literal),
            }
        }
        Criteria::Member {
            path,
            set: Set::List(literals),
            ..
        } => {
            let end = walk(schema, from, path)?;
            literals
                .iter()
                .try_for_each(|literal| check_literal(path, &end, literal))
        }
        Criteria::Member {
            path,
            set: Set::Query(query),
            ..
        } => {
            walk(schema, from, path)?;
            if query
                .projections
                .as_ref()
                .is_some_and(|paths| paths.len() != 1)
            {
                return Err(invalid(
                    path,
                    "A subquery must select exactly one attribute".to_owned(),
                ));
            }
            check(schema, query)
        }
        Criteria::Related { path, criteria } => {
            let end = walk(schema, from, path)?;
            if end.targets.is_empty() {
                return Err(invalid(path, format!("Attribute {path} is not a relation")));
            }
            let Some(criteria) = criteria else {
                return Ok(());
            };
            check_related(schema, &end.targets, criteria)
        }
    }
}

/// The criteria must make sense for one of the types that the relation may lead to.
fn check_related(
    schema: &Schema,
    targets: &BTreeSet<TypeId>,
    criteria: &Criteria,
) -> Result<(), QueryError> {
    let mut first_error = None;
    for target in targets {
        match check_criteria(schema, *target, criteria) {
            Ok(()) => return Ok(()),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    first_error.map_or(Ok(()), Err)
}

fn check_literal(path: &Path, end: &End, literal: &Literal) -> Result<(), QueryError> {
    if end.scalars.is_empty() || end.scalars.iter().any(|scalar| literal.fits(*scalar)) {
        return Ok(());
    }
    let expected = match end.scalars[0] {
        Scalar::Boolean => "boolean",
        Scalar::Time => "datetime",
        _ => "number",
    };
    let found = literal.text.replace(['{', '}'], "?");
    Err(invalid(
        path,
        format!("Attribute {path} cannot be compared with `{found}`, which is no {expected}"),
    ))
}
