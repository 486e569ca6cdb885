//! What is known of entities, and whether an action applies to them.

use std::collections::{HashMap, VecDeque};

use callboard_protocol::{Action, Entity, Surface, When};

use crate::event::EntityFacts;

/// The kind that stands for every object type, where no more is known.
const TYPED_CONTEXT: &str = "TypedContext";

/// Kinds that are no typed contexts: a coarse kind can never turn out to be one of them.
const NOT_TYPED: &[&str] = &[
    "Project",
    "Asset",
    "AssetVersion",
    "User",
    "Group",
    "List",
    "TypedContextList",
    "AssetVersionList",
    "ReviewSession",
    "Component",
    "FileComponent",
    "SequenceComponent",
    "Note",
];

/// Whether an action applies to a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Applies {
    Yes,
    /// It does not, and why.
    No(String),
    /// Too little is known of the selection.
    Unknown,
}

/// A bounded memory of entities' facts. The oldest are forgotten first.
#[derive(Debug)]
pub(crate) struct FactsCache {
    limit: usize,
    by_id: HashMap<String, EntityFacts>,
    order: VecDeque<String>,
}

impl FactsCache {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            by_id: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&EntityFacts> {
        self.by_id.get(id)
    }

    pub(crate) fn insert(&mut self, facts: EntityFacts) {
        let id = facts.id.clone();
        if self.by_id.insert(id.clone(), facts).is_none() {
            self.order.push_back(id);
        }
        while self.by_id.len() > self.limit {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            self.by_id.remove(&oldest);
        }
    }

    pub(crate) fn forget(&mut self, ids: &[String]) {
        let before = self.by_id.len();
        for id in ids {
            self.by_id.remove(id);
        }
        if self.by_id.len() < before {
            self.order.retain(|id| self.by_id.contains_key(id));
        }
    }

    pub(crate) fn forget_all(&mut self) {
        self.by_id.clear();
        self.order.clear();
    }

    /// Returns the entities of a selection of which nothing is known.
    pub(crate) fn unknown<'a>(&self, selection: &'a [Entity]) -> Vec<&'a Entity> {
        selection
            .iter()
            .filter(|entity| !self.by_id.contains_key(&entity.id))
            .collect()
    }

    /// Decides whether `action` applies on `surface` to `selection`, for somebody who holds `roles`.
    pub(crate) fn applies(
        &self,
        action: &Action,
        surface: Surface,
        selection: &[Entity],
        roles: &[String],
    ) -> Applies {
        // Surfaces say in which menus it is: what an event launches was in none.
        let is_offered = action.surfaces.is_empty() || action.surfaces.contains(&surface);
        if !is_offered && surface != Surface::Event {
            return Applies::No(format!("`{}` is not offered there", action.label));
        }
        let when = &action.when;
        if !when.count.admits(selection.len()) {
            return Applies::No(format!(
                "`{}` does not apply to {} selected entities",
                action.label,
                selection.len()
            ));
        }
        if !when.role.is_empty() && !when.role.iter().any(|role| roles.contains(role)) {
            return Applies::No(format!(
                "`{}` needs one of the roles {}",
                action.label,
                listed(&when.role)
            ));
        }
        let mut verdict = Applies::Yes;
        for entity in selection {
            match applies_to(when, entity, self.get(&entity.id)) {
                Applies::No(reason) => return Applies::No(format!("`{}` {reason}", action.label)),
                Applies::Unknown => verdict = Applies::Unknown,
                Applies::Yes => {}
            }
        }
        verdict
    }
}

fn applies_to(when: &When, entity: &Entity, facts: Option<&EntityFacts>) -> Applies {
    let by_type = type_applies(when, entity, facts);
    if matches!(by_type, Applies::No(_)) {
        return by_type;
    }
    let conditions = [
        (&when.object_types, "object type"),
        (&when.status, "status"),
        (&when.task_type, "task type"),
        (&when.project, "project"),
    ];
    let mut verdict = by_type;
    for (wanted, what) in conditions {
        if wanted.is_empty() {
            continue;
        }
        let Some(facts) = facts else {
            verdict = Applies::Unknown;
            continue;
        };
        let found = match what {
            "object type" => &facts.object_type,
            "status" => &facts.status,
            "task type" => &facts.task_type,
            _ => &facts.project,
        };
        if !found.as_ref().is_some_and(|found| wanted.contains(found)) {
            return Applies::No(format!("applies to {what} {} only", listed(wanted)));
        }
    }
    verdict
}

fn type_applies(when: &When, entity: &Entity, facts: Option<&EntityFacts>) -> Applies {
    if when.types.is_empty() {
        return Applies::Yes;
    }
    let wants = |kind: &str| when.types.iter().any(|wanted| wanted == kind);
    let refusal = || Applies::No(format!("applies to {} only", listed(&when.types)));
    if let Some(facts) = facts {
        let typed = facts.object_type.is_some();
        return if wants(&facts.kind) || (typed && wants(TYPED_CONTEXT)) {
            Applies::Yes
        } else {
            refusal()
        };
    }
    if wants(&entity.kind) {
        return Applies::Yes;
    }
    let is_typed = !NOT_TYPED.contains(&entity.kind.as_str());
    if is_typed
        && when
            .types
            .iter()
            .any(|wanted| !NOT_TYPED.contains(&wanted.as_str()))
    {
        // A coarse kind may turn out to be the wanted one.
        return Applies::Unknown;
    }
    refusal()
}

fn listed(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(when: &str, selection: &[(&str, &str)], expected: &str) {
        let action: Action =
            serde_json::from_str(&format!(r#"{{"id":"a","label":"A","when":{when}}}"#)).unwrap();
        let mut cache = FactsCache::new(10);
        for (kind, id, object_type, status) in [
            ("Shot", "s1", Some("Shot"), "In progress"),
            ("Task", "t1", Some("Task"), "Approved"),
            ("Project", "p1", None, ""),
        ] {
            cache.insert(EntityFacts {
                id: id.into(),
                kind: kind.into(),
                object_type: object_type.map(Into::into),
                status: Some(status.into()),
                project: Some("Demo".into()),
                ..EntityFacts::default()
            });
        }
        let selection: Vec<Entity> = selection
            .iter()
            .map(|(kind, id)| Entity::new(*kind, *id))
            .collect();
        let answer = match cache.applies(&action, Surface::Web, &selection, &["Artist".into()]) {
            Applies::Yes => "yes".to_owned(),
            Applies::Unknown => "unknown".to_owned(),
            Applies::No(reason) => reason,
        };
        assert_eq!(answer, expected, "{when} on {selection:?}");
    }

    #[test]
    fn when_answers_yes_no_or_unknown() {
        let shots = r#"{"types":["Shot"]}"#;
        check("{}", &[], "yes");
        check(shots, &[], "yes");
        check(shots, &[("TypedContext", "s1")], "yes");
        check(
            shots,
            &[("TypedContext", "t1")],
            "`A` applies to `Shot` only",
        );
        check(shots, &[("TypedContext", "never-seen")], "unknown");
        check(shots, &[("Project", "p9")], "`A` applies to `Shot` only");
        check(
            shots,
            &[("TypedContext", "s1"), ("TypedContext", "t1")],
            "`A` applies to `Shot` only",
        );
        check(
            r#"{"types":["Project"]}"#,
            &[("TypedContext", "never-seen")],
            "`A` applies to `Project` only",
        );
        check(
            r#"{"types":["TypedContext"]}"#,
            &[("TypedContext", "t1")],
            "yes",
        );
        check(
            r#"{"types":["TypedContext"]}"#,
            &[("Project", "p1")],
            "`A` applies to `TypedContext` only",
        );
        check(
            r#"{"count":"one"}"#,
            &[],
            "`A` does not apply to 0 selected entities",
        );
        check(
            r#"{"count":"many"}"#,
            &[("Shot", "s1"), ("Task", "t1")],
            "yes",
        );
        check(
            r#"{"status":["Approved"]}"#,
            &[("TypedContext", "t1")],
            "yes",
        );
        check(
            r#"{"status":["Approved"]}"#,
            &[("TypedContext", "s1")],
            "`A` applies to status `Approved` only",
        );
        check(
            r#"{"status":["Approved"]}"#,
            &[("TypedContext", "never-seen")],
            "unknown",
        );
        check(
            r#"{"role":["Administrator"]}"#,
            &[],
            "`A` needs one of the roles `Administrator`",
        );
        check(r#"{"role":["Artist"]}"#, &[], "yes");
        check(r#"{"project":["Demo"]}"#, &[("Project", "p1")], "yes");
    }

    #[test]
    fn the_oldest_facts_are_forgotten_first() {
        let mut cache = FactsCache::new(2);
        for id in ["a", "b", "c"] {
            cache.insert(EntityFacts {
                id: id.into(),
                ..EntityFacts::default()
            });
        }
        assert!(cache.get("a").is_none());
        assert!(cache.get("b").is_some() && cache.get("c").is_some());
        cache.forget(&["b".into()]);
        assert!(cache.get("b").is_none());
    }
}
