//! What a caller may see and change: asked by queries, operations and the event hub.
//!
//! A user has roles, each of them for all projects, for those that are not private, or for some by name;
//! a role of the kind `ASSIGNED` counts where its user is assigned. Which projects a caller may see
//! follows from where their roles reach; what they may change there, from the permissions of the role.

mod permission;
mod view;

use std::collections::HashSet;
use std::sync::Arc;

use permission::Permissions;
pub(crate) use permission::Verb;
pub(crate) use view::{HiddenProjects, View, project_of};

use serde_json::{Map, Value as Json};

use crate::schema::EntityType;
use crate::store::{Row, Store};

/// What somebody may do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    grants: Vec<Grant>,
}

/// The permissions of one role, and where they hold.
#[derive(Clone, Debug)]
struct Grant {
    permissions: Permissions,
    reach: Reach,
}

#[derive(Clone, Debug)]
enum Reach {
    Everywhere,
    Projects {
        are_open_ones: bool,
        named: HashSet<Arc<str>>,
    },
    /// Contexts that the user is assigned to, and the projects they lie in.
    Assigned {
        contexts: HashSet<Arc<str>>,
        projects: HashSet<Arc<str>>,
    },
}

/// One change that somebody wants to make.
#[derive(Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) verb: Verb,
    pub(crate) entity: &'a EntityType,
    /// The attributes to set, where only some may be.
    pub(crate) data: Option<&'a Map<String, Json>>,
}

impl<'a> Wish<'a> {
    pub(crate) fn new(verb: Verb, entity: &'a EntityType) -> Self {
        Self {
            verb,
            entity,
            data: None,
        }
    }
}

impl Access {
    /// What the server itself may do.
    pub(crate) fn unlimited() -> Self {
        Self {
            grants: vec![Grant {
                permissions: Permissions::everything(),
                reach: Reach::Everywhere,
            }],
        }
    }

    /// What the roles of a user allow.
    pub(crate) fn of_user(store: &Store, user_id: &str) -> Self {
        let schema = &store.schema;
        let roles = schema.expect_type("SecurityRole").id;
        let given = store.rows_where("UserSecurityRole", "user_id", user_id);
        let grants = given.iter().filter_map(|given| {
            let role = store.find(roles, given.text(schema, "security_role_id")?)?;
            let reach = if role
                .text(schema, "type")
                .is_some_and(|kind| **kind == *"ASSIGNED")
            {
                assigned(store, user_id)
            } else if given.get(schema, "is_all_projects").is_true() {
                Reach::Everywhere
            } else {
                let id = given.key(schema);
                let named =
                    store.rows_where("UserSecurityRoleProject", "user_security_role_id", &id);
                let named = named.iter();
                Reach::Projects {
                    are_open_ones: given.get(schema, "is_all_open_projects").is_true(),
                    named: named
                        .filter_map(|given| given.text(schema, "project_id").cloned())
                        .collect(),
                }
            };
            Some(Grant {
                permissions: Permissions::of_role(store, role),
                reach,
            })
        });
        Self {
            grants: grants.collect(),
        }
    }

    /// What a global API key allows: what its role does, in projects that are not private.
    pub(crate) fn of_role(store: &Store, role_id: Option<&Arc<str>>) -> Self {
        let roles = store.schema.expect_type("SecurityRole").id;
        let role = role_id.and_then(|id| store.find(roles, id));
        let grants = role.map(|role| Grant {
            permissions: Permissions::of_role(store, role),
            reach: Reach::Projects {
                are_open_ones: true,
                named: HashSet::new(),
            },
        });
        Self {
            grants: grants.into_iter().collect(),
        }
    }

    /// The projects that none of the roles reaches.
    pub(crate) fn hidden_projects(&self, store: &Store) -> HiddenProjects {
        let mut reaches = self.grants.iter().map(|grant| &grant.reach);
        if reaches.any(|reach| matches!(reach, Reach::Everywhere)) {
            return HiddenProjects::new();
        }
        let projects = store.rows(store.schema.expect_type("Project").id);
        projects
            .filter(|project| {
                !self
                    .grants
                    .iter()
                    .any(|grant| grant.reach.covers(store, project))
            })
            .map(|project| project.key(&store.schema))
            .collect()
    }

    /// Tells whether the caller may change anything at all of this type.
    pub(crate) fn may_ever(&self, store: &Store, wish: &Wish<'_>) -> bool {
        self.grants
            .iter()
            .any(|grant| grant.permissions.allow(store, wish))
    }

    /// Tells whether the caller may make this change to this row, which may be new.
    pub(crate) fn may(&self, store: &Store, wish: &Wish<'_>, row: &Row) -> bool {
        self.grants
            .iter()
            .any(|grant| grant.reach.holds(store, row) && grant.permissions.allow(store, wish))
    }
}

impl Reach {
    /// Tells whether a project can be seen.
    fn covers(&self, store: &Store, project: &Row) -> bool {
        let schema = &store.schema;
        let is_private = project.get(schema, "is_private").is_true();
        match self {
            Self::Everywhere => true,
            Self::Projects {
                are_open_ones,
                named,
            } => (*are_open_ones && !is_private) || named.contains(&project.key(schema)),
            Self::Assigned { projects, .. } => {
                !is_private && projects.contains(&project.key(schema))
            }
        }
    }

    /// Tells whether a row lies where this reaches. What belongs to no project lies everywhere.
    fn holds(&self, store: &Store, row: &Row) -> bool {
        if let Self::Everywhere = self {
            return true;
        }
        if let Self::Assigned { contexts, .. } = self
            && !is_assigned(store, row, contexts)
        {
            return false;
        }
        let Some(project) = project_of(store, row) else {
            return true;
        };
        let kind = store.schema.expect_type("Project").id;
        match store.find(kind, &project) {
            Some(project) => self.covers(store, project),
            // The project is new, and is then the row itself or what the reference check refuses.
            None => !row.get(&store.schema, "is_private").is_true(),
        }
    }
}

/// Where a user is assigned, and to which projects that leads.
fn assigned(store: &Store, user_id: &str) -> Reach {
    let schema = &store.schema;
    let appointments = store.rows_where("Appointment", "resource_id", user_id);
    let contexts: HashSet<Arc<str>> = appointments
        .iter()
        .filter_map(|appointment| appointment.text(schema, "context_id").cloned())
        .collect();
    let kind = schema.expect_type("Context").id;
    let rows = contexts.iter().filter_map(|id| store.find(kind, id));
    Reach::Assigned {
        projects: rows.filter_map(|row| project_of(store, row)).collect(),
        contexts,
    }
}

/// Tells whether a row is an assigned context, or hangs on one, or on nothing.
fn is_assigned(store: &Store, row: &Row, contexts: &HashSet<Arc<str>>) -> bool {
    let schema = &store.schema;
    if schema.entity_type(row.kind).is_context() {
        return contexts.contains(&row.key(schema));
    }
    let owners = ["context_id", "task_id", "parent_id"];
    let mut owners = owners.iter().filter_map(|name| row.text(schema, name));
    owners.all(|id| contexts.contains(id))
}
