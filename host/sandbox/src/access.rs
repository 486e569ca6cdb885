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
pub(crate) use view::{Hidden, View, project_of};

use serde_json::{Map, Value as Json};

use crate::schema::EntityType;
use crate::store::{Row, Store};

/// What somebody may do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    is_unlimited: bool,
    grants: Vec<Grant>,
}

/// The permissions of one role, and where they hold.
#[derive(Clone, Debug)]
struct Grant {
    role: Option<Arc<str>>,
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
            is_unlimited: true,
            grants: vec![Grant {
                role: None,
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
                role: Some(role.key(schema)),
                permissions: Permissions::of_role(store, role),
                reach,
            })
        });
        Self {
            is_unlimited: false,
            grants: grants.collect(),
        }
    }

    /// What a global API key allows: what its role does, in projects that are not private.
    pub(crate) fn of_role(store: &Store, role_id: Option<&Arc<str>>) -> Self {
        let roles = store.schema.expect_type("SecurityRole").id;
        let role = role_id.and_then(|id| store.find(roles, id));
        let grants = role.map(|role| Grant {
            role: Some(role.key(&store.schema)),
            permissions: Permissions::of_role(store, role),
            reach: Reach::Projects {
                are_open_ones: true,
                named: HashSet::new(),
            },
        });
        Self {
            is_unlimited: false,
            grants: grants.into_iter().collect(),
        }
    }

    /// What none of the roles shows.
    pub(crate) fn hidden(&self, store: &Store) -> Hidden {
        Hidden {
            projects: self.hidden_projects(store),
            attributes: self.hidden_attributes(store),
        }
    }

    fn hidden_projects(&self, store: &Store) -> HashSet<Arc<str>> {
        let mut reaches = self.grants.iter().map(|grant| &grant.reach);
        if reaches.any(|reach| matches!(reach, Reach::Everywhere)) {
            return HashSet::new();
        }
        let projects = store.rows(store.schema.expect_type("Project").id);
        projects
            .filter(|project| !self.reaches(store, project))
            .map(|project| project.key(&store.schema))
            .collect()
    }

    /// Tells whether a project can be seen.
    pub(crate) fn reaches(&self, store: &Store, project: &Row) -> bool {
        let mut reaches = self.grants.iter().map(|grant| &grant.reach);
        reaches.any(|reach| reach.covers(store, project))
    }

    /// Custom attributes can be read by the roles that are named for it, and by no other.
    fn hidden_attributes(&self, store: &Store) -> HashSet<Arc<str>> {
        let configurations = store.rows(store.schema.expect_type("CustomConfigurationBase").id);
        configurations
            .map(|configuration| configuration.key(&store.schema))
            .filter(|id| !self.has_role_of(store, "ConfigurationReadRole", id))
            .collect()
    }

    /// Tells whether the values of a custom attribute may be set.
    pub(crate) fn may_set(&self, store: &Store, configuration_id: &str) -> bool {
        self.has_role_of(store, "ConfigurationWriteRole", configuration_id)
    }

    /// Tells whether a configuration names one of the roles for reading or writing.
    fn has_role_of(&self, store: &Store, table: &str, configuration_id: &str) -> bool {
        let named = store.rows_where(table, "configuration_id", configuration_id);
        let mut named = named
            .iter()
            .filter_map(|row| row.text(&store.schema, "security_role_id"));
        let is_own = |id: &Arc<str>| {
            self.grants
                .iter()
                .any(|grant| grant.role.as_ref() == Some(id))
        };
        self.is_unlimited || named.any(is_own)
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
