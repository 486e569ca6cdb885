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
        let mut unit = Self {
            unit,
            state: UnitState::Waiting,
            unsure: false,
            failure: None,
        };
        unit.unsure = {
            let mut changes = unit.changes().into_iter();
            changes.any(|operation| matches!(operation, Operation::Update { .. }))
        };
        unit
    }

    /// Tells whether it cannot be judged before `earlier` is done: it changes something that `earlier` touches, or needs it.
    ///
    /// What a unit only makes is there or is not, whatever became of others.
    pub(super) fn follows(&self, earlier: &Self) -> bool {
        let touches = |operation: &Operation| {
            let ids = earlier.unit.operations.iter().map(entity_of);
            ids.into_iter().any(|id| id == entity_of(operation))
        };
        let changes = self.changes();
        let needs = self.unit.needs.contains(&earlier.unit.key);
        !changes.is_empty() && (needs || changes.into_iter().any(touches))
    }

    /// Returns its updates and deletes of entities that were there before it: what it makes itself it may change unseen.
    fn changes(&self) -> Vec<&Operation> {
        let creates = |operation: &&Operation| matches!(operation, Operation::Create { .. });
        let made: Vec<Vec<&str>> = self
            .unit
            .operations
            .iter()
            .filter(creates)
            .map(entity_of)
            .collect();
        let changes = self.unit.operations.iter().filter(|operation| {
            matches!(
                operation,
                Operation::Update { .. } | Operation::Delete { .. }
            ) && !made.contains(&entity_of(operation))
        });
        changes.collect()
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, UnitState::Done | UnitState::Failed)
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
            .changes()
            .into_iter()
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
        for operation in self.changes() {
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

/// Returns the values of the primary key of the entity that an operation touches; ids are unique over all types.
fn entity_of(operation: &Operation) -> Vec<&str> {
    match operation {
        Operation::Create { id, .. } => vec![id.as_str()],
        Operation::Update { key, .. } | Operation::Delete { key, .. } => {
            key.iter().map(String::as_str).collect()
        }
        _ => Vec::new(),
    }
}
