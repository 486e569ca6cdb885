//! Entities that a person chooses from: their tasks, what lies below something, what has a name.

use callboard_protocol::{EntitiesList, EntitiesOf, Entity, EntityRow, Failure};
use ftrack::{Filter, Query};
use serde_json::{Map, Value};

use super::Server;
use super::query::query;
use super::rows::text;

/// How many entities a list has where its request does not say.
const USUAL_ROWS: u32 = 200;

/// The most that a list has.
const MOST_ROWS: u32 = 1_000;

/// What is asked of each typed context.
const CONTEXT: [&str; 6] = [
    "id",
    "name",
    "link",
    "object_type.name",
    "type.name",
    "status.name",
];

/// Asks the server for a list.
///
/// # Errors
///
/// When there is no server, or it refuses.
pub(crate) async fn list(server: &Server, ask: &EntitiesList) -> Result<Vec<EntityRow>, Failure> {
    let limit = ask.limit.unwrap_or(USUAL_ROWS).clamp(1, MOST_ROWS);
    let user = server.session()?.user().username.clone();
    let query_of = expression(&ask.of, &user)?.limit(limit.into());
    let expression = query_of.build().map_err(|error| {
        Failure::invalid("that cannot be looked for")
            .hint("leave out what is no letter, digit or space")
            .caused_by(&error)
    })?;
    let answers = query(server, &[expression]).await?;
    let rows = answers.into_iter().flatten();
    Ok(rows.filter_map(|row| entity_row(&row)).collect())
}

fn expression(of: &EntitiesOf, user: &str) -> Result<Query, Failure> {
    let active = || Filter::is("project.status", "active");
    Ok(match of {
        EntitiesOf::Mine => Query::from("Task")
            .select(CONTEXT)
            .filter(Filter::any(
                "assignments",
                Filter::is("resource.username", user),
            ))
            .filter(active())
            .order_by("name"),
        EntitiesOf::Projects => Query::from("Project")
            .select(["id", "name", "full_name"])
            .filter(Filter::is("status", "active"))
            .order_by("name"),
        EntitiesOf::Children { parent } => Query::from("TypedContext")
            .select(CONTEXT)
            .filter(Filter::is("parent_id", parent.id.as_str()))
            .order_by("name"),
        EntitiesOf::Search { text } => Query::from("TypedContext")
            .select(CONTEXT)
            .filter(Filter::contains("name", text.trim()))
            .filter(active())
            .order_by("name"),
        _ => {
            return Err(
                Failure::invalid("this version does not know that list of entities")
                    .hint("ask for `mine`, `projects`, `children` or `search`"),
            );
        }
    })
}

fn entity_row(row: &Map<String, Value>) -> Option<EntityRow> {
    let kind = text(row, &["__entity_type__"])?;
    let name = text(row, &["full_name"]).filter(|name| !name.is_empty());
    let mut below = names_above(row);
    // The last one is the entity itself.
    below.pop();
    Some(EntityRow {
        type_name: text(row, &["type", "name"])
            .filter(|_| kind == "Task")
            .or_else(|| text(row, &["object_type", "name"]))
            .unwrap_or_else(|| kind.clone()),
        entity: Entity::new(kind, text(row, &["id"])?),
        name: name.or_else(|| text(row, &["name"]))?,
        below,
        status: text(row, &["status", "name"]).unwrap_or_default(),
    })
}

/// Returns the names along an entity's link; some servers send it as text.
fn names_above(row: &Map<String, Value>) -> Vec<String> {
    let link = match row.get("link") {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
        Some(link) => link.clone(),
        None => Value::Null,
    };
    let links = link.as_array().into_iter().flatten();
    links
        .filter_map(|link| link.get("name")?.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_say_where_an_entity_lies() {
        let row = json!({
            "__entity_type__": "Task", "id": "t1", "name": "comp",
            "link": [{"name": "Night Ferry"}, {"name": "sh010"}, {"name": "comp"}],
            "object_type": {"name": "Task"}, "type": {"name": "Compositing"},
            "status": {"name": "In Progress"},
        });
        let Value::Object(row) = row else { panic!() };
        let seen = entity_row(&row).unwrap();
        assert_eq!(seen.entity, Entity::new("Task", "t1"));
        assert_eq!(seen.below, ["Night Ferry", "sh010"]);
        assert_eq!(
            (seen.type_name.as_str(), seen.status.as_str()),
            ("Compositing", "In Progress")
        );
    }

    #[test]
    fn names_are_quoted_in_what_is_asked() {
        let search = EntitiesOf::Search {
            text: "a\" or id is \"".to_owned(),
        };
        let asked = expression(&search, "ada").unwrap().build();
        assert!(asked.is_err() || asked.is_ok_and(|asked| asked.contains("\\\"")));
    }
}
