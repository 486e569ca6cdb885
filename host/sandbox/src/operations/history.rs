//! The event history: a row of `Event` for each entity that a transaction has changed.
//!
//! It is made of what `ftrack.update` says of the transaction. The actions of published versions, changed
//! statuses, custom attributes and assignments are those that ftrack's own tools ask for; the others, and
//! the shape of `data`, are assumed.

use serde_json::{Value as Json, json};

use super::Transaction;
use crate::error::ApiError;
use crate::store::{Row, Value};

/// Who is told of an event: the owner's id, and what they have to do with it.
type Feed = (String, &'static str);

impl Transaction<'_> {
    /// Writes down what an update event tells.
    pub(crate) fn record_history(&mut self, update: &Json) -> Result<(), ApiError> {
        let entities = update["data"]["entities"].as_array();
        for entity in entities.into_iter().flatten() {
            for (action, feed) in self.actions(entity) {
                self.record(entity, &action, feed)?;
            }
        }
        Ok(())
    }

    fn record(&mut self, entity: &Json, action: &str, feed: Option<Feed>) -> Result<(), ApiError> {
        let insert = match entity["action"].as_str() {
            Some("add") => "insert",
            Some("remove") => "delete",
            _ => "update",
        };
        let text = |value: &Json| value.as_str().map_or(Value::Null, Value::text);
        let project = entity["parents"]
            .as_array()
            .and_then(|parents| parents.last());
        let project = project.filter(|last| last["entityType"] == "show");
        // What happens to a project that is deleted belongs to none any more.
        let project = project.filter(|project| {
            let id = project["entityId"].as_str().unwrap_or_default();
            let kind = self.schema.expect_type("Project").id;
            self.store.find(kind, id).is_some()
        });
        let data = json!({"id": entity["entityId"], "changes": entity["changes"]});
        let user = Some(&self.caller.user_id).filter(|id| !id.is_empty());
        let event = self.make(
            "Event",
            &[
                ("action", Value::text(action)),
                ("insert", Value::text(insert)),
                ("parent_id", text(&entity["entityId"])),
                ("parent_type", text(&entity["entityType"])),
                (
                    "project_id",
                    project.map_or(Value::Null, |id| text(&id["entityId"])),
                ),
                ("user_id", user.cloned().map_or(Value::Null, Value::Text)),
                ("data", Value::text(data.to_string())),
                ("id", Value::Integer(self.next_event_id())),
            ],
        )?;
        if let Some((owner, relation)) = feed {
            let social_id = Value::Text(event.key(&self.schema));
            let values = [
                ("owner_id", Value::text(owner)),
                ("relation", Value::text(relation)),
                ("social_id", social_id),
            ];
            self.make("Feed", &values)?;
        }
        Ok(())
    }

    fn next_event_id(&self) -> i64 {
        let last = self.store.last(self.schema.expect_type("Event").id);
        let id = |row: &Row| match row.get(&self.schema, "id") {
            Value::Integer(id) => *id,
            _ => 0,
        };
        last.map_or(0, |row| id(row)) + 1
    }

    /// What is said to have happened to an entity.
    fn actions(&self, entity: &Json) -> Vec<(String, Option<Feed>)> {
        let kind = entity["entityType"].as_str().unwrap_or_default();
        let new = |key: &str| entity["changes"][key]["new"].as_str().map(str::to_owned);
        let is_new = entity["action"] == "add";
        match kind {
            "assetversion" if is_new => {
                let asset = new("assetid").map(|asset| (asset, "asset"));
                return vec![("asset.published".to_owned(), asset)];
            }
            "appointment" if is_new && new("type").as_deref() == Some("assignment") => {
                let user = new("resource_id").map(|user| (user, "assigned"));
                return vec![("db.append.task:user".to_owned(), user)];
            }
            _ => {}
        }
        let verb = match entity["action"].as_str() {
            Some("add") => "insert",
            Some("remove") => "delete",
            _ => "update",
        };
        let plain = || (format!("db.{verb}.{kind}"), None);
        if verb != "update" {
            return vec![plain()];
        }
        let name = entity["entity_type"].as_str().unwrap_or_default();
        let named = self.schema.type_named(name);
        let keys = entity["keys"].as_array().into_iter().flatten();
        let mut actions = Vec::new();
        for key in keys.filter_map(Json::as_str) {
            let is_attribute = named.is_some_and(|named| {
                let mut attributes = named.attributes.iter();
                attributes.any(|attribute| &**attribute.event_name() == key)
            });
            actions.push(match key {
                "statusid" => (format!("change.status.{}", name.to_lowercase()), None),
                _ if is_attribute => plain(),
                _ => (format!("update.custom_attribute.{key}"), None),
            });
        }
        // Several plain changes of one entity are one event.
        actions.sort();
        actions.dedup();
        actions
    }
}
