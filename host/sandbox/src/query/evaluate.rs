//! Runs a checked query over the store.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::ast::{Criteria, Operator, Path, Query, Set};
use super::literal::Literal;
use super::sort::Sorter;
use super::walk::{Step, Walker, way};
use super::{Found, QueryError, check, plan};
use crate::access::View;
use crate::schema::Kind;
use crate::store::{Row, Value};

/// Criteria with their paths looked up and their subqueries answered.
pub(super) enum Test<'a> {
    All(Vec<Test<'a>>),
    Any(Vec<Test<'a>>),
    Not(Box<Test<'a>>),
    Compare {
        way: Vec<Step<'a>>,
        operator: Operator,
        literal: Literal,
        memory: Memory,
    },
    Member {
        way: Vec<Step<'a>>,
        is_negated: bool,
        members: Members,
        memory: Memory,
    },
    Related {
        way: Vec<Step<'a>>,
        inner: Option<Box<Test<'a>>>,
        memory: Memory,
    },
}

/// Answers that many rows share because they point at the same row, by its key.
///
/// A column's keys all lead to one table, so a key alone says which row is meant.
#[derive(Default)]
pub(super) struct Memory(RefCell<HashMap<Arc<str>, bool>>);

impl Memory {
    fn recall(&self, key: Option<&Arc<str>>, answer: impl FnOnce() -> bool) -> bool {
        let Some(key) = key else { return answer() };
        if let Some(known) = self.0.borrow().get(key) {
            return *known;
        }
        let found = answer();
        self.0.borrow_mut().insert(key.clone(), found);
        found
    }
}

/// The key of the one row that a way leads over first, if it does.
fn pointer<'r>(row: &'r Row, way: &[Step<'_>]) -> Option<&'r Arc<str>> {
    match way.first()?.on(row.kind) {
        Some(Kind::Reference { column, .. }) => row.values[*column].as_text(),
        _ => None,
    }
}

/// As [`pointer`], unless the key is itself the value and sooner compared than remembered.
fn pointer_beyond<'r>(row: &'r Row, way: &[Step<'_>]) -> Option<&'r Arc<str>> {
    way.get(1).and_then(|_| pointer(row, way))
}

/// The right-hand side of `in`.
#[derive(Default)]
pub(super) struct Members {
    /// Whether a bare `none` is among them.
    pub(super) hold_none: bool,
    pub(super) texts: HashSet<Arc<str>>,
    /// What could equal a value that is no text.
    literals: Vec<Literal>,
}

impl Members {
    fn from_literals(literals: &[Literal]) -> Self {
        let given = literals.iter().filter(|literal| !literal.is_none);
        Self {
            hold_none: literals.iter().any(|literal| literal.is_none),
            texts: given.map(|literal| Arc::from(&*literal.text)).collect(),
            literals: literals.to_vec(),
        }
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            // Ids are many, and compare with nothing but texts.
            Value::Text(text) if text.parse::<f64>().is_err() => {
                self.texts.insert(text.clone());
            }
            _ => {
                let text = value.to_text();
                self.texts.insert(Arc::from(&*text));
                self.literals.push(Literal::quoted(text.clone(), text));
            }
        }
    }

    pub(super) fn contain(&self, value: &Value) -> bool {
        match value {
            Value::Text(text) => self.texts.contains(text),
            _ => self.literals.iter().any(|literal| literal.equals(value)),
        }
    }
}

/// Finds the rows that the criteria and `keep` accept, in order, cut to the page.
pub(super) fn find(
    walker: &Walker<'_>,
    query: &Query,
    keep: &dyn Fn(&Arc<Row>) -> bool,
) -> Result<Found, QueryError> {
    let store = walker.store;
    let kind = check::entity_type(&store.schema, query)?.id;
    let criteria = query.criteria.as_ref();
    let test = criteria.map(|criteria| prepare(walker, criteria));
    let test = test.transpose()?;
    let accept =
        |row: &Arc<Row>| test.as_ref().is_none_or(|test| accepts(walker, row, test)) && keep(row);
    let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let limit = query
        .limit
        .map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let end = limit.map_or(usize::MAX, |limit| offset.saturating_add(limit));
    let candidates = plan::candidates(walker, kind, test.as_ref());
    let accepted = candidates.filter(accept);
    let mut rows: Vec<Arc<Row>> = if query.order.is_empty() {
        // The page is full, and known not to be the last, after one row more.
        accepted.take(end.saturating_add(1)).collect()
    } else {
        Sorter::new(walker, &query.order).first(accepted, end)
    };
    let is_last = rows.len() <= end;
    rows.truncate(end);
    let page: Vec<Arc<Row>> = rows.drain(offset.min(rows.len())..).collect();
    let next_offset = (!is_last && !page.is_empty()).then_some(end as u64);
    Ok(Found {
        rows: page,
        next_offset,
    })
}

/// Looks up what the criteria name, and answers their subqueries.
pub(super) fn prepare<'a>(
    walker: &Walker<'a>,
    criteria: &Criteria,
) -> Result<Test<'a>, QueryError> {
    let schema = walker.store.schema();
    let list = |inner: &[Criteria]| {
        inner
            .iter()
            .map(|inner| prepare(walker, inner))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(match criteria {
        Criteria::All(inner) => Test::All(list(inner)?),
        Criteria::Any(inner) => Test::Any(list(inner)?),
        Criteria::Not(inner) => Test::Not(Box::new(prepare(walker, inner)?)),
        Criteria::Compare {
            path,
            operator,
            literal,
        } => Test::Compare {
            way: way(schema, &path.segments),
            operator: *operator,
            literal: literal.clone(),
            memory: Memory::default(),
        },
        Criteria::Member {
            path,
            is_negated,
            set,
        } => Test::Member {
            way: way(schema, &path.segments),
            is_negated: *is_negated,
            members: match set {
                Set::List(literals) => Members::from_literals(literals),
                Set::Query(query) => subquery(walker, query)?,
            },
            memory: Memory::default(),
        },
        Criteria::Related { path, criteria } => {
            let inner = criteria.as_ref().map(|inner| prepare(walker, inner));
            related(walker.store, path, inner.transpose()?)
        }
    })
}

fn related<'a>(store: View<'a>, path: &Path, inner: Option<Test<'a>>) -> Test<'a> {
    let mut way = way(store.schema(), &path.segments);
    if let (Some(last), Some(inner)) = (way.last_mut(), &inner)
        && inner
            .first_steps()
            .iter()
            .all(|step| step.is_shared_by_unset())
    {
        last.forget_owner();
    }
    Test::Related {
        way,
        inner: inner.map(Box::new),
        memory: Memory::default(),
    }
}

impl<'a> Test<'a> {
    /// What is asked of the row itself.
    fn first_steps(&self) -> Vec<&Step<'a>> {
        match self {
            Self::All(inner) | Self::Any(inner) => {
                inner.iter().flat_map(Self::first_steps).collect()
            }
            Self::Not(inner) => inner.first_steps(),
            Self::Compare { way, .. } | Self::Member { way, .. } | Self::Related { way, .. } => {
                way.first().into_iter().collect()
            }
        }
    }
}

fn subquery(walker: &Walker<'_>, query: &Query) -> Result<Members, QueryError> {
    let paths = query.projections.as_deref().unwrap_or_default();
    let path = paths.first().map_or(&[][..], |path| &path.segments);
    let way = way(walker.store.schema(), path);
    let mut members = Members::default();
    for row in find(walker, query, &|_| true)?.rows {
        walker.any_value(&row, &way, &mut |value| {
            members.add(value);
            false
        });
    }
    Ok(members)
}

pub(super) fn accepts<'a>(walker: &Walker<'a>, row: &Arc<Row>, test: &Test<'a>) -> bool {
    match test {
        Test::All(inner) => inner.iter().all(|test| accepts(walker, row, test)),
        Test::Any(inner) => inner.iter().any(|test| accepts(walker, row, test)),
        Test::Not(inner) => !accepts(walker, row, inner),
        Test::Compare {
            way,
            operator,
            literal,
            memory,
        } => memory.recall(pointer_beyond(row, way), || {
            walker.any_value(row, way, &mut |value| literal.matches(value, *operator))
        }),
        Test::Member {
            way,
            is_negated,
            members,
            memory,
        } => memory.recall(pointer_beyond(row, way), || {
            walker.any_value(row, way, &mut |value| members.contain(value) != *is_negated)
        }),
        Test::Related { way, inner, memory } => memory.recall(pointer(row, way), || {
            walker.any_row(row, way, &mut |related| {
                let inner = inner.as_deref();
                inner.is_none_or(|inner| accepts(walker, related, inner))
            })
        }),
    }
}
