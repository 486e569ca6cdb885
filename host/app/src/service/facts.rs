//! Facts about entities: what kind they are exactly, and what conditions of actions ask for.

use std::collections::BTreeMap;

use callboard_protocol::{Entity, Failure};
use engine::EntityFacts;
use ftrack::{CallError, Filter, Query, Session};
use serde_json::{Map, Value};

use super::Server;
use super::rows::{maps, text};

/// Kinds that are no typed contexts. Every other is one: sites add object types as they like.
const PLAIN: &[&str] = &[
    "Asset",
    "AssetVersion",
    "AssetVersionList",
    "CalendarEvent",
    "Component",
    "ComponentLocation",
    "ContainerComponent",
    "Event",
    "Feed",
    "FileComponent",
    "Group",
    "Job",
    "List",
    "Location",
    "Metadata",
    "Note",
    "Project",
    "ReviewSession",
    "ReviewSessionFolder",
    "ReviewSessionInvitee",
    "ReviewSessionObject",
    "SequenceComponent",
    "Timelog",
    "TypedContextLink",
    "TypedContextList",
    "User",
    "UserSecurityRoleProject",
];

/// Asks the server about entities in one request. Entities that do not exist are missing from the answer.
///
/// # Errors
///
/// When there is no server, or it does not answer.
pub(crate) async fn facts(
    server: &Server,
    entities: &[Entity],
) -> Result<Vec<EntityFacts>, Failure> {
    let session = server.session()?;
    let queries = queries(entities);
    let rows = match session.query_many(&queries).await {
        // One kind that the server does not know fails the request for all of them.
        Err(CallError::BadQuery(_) | CallError::Invalid(_) | CallError::Refused(_))
            if queries.len() > 1 =>
        {
            one_by_one(&session, &queries).await
        }
        Err(CallError::BadQuery(_) | CallError::Invalid(_)) => Ok(Vec::new()),
        rows => rows,
    };
    let rows = rows.map_err(|error| server.failure(&error))?;
    Ok(rows
        .into_iter()
        .flat_map(maps)
        .filter_map(|row| facts_from_row(&row))
        .collect())
}

async fn one_by_one(session: &Session, queries: &[String]) -> Result<Vec<Vec<Value>>, CallError> {
    let mut all = Vec::new();
    for query in queries {
        match session.query(query).await {
            Ok(rows) => all.push(rows),
            Err(
                error @ (CallError::BadQuery(_) | CallError::Invalid(_) | CallError::Refused(_)),
            ) => {
                tracing::debug!(%error, query, "the server knows no such entities");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// Returns one query for each kind that the server keeps apart.
fn queries(entities: &[Entity]) -> Vec<String> {
    let mut ids: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entity in entities {
        let plain = PLAIN.iter().find(|kind| **kind == entity.kind);
        let kind = plain.copied().unwrap_or("TypedContext");
        ids.entry(kind).or_default().push(&entity.id);
    }
    let query = |(kind, ids): (&str, Vec<&str>)| {
        let limit = ids.len() as u64;
        Query::from(kind)
            .select(attributes(kind).iter().copied())
            .filter(Filter::is_in("id", ids))
            .limit(limit)
            .build()
            .expect("the names are constants of this file")
    };
    ids.into_iter().map(query).collect()
}

fn attributes(kind: &str) -> &'static [&'static str] {
    match kind {
        "TypedContext" => &[
            "id",
            "object_type.name",
            "status.name",
            "type.name",
            "project.full_name",
        ],
        "Project" => &["id", "full_name"],
        "AssetVersion" => &["id", "status.name"],
        _ => &["id"],
    }
}

fn facts_from_row(row: &Map<String, Value>) -> Option<EntityFacts> {
    let project = text(row, &["project", "full_name"]).or_else(|| text(row, &["full_name"]));
    Some(EntityFacts {
        id: text(row, &["id"])?,
        kind: text(row, &["__entity_type__"])?,
        object_type: text(row, &["object_type", "name"]),
        status: text(row, &["status", "name"]),
        task_type: text(row, &["type", "name"]),
        project: project.filter(|name| !name.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_selection_is_one_query_for_each_kind_that_is_kept_apart() {
        let entities = [
            Entity::new("Shot", "s1"),
            Entity::new("TypedContext", "t\"1"),
            Entity::new("Project", "p1"),
            Entity::new("x; drop", "s2"),
        ];
        assert_eq!(
            queries(&entities),
            [
                r#"select id, full_name from Project where id in ("p1") limit 1"#,
                r#"select id, object_type.name, status.name, type.name, project.full_name from TypedContext where id in ("s1", "t\"1", "s2") limit 3"#,
            ]
        );
    }

    #[test]
    fn a_row_says_what_an_entity_is() {
        let row = json!({
            "__entity_type__": "Shot", "id": "s1", "object_type": {"name": "Shot"},
            "status": {"name": "In Progress"}, "type": null, "project": {"full_name": "Demo"},
        });
        let facts = facts_from_row(row.as_object().unwrap()).unwrap();
        assert_eq!(facts.kind, "Shot");
        assert_eq!(facts.status.as_deref(), Some("In Progress"));
        assert_eq!(facts.task_type, None);
        assert_eq!(facts.project.as_deref(), Some("Demo"));
    }
}
