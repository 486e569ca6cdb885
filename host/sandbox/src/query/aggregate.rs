//! `select count(id) from Task group by status_id`.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::ast::{Aggregate, AggregateFunction, Path, Query};
use super::sort::{compare, compare_all};
use super::walk::{Step, Walker, way};
use super::{Page, QueryError, evaluate};
use crate::store::{Row, Value};

/// Rows that agree in everything they are grouped by.
struct Group {
    key: Vec<Value>,
    /// One for each function of the query.
    results: Vec<Accumulator>,
}

/// Answers with one object per group, in the order in which the groups were met unless the query says
/// another. Results are called `count_id`, groups as their path with underscores (assumed for paths with
/// dots).
pub(super) fn aggregate(
    walker: &Walker<'_>,
    query: &Query,
    keep: &dyn Fn(&Arc<Row>) -> bool,
) -> Result<Page, QueryError> {
    let ungrouped = Query {
        order: Vec::new(),
        offset: 0,
        limit: None,
        ..query.clone()
    };
    let rows = evaluate::find(walker, &ungrouped, keep)?.rows;
    let mut groups = collect(walker, query, &rows);
    if groups.is_empty() && query.group.is_empty() {
        groups.push(Group::new(Vec::new(), &query.aggregates));
    }
    groups.sort_by(|left, right| order(query, left, right));
    let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let limit = query.limit.unwrap_or(u64::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let end = offset.saturating_add(limit);
    let page = groups.iter().skip(offset).take(limit);
    let data: Vec<Json> = page.map(|group| group.to_json(query)).collect();
    Ok(Page {
        next_offset: (end < groups.len() && !data.is_empty()).then_some(end as u64),
        data: Json::Array(data),
    })
}

fn collect(walker: &Walker<'_>, query: &Query, rows: &[Arc<Row>]) -> Vec<Group> {
    let schema = walker.store.schema();
    let group_by: Vec<Vec<Step<'_>>> = query
        .group
        .iter()
        .map(|path| way(schema, &path.segments))
        .collect();
    let functions: Vec<Vec<Step<'_>>> = query
        .aggregates
        .iter()
        .map(|aggregate| way(schema, &aggregate.path.segments))
        .collect();
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for row in rows {
        let key: Vec<Value> = group_by
            .iter()
            .map(|way| walker.first_value(row, way))
            .collect();
        let name: Json = key.iter().map(Value::to_client).collect();
        let place = *places.entry(name.to_string()).or_insert_with(|| {
            groups.push(Group::new(key, &query.aggregates));
            groups.len() - 1
        });
        for (result, way) in groups[place].results.iter_mut().zip(&functions) {
            result.add(walker.first_value(row, way));
        }
    }
    groups
}

fn order(query: &Query, left: &Group, right: &Group) -> Ordering {
    let pairs = query.order.iter().map(|order| {
        let is_this = |path: &Path| path.segments == order.path.segments;
        // What a query with groups is ordered by was checked to be one of them.
        let place = query.group.iter().position(is_this).unwrap_or_default();
        (&left.key[place], &right.key[place], order.is_descending)
    });
    compare_all(pairs)
}

impl Group {
    fn new(key: Vec<Value>, aggregates: &[Aggregate]) -> Self {
        let results = aggregates.iter().map(|wanted| Accumulator {
            function: wanted.function,
            ..Accumulator::default()
        });
        Self {
            key,
            results: results.collect(),
        }
    }

    fn to_json(&self, query: &Query) -> Json {
        let mut written = Map::new();
        for (path, value) in query.group.iter().zip(&self.key) {
            written.insert(name(path), value.to_client());
        }
        for (wanted, result) in query.aggregates.iter().zip(&self.results) {
            let name = format!("{}_{}", wanted.function.name(), name(&wanted.path));
            written.insert(name, result.to_json());
        }
        Json::Object(written)
    }
}

fn name(path: &Path) -> String {
    path.to_string().replace('.', "_")
}

/// What a function has come to so far. Nulls count for nothing.
#[derive(Default)]
struct Accumulator {
    function: AggregateFunction,
    count: u32,
    sum: f64,
    has_fractions: bool,
    /// The smallest or largest value.
    extreme: Value,
}

impl Accumulator {
    fn add(&mut self, value: Value) {
        if value.is_null() {
            return;
        }
        self.count += 1;
        self.sum += value.as_number().unwrap_or_default();
        self.has_fractions |= !matches!(value, Value::Integer(_));
        let wanted = match self.function {
            AggregateFunction::Maximum => Ordering::Greater,
            AggregateFunction::Minimum => Ordering::Less,
            _ => return,
        };
        if self.extreme.is_null() || compare(&value, &self.extreme) == wanted {
            self.extreme = value;
        }
    }

    fn to_json(&self) -> Json {
        match self.function {
            AggregateFunction::Count => json!(self.count),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the sum of whole numbers that are themselves exact"
            )]
            AggregateFunction::Sum if !self.has_fractions => json!(self.sum as i64),
            AggregateFunction::Sum => json!(self.sum),
            AggregateFunction::Average if self.count == 0 => Json::Null,
            AggregateFunction::Average => json!(self.sum / f64::from(self.count)),
            AggregateFunction::Maximum | AggregateFunction::Minimum => self.extreme.to_client(),
        }
    }
}
