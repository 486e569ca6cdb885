//! Steps: the graph that a job handed over, and what of it is to be sent next.
//!
//! Nothing here is sent or written: this is the state of one hand-over and the decisions about it.
//! `work.rs` turns the decisions into effects.

mod check;
mod unit;

use std::collections::{HashMap, HashSet};

use callboard_protocol::{
    Failure, FailureKind, HandOver, InDoubt, Operation, StepId, StepReport, StepState, StepsReport,
    Unit, UnitReport, UnitState, Work,
};
use serde_json::{Map, Value};

pub(crate) use check::{check, is_nameless};
pub(crate) use unit::{UnitRun, Verdict};

use crate::event::{Lookup, UnitRow};

/// One hand-over while its steps are being done, and afterwards while its job is remembered.
#[derive(Debug)]
pub(crate) struct StepsRun {
    pub(crate) key: String,
    /// What the turn after the steps is given back.
    pub(crate) state: Value,
    pub(crate) steps: Vec<StepRun>,
}

/// One step.
#[derive(Debug)]
pub(crate) struct StepRun {
    pub(crate) id: StepId,
    needs: Vec<StepId>,
    pub(crate) lane: Lane,
    pub(crate) units: Vec<UnitRun>,
    pub(crate) phase: Phase,
    pub(crate) calls: u32,
    /// How many units the next batch may hold: halved by a refusal, doubled by a success.
    batch_units: usize,
    /// How often in a row a batch did not get through.
    pub(crate) tries: u32,
    pub(crate) held_up: Option<Failure>,
}

/// What carries a step out. Each bounds its own steps: an event that waits for the hub holds up no call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Lane {
    /// The server's API.
    Calls,
    /// The event hub, which publishes this. It is one unit, whose key is the step's id.
    Hub { event: Value, in_doubt: InDoubt },
}

/// What a step is doing. A batch is a list of indices into its units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing: it waits for its turn, or has ended.
    Idle,
    /// The batch is being marked as sent in the ledger.
    Marking(Vec<usize>),
    /// The batch is with the server.
    Calling(Vec<usize>),
    /// The batch is being looked up; when it came from a refusal, that is kept.
    LookingUp {
        batch: Vec<usize>,
        refusal: Option<Failure>,
    },
    /// Something is in the way; a timer will tell when to try again.
    Resting,
}

/// What a step wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Send these units.
    Send(Vec<usize>),
    /// Look these units up, then decide.
    LookUp(Vec<usize>),
    /// Give this unit up: nobody knows whether it was done, nothing can be looked up, and it must not be done twice.
    GiveUp(usize),
    /// Nothing is left.
    Ended,
}

impl StepsRun {
    /// Takes a hand-over that was checked.
    pub(crate) fn new(hand_over: HandOver) -> Self {
        let mut keys: HashMap<StepId, Vec<String>> = HashMap::new();
        let steps = hand_over.steps.into_iter().map(|step| {
            let (lane, units) = match step.work {
                Work::Call { units } => (Lane::Calls, units),
                Work::Event { event, in_doubt } => {
                    // What an event tells of must have become true, all of it.
                    let needed = step.needs.iter().filter_map(|step| keys.get(step));
                    let unit = Unit {
                        key: step.id.to_string(),
                        label: step.label,
                        needs: needed.flatten().cloned().collect(),
                        operations: Vec::new(),
                    };
                    (Lane::Hub { event, in_doubt }, vec![unit])
                }
                _ => (Lane::Calls, Vec::new()),
            };
            let own = units.iter().map(|unit| unit.key.clone()).collect();
            keys.insert(step.id.clone(), own);
            StepRun {
                id: step.id,
                needs: step.needs,
                lane,
                batch_units: units.len().max(1),
                units: units.into_iter().map(UnitRun::new).collect(),
                phase: Phase::Idle,
                calls: 0,
                tries: 0,
                held_up: None,
            }
        });
        Self {
            key: hand_over.key,
            state: hand_over.state,
            steps: steps.collect(),
        }
    }

    /// Takes over what the ledger knows. A unit that was sent must be looked up: nobody knows whether it arrived.
    pub(crate) fn restore(&mut self, rows: Vec<UnitRow>) {
        let mut by_key: HashMap<(StepId, String), UnitRow> = rows
            .into_iter()
            .map(|row| ((row.step.clone(), row.key.clone()), row))
            .collect();
        for step in &mut self.steps {
            for unit in &mut step.units {
                if let Some(row) = by_key.remove(&(step.id.clone(), unit.unit.key.clone())) {
                    unit.unsure |= row.state == UnitState::Sent;
                    unit.state = row.state;
                    unit.failure = row.failure;
                }
            }
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.steps.iter().all(StepRun::has_ended)
    }

    pub(crate) fn has_failed_units(&self) -> bool {
        self.all_units().any(|unit| unit.state == UnitState::Failed)
    }

    pub(crate) fn has_done_units(&self) -> bool {
        self.all_units().any(|unit| unit.state == UnitState::Done)
    }

    fn all_units(&self) -> impl Iterator<Item = &UnitRun> {
        self.steps.iter().flat_map(|step| &step.units)
    }

    /// Returns the indices of steps that may start something now.
    pub(crate) fn ready(&self) -> Vec<usize> {
        let ended: HashSet<&StepId> = self
            .steps
            .iter()
            .filter(|step| step.has_ended())
            .map(|step| &step.id)
            .collect();
        self.steps
            .iter()
            .enumerate()
            .filter(|(_, step)| step.phase == Phase::Idle && !step.has_ended())
            .filter(|(_, step)| step.needs.iter().all(|needed| ended.contains(needed)))
            .map(|(index, _)| index)
            .collect()
    }

    /// Fails units that need a failed one, and returns the rows that changed.
    pub(crate) fn fail_dependents(&mut self) -> Vec<UnitRow> {
        let mut failed: HashMap<String, String> = HashMap::new();
        let mut changed = Vec::new();
        for step in &mut self.steps {
            for unit in &mut step.units {
                let lost = unit.unit.needs.iter().find_map(|needed| failed.get(needed));
                if unit.state == UnitState::Waiting
                    && let Some(label) = lost
                {
                    unit.fail(Failure::new(
                        FailureKind::Ftrack,
                        format!("it needs `{label}`, which could not be made"),
                    ));
                    changed.push(unit.row(&step.id));
                }
                if unit.state == UnitState::Failed {
                    failed.insert(unit.unit.key.clone(), unit.label().to_owned());
                }
            }
        }
        changed
    }

    /// Fails what was not sent yet, because somebody cancelled, and returns the rows that changed.
    pub(crate) fn cancel_unsent(&mut self) -> Vec<UnitRow> {
        let mut changed = Vec::new();
        for step in &mut self.steps {
            let marked = match &step.phase {
                Phase::Marking(batch) => batch.clone(),
                _ => Vec::new(),
            };
            for (index, unit) in step.units.iter_mut().enumerate() {
                if unit.state == UnitState::Waiting && !marked.contains(&index) {
                    unit.fail(Failure::new(
                        FailureKind::Cancelled,
                        "it was cancelled before it was sent",
                    ));
                    changed.push(unit.row(&step.id));
                }
            }
        }
        changed
    }

    /// Makes failed units wait again, and returns the rows that changed.
    pub(crate) fn retry_failed(&mut self) -> Vec<UnitRow> {
        let mut changed = Vec::new();
        for step in &mut self.steps {
            step.held_up = None;
            step.tries = 0;
            step.batch_units = step.units.len().max(1);
            for unit in step
                .units
                .iter_mut()
                .filter(|unit| unit.state == UnitState::Failed)
            {
                unit.state = UnitState::Waiting;
                unit.failure = None;
                // It was refused when it was alone, but an earlier sending of it may have been on its way still.
                // Whether an event may be published once more is what the person has just decided.
                unit.unsure = step.lane == Lane::Calls;
                changed.push(unit.row(&step.id));
            }
        }
        changed
    }

    pub(crate) fn report(&self) -> StepsReport {
        StepsReport {
            key: self.key.clone(),
            steps: self.steps.iter().map(StepRun::report).collect(),
        }
    }
}

impl StepRun {
    pub(crate) fn has_ended(&self) -> bool {
        self.units.iter().all(UnitRun::has_ended)
    }

    /// Decides what comes next: the longest run of units that fits into one batch and is in one state of doubt.
    pub(crate) fn next(&self, batch_operations: usize) -> Next {
        if let Lane::Hub { in_doubt, .. } = &self.lane {
            return match self.units.first() {
                Some(unit) if !unit.has_ended() => match (unit.unsure, in_doubt) {
                    (true, InDoubt::Fail) => Next::GiveUp(0),
                    _ => Next::Send(vec![0]),
                },
                _ => Next::Ended,
            };
        }
        let mut batch: Vec<usize> = Vec::new();
        let mut operations = 0;
        let mut unsure = false;
        for (index, unit) in self.units.iter().enumerate() {
            if unit.has_ended() {
                continue;
            }
            if batch.is_empty() {
                unsure = unit.unsure;
            }
            operations += unit.unit.operations.len();
            let full = batch.len() >= self.batch_units
                || (operations > batch_operations && !batch.is_empty());
            // What one unit makes or changes another cannot be judged by before the first is done.
            let tangled = unsure
                && batch
                    .iter()
                    .any(|earlier| unit.follows(&self.units[*earlier]));
            if full || tangled || unit.unsure != unsure {
                break;
            }
            batch.push(index);
        }
        match (batch.is_empty(), unsure) {
            (true, _) => Next::Ended,
            (false, true) => Next::LookUp(batch),
            (false, false) => Next::Send(batch),
        }
    }

    pub(crate) fn operations(&self, batch: &[usize]) -> Vec<Operation> {
        batch
            .iter()
            .flat_map(|index| self.units[*index].unit.operations.iter().cloned())
            .collect()
    }

    /// Returns what to look up to learn which units of `batch` were done.
    ///
    /// A unit is all in one transaction, so its first create stands for all of it; updates and deletes are compared one by one.
    /// A whole batch could not be judged by one of its units: after a restart it may be cut differently than when it was first sent.
    pub(crate) fn look_up(&self, batch: &[usize]) -> Vec<Lookup> {
        batch
            .iter()
            .flat_map(|index| self.units[*index].look_up())
            .collect()
    }

    /// Decides what the answers to [`look_up`](Self::look_up) say of each unit of `batch`.
    pub(crate) fn verdicts(
        &self,
        batch: &[usize],
        found: &[Option<Map<String, Value>>],
    ) -> Vec<Verdict> {
        let mut found = found.iter();
        batch
            .iter()
            .map(|index| self.units[*index].verdict(&mut found))
            .collect()
    }

    /// Marks `batch` as sent, for the ledger to know before the server does.
    pub(crate) fn mark_sent(&mut self, batch: &[usize]) -> Vec<UnitRow> {
        self.change(batch, |unit| unit.state = UnitState::Sent)
    }

    /// Notes that all of `batch` is done.
    pub(crate) fn done(&mut self, batch: &[usize]) -> Vec<UnitRow> {
        self.tries = 0;
        self.held_up = None;
        self.batch_units = (self.batch_units * 2).min(self.units.len().max(1));
        self.change(batch, |unit| {
            unit.state = UnitState::Done;
            unit.unsure = false;
            unit.failure = None;
        })
    }

    /// Notes that the server refused `batch` and did none of it: one unit alone has failed, several are halved.
    pub(crate) fn refused(&mut self, batch: &[usize], failure: &Failure) -> Vec<UnitRow> {
        self.tries = 0;
        self.held_up = None;
        if let [only] = batch {
            return self.change(&[*only], |unit| unit.fail(failure.clone()));
        }
        self.batch_units = (batch.len() / 2).max(1);
        self.change(batch, |unit| {
            unit.state = UnitState::Waiting;
            unit.unsure = false;
        })
    }

    /// Notes that nobody will ever know whether a unit was done.
    pub(crate) fn given_up(&mut self, unit: usize) -> Vec<UnitRow> {
        self.tries = 0;
        self.held_up = None;
        let failure = Failure::new(
            FailureKind::Interrupted,
            "nobody knows whether the event was published",
        )
        .hint("retry where twice does no harm");
        self.change(&[unit], |unit| unit.fail(failure.clone()))
    }

    /// Notes what a look-up said of each unit of `batch`, which the server had refused before if there is a `refusal`.
    pub(crate) fn looked_up(
        &mut self,
        batch: &[usize],
        verdicts: &[Verdict],
        refusal: Option<&Failure>,
    ) -> Vec<UnitRow> {
        let of = |wanted: Verdict| -> Vec<usize> {
            batch
                .iter()
                .zip(verdicts)
                .filter(|(_, verdict)| **verdict == wanted)
                .map(|(index, _)| *index)
                .collect()
        };
        let (applied, not_applied, conflicts) = (
            of(Verdict::Applied),
            of(Verdict::NotApplied),
            of(Verdict::Conflict),
        );
        let mut rows = if applied.is_empty() {
            Vec::new()
        } else {
            self.done(&applied)
        };
        let conflict = Failure::new(FailureKind::Conflict, "somebody else changed it meanwhile")
            .hint("look at it and decide again");
        rows.extend(self.change(&conflicts, |unit| unit.fail(conflict.clone())));
        match refusal {
            // Nothing of it was there before, so it was refused for itself.
            Some(failure) if applied.is_empty() && conflicts.is_empty() => {
                rows.extend(self.refused(batch, failure))
            }
            _ => {
                for index in not_applied {
                    self.units[index].unsure = false;
                }
            }
        }
        rows
    }

    /// Notes that `batch` did not get through, or that nobody knows.
    pub(crate) fn held_up(&mut self, batch: &[usize], failure: Failure, doubt: Doubt) {
        self.tries += 1;
        self.held_up = Some(failure);
        for index in batch {
            let unit = &mut self.units[*index];
            unit.unsure |= doubt == Doubt::MayBeDone;
            if !unit.unsure {
                // It is certain that it is not done: it may still be cancelled.
                unit.state = UnitState::Waiting;
            }
        }
    }

    fn change(&mut self, batch: &[usize], mut change: impl FnMut(&mut UnitRun)) -> Vec<UnitRow> {
        batch
            .iter()
            .map(|index| {
                let unit = &mut self.units[*index];
                change(unit);
                unit.row(&self.id)
            })
            .collect()
    }

    fn report(&self) -> StepReport {
        let done = self
            .units
            .iter()
            .filter(|unit| unit.state == UnitState::Done)
            .count();
        let state = match (self.has_ended(), done) {
            (true, done) if done == self.units.len() => StepState::Done,
            (true, 0) => StepState::Failed,
            (true, _) => StepState::Partly,
            (false, 0) if self.calls == 0 => StepState::Waiting,
            (false, _) => StepState::Running,
        };
        let units = self.units.iter().map(|unit| UnitReport {
            key: unit.unit.key.clone(),
            label: unit.unit.label.clone(),
            state: unit.state,
            failure: unit.failure.clone(),
        });
        StepReport {
            id: self.id.clone(),
            state,
            calls: self.calls,
            held_up: self.held_up.clone(),
            units: units.collect(),
        }
    }
}

/// Whether a batch that did not get through may have been done all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    NotDone,
    MayBeDone,
}
