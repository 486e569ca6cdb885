//! `select count(id) from Task group by status_id`.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::ast::{Aggregate, AggregateFunction, Path, Query};
use super::evaluate::{compare, visit_leaves};
use crate::access::View;
use crate::store::{Row, Value};

/// Returns one object per group, in the order in which the groups were met. Results are called
/// `count_id`, groups as their path with underscores.
pub(super) fn aggregate(store: View<'_>, query: &Query, rows: &[Arc<Row>]) -> Json {
    let mut groups: Vec<(Vec<Value>, Vec<&Arc<Row>>)> = Vec::new();
    for row in rows {
        let key: Vec<Value> = query
            .group
            .iter()
            .map(|path| leaf(store, row, path))
            .collect();
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, members)) => members.push(row),
            None => groups.push((key, vec![row])),
        }
    }
    if groups.is_empty() && query.group.is_empty() {
        groups.push((Vec::new(), Vec::new()));
    }
    let written = groups.into_iter().map(|(key, members)| {
        let mut written = Map::new();
        for (path, value) in query.group.iter().zip(key) {
            written.insert(name(path), value.to_client());
        }
        for wanted in &query.aggregates {
            let values = members
                .iter()
                .map(|row| leaf(store, row, &wanted.path))
                .filter(|value| !value.is_null());
            written.insert(
                format!("{}_{}", wanted.function.name(), name(&wanted.path)),
                result(wanted, values.collect()),
            );
        }
        Json::Object(written)
    });
    written.collect()
}

fn name(path: &Path) -> String {
    path.to_string().replace('.', "_")
}

fn leaf(store: View<'_>, row: &Arc<Row>, path: &Path) -> Value {
    let mut found = Value::Null;
    visit_leaves(store, row, &path.segments, &mut |value| {
        found = value.clone();
        true
    });
    found
}

fn result(wanted: &Aggregate, values: Vec<Value>) -> Json {
    let numbers = || values.iter().filter_map(Value::as_number);
    match wanted.function {
        AggregateFunction::Count => json!(values.len()),
        AggregateFunction::Sum => json!(numbers().sum::<f64>()),
        AggregateFunction::Average => {
            let count = u32::try_from(numbers().count()).unwrap_or(u32::MAX);
            if count == 0 {
                Json::Null
            } else {
                json!(numbers().sum::<f64>() / f64::from(count))
            }
        }
        AggregateFunction::Maximum => values
            .iter()
            .max_by(|a, b| compare(a, b))
            .map_or(Json::Null, Value::to_client),
        AggregateFunction::Minimum => values
            .iter()
            .min_by(|a, b| compare(a, b))
            .map_or(Json::Null, Value::to_client),
    }
}
