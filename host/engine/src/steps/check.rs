//! What of a hand-over can be checked before the first call.

use std::collections::HashSet;

use callboard_protocol::{Failure, FailureKind, HandOver, Operation, Unit, Work};

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
        let Work::Call { units: of_step } = &step.work else {
            return Err(Failure::new(
                FailureKind::Unsupported,
                format!(
                    "step `{}` is of a kind that this version does not do",
                    step.id
                ),
            )
            .hint("hand over `call` steps only"));
        };
        for unit in of_step {
            check_unit(unit, &units, batch_operations)?;
            if !units.insert(unit.key.as_str()) {
                return Err(Failure::invalid(format!(
                    "two units have the same key: `{}`",
                    unit.key
                )));
            }
        }
    }
    Ok(())
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
