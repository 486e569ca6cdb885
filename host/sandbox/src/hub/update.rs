//! `ftrack.update`: what a committed transaction changed, in the words of the older API.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::operations::Caller;
use crate::schema::{EntityType, Kind, TableId};
use crate::store::{Change, Row, Store, Value};

/// Types whose changes are nobody's business.
const SILENT: [&str; 5] = [
    "ApiKey",
    "AssetVersionStatusChange",
    "Event",
    "TypedContextStatusChange",
    "UserSession",
];

/// Columns that lead to what an entity belongs to, the nearest first.
const PARENT_COLUMNS: [&str; 15] = [
    "parent_id",
    "context_id",
    "asset_id",
    "review_session_object_id",
    "review_session_id",
    "version_id",
    "container_id",
    "list_id",
    "user_security_role_id",
    "note_id",
    "component_id",
    "in_reply_to_id",
    "from_id",
    "project_id",
    "user_id",
];

/// Where such a parent may lie.
const PARENT_TYPES: [&str; 10] = [
    "Context",
    "Asset",
    "AssetVersion",
    "Component",
    "List",
    "Note",
    "ReviewSession",
    "ReviewSessionObject",
    "User",
    "UserSecurityRole",
];

/// Describes the changes of one transaction; `None` when nobody needs to know.
pub(crate) fn update_event(store: &Store, changes: &[Change], caller: &Caller) -> Option<Json> {
    let mut reporter = Reporter::new(store, changes);
    for change in changes {
        reporter.report(change);
    }
    let entries = reporter.entries;
    if entries.is_empty() {
        return None;
    }
    Some(envelope(entries, caller))
}

/// Tells that the media of a version can be played.
pub(crate) fn encoded_event(store: &Store, version: &Arc<Row>, caller: &Caller) -> Json {
    let entry = Reporter::new(store, &[]).new_entry(version, "encoded");
    envelope(vec![entry], caller)
}

fn envelope(entries: Vec<Entry>, caller: &Caller) -> Json {
    let mut known = HashSet::new();
    let ids = entries
        .iter()
        .flat_map(|entry| &entry.parents)
        .filter_map(|parent| parent["entityId"].as_str());
    let parents: Json = ids
        .filter(|id| known.insert(*id))
        .map(|id| json!(id))
        .collect();
    let entities: Json = entries.into_iter().map(Entry::into_json).collect();
    let source_id = caller
        .client_token
        .clone()
        .unwrap_or_else(|| Uuid::new_v4().simple().to_string());
    // Which application the real server names for API clients is not known.
    let mut source = json!({"id": source_id, "applicationId": "ftrack.api"});
    let mut data = json!({
        "pushToken": caller.push_token,
        "clientToken": caller.client_token,
        "parents": parents,
        "entities": entities,
    });
    if !caller.user_id.is_empty() {
        source["user"] = json!({"username": &*caller.username, "id": &*caller.user_id});
        data["user"] = json!({"userid": &*caller.user_id, "name": caller.full_name});
    }
    json!({
        "id": Uuid::new_v4().simple().to_string(),
        "topic": "ftrack.update",
        "sent": null,
        "target": "",
        "inReplyToEvent": null,
        "source": source,
        "data": data,
    })
}

struct Entry {
    action: &'static str,
    fields: Map<String, Json>,
    changes: Map<String, Json>,
    parents: Vec<Json>,
}

impl Entry {
    fn into_json(mut self) -> Json {
        self.fields.insert("action".to_owned(), json!(self.action));
        self.fields.insert(
            "keys".to_owned(),
            self.changes.keys().map(|key| json!(key)).collect(),
        );
        self.fields
            .insert("changes".to_owned(), Json::Object(self.changes));
        self.fields
            .insert("parents".to_owned(), Json::Array(self.parents));
        Json::Object(self.fields)
    }
}

struct Reporter<'a> {
    store: &'a Store,
    /// Rows as they were, for chains that lead through what has been deleted.
    removed: HashMap<(TableId, Arc<str>), Arc<Row>>,
    entries: Vec<Entry>,
    /// Where an entity's entry is, by sequence.
    places: HashMap<u64, usize>,
}

impl<'a> Reporter<'a> {
    fn new(store: &'a Store, changes: &[Change]) -> Self {
        let removed = changes
            .iter()
            .filter(|change| change.after.is_none())
            .filter_map(|change| change.before.clone());
        let removed = removed.map(|row| {
            let table = store.schema.entity_type(row.kind).table;
            ((table, row.key(&store.schema)), row)
        });
        Self {
            store,
            removed: removed.collect(),
            entries: Vec::new(),
            places: HashMap::new(),
        }
    }

    fn entity(&self, row: &Row) -> &'a EntityType {
        self.store.schema.entity_type(row.kind)
    }

    fn report(&mut self, change: &Change) {
        let Some(row) = change.after.as_ref().or(change.before.as_ref()) else {
            return;
        };
        let entity = self.entity(row);
        if entity.hidden || entity.is_other_side() || SILENT.contains(&&*entity.name) {
            return;
        }
        if entity.is_custom_attribute_value() {
            self.report_custom_attribute(change, row);
            return;
        }
        let action = match (&change.before, &change.after) {
            (None, _) => "add",
            (_, None) => "remove",
            (Some(before), Some(after)) => {
                let has_moved = entity.is_typed_context()
                    && before.get(&self.store.schema, "parent_id")
                        != after.get(&self.store.schema, "parent_id");
                if has_moved { "move" } else { "update" }
            }
        };
        let mut reported = Map::new();
        for attribute in entity
            .attributes
            .iter()
            .filter(|attribute| !attribute.hidden)
        {
            let Kind::Scalar { column, .. } = attribute.kind else {
                continue;
            };
            let value = |row: &Option<Arc<Row>>| {
                row.as_ref()
                    .map_or(Value::Null, |row| row.values[column].clone())
            };
            let (old, new) = (value(&change.before), value(&change.after));
            if old != new || action == "add" {
                let change = json!({"old": old.to_plain(), "new": new.to_plain()});
                reported.insert(attribute.event_name().to_string(), change);
            }
        }
        let entry = self.entry_of(row, action);
        entry.action = action;
        entry.changes.append(&mut reported);
    }

    /// Custom attributes are shown as changes of the entity that has them, with texts as values.
    fn report_custom_attribute(&mut self, change: &Change, row: &Row) {
        let schema = self.store.schema.clone();
        let Some(owner) = row.text(&schema, "entity_id").and_then(|id| self.find(id)) else {
            return;
        };
        let text = |row: &Option<Arc<Row>>| match row.as_ref().map(|row| row.get(&schema, "value"))
        {
            None | Some(Value::Null) => Json::Null,
            Some(Value::Boolean(flag)) => json!(if *flag { "1" } else { "0" }),
            Some(Value::Json(json)) => match json.as_array() {
                Some(items) => json!(
                    items
                        .iter()
                        .filter_map(Json::as_str)
                        .collect::<Vec<_>>()
                        .join(",")
                ),
                None => json!(json.to_string()),
            },
            Some(value) => json!(value.to_text()),
        };
        let values = json!({"old": text(&change.before), "new": text(&change.after)});
        let key = row.get(&schema, "key").to_text();
        let entry = self.entry_of(&owner, "update");
        // Nobody cares which attributes something had that is gone.
        if entry.action != "remove" {
            entry.changes.insert(key, values);
        }
    }

    /// The entry of an entity, which is made when there is none yet.
    fn entry_of(&mut self, row: &Arc<Row>, action: &'static str) -> &mut Entry {
        let place = match self.places.get(&row.sequence) {
            Some(place) => *place,
            None => {
                let entry = self.new_entry(row, action);
                self.entries.push(entry);
                self.places.insert(row.sequence, self.entries.len() - 1);
                self.entries.len() - 1
            }
        };
        &mut self.entries[place]
    }

    fn new_entry(&self, row: &Arc<Row>, action: &'static str) -> Entry {
        let mut parents = Vec::new();
        let mut next = Some(row.clone());
        // The limit only guards against rows that lead in a circle, which contexts never do.
        while let Some(row) = next.filter(|_| parents.len() < 100) {
            parents.push(Json::Object(self.fields(&row)));
            next = self.parent(&row);
        }
        // A role in a project leads to its user, who is in none; consumers want the project last.
        let leads_to_user = parents
            .last()
            .is_some_and(|last| last["entityType"] == "user");
        let project = row
            .text(&self.store.schema, "project_id")
            .filter(|_| leads_to_user);
        if let Some(project) = project.and_then(|id| self.find(id)) {
            parents.push(Json::Object(self.fields(&project)));
        }
        let mut fields = self.fields(row);
        if let Some(object_type) = row.text(&self.store.schema, "object_type_id") {
            fields.insert("objectTypeId".to_owned(), json!(&**object_type));
        }
        Entry {
            action,
            fields,
            changes: Map::new(),
            parents,
        }
    }

    fn fields(&self, row: &Row) -> Map<String, Json> {
        let entity = self.entity(row);
        let id = row.values[entity.key_columns[0]].to_plain();
        let parent = self
            .parent(row)
            .map(|parent| parent.key(&self.store.schema));
        let fields = json!({
            "entityId": id,
            "entityType": entity.event_name(),
            "entity_type": &*entity.name,
            "parentId": parent.as_deref(),
        });
        match fields {
            Json::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    fn parent(&self, row: &Row) -> Option<Arc<Row>> {
        let entity = self.entity(row);
        if entity.is_context() && !entity.is_typed_context() {
            return None;
        }
        let key = row.key(&self.store.schema);
        let ids = PARENT_COLUMNS
            .iter()
            .filter_map(|column| row.text(&self.store.schema, column));
        ids.filter(|id| **id != key).find_map(|id| self.find(id))
    }

    fn find(&self, id: &Arc<str>) -> Option<Arc<Row>> {
        let types = PARENT_TYPES
            .iter()
            .map(|name| self.store.schema.expect_type(name));
        types.into_iter().find_map(|entity| {
            let found = self.store.find(entity.id, id).cloned();
            found.or_else(|| self.removed.get(&(entity.table, id.clone())).cloned())
        })
    }
}
