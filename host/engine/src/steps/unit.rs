//! One unit of a step: where it stands, and how to tell whether it was done.

use callboard_protocol::{Failure, Operation, StepId, Unit, UnitState};
use serde_json::{Map, Value};

use crate::event::{Lookup, UnitRow};

/// One unit of a step.
#[derive(Debug)]
pub(crate) struct UnitRun {
    pub(crate) unit: Unit,
    pub(crate) state: UnitState,
    /// Whether it must be looked up before it is sent: it may have been done already, or changed by somebody else.
    pub(super) unsure: bool,
    pub(super) failure: Option<Failure>,
}

/// What a look-up says of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was done.
    Applied,
    /// It was not done.
    NotApplied,
    /// What it would change is neither as it was nor as it shall be.
    Conflict,
}

impl UnitRun {
    pub(super) fn new(unit: Unit) -> Self {
        // What is to be changed may have been changed by somebody else since: look before the first sending.
        let changes = unit
            .operations
            .iter()
            .any(|operation| matches!(operation, Operation::Update { .. }));
        Self {
            unit,
            state: UnitState::Waiting,
            unsure: changes,
            failure: None,
        }
    }

    fn creates(&self) -> bool {
        self.unit
            .operations
            .iter()
            .any(|operation| matches!(operation, Operation::Create { .. }))
    }

    pub(super) fn look_up(&self) -> Vec<Lookup> {
        let lookup = |entity_type: &str, key: &[String], attributes: Vec<String>| Lookup {
            entity_type: entity_type.to_owned(),
            key: key.to_vec(),
            attributes,
        };
        let created = self
            .unit
            .operations
            .iter()
            .find_map(|operation| match operation {
                Operation::Create {
                    entity_type, id, ..
                } => Some(lookup(entity_type, std::slice::from_ref(id), Vec::new())),
                _ => None,
            });
        let changed = self
            .unit
            .operations
            .iter()
            .filter_map(|operation| match operation {
                Operation::Update {
                    entity_type,
                    key,
                    data,
                    ..
                } => Some(lookup(entity_type, key, data.keys().cloned().collect())),
                Operation::Delete { entity_type, key } => {
                    Some(lookup(entity_type, key, Vec::new()))
                }
                _ => None,
            });
        created.into_iter().chain(changed).collect()
    }

    /// Decides what the answers to [`look_up`](Self::look_up) say, taking them from `found`.
    pub(super) fn verdict<'a>(
        &self,
        found: &mut impl Iterator<Item = &'a Option<Map<String, Value>>>,
    ) -> Verdict {
        let created = self.creates() && found.next().is_some_and(Option::is_some);
        let (mut all_before, mut all_after) = (true, !self.creates());
        for operation in &self.unit.operations {
            let (before, after) = match operation {
                Operation::Update { before, data, .. } => {
                    match found.next().and_then(Option::as_ref) {
                        Some(now) => (agrees(now, before), agrees(now, data)),
                        None => (false, false),
                    }
                }
                Operation::Delete { .. } => {
                    let gone = found.next().is_none_or(Option::is_none);
                    (!gone, gone)
                }
                _ => continue,
            };
            all_before &= before;
            all_after &= after;
        }
        match (created || all_after, all_before) {
            (true, _) => Verdict::Applied,
            (false, true) => Verdict::NotApplied,
            (false, false) => Verdict::Conflict,
        }
    }

    pub(super) fn label(&self) -> &str {
        if self.unit.label.is_empty() {
            &self.unit.key
        } else {
            &self.unit.label
        }
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        self.state = UnitState::Failed;
        self.unsure = false;
        self.failure = Some(failure);
    }

    pub(super) fn row(&self, step: &StepId) -> UnitRow {
        UnitRow {
            step: step.clone(),
            key: self.unit.key.clone(),
            state: self.state,
            failure: self.failure.clone(),
        }
    }
}

/// Tells whether an entity's attributes have the given values; numbers are compared as numbers.
fn agrees(now: &Map<String, Value>, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(name, value)| {
        let found = now.get(name).unwrap_or(&Value::Null);
        found == value || matches!((found.as_f64(), value.as_f64()), (Some(a), Some(b)) if a.total_cmp(&b).is_eq())
    })
}
