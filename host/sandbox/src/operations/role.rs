//! Roles that the server gives by itself.

use std::sync::Arc;

use uuid::Uuid;

use super::Transaction;
use crate::error::ApiError;
use crate::store::{Row, Value};

/// The role of a new user. Which one it is can be set in the real server; that it holds for all projects
/// which are not private is assumed.
const DEFAULT_ROLE: &str = "User";

impl Transaction<'_> {
    pub(super) fn give_default_role(&mut self, user: &Row) -> Result<(), ApiError> {
        let schema = self.schema.clone();
        let roles = schema.expect_type("SecurityRole").id;
        let role = self.store.rows(roles).find(|role| {
            role.text(&schema, "name")
                .is_some_and(|name| **name == *DEFAULT_ROLE)
        });
        // The first users are made by the seed, which gives them roles of its own.
        let Some(role) = role
            .map(|role| role.key(&schema))
            .filter(|_| !self.is_server())
        else {
            return Ok(());
        };
        self.make(
            "UserSecurityRole",
            &[
                ("user_id", Value::Text(user.key(&schema))),
                ("security_role_id", Value::Text(role)),
                ("is_all_open_projects", Value::Boolean(true)),
            ],
        )?;
        Ok(())
    }

    /// Lets those see a project who made it private.
    pub(super) fn keep_in_sight(&mut self, project: &Row) -> Result<(), ApiError> {
        let schema = self.schema.clone();
        let id = project.key(&schema);
        if self.is_server() || self.caller.access.reaches(self.store, project) {
            return Ok(());
        }
        let user_id = &self.caller.user_id;
        let given = self
            .store
            .rows_where("UserSecurityRole", "user_id", user_id);
        let Some(given) = given.first() else {
            return Ok(());
        };
        self.make(
            "UserSecurityRoleProject",
            &[
                ("user_security_role_id", Value::Text(given.key(&schema))),
                ("project_id", Value::Text(id)),
            ],
        )?;
        Ok(())
    }

    /// Tells whether the server itself makes the changes.
    pub(super) fn is_server(&self) -> bool {
        self.caller.user_id.is_empty()
    }

    /// Adds an entity of the server's own accord.
    pub(super) fn make(
        &mut self,
        kind: &str,
        values: &[(&str, Value)],
    ) -> Result<Arc<Row>, ApiError> {
        let schema = self.schema.clone();
        let entity = schema.expect_type(kind);
        let mut row = Row::new(&schema, entity);
        self.fill_in(entity, &mut row);
        if entity.primary_key.iter().any(|name| &**name == "id") {
            row.set(&schema, "id", Value::text(Uuid::new_v4().to_string()));
        }
        for (name, value) in values {
            row.set(&schema, name, value.clone());
        }
        self.insert(entity, row)
    }
}
