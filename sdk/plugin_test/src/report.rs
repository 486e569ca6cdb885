//! How steps ended, as a plugin is told.

use callboard_protocol::{
    Failure, HandOver, StepReport, StepState, StepsReport, UnitReport, UnitState, Work,
};

/// Reports on a hand-over, in which those units failed for which `failure_of` gives a reason by their key.
pub(crate) fn ended(
    hand_over: &HandOver,
    failure_of: impl Fn(&str) -> Option<Failure>,
) -> StepsReport {
    let steps = hand_over.steps.iter().map(|step| {
        let units: Vec<UnitReport> = match &step.work {
            Work::Call { units } => units
                .iter()
                .map(|unit| unit_report(&unit.key, &unit.label, failure_of(&unit.key)))
                .collect(),
            Work::Event { .. } => {
                let key = step.id.as_str();
                vec![unit_report(key, &step.label, failure_of(key))]
            }
            _ => Vec::new(),
        };
        StepReport {
            id: step.id.clone(),
            state: state_of(&units),
            calls: 1,
            held_up: None,
            units,
        }
    });
    StepsReport {
        key: hand_over.key.clone(),
        steps: steps.collect(),
    }
}

fn unit_report(key: &str, label: &str, failure: Option<Failure>) -> UnitReport {
    UnitReport {
        key: key.to_owned(),
        label: label.to_owned(),
        state: if failure.is_none() {
            UnitState::Done
        } else {
            UnitState::Failed
        },
        failure,
    }
}

fn state_of(units: &[UnitReport]) -> StepState {
    let failed = units.iter().filter(|unit| unit.failure.is_some()).count();
    if failed == 0 {
        StepState::Done
    } else if failed == units.len() {
        StepState::Failed
    } else {
        StepState::Partly
    }
}
