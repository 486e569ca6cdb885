//! What an action is launched on.

use callboard_protocol::{Count, Entity, When};

use super::Pick;

/// Returns the type of entity that an action is for.
pub(super) fn kind_of(when: &When) -> &str {
    match when.types.first().map(String::as_str) {
        None | Some("TypedContext") => "Shot",
        Some(kind) => kind,
    }
}

/// Returns a selection that `when` admits, as far as there are such entities.
pub(super) fn fitting(when: &When, pick: &mut Pick) -> Vec<Entity> {
    let count = match when.count {
        Count::None => 0,
        Count::Any | Count::One | Count::Some => 1,
        Count::Many => 2,
    };
    let kind = kind_of(when);
    let mut selection = if count == 0 {
        Vec::new()
    } else {
        pick(kind, count)
    };
    let missing = count - selection.len().min(count);
    selection.extend(invented(kind, missing));
    selection
}

/// Returns a selection that `when` does not admit: of another size where the size matters, of another type where it does not.
pub(super) fn unfitting(when: &When, pick: &mut Pick) -> Vec<Entity> {
    match when.count {
        Count::None => pick(kind_of(when), 1),
        Count::One | Count::Some | Count::Many => Vec::new(),
        Count::Any => invented("NoSuchType", 1),
    }
}

/// Returns entities that no server has.
pub(super) fn invented(kind: &str, count: usize) -> Vec<Entity> {
    let id = |number: usize| format!("00000000-0000-4000-8000-{number:012x}");
    (0..count)
        .map(|number| Entity::new(kind, id(number)))
        .collect()
}
