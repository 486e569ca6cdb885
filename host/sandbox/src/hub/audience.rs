//! Who is told of an update: what lies in a project, only those who see the project.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::Hub;
use crate::access::Access;
use crate::store::Store;

/// Connected users from whom projects are hidden, and which.
pub(crate) struct Audience {
    restricted: HashMap<Arc<str>, HashSet<Arc<str>>>,
}

impl Audience {
    /// Asks who sees what, before a transaction: what it deletes cannot be asked for later.
    pub(crate) fn new(hub: &Hub, store: &Store) -> Self {
        let mut audience = Self {
            restricted: HashMap::new(),
        };
        audience.ask(hub, store);
        audience
    }

    fn ask(&mut self, hub: &Hub, store: &Store) {
        for user_id in hub.user_ids() {
            let hidden = Access::of_user(store, &user_id).hidden(store).projects;
            if !hidden.is_empty() {
                self.restricted.entry(user_id).or_default().extend(hidden);
            }
        }
    }

    /// Tells everyone of an update, but nobody of what they cannot see, neither before nor now.
    pub(crate) fn publish(mut self, hub: &Hub, store: &Store, update: &Json) {
        self.ask(hub, store);
        hub.publish_to(update, &|user_id| !self.restricted.contains_key(user_id));
        for (restricted, hidden) in &self.restricted {
            if let Some(update) = without(update, hidden) {
                hub.publish_to(&update, &|user_id| user_id == restricted);
            }
        }
    }
}

/// An update without what lies in hidden projects; `None` when nothing is left.
fn without(update: &Json, hidden: &HashSet<Arc<str>>) -> Option<Json> {
    let is_shown = |entity: &&Json| {
        let mut parents = entity["parents"].as_array().into_iter().flatten();
        !parents.any(|parent| {
            let id = parent["entityId"].as_str().unwrap_or_default();
            parent["entityType"] == "show" && hidden.contains(id)
        })
    };
    let entities = update["data"]["entities"].as_array()?;
    let entities: Vec<&Json> = entities.iter().filter(is_shown).collect();
    if entities.is_empty() {
        return None;
    }
    let mut known = HashSet::new();
    let parents = entities
        .iter()
        .filter_map(|entity| entity["parents"].as_array())
        .flatten()
        .filter_map(|parent| parent["entityId"].as_str());
    let parents: Vec<&str> = parents.filter(|id| known.insert(*id)).collect();
    let mut shown = update.clone();
    shown["data"]["parents"] = json!(parents);
    shown["data"]["entities"] = json!(entities);
    Some(shown)
}
