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
    ///
    /// Nobody sees the order of what lies beyond the page, so of a row that is behind all that the page can hold no
    /// more is looked up than it takes to see that.
    pub(super) fn first(
        &self,
        rows: impl Iterator<Item = Arc<Row>>,
        wanted: usize,
    ) -> Vec<Arc<Row>> {
        let page = wanted.saturating_add(1);
        let most_kept = page.saturating_mul(2).max(LEAST_KEPT);
        let mut kept: Vec<Candidate> = Vec::new();
        let mut last: Option<Vec<Value>> = None;
        for (number, row) in rows.enumerate() {
            if last
                .as_ref()
                .is_some_and(|last| !self.is_before(&row, last))
            {
                continue;
            }
            let values = self.ways.iter();
            let keys = values.map(|(way, _)| self.walker.first_value(&row, way));
            kept.push(Candidate {
                keys: keys.collect(),
                number,
                row,
            });
            if kept.len() >= most_kept {
                let order = |left: &Candidate, right: &Candidate| self.order(left, right);
                let (_, in_place, _) = kept.select_nth_unstable_by(page - 1, order);
                last = Some(in_place.keys.clone());
                kept.truncate(page);
            }
        }
        kept.sort_unstable_by(|left, right| self.order(left, right));
        kept.truncate(page);
        kept.into_iter().map(|candidate| candidate.row).collect()
    }

    fn order(&self, left: &Candidate, right: &Candidate) -> Ordering {
        let pairs = left.keys.iter().zip(&right.keys).zip(&self.ways);
        compare_all(pairs.map(|((left, right), (_, is_descending))| (left, right, *is_descending)))
            .then(left.number.cmp(&right.number))
    }

    /// Tells whether a row comes before an earlier one that has these keys.
    fn is_before(&self, row: &Arc<Row>, keys: &[Value]) -> bool {
        for ((way, is_descending), key) in self.ways.iter().zip(keys) {
            let mut order = Ordering::Equal;
            self.walker.any_value(row, way, &mut |value| {
                order = compare_all(std::iter::once((value, key, *is_descending)));
                true
            });
            if order.is_ne() {
                return order.is_lt();
            }
        }
        false
    }
}

/// Fewer rows than this are kept until all have come.
const LEAST_KEPT: usize = 16;

/// A row that may be on the page.
struct Candidate {
    keys: Vec<Value>,
    number: usize,
    row: Arc<Row>,
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
