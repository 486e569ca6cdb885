//! What of a hand-over can be checked before the first call.

use std::collections::HashSet;

use callboard_protocol::{Failure, FailureKind, HandOver, InDoubt, Operation, StepId, Unit, Work};
use serde_json::Value;

/// Checks a hand-over for everything that can be checked before the first call.
pub(crate) fn check(hand_over: &HandOver, batch_operations: usize) -> Result<(), Failure> {
    if hand_over.key.is_empty() || hand_over.steps.is_empty() {
        return Err(Failure::invalid(
            "a hand-over needs a key and at least one step",
        ));
    }
    let mut steps = HashSet::new();
    let mut units = HashSet::new();
    for step in &hand_over.steps {
        if let Some(missing) = step.needs.iter().find(|needed| !steps.contains(needed)) {
            return Err(Failure::invalid(format!(
                "step `{}` needs a step that does not stand before it: `{missing}`",
                step.id
            )));
        }
        if !steps.insert(&step.id) {
            return Err(Failure::invalid(format!(
                "two steps have the same id: `{}`",
                step.id
            )));
        }
        match &step.work {
            Work::Call { units: of_step } => {
                for unit in of_step {
                    check_unit(unit, &units, batch_operations)?;
                    take_key(&mut units, &unit.key)?;
                }
            }
            Work::Event { event, in_doubt } => {
                check_event(&step.id, event, *in_doubt)?;
                take_key(&mut units, step.id.as_str())?;
            }
            _ => return Err(unsupported(&step.id)),
        }
    }
    Ok(())
}

fn take_key<'a>(taken: &mut HashSet<&'a str>, key: &'a str) -> Result<(), Failure> {
    if taken.insert(key) {
        return Ok(());
    }
    Err(Failure::invalid(format!(
        "two units have the same key: `{key}`"
    )))
}

fn unsupported(step: &StepId) -> Failure {
    let message = format!("step `{step}` is of a kind that this version does not do");
    Failure::new(FailureKind::Unsupported, message).hint("hand over `call` and `event` steps only")
}

/// Checks what makes an event the same one however often it is published.
fn check_event(step: &StepId, event: &Value, in_doubt: InDoubt) -> Result<(), Failure> {
    let id = event.get("id").and_then(Value::as_str).unwrap_or_default();
    if id.is_empty() {
        return Err(
            Failure::invalid(format!("the event of step `{step}` has no id"))
                .hint("make an `id` for it before it is handed over"),
        );
    }
    match in_doubt {
        InDoubt::Repeat | InDoubt::Fail => Ok(()),
        _ => Err(Failure::new(
            FailureKind::Unsupported,
            format!("step `{step}` has an `in_doubt` that this version does not know"),
        )
        .hint("write `repeat` or `fail`")),
    }
}

fn check_unit(unit: &Unit, before: &HashSet<&str>, batch_operations: usize) -> Result<(), Failure> {
    if unit.operations.is_empty() {
        return Err(Failure::invalid(format!(
            "unit `{}` has no operations",
            unit.key
        )));
    }
    if unit.operations.len() > batch_operations {
        return Err(Failure::new(
            FailureKind::Limit,
            format!(
                "unit `{}` has more than {batch_operations} operations",
                unit.key
            ),
        ));
    }
    if let Some(missing) = unit
        .needs
        .iter()
        .find(|needed| !before.contains(needed.as_str()))
    {
        return Err(Failure::invalid(format!(
            "unit `{}` needs a unit that does not stand before it: `{missing}`",
            unit.key
        )));
    }
    if unit.operations.iter().any(is_nameless) {
        return Err(Failure::invalid(format!(
            "unit `{}` has an operation without entity type or id",
            unit.key
        )));
    }
    Ok(())
}

/// Tells whether an operation does not say what it is about.
pub(crate) fn is_nameless(operation: &Operation) -> bool {
    match operation {
        Operation::Create {
            entity_type, id, ..
        } => entity_type.is_empty() || id.is_empty(),
        Operation::Update {
            entity_type, key, ..
        }
        | Operation::Delete { entity_type, key } => entity_type.is_empty() || key.is_empty(),
        _ => true,
    }
}
