//! The order of an answer.

use std::cmp::Ordering;
use std::sync::Arc;

use super::ast::Order;
use super::walk::{Step, Walker, way};
use crate::store::{Row, Value};

/// Sorts rows by what a query says; rows that tie stay in order of creation.
pub(super) struct Sorter<'w, 'a> {
    walker: &'w Walker<'a>,
    /// The way to each value, and whether the largest comes first.
    ways: Vec<(Vec<Step<'a>>, bool)>,
}

impl<'w, 'a> Sorter<'w, 'a> {
    pub(super) fn new(walker: &'w Walker<'a>, order: &[Order]) -> Self {
        let schema = walker.store.schema();
        let ways = order
            .iter()
            .map(|order| (way(schema, &order.path.segments), order.is_descending));
        Self {
            walker,
            ways: ways.collect(),
        }
    }

    /// The first `wanted` rows in order, and one more if there is one.
    pub(super) fn first(
        &self,
        rows: impl Iterator<Item = Arc<Row>>,
        wanted: usize,
    ) -> Vec<Arc<Row>> {
        let mut keys: Vec<Value> = Vec::new();
        let mut rows: Vec<(usize, Arc<Row>)> = rows
            .enumerate()
            .inspect(|(_, row)| {
                let values = self.ways.iter();
                keys.extend(values.map(|(way, _)| self.walker.first_value(row, way)));
            })
            .collect();
        let width = self.ways.len();
        let order = |left: &(usize, Arc<Row>), right: &(usize, Arc<Row>)| {
            let key = |place: usize| &keys[place * width..][..width];
            self.order(key(left.0), key(right.0))
                .then(left.0.cmp(&right.0))
        };
        // Nobody sees the order of what lies beyond the page.
        if wanted < rows.len() {
            rows.select_nth_unstable_by(wanted, order);
            rows.truncate(wanted + 1);
        }
        rows.sort_unstable_by(order);
        rows.into_iter().map(|(_, row)| row).collect()
    }

    fn order(&self, left: &[Value], right: &[Value]) -> Ordering {
        let pairs = left.iter().zip(right).zip(&self.ways);
        compare_all(pairs.map(|((left, right), (_, is_descending))| (left, right, *is_descending)))
    }
}

/// Orders by the first pair that differs; the flag puts the larger value first.
pub(super) fn compare_all<'v>(
    mut pairs: impl Iterator<Item = (&'v Value, &'v Value, bool)>,
) -> Ordering {
    let differing = pairs.find_map(|(left, right, is_descending)| {
        let natural = compare(left, right);
        let order = if is_descending {
            natural.reverse()
        } else {
            natural
        };
        order.is_ne().then_some(order)
    });
    differing.unwrap_or(Ordering::Equal)
}

/// Orders two values: nulls first, letter case ignored unless nothing else differs (both assumed).
pub(super) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Time(left), Value::Time(right)) => left.cmp(right),
        (Value::Boolean(left), Value::Boolean(right)) => left.cmp(right),
        (Value::Text(left), Value::Text(right)) => compare_texts(left, right),
        _ => match (left.as_number(), right.as_number()) {
            (Some(left), Some(right)) => left.total_cmp(&right),
            _ => compare_texts(&left.to_text(), &right.to_text()),
        },
    }
}

fn compare_texts(left: &str, right: &str) -> Ordering {
    let without_case = if left.is_ascii() && right.is_ascii() {
        let left = left.bytes().map(|byte| byte.to_ascii_lowercase());
        left.cmp(right.bytes().map(|byte| byte.to_ascii_lowercase()))
    } else {
        left.to_lowercase().cmp(&right.to_lowercase())
    };
    without_case.then_with(|| left.cmp(right))
}
