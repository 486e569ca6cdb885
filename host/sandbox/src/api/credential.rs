//! Who a request comes from, and what they may do.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::access::{Access, Verb};
use crate::error::ApiError;
use crate::operations::{Caller, Transaction};
use crate::store::{Row, Store, Value};

/// Finds the user who owns an API key.
///
/// # Errors
///
/// Fails when the user is unknown or disabled, or the key is not theirs or has expired.
pub(crate) fn authenticate(
    store: &Store,
    username: &str,
    api_key: &str,
) -> Result<Caller, ApiError> {
    let schema = &store.schema;
    let refused = || {
        ApiError::credentials("The supplied API key is not valid. Check the header ftrack-api-key")
    };
    let user = store
        .rows_where("User", "username", username)
        .into_iter()
        .next()
        .ok_or_else(refused)?;
    let user_id = user.key(schema);
    let keys = store.rows(schema.expect_type("ApiKey").id);
    let mut keys = keys.filter(|key| {
        let is_known = key
            .text(schema, "secret")
            .is_some_and(|secret| **secret == *api_key);
        is_known
            && key
                .text(schema, "resource_id")
                .is_none_or(|owner| *owner == user_id)
    });
    let key = keys
        .next()
        .filter(|_| !api_key.is_empty())
        .ok_or_else(refused)?;
    if key.get(schema, "expired").is_true() {
        return Err(ApiError::credentials("The supplied API key has expired"));
    }
    if !user.get(schema, "is_active").is_true() {
        return Err(ApiError::credentials(format!(
            "The user {username} is disabled"
        )));
    }
    let name = |column| user.get(schema, column).to_text();
    Ok(Caller {
        // A key that belongs to nobody brings its own role along, whoever uses it.
        access: match key.text(schema, "resource_id") {
            Some(_) => Access::of_user(store, &user_id),
            None => Access::of_role(store, key.text(schema, "security_role_id")),
        },
        key_id: Some(key.key(schema)),
        has_global_key: key.text(schema, "resource_id").is_none(),
        user_id,
        username: Arc::from(username),
        full_name: format!("{} {}", name("first_name"), name("last_name"))
            .trim()
            .to_owned(),
        ..Caller::default()
    })
}

/// Tells whether there is such a user at all.
pub(crate) fn is_user_known(store: &Store, username: &str) -> bool {
    !store.rows_where("User", "username", username).is_empty()
}

/// Gives a user a new API key; the old one is void.
pub(super) fn reset_remote(
    transaction: &mut Transaction<'_>,
    operation: &Json,
) -> Result<Json, ApiError> {
    let schema = transaction.store.schema.clone();
    if operation["reset_type"] != "api_key" || operation["entity_type"] != "User" {
        return Err(ApiError::validation(
            "Only the api_key of a User can be reset",
        ));
    }
    let entity_key = operation["entity_key"]
        .as_str()
        .or_else(|| operation["entity_key"][0].as_str());
    let user_id =
        entity_key.ok_or_else(|| ApiError::validation("The operation has no entity_key"))?;
    let caller = transaction.caller;
    let may_reset = caller.may_ever(transaction.store, Verb::Update, "ApiKey");
    if *user_id != *caller.user_id && !may_reset {
        let username = &caller.username;
        return Err(ApiError::permission(format!(
            "User {username} is not permitted to reset this API key"
        )));
    }
    if transaction
        .store
        .find(schema.expect_type("User").id, user_id)
        .is_none()
    {
        return Err(ApiError::validation(format!(
            "User {user_id} does not exist"
        )));
    }
    let secret = new_secret();
    let known = transaction
        .store
        .rows_where("ApiKey", "resource_id", user_id)
        .into_iter()
        .next();
    match known {
        Some(row) => {
            let mut row = Row::clone(&row);
            row.set(&schema, "secret", Value::text(&secret));
            row.set(&schema, "prefix", Value::text(&secret[..8]));
            row.set(&schema, "expired", Value::Boolean(false));
            transaction.store.replace(row);
        }
        None => {
            let row = api_key_row(
                transaction.store,
                user_id,
                &secret,
                &Uuid::new_v4().to_string(),
            );
            transaction.store.insert(row);
        }
    }
    Ok(json!({"action": "reset_remote", "data": {"api_key": secret}}))
}

pub(crate) fn new_secret() -> String {
    Uuid::new_v4().to_string()
}

pub(crate) fn api_key_row(store: &Store, user_id: &str, secret: &str, id: &str) -> Row {
    let schema = &store.schema;
    let mut row = Row::new(schema, schema.expect_type("ApiKey"));
    row.set(schema, "id", Value::text(id));
    row.set(schema, "identifier", Value::text("personal"));
    row.set(schema, "resource_id", Value::text(user_id));
    row.set(
        schema,
        "prefix",
        Value::text(&secret[..8.min(secret.len())]),
    );
    row.set(schema, "secret", Value::text(secret));
    row.set(schema, "expired", Value::Boolean(false));
    row
}

/// Adds a key that anybody may use, with what a role permits; `None` when there is no such role.
pub(crate) fn add_global_key(store: &mut Store, role: &str) -> Option<String> {
    let schema = store.schema.clone();
    let role = store.rows_where("SecurityRole", "name", role);
    let role_id = role.first()?.key(&schema);
    let secret = new_secret();
    let mut row = api_key_row(store, "", &secret, &Uuid::new_v4().to_string());
    row.set(&schema, "identifier", Value::text("global"));
    row.set(&schema, "resource_id", Value::Null);
    row.set(&schema, "security_role_id", Value::Text(role_id));
    store.insert(row);
    Some(secret)
}

/// Adds a row and makes it durable.
fn keep(store: &mut Store, row: Row) -> Result<(), ApiError> {
    // A transaction that panicked would have left its changes behind.
    store.rollback();
    store.insert(row);
    store.commit().map_err(|error| {
        store.rollback();
        error.into()
    })
}

/// Returns a user's key of this name, which is made if there is none that holds.
///
/// Assumed: that a program which asks again gets the same key.
///
/// # Errors
///
/// Fails when the user is unknown or disabled, or the key cannot be kept.
pub(crate) fn issue_key(
    store: &mut Store,
    username: &str,
    identifier: &str,
) -> Result<String, ApiError> {
    let schema = store.schema.clone();
    let users = store.rows_where("User", "username", username);
    let user = users
        .into_iter()
        .find(|user| user.get(&schema, "is_active").is_true());
    let user = user.ok_or_else(|| {
        ApiError::credentials(format!("The user {username} is unknown or disabled"))
    })?;
    let keys = store.rows_where("ApiKey", "resource_id", &user.key(&schema));
    let known = keys.iter().find(|key| {
        key.text(&schema, "identifier")
            .is_some_and(|known| **known == *identifier)
            && !key.get(&schema, "expired").is_true()
    });
    if let Some(secret) = known.and_then(|key| key.text(&schema, "secret")) {
        return Ok(secret.to_string());
    }
    let secret = new_secret();
    let id = Uuid::new_v4().to_string();
    let mut row = api_key_row(store, &user.key(&schema), &secret, &id);
    row.set(&schema, "identifier", Value::text(identifier));
    keep(store, row)?;
    Ok(secret)
}
