//! Looking up what became of a call whose answer was lost.

use std::collections::{BTreeMap, HashMap};

use callboard_protocol::{Failure, FailureKind};
use engine::Lookup;
use ftrack::{Filter, Query};
use serde_json::{Map, Value};

use super::Server;
use super::rows::{maps, text};

/// An entity as the server has it, if it does.
type Found = Option<Map<String, Value>>;

/// Looks up entities in one request, and returns what there is of each, in order.
///
/// # Errors
///
/// When there is no server, it does not answer, or it does not know a type.
pub(crate) async fn look_up(server: &Server, lookups: &[Lookup]) -> Result<Vec<Found>, Failure> {
    let session = server.session()?;
    let has_long_keys = lookups.iter().any(|lookup| lookup.key.len() != 1);
    let schemas = if has_long_keys {
        Some(
            session
                .schemas()
                .await
                .map_err(|error| server.failure(&error))?,
        )
    } else {
        None
    };
    let groups = groups(lookups, |entity_type| match &schemas {
        Some(schemas) => schemas
            .primary_key(entity_type)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        None => vec!["id".to_owned()],
    })?;
    let queries: Vec<&str> = groups.iter().map(|group| group.query.as_str()).collect();
    let results = session
        .query_many(&queries)
        .await
        .map_err(|error| server.failure(&error))?;
    let mut found: Vec<Found> = vec![None; lookups.len()];
    for (group, rows) in groups.into_iter().zip(results) {
        for row in maps(rows) {
            let key: Option<Vec<String>> = group
                .key_names
                .iter()
                .map(|name| text(&row, &[name]))
                .collect();
            let wanted = key.and_then(|key| group.places.get(&key));
            for place in wanted.into_iter().flatten() {
                found[*place] = Some(row.clone());
            }
        }
    }
    Ok(found)
}

/// Lookups that one query answers.
struct Group {
    query: String,
    key_names: Vec<String>,
    /// Which lookups ask for an entity.
    places: HashMap<Vec<String>, Vec<usize>>,
}

fn groups(
    lookups: &[Lookup],
    key_names: impl Fn(&str) -> Vec<String>,
) -> Result<Vec<Group>, Failure> {
    let mut alike: BTreeMap<(&str, &[String]), Vec<usize>> = BTreeMap::new();
    for (place, lookup) in lookups.iter().enumerate() {
        let kind = (lookup.entity_type.as_str(), lookup.attributes.as_slice());
        alike.entry(kind).or_default().push(place);
    }
    alike
        .into_iter()
        .map(|((entity_type, attributes), places)| {
            let key_names = key_names(entity_type);
            let mut by_key: HashMap<Vec<String>, Vec<usize>> = HashMap::new();
            for place in places {
                let key = lookups[place].key.clone();
                if key.len() != key_names.len() {
                    return Err(bad_key(entity_type));
                }
                by_key.entry(key).or_default().push(place);
            }
            let query = query(entity_type, attributes, &key_names, by_key.keys())?;
            Ok(Group {
                query,
                key_names,
                places: by_key,
            })
        })
        .collect()
}

fn query<'a>(
    entity_type: &str,
    attributes: &[String],
    key_names: &[String],
    keys: impl ExactSizeIterator<Item = &'a Vec<String>>,
) -> Result<String, Failure> {
    let limit = keys.len() as u64;
    let filter = if let [name] = key_names {
        let mut ids: Vec<&str> = keys
            .filter_map(|key| key.first().map(String::as_str))
            .collect();
        ids.sort_unstable();
        Some(Filter::is_in(name.as_str(), ids))
    } else {
        keys.filter_map(|key| {
            let parts = key_names
                .iter()
                .zip(key)
                .map(|(name, value)| Filter::is(name.as_str(), value.as_str()));
            parts.reduce(|all, part| all & part)
        })
        .reduce(|any, one| any | one)
    };
    let filter = filter.ok_or_else(|| bad_key(entity_type))?;
    let selected = key_names.iter().chain(attributes);
    Query::from(entity_type)
        .select(selected.cloned())
        .filter(filter)
        .limit(limit)
        .build()
        .map_err(|error| {
            Failure::invalid("an entity that was handed over has an impossible name")
                .hint("report this to the plugin's author")
                .caused_by(&error)
        })
}

fn bad_key(entity_type: &str) -> Failure {
    Failure::new(
        FailureKind::Invalid,
        format!("a `{entity_type}` has another primary key than the one that was handed over"),
    )
    .hint("report this to the plugin's author")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(entity_type: &str, key: &[&str], attributes: &[&str]) -> Lookup {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Lookup {
            entity_type: entity_type.into(),
            key: owned(key),
            attributes: owned(attributes),
        }
    }

    fn check(lookups: &[Lookup], key_names: &[&str], expected: &[&str]) {
        let names = |_: &str| key_names.iter().map(|name| (*name).to_owned()).collect();
        let queries: Vec<String> = match groups(lookups, names) {
            Ok(groups) => groups.into_iter().map(|group| group.query).collect(),
            Err(failure) => vec![failure.message],
        };
        assert_eq!(queries, expected);
    }

    #[test]
    fn entities_of_one_type_and_with_the_same_attributes_are_one_query() {
        check(
            &[
                lookup("Shot", &["s1"], &[]),
                lookup("Task", &["t1"], &["name"]),
                lookup("Shot", &["s2"], &[]),
                lookup("Shot", &["s2"], &[]),
            ],
            &["id"],
            &[
                r#"select id from Shot where id in ("s1", "s2") limit 2"#,
                r#"select id, name from Task where id in ("t1") limit 1"#,
            ],
        );
        check(
            &[lookup("Metadata", &["p", "k"], &["value"])],
            &["parent_id", "key"],
            &[
                r#"select parent_id, key, value from Metadata where parent_id is "p" and key is "k" limit 1"#,
            ],
        );
    }

    #[test]
    fn a_key_of_the_wrong_length_is_refused() {
        check(
            &[lookup("Metadata", &["p"], &[])],
            &["parent_id", "key"],
            &["a `Metadata` has another primary key than the one that was handed over"],
        );
    }
}
