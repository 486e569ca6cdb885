//! The actions that give users roles and take them away.
//!
//! What they answer is assumed, and that a role given by them holds for all projects that are not private.

use serde_json::{Value as Json, json};

use crate::error::ApiError;
use crate::operations::Transaction;
use crate::store::Row;

pub(super) const ACTIONS: [&str; 5] = [
    "add_user_security_role",
    "revoke_user_security_role",
    "update_user_security_role",
    "grant_user_security_role_project",
    "revoke_user_security_role_project",
];

/// Carries out one of [`ACTIONS`].
pub(super) fn change(
    transaction: &mut Transaction<'_>,
    operation: &Json,
) -> Result<Json, ApiError> {
    let text = |key: &str| {
        let text = operation[key].as_str();
        text.ok_or_else(|| ApiError::validation(format!("The operation has no {key}")))
    };
    let (user, role) = (text("user_id")?, text("role_id")?);
    let action = text("action")?;
    match action {
        "add_user_security_role" => {
            add(transaction, user, role, true)?;
        }
        "revoke_user_security_role" => {
            let given = given(transaction, user, role)?;
            remove(transaction, "UserSecurityRole", &given)?;
        }
        "update_user_security_role" => {
            let key = given(transaction, user, role)?;
            transaction.update(&json!({
                "entity_type": "UserSecurityRole", "entity_key": [key],
                "entity_data": {"security_role_id": text("new_role_id")?},
            }))?;
        }
        "grant_user_security_role_project" => {
            let given = match given(transaction, user, role) {
                Ok(given) => given,
                Err(_) => add(transaction, user, role, false)?,
            };
            transaction.create(&json!({
                "entity_type": "UserSecurityRoleProject",
                "entity_data": {"user_security_role_id": given, "project_id": text("project_id")?},
            }))?;
        }
        _ => {
            let given = given(transaction, user, role)?;
            let project = text("project_id")?;
            let kind = "UserSecurityRoleProject";
            let found = find(
                transaction,
                kind,
                ("user_security_role_id", &given),
                ("project_id", project),
            );
            let found = found.ok_or_else(|| missing("project"))?;
            remove(transaction, kind, &found)?;
        }
    }
    Ok(json!({"action": action, "data": true}))
}

fn add(
    transaction: &mut Transaction<'_>,
    user: &str,
    role: &str,
    are_open_projects: bool,
) -> Result<String, ApiError> {
    let id = uuid::Uuid::new_v4().to_string();
    transaction.create(&json!({
        "entity_type": "UserSecurityRole",
        "entity_data": {
            "id": id, "user_id": user, "security_role_id": role, "is_all_open_projects": are_open_projects,
        },
    }))?;
    Ok(id)
}

fn remove(transaction: &mut Transaction<'_>, kind: &str, id: &str) -> Result<(), ApiError> {
    transaction.delete(&json!({"entity_type": kind, "entity_key": [id]}))
}

/// The id of the row that gives a user a role.
fn given(transaction: &Transaction<'_>, user: &str, role: &str) -> Result<String, ApiError> {
    let found = find(
        transaction,
        "UserSecurityRole",
        ("user_id", user),
        ("security_role_id", role),
    );
    found.ok_or_else(|| missing("role"))
}

fn find(
    transaction: &Transaction<'_>,
    kind: &str,
    (column, key): (&str, &str),
    (other, wanted): (&str, &str),
) -> Option<String> {
    let schema = &transaction.store.schema;
    let rows = transaction.store.rows_where(kind, column, key);
    let is_wanted = |row: &&std::sync::Arc<Row>| {
        row.text(schema, other)
            .is_some_and(|other| **other == *wanted)
    };
    rows.iter()
        .find(is_wanted)
        .map(|row| row.key(schema).to_string())
}

fn missing(what: &str) -> ApiError {
    ApiError::validation(format!("The user does not have this {what}"))
}
