//! Makes every mention of an entity in an answer whole.
//!
//! ftrack writes an entity in full where it is met first, and afterwards only its type and id. A reader of one row
//! would have to know all rows before it; so what one mention says is added to the others.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::{Map, Value};

type Entity = (String, String);

/// Adds to each mention of an entity in `answer` what other mentions say of it.
///
/// An entity inside itself gets its plain values only, and entities do not lie deeper within each other than the
/// answer itself has them: that depth is what was asked for, and it keeps a web of links from being written out path
/// by path.
pub(crate) fn complete(answer: &mut Value) {
    let mut known = HashMap::new();
    let depth = collect(answer, &mut known);
    known.retain(|_, mentions| mentions.differ);
    if known.is_empty() {
        return;
    }
    let known = known
        .into_iter()
        .map(|(entity, mentions)| (entity, mentions.attributes))
        .collect();
    fill(answer, &known, depth, &mut Vec::new());
}

/// What an answer says of one entity.
#[derive(Default)]
struct Mentions {
    attributes: Map<String, Value>,
    /// Some mention says less than another.
    differ: bool,
}

fn identity(object: &Map<String, Value>) -> Option<Entity> {
    let entity_type = object.get("__entity_type__")?.as_str()?;
    let id = object.get("id")?.as_str()?;
    Some((entity_type.to_owned(), id.to_owned()))
}

/// Notes what `value` says of each entity, and returns how deep entities lie within each other.
fn collect(value: &Value, known: &mut HashMap<Entity, Mentions>) -> usize {
    match value {
        Value::Array(members) => members
            .iter()
            .map(|member| collect(member, known))
            .max()
            .unwrap_or(0),
        Value::Object(object) => {
            let entity = identity(object);
            let own_depth = usize::from(entity.is_some());
            if let Some(entity) = entity {
                match known.entry(entity) {
                    Entry::Vacant(place) => {
                        place.insert(Mentions {
                            attributes: object.clone(),
                            differ: false,
                        });
                    }
                    Entry::Occupied(mut place) => place.get_mut().add(object),
                }
            }
            own_depth
                + object
                    .values()
                    .map(|member| collect(member, known))
                    .max()
                    .unwrap_or(0)
        }
        _ => 0,
    }
}

impl Mentions {
    fn add(&mut self, object: &Map<String, Value>) {
        if object.len() != self.attributes.len() {
            self.differ = true;
        }
        for (name, value) in object {
            if !self.attributes.contains_key(name) {
                self.differ = true;
                self.attributes.insert(name.clone(), value.clone());
            }
        }
    }
}

fn fill(
    value: &mut Value,
    known: &HashMap<Entity, Map<String, Value>>,
    depth: usize,
    inside: &mut Vec<Entity>,
) {
    match value {
        Value::Array(members) => members
            .iter_mut()
            .for_each(|member| fill(member, known, depth, inside)),
        Value::Object(object) => {
            let entity = identity(object);
            if let Some(entity) = &entity {
                if inside.len() == depth {
                    return;
                }
                let is_again = inside.contains(entity);
                for (name, value) in known.get(entity).into_iter().flatten() {
                    let would_lead_on = is_again && holds_entity(value);
                    if !would_lead_on && !object.contains_key(name) {
                        object.insert(name.clone(), value.clone());
                    }
                }
                if is_again {
                    return;
                }
                inside.push(entity.clone());
            }
            object
                .values_mut()
                .for_each(|member| fill(member, known, depth, inside));
            if entity.is_some() {
                inside.pop();
            }
        }
        _ => {}
    }
}

fn holds_entity(value: &Value) -> bool {
    match value {
        Value::Array(members) => members.iter().any(holds_entity),
        Value::Object(object) => object.contains_key("__entity_type__"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(mut answer: Value, expected: &Value) {
        complete(&mut answer);
        assert_eq!(&answer, expected);
    }

    #[test]
    fn an_entity_inside_itself_has_its_plain_values() {
        let itself = json!({"__entity_type__": "AssetVersion", "id": "v1"});
        let mut whole = itself.clone();
        whole["version"] = json!(1);
        let asset =
            |inner: &Value| json!({"__entity_type__": "Asset", "id": "a", "versions": [inner]});
        let mut row = whole.clone();
        row["asset"] = asset(&itself);
        let mut expected = whole.clone();
        expected["asset"] = asset(&whole);
        check(json!([row]), &json!([expected]));
    }

    #[test]
    fn a_later_mention_is_as_whole_as_the_first() {
        let state = json!({"__entity_type__": "State", "id": "st", "short": "DONE"});
        let status = json!({"__entity_type__": "Status", "id": "s", "state": state});
        check(
            json!([
                {"__entity_type__": "Task", "id": "1", "status": status},
                {"__entity_type__": "Task", "id": "2", "status": {"__entity_type__": "Status", "id": "s"}},
            ]),
            &json!([
                {"__entity_type__": "Task", "id": "1", "status": status},
                {"__entity_type__": "Task", "id": "2", "status": status},
            ]),
        );
    }

    #[test]
    fn a_web_of_links_is_not_written_out_path_by_path() {
        let others = |own: usize| (0..20).filter(move |other| *other != own);
        let links =
            |own| others(own).map(|id| json!({"__entity_type__": "Task", "id": id.to_string()}));
        let mut answer: Value = (0..20)
            .map(|id| json!({"__entity_type__": "Task", "id": id.to_string(), "links": links(id).collect::<Value>()}))
            .collect();
        complete(&mut answer);
        assert!(answer.to_string().len() < 1_000_000);
    }

    #[test]
    fn whole_answers_and_plain_values_are_left_alone() {
        for answer in [
            json!([]),
            json!([{"version": "4.13.8"}, [1, null]]),
            json!({"__entity_type__": "X", "id": 1}),
        ] {
            check(answer.clone(), &answer);
        }
    }
}
