//! What a role permits, as words: `VERB:TYPE`, `VERB:TYPE.attribute`, and the same after `-` to forbid.
//!
//! ```text
//! *:*                     everything
//! *:project               everything that belongs to projects
//! -delete:Project         but no project may be deleted
//! update:Task.status_id   of a task, its status may be changed
//! ```
//!
//! The real server keeps what a role permits from its API, so the words are ours.

use std::sync::Arc;

use super::Wish;
use crate::store::{Row, Store};

/// Everything there is.
const ANYTHING: &str = "*";
/// Types whose rows belong to projects.
const OF_PROJECTS: &str = "project";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Update,
    Delete,
}

impl Verb {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Permissions {
    words: Vec<Word>,
}

#[derive(Clone, Debug)]
struct Word {
    is_refusal: bool,
    verb: Arc<str>,
    kind: Arc<str>,
    attribute: Option<Arc<str>>,
}

impl Permissions {
    pub(super) fn everything() -> Self {
        Self::from_text("*:*")
    }

    pub(super) fn of_role(store: &Store, role: &Row) -> Self {
        Self::from_text(role.text(&store.schema, "access").map_or("", |text| text))
    }

    fn from_text(text: &str) -> Self {
        let word = |word: &str| {
            let (is_refusal, word) = match word.strip_prefix('-') {
                Some(rest) => (true, rest),
                None => (false, word),
            };
            let (verb, what) = word.split_once(':')?;
            let (kind, attribute) = match what.split_once('.') {
                Some((kind, attribute)) => (kind, Some(Arc::from(attribute))),
                None => (what, None),
            };
            Some(Word {
                is_refusal,
                verb: Arc::from(verb),
                kind: Arc::from(kind),
                attribute,
            })
        };
        Self {
            words: text.split_whitespace().filter_map(word).collect(),
        }
    }

    pub(super) fn allow(&self, store: &Store, wish: &Wish<'_>) -> bool {
        let fitting: Vec<&Word> = self
            .words
            .iter()
            .filter(|word| word.fits(store, wish))
            .collect();
        if fitting.is_empty() || fitting.iter().any(|word| word.is_refusal) {
            return false;
        }
        // Each word may name one attribute, and all that are sent must be named.
        let is_named = |name: &str| {
            let mut words = fitting.iter().map(|word| word.attribute.as_deref());
            name == "__entity_type__" || words.any(|own| own.is_none_or(|own| own == name))
        };
        match wish.data {
            Some(data) => data.keys().all(|name| is_named(name)),
            None => true,
        }
    }
}

impl Word {
    fn fits(&self, store: &Store, wish: &Wish<'_>) -> bool {
        let is_verb = &*self.verb == ANYTHING || &*self.verb == wish.verb.name();
        is_verb
            && match &*self.kind {
                ANYTHING => true,
                OF_PROJECTS => !wish.entity.belongs.is_empty(),
                name => store
                    .schema
                    .type_named(name)
                    .is_some_and(|kind| store.schema.is_kind_of(wish.entity.id, kind.id)),
            }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::seed::demo_store;

    #[test]
    fn words_permit_by_verb_type_and_attribute() {
        let store = demo_store();
        let check = |text: &str, verb: Verb, kind: &str, data: Json, expected: bool| {
            let wish = Wish {
                data: data.as_object(),
                ..Wish::new(verb, store.schema.expect_type(kind))
            };
            let permissions = Permissions::from_text(text);
            assert_eq!(
                permissions.allow(&store, &wish),
                expected,
                "{text}: {} {kind} {data}",
                verb.name()
            );
        };
        let (create, update, delete) = (Verb::Create, Verb::Update, Verb::Delete);
        let name = || json!({"__entity_type__": "Task", "name": "x"});
        check("", update, "Task", name(), false);
        check("*:*", delete, "Status", Json::Null, true);
        check("update:*", create, "Task", name(), false);
        check("*:project", update, "Task", name(), true);
        check("*:project", update, "FileComponent", Json::Null, true);
        check("*:project", update, "Status", name(), false);
        check("*:Context", update, "Shot", name(), true);
        check("*:* -delete:Project", delete, "Project", Json::Null, false);
        check("*:* -delete:Project", update, "Project", name(), true);
        check("update:Task.status", update, "Task", name(), false);
        check(
            "update:Task.status update:Task.name",
            update,
            "Task",
            json!({"status": 1, "name": 2}),
            true,
        );
        check("nonsense *:Nonsense", update, "Task", name(), false);
    }
}
