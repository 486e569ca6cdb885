//! Runs a checked query over the store.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use super::ast::{Criteria, Operator, Query, Segment, Set};
use super::literal::Literal;
use super::{Found, QueryError, check, derived, plan};
use crate::access::View;
use crate::schema::{Kind, Shape, TypeId};
use crate::store::{Row, Value};

/// Criteria with their subqueries answered.
pub(super) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Compare {
        path: Vec<Segment>,
        operator: Operator,
        literal: Literal,
    },
    Member {
        path: Vec<Segment>,
        is_negated: bool,
        members: Members,
    },
    Related {
        path: Vec<Segment>,
        inner: Option<Box<Test>>,
    },
}

/// The right-hand side of `in`.
pub(super) struct Members {
    pub(super) literals: Vec<Literal>,
    pub(super) texts: HashSet<String>,
}

impl Members {
    fn contain(&self, value: &Value) -> bool {
        match value {
            Value::Text(text) => self.texts.contains(&**text),
            _ => self.literals.iter().any(|literal| literal.equals(value)),
        }
    }
}

pub(super) fn find(store: View<'_>, query: &Query) -> Result<Found, QueryError> {
    find_filtered(store, query, &|_| true)
}

/// Finds the rows that the criteria and `keep` accept, in order, cut to the page.
pub(super) fn find_filtered(
    store: View<'_>,
    query: &Query,
    keep: &dyn Fn(&Row) -> bool,
) -> Result<Found, QueryError> {
    let kind = check::entity_type(&store.schema, query)?.id;
    let test = query
        .criteria
        .as_ref()
        .map(|criteria| prepare(store, criteria))
        .transpose()?;
    let accept =
        |row: &&Arc<Row>| test.as_ref().is_none_or(|test| accepts(store, row, test)) && keep(row);
    let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let limit = query
        .limit
        .map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    // Without an order the page is full, and known not to be the last, after one row more.
    let enough = match limit {
        Some(limit) if query.order.is_empty() => offset.saturating_add(limit).saturating_add(1),
        _ => usize::MAX,
    };
    let narrowed = plan::candidates(store, kind, test.as_ref());
    let mut rows: Vec<Arc<Row>> = match &narrowed {
        Some(rows) => rows.iter().filter(accept).take(enough).cloned().collect(),
        None => store
            .rows(kind)
            .filter(accept)
            .take(enough)
            .cloned()
            .collect(),
    };
    sort(store, query, &mut rows);
    let total = rows.len();
    let mut page: Vec<Arc<Row>> = rows.drain(offset.min(total)..).collect();
    page.truncate(limit.unwrap_or(usize::MAX));
    let end = offset.saturating_add(page.len());
    let next_offset = (limit.is_some() && end < total && !page.is_empty()).then_some(end as u64);
    Ok(Found {
        rows: page,
        next_offset,
    })
}

pub(super) fn prepare(store: View<'_>, criteria: &Criteria) -> Result<Test, QueryError> {
    let list = |inner: &[Criteria]| {
        inner
            .iter()
            .map(|inner| prepare(store, inner))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(match criteria {
        Criteria::All(inner) => Test::All(list(inner)?),
        Criteria::Any(inner) => Test::Any(list(inner)?),
        Criteria::Not(inner) => Test::Not(Box::new(prepare(store, inner)?)),
        Criteria::Compare {
            path,
            operator,
            literal,
        } => Test::Compare {
            path: path.segments.clone(),
            operator: *operator,
            literal: literal.clone(),
        },
        Criteria::Member {
            path,
            is_negated,
            set,
        } => {
            let literals = match set {
                Set::List(literals) => literals.clone(),
                Set::Query(query) => subquery(store, query)?,
            };
            let texts = literals
                .iter()
                .filter(|literal| !literal.is_none)
                .map(|literal| literal.text.clone())
                .collect();
            Test::Member {
                path: path.segments.clone(),
                is_negated: *is_negated,
                members: Members { literals, texts },
            }
        }
        Criteria::Related { path, criteria } => {
            let inner = criteria
                .as_ref()
                .map(|inner| prepare(store, inner))
                .transpose()?
                .map(Box::new);
            Test::Related {
                path: path.segments.clone(),
                inner,
            }
        }
    })
}

fn subquery(store: View<'_>, query: &Query) -> Result<Vec<Literal>, QueryError> {
    let key = [Segment {
        name: "id".to_owned(),
        cast: None,
    }];
    let path = query
        .projections
        .as_ref()
        .and_then(|paths| paths.first())
        .map_or(&key[..], |path| &path.segments);
    let mut literals = Vec::new();
    for row in find(store, query)?.rows {
        visit_leaves(store, &row, path, &mut |value| {
            if !value.is_null() {
                let text = value.to_text();
                literals.push(Literal::quoted(text.clone(), text));
            }
            false
        });
    }
    Ok(literals)
}

pub(super) fn accepts(store: View<'_>, row: &Arc<Row>, test: &Test) -> bool {
    match test {
        Test::All(inner) => inner.iter().all(|test| accepts(store, row, test)),
        Test::Any(inner) => inner.iter().any(|test| accepts(store, row, test)),
        Test::Not(inner) => !accepts(store, row, inner),
        Test::Compare {
            path,
            operator,
            literal,
        } => visit_leaves(store, row, path, &mut |value| {
            literal.matches(value, *operator)
        }),
        Test::Member {
            path,
            is_negated,
            members,
        } => visit_leaves(store, row, path, &mut |value| {
            members.contain(value) != *is_negated
        }),
        Test::Related { path, inner } => {
            let mut rows = vec![row.clone()];
            for segment in path {
                rows = rows
                    .iter()
                    .flat_map(|row| related(store, row, segment))
                    .collect();
            }
            match inner {
                Some(inner) => rows.iter().any(|row| accepts(store, row, inner)),
                None => !rows.is_empty(),
            }
        }
    }
}

/// Shows `visit` every value at the end of a path until it returns true. A way that ends early, at an
/// empty relation or at a type without the attribute, shows a null.
pub(super) fn visit_leaves(
    store: View<'_>,
    row: &Arc<Row>,
    path: &[Segment],
    visit: &mut dyn FnMut(&Value) -> bool,
) -> bool {
    let [segment, rest @ ..] = path else {
        return visit(&Value::Text(row.key(&store.schema)));
    };
    let Some(attribute) = store
        .schema
        .entity_type(row.kind)
        .public_attribute(&segment.name)
    else {
        return visit(&Value::Null);
    };
    match &attribute.kind {
        Kind::Scalar { column, .. } => {
            return visit(if rest.is_empty() {
                &row.values[*column]
            } else {
                &Value::Null
            });
        }
        Kind::Derived {
            derived,
            shape: Shape::Scalar(_),
        } => {
            return visit(&derived::scalar(store, row, *derived, ""));
        }
        // A relation compared as such is its key, for which the related row need not be fetched.
        Kind::Reference { column, .. } if rest.is_empty() && segment.cast.is_none() => {
            return visit(&row.values[*column]);
        }
        _ => {}
    }
    let rows = related(store, row, segment);
    if rows.is_empty() {
        return visit(&Value::Null);
    }
    rows.iter().any(|row| visit_leaves(store, row, rest, visit))
}

/// The rows that one step of a path leads to.
pub(super) fn related(store: View<'_>, row: &Arc<Row>, segment: &Segment) -> Vec<Arc<Row>> {
    let Some(attribute) = store
        .schema
        .entity_type(row.kind)
        .public_attribute(&segment.name)
    else {
        return Vec::new();
    };
    let mut rows = related_by(store, row, &attribute.kind);
    if let Some(cast) = segment
        .cast
        .as_deref()
        .and_then(|cast| store.schema.type_named(cast))
    {
        rows.retain(|row| store.schema.is_kind_of(row.kind, cast.id));
    }
    rows
}

pub(super) fn related_by(store: View<'_>, row: &Arc<Row>, kind: &Kind) -> Vec<Arc<Row>> {
    match kind {
        Kind::Scalar { .. } => Vec::new(),
        Kind::Reference { target, column } => {
            let key = row.values[*column].as_text();
            key.and_then(|key| find_reference(store, *target, key))
                .into_iter()
                .cloned()
                .collect()
        }
        Kind::Collection { target, join, .. } => store.members(row, *target, join),
        Kind::Derived { derived, .. } => derived::related(store, row, *derived),
    }
}

fn find_reference<'a>(store: View<'a>, target: TypeId, key: &str) -> Option<&'a Arc<Row>> {
    store.find(target, key)
}

/// Sorts by the query's order; rows that tie stay in order of creation.
fn sort(store: View<'_>, query: &Query, rows: &mut Vec<Arc<Row>>) {
    if query.order.is_empty() {
        return;
    }
    let key_of = |row: &Arc<Row>| -> Vec<Value> {
        let first = |path: &[Segment]| {
            let mut found = Value::Null;
            visit_leaves(store, row, path, &mut |value| {
                found = value.clone();
                true
            });
            found
        };
        query
            .order
            .iter()
            .map(|order| first(&order.path.segments))
            .collect()
    };
    let mut keyed: Vec<(Vec<Value>, Arc<Row>)> =
        rows.drain(..).map(|row| (key_of(&row), row)).collect();
    keyed.sort_by(|(left, _), (right, _)| {
        let pairs = left.iter().zip(right).zip(&query.order);
        let mut orders = pairs.map(|((left, right), order)| {
            let natural = compare(left, right);
            if order.is_descending {
                natural.reverse()
            } else {
                natural
            }
        });
        orders
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    });
    rows.extend(keyed.into_iter().map(|(_, row)| row));
}

/// Orders two values: nulls first, letter case ignored unless nothing else differs (both assumed).
pub(super) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Time(left), Value::Time(right)) => left.cmp(right),
        (Value::Boolean(left), Value::Boolean(right)) => left.cmp(right),
        _ => match (left.as_number(), right.as_number()) {
            (Some(left), Some(right)) => left.total_cmp(&right),
            _ => {
                let (left, right) = (left.to_text(), right.to_text());
                left.to_lowercase()
                    .cmp(&right.to_lowercase())
                    .then_with(|| left.cmp(&right))
            }
        },
    }
}
