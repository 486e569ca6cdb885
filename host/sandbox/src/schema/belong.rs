//! Which columns lead from a row to the project it belongs to.

use super::{Belongs, EntityType, Kind, TypeId};

/// Keys of what a row is part of, whatever kind of entity that is.
const TO_ANYTHING: [&str; 4] = ["parent_id", "entity_id", "from_id", "to_id"];

/// Keys of what a row shows, and is no part of.
const ONLY_SHOWN: [&str; 2] = ["thumbnail_id", "thumbnail_source_id"];

/// Gives every type its columns. Types are part of a project when something they point at is, so this
/// goes on until nothing more is found.
pub(super) fn resolve(types: &mut [EntityType]) {
    loop {
        let found: Vec<Vec<Belongs>> = types.iter().map(|entity| ways(types, entity)).collect();
        let is_done = types
            .iter()
            .zip(&found)
            .all(|(entity, found)| entity.belongs == *found);
        for (entity, found) in types.iter_mut().zip(found) {
            entity.belongs = found;
        }
        if is_done {
            return;
        }
    }
}

fn ways(types: &[EntityType], entity: &EntityType) -> Vec<Belongs> {
    let way = |name: &str, column: usize, target: Option<TypeId>| match target {
        _ if name == "project_id" => Some(Belongs::Project { column }),
        _ if ONLY_SHOWN.contains(&name) => None,
        Some(target) => {
            let is_part = |kind: &TypeId| !types[usize::from(kind.0)].belongs.is_empty();
            let mut kinds = types[usize::from(target.0)].kinds.iter();
            kinds
                .any(is_part)
                .then_some(Belongs::Row { column, target })
        }
        None => TO_ANYTHING
            .contains(&name)
            .then_some(Belongs::Anything { column }),
    };
    let scalars = entity
        .attributes
        .iter()
        .filter_map(|found| match found.kind {
            Kind::Scalar { column, target, .. } => Some((&found.name, column, target)),
            _ => None,
        });
    scalars
        .filter_map(|(name, column, target)| way(name, column, target))
        .collect()
}
