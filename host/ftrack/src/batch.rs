//! Batches of which only the bad part fails.

use std::ops::Range;

use serde_json::Value;

use crate::error::CallError;
use crate::operation::Operation;
use crate::session::Session;

/// How many operations go into one batch, unless one unit alone has more.
const LARGEST_BATCH: usize = 2000;

/// Operations that stay together: a shot with its tasks, a version with its components. It happens whole or not at
/// all, and never crosses two batches.
pub type Unit = Vec<Operation>;

/// What became of a unit.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum UnitOutcome {
    /// It happened; this is what the server made of each operation, as [`Session::call`] returns it.
    Done(Vec<Value>),
    /// It did not happen: the server refused it for itself, or could not be asked.
    NotDone(CallError),
    /// It was on its way when an answer was lost, and may have happened. Look it up before it is sent again.
    Unknown(CallError),
    /// It was not sent any more, because of what happened to a unit before it.
    NotSent,
}

impl Session {
    /// Carries out units in as few batches as may be, and returns what became of each, in their order.
    ///
    /// ftrack refuses a batch whole and names no operation. So a refused batch is halved until the bad unit stands
    /// alone; the others happen. An answer that is lost ends it: what was under way is unknown, what comes after it
    /// is not sent. This keeps nothing: who must not lose work across a crash keeps a ledger of what was sent.
    pub async fn call_units(&self, units: &[Unit]) -> Vec<UnitOutcome> {
        let mut outcomes = vec![UnitOutcome::NotSent; units.len()];
        // What is still to do; the first is at the end.
        let mut open: Vec<_> = batches(units, LARGEST_BATCH);
        open.reverse();
        while let Some(batch) = open.pop() {
            let together: Vec<_> = units[batch.clone()].concat();
            match self.call(&together).await {
                Ok(answers) => {
                    let mut answers = answers.into_iter();
                    for index in batch {
                        let own = answers.by_ref().take(units[index].len());
                        outcomes[index] = UnitOutcome::Done(own.collect());
                    }
                }
                Err(error) if is_about_the_batch(&error) && batch.len() > 1 => {
                    let middle = batch.start + batch.len() / 2;
                    open.push(middle..batch.end);
                    open.push(batch.start..middle);
                }
                Err(error) => {
                    let goes_on = is_about_the_batch(&error);
                    for index in batch {
                        outcomes[index] = if error.outcome_unknown() {
                            UnitOutcome::Unknown(error.clone())
                        } else {
                            UnitOutcome::NotDone(error.clone())
                        };
                    }
                    if !goes_on {
                        break;
                    }
                }
            }
        }
        outcomes
    }
}

/// Returns whether a smaller batch may fare better: the server did nothing, because of what is in this one.
fn is_about_the_batch(error: &CallError) -> bool {
    match error {
        CallError::Forbidden(_)
        | CallError::Conflict(_)
        | CallError::Invalid(_)
        | CallError::BadQuery(_)
        | CallError::Refused(_)
        | CallError::TooLarge => true,
        CallError::Unauthorized(_)
        | CallError::RateLimited { .. }
        | CallError::ServerBusy { .. }
        | CallError::ServerFault { .. }
        | CallError::NotFtrack { .. }
        | CallError::Redirected { .. }
        | CallError::Unreachable { .. }
        | CallError::TimedOut { .. }
        | CallError::Interrupted { .. }
        | CallError::Cancelled => false,
    }
}

/// Groups units in their order, so that no group of several has more than `largest` operations.
fn batches(units: &[Unit], largest: usize) -> Vec<Range<usize>> {
    let mut batches: Vec<Range<usize>> = Vec::new();
    let mut size = 0;
    for (index, unit) in units.iter().enumerate() {
        match batches.last_mut() {
            Some(last) if size + unit.len() <= largest => {
                last.end = index + 1;
                size += unit.len();
            }
            _ => {
                batches.push(index..index + 1);
                size = unit.len();
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_never_crosses_two_batches() {
        let units = |sizes: &[usize]| -> Vec<Unit> {
            let of_size = |size: &usize| vec![Operation::delete("Shot", "s"); *size];
            sizes.iter().map(of_size).collect()
        };
        for (sizes, expected) in [
            (vec![], vec![]),
            (vec![1, 2, 2], vec![3]),
            (vec![2, 2, 2], vec![2, 1]),
            (vec![9, 1, 4, 0, 1], vec![1, 3, 1]),
            (vec![0, 9, 0], vec![1, 1, 1]),
        ] {
            let batches = batches(&units(&sizes), 5);
            let lengths: Vec<_> = batches.iter().map(Range::len).collect();
            assert_eq!(lengths, expected, "{sizes:?}");
            assert!(batches.into_iter().flatten().eq(0..sizes.len()));
        }
    }
}
