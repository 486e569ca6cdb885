//! The plan as the host carries it out: one step, a unit for each sequence and for each shot with its tasks.

use callboard_plugin_sdk::{Failure, FailureKind, Map, Operation, Step, Unit, Value, Work, json};
use serde::{Deserialize, Serialize};

use crate::names::counted;
use crate::plan::{Plan, PlannedSequence, PlannedShot};

/// Names the hand-over within its job.
pub(crate) const KEY: &str = "create";

/// The most that the step may measure, in bytes of its JSON: a message may have 8 MiB, state and all.
const MAX_STEP_BYTES: usize = 7 * 1024 * 1024 + 512 * 1024;

/// The most that the state may measure, in bytes of its JSON: the protocol allows 256 KiB.
const MAX_STATE_BYTES: usize = 250 * 1024;

/// The most remarks that are kept for the report.
const MOST_REMARKS: usize = 50;

/// What the report needs to know that the steps' report does not say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Handed {
    pub sequences: Vec<HandedSequence>,
    /// One entry for each unit of a shot, in the units' order.
    pub shots: Vec<HandedShot>,
    /// Shots of which nothing had to be made.
    pub untouched: Vec<UntouchedShot>,
    /// How many more of them there were than fit in here.
    pub untouched_beyond: usize,
    pub remarks: Vec<String>,
}

/// A sequence that shots go into.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct HandedSequence {
    pub id: String,
    pub name: String,
    pub is_new: bool,
}

/// A shot whose unit is keyed by its id and labelled with its name. Written short, as there may be thousands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct HandedShot {
    #[serde(rename = "n")]
    pub is_new: bool,
    #[serde(rename = "s")]
    pub sequence: Option<usize>,
    #[serde(rename = "t")]
    pub new_tasks: usize,
    #[serde(rename = "r")]
    pub reused_tasks: usize,
}

/// A shot that was there with all its tasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct UntouchedShot {
    #[serde(rename = "i")]
    pub id: String,
    #[serde(rename = "l")]
    pub name: String,
    #[serde(rename = "s")]
    pub sequence: Option<usize>,
    #[serde(rename = "r")]
    pub reused_tasks: usize,
}

/// Returns the one step that makes everything that is new.
///
/// # Errors
///
/// Refuses a plan that does not fit in one message.
pub(crate) fn step_from_plan(plan: &Plan) -> Result<Step, Failure> {
    let new_sequences = || plan.sequences.iter().filter(|sequence| sequence.is_new);
    let shots = plan.shots.iter().filter(|shot| has_work(shot));
    let units = new_sequences()
        .map(unit_from_sequence)
        .chain(shots.map(|shot| unit_from_shot(shot, plan)))
        .collect();
    let (new, _) = plan.new_and_reused();
    let (tasks, _) = plan.new_and_reused_tasks();
    let step = Step {
        id: "create".into(),
        label: format!(
            "make {} and {}",
            counted(new, "shot"),
            counted(tasks, "task")
        ),
        needs: Vec::new(),
        work: Work::Call { units },
    };
    let size = serde_json::to_vec(&step).map_or(usize::MAX, |line| line.len());
    if size > MAX_STEP_BYTES {
        return Err(Failure::new(
            FailureKind::Limit,
            format!(
                "{} with {} are more than one job can hand over",
                counted(new, "shot"),
                counted(tasks, "task")
            ),
        )
        .hint("split them into several jobs"));
    }
    Ok(step)
}

/// Returns what the report will need, made to fit into the state that a turn may leave behind.
pub(crate) fn handed_from_plan(plan: &Plan) -> Handed {
    let sequences = plan.sequences.iter().map(|sequence| HandedSequence {
        id: sequence.id.clone(),
        name: sequence.name.clone(),
        is_new: sequence.is_new,
    });
    let (busy, untouched): (Vec<_>, Vec<_>) = plan.shots.iter().partition(|shot| has_work(shot));
    let mut handed = Handed {
        sequences: sequences.collect(),
        shots: busy
            .into_iter()
            .map(|shot| HandedShot {
                is_new: shot.is_new,
                sequence: shot.sequence,
                new_tasks: shot.new_tasks.len(),
                reused_tasks: shot.reused_tasks,
            })
            .collect(),
        untouched: untouched
            .into_iter()
            .map(|shot| UntouchedShot {
                id: shot.id.clone(),
                name: shot.name.clone(),
                sequence: shot.sequence,
                reused_tasks: shot.reused_tasks,
            })
            .collect(),
        untouched_beyond: 0,
        remarks: shortened(&plan.remarks),
    };
    handed.fit();
    handed
}

impl Handed {
    /// Drops untouched shots from the list, never from the count, until the rest fits.
    fn fit(&mut self) {
        while !self.untouched.is_empty()
            && serde_json::to_vec(self).map_or(0, |state| state.len()) > MAX_STATE_BYTES
        {
            let kept = self.untouched.len() / 2;
            self.untouched_beyond += self.untouched.len() - kept;
            self.untouched.truncate(kept);
        }
    }
}

fn shortened(remarks: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = remarks.iter().take(MOST_REMARKS).cloned().collect();
    if remarks.len() > MOST_REMARKS {
        kept.push(format!("and {} more remarks", remarks.len() - MOST_REMARKS));
    }
    kept
}

fn has_work(shot: &PlannedShot) -> bool {
    shot.is_new || !shot.new_tasks.is_empty()
}

fn unit_from_sequence(sequence: &PlannedSequence) -> Unit {
    Unit {
        key: sequence.id.clone(),
        label: sequence.name.clone(),
        needs: Vec::new(),
        operations: vec![create(
            "Sequence",
            &sequence.id,
            [
                ("name", Some(sequence.name.as_str())),
                ("parent_id", Some(&sequence.parent)),
            ],
        )],
    }
}

fn unit_from_shot(shot: &PlannedShot, plan: &Plan) -> Unit {
    let sequence = shot.sequence.map(|at| &plan.sequences[at]);
    let mut operations = Vec::with_capacity(1 + shot.new_tasks.len());
    if shot.is_new {
        let description = Some(shot.description.as_str()).filter(|text| !text.is_empty());
        operations.push(create(
            "Shot",
            &shot.id,
            [
                ("name", Some(shot.name.as_str())),
                ("parent_id", Some(&shot.parent)),
                ("description", description),
                ("status_id", shot.status_id.as_deref()),
            ],
        ));
    }
    operations.extend(shot.new_tasks.iter().map(|task| {
        create(
            "Task",
            &task.id,
            [
                ("name", Some(task.name.as_str())),
                ("parent_id", Some(&shot.id)),
                ("type_id", Some(&task.type_id)),
                ("status_id", task.status_id.as_deref()),
            ],
        )
    }));
    Unit {
        key: shot.id.clone(),
        label: shot.name.clone(),
        needs: sequence
            .filter(|sequence| sequence.is_new)
            .map(|sequence| sequence.id.clone())
            .into_iter()
            .collect(),
        operations,
    }
}

fn create<const N: usize>(
    entity_type: &str,
    id: &str,
    attributes: [(&str, Option<&str>); N],
) -> Operation {
    let data: Map<String, Value> = attributes
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), json!(value?))))
        .collect();
    Operation::Create {
        entity_type: entity_type.to_owned(),
        id: id.to_owned(),
        data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{child, input, planned, project};
    use crate::site::Existing;

    fn units(plan: &Plan) -> Vec<Unit> {
        match step_from_plan(plan).unwrap().work {
            Work::Call { units } => units,
            other => panic!("not a call: {other:?}"),
        }
    }

    #[test]
    fn a_shot_with_its_tasks_is_a_unit_that_needs_its_new_sequence() {
        let mut asked = input("sq1", "\tsh\"010\t\t\twide", &["Compositing"]);
        asked.status = "Ready".into();
        let plan = planned(&project(), &asked, &Existing::default()).unwrap();
        assert_eq!(
            json!(units(&plan)),
            json!([
                {"key": "new-1", "label": "sq1", "operations": [
                    {"action": "create", "entity_type": "Sequence", "id": "new-1",
                     "data": {"name": "sq1", "parent_id": "project"}},
                ]},
                {"key": "new-2", "label": "sh\"010", "needs": ["new-1"], "operations": [
                    {"action": "create", "entity_type": "Shot", "id": "new-2",
                     "data": {"name": "sh\"010", "parent_id": "new-1", "description": "wide", "status_id": "status-Ready"}},
                    {"action": "create", "entity_type": "Task", "id": "new-3",
                     "data": {"name": "Compositing", "parent_id": "new-2", "type_id": "type-Compositing", "status_id": "status-Ready"}},
                ]},
            ])
        );
    }

    #[test]
    fn what_is_there_is_no_unit_and_no_need() {
        let existing = Existing {
            children: vec![
                child("Sequence", "project", "sq1"),
                child("Shot", "project/sq1", "sh010"),
                child("Shot", "project/sq1", "sh020"),
            ],
            tasks: vec![crate::fixture::task(
                "project/sq1/sh020",
                "Tracking",
                "Tracking",
            )],
        };
        let asked = input("sq1", "sh010\nsh020", &["Tracking"]);
        let plan = planned(&project(), &asked, &existing).unwrap();
        assert_eq!(
            json!(units(&plan)),
            json!([
                {"key": "project/sq1/sh010", "label": "sh010", "operations": [
                    {"action": "create", "entity_type": "Task", "id": "new-1",
                     "data": {"name": "Tracking", "parent_id": "project/sq1/sh010", "type_id": "type-Tracking"}},
                ]},
            ])
        );
        let handed = handed_from_plan(&plan);
        assert_eq!(handed.untouched[0].name, "sh020");
    }

    #[test]
    fn the_state_of_the_largest_plan_fits() {
        let shots: String = (0..5000)
            .map(|number| format!("a_long_shot_name_{number:05}\n"))
            .collect();
        let new = planned(
            &project(),
            &input("sq1", &shots, &["Tracking"]),
            &Existing::default(),
        );
        let new = new.unwrap();
        let handed = handed_from_plan(&new);
        assert!(serde_json::to_vec(&handed).unwrap().len() < MAX_STATE_BYTES);
        assert_eq!(handed.shots.len(), 5000);

        let mut there = new;
        for shot in &mut there.shots {
            shot.is_new = false;
            shot.new_tasks.clear();
            shot.id = "0".repeat(36);
        }
        let handed = handed_from_plan(&there);
        assert!(serde_json::to_vec(&handed).unwrap().len() < MAX_STATE_BYTES);
        assert_eq!(handed.untouched.len() + handed.untouched_beyond, 5000);
    }

    #[test]
    fn a_plan_that_fits_in_no_message_is_refused_before_anything_is_made() {
        let shots: String = (0..5000)
            .map(|number| format!("{number}{}\n", "x".repeat(250)))
            .collect();
        let asked = input("sq1", &shots, &["Tracking", "Lighting", "Compositing"]);
        let mut plan = planned(&project(), &asked, &Existing::default()).unwrap();
        for shot in &mut plan.shots {
            shot.description = "y".repeat(1000);
        }
        let failure = step_from_plan(&plan).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Limit);
        assert_eq!(
            failure.message,
            "5000 shots with 15000 tasks are more than one job can hand over"
        );
    }
}
