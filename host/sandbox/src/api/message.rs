//! Actions that ask the server to do something for somebody: invitations and jobs.

use serde_json::{Value as Json, json};

use crate::access::Verb;
use crate::control::Invitation;
use crate::error::ApiError;
use crate::operations::{Touched, Transaction};
use crate::store::{Row, Value};

/// Jobs that a client may ask for. There is no directory here, so each is done at once and changes nothing.
const DELAYED_JOBS: [&str; 1] = ["SYNC_USERS_LDAP"];

fn may(transaction: &Transaction<'_>, entity_type: &str, what: &str) -> Result<(), ApiError> {
    let caller = transaction.caller;
    if caller.may_ever(transaction.store, Verb::Create, entity_type) {
        return Ok(());
    }
    let username = &caller.username;
    Err(ApiError::permission(format!(
        "User {username} is not permitted to {what}"
    )))
}

/// The row that an operation names by `key`.
fn named(
    transaction: &Transaction<'_>,
    entity_type: &str,
    operation: &Json,
    key: &str,
) -> Result<Row, ApiError> {
    let id = operation[key].as_str();
    let id = id.ok_or_else(|| ApiError::validation(format!("The operation has no {key}")))?;
    let store = &transaction.store;
    let row = store.find(store.schema.expect_type(entity_type).id, id);
    let row =
        row.ok_or_else(|| ApiError::validation(format!("{entity_type} {id} does not exist")))?;
    Ok(Row::clone(row))
}

/// Invites a user. The invitation is recorded once the whole batch has gone through; nothing is sent.
pub(super) fn user_invite(
    transaction: &Transaction<'_>,
    operation: &Json,
) -> Result<(Json, Invitation), ApiError> {
    may(transaction, "User", "invite users")?;
    let user = named(transaction, "User", operation, "user_id")?;
    let schema = &transaction.store.schema;
    let invitation = Invitation {
        kind: "user",
        to: user.get(schema, "email").to_text(),
        id: user.key(schema).to_string(),
        review_session_id: None,
        by: transaction.caller.username.to_string(),
    };
    Ok((json!({"sent": true}), invitation))
}

/// Invites somebody to a review session, and notes when.
pub(super) fn review_session_invite(
    transaction: &mut Transaction<'_>,
    operation: &Json,
) -> Result<(Json, Invitation), ApiError> {
    may(
        transaction,
        "ReviewSessionInvitee",
        "invite to review sessions",
    )?;
    let key = "review_session_invitee_id";
    let mut invitee = named(transaction, "ReviewSessionInvitee", operation, key)?;
    let schema = transaction.store.schema.clone();
    let invitation = Invitation {
        kind: "review_session",
        to: invitee.get(&schema, "email").to_text(),
        id: invitee.key(&schema).to_string(),
        review_session_id: invitee
            .text(&schema, "review_session_id")
            .map(ToString::to_string),
        by: transaction.caller.username.to_string(),
    };
    let now = transaction.store.clock.now();
    invitee.set(&schema, "last_sent_at", Value::Time(now));
    transaction.store.replace(invitee);
    Ok((json!({"sent": true}), invitation))
}

/// Makes the job that stands for what the server was asked to do.
pub(super) fn delayed_job(
    transaction: &mut Transaction<'_>,
    operation: &Json,
) -> Result<Touched, ApiError> {
    may(transaction, "User", "start this job")?;
    let job_type = operation["job_type"].as_str().unwrap_or_default();
    if !DELAYED_JOBS.contains(&job_type) {
        return Err(ApiError::validation(format!(
            "Job type {job_type} does not exist"
        )));
    }
    let description = json!({"description": "Synchronise users: this server knows no directory"});
    let finished = crate::time::text_from_seconds(transaction.store.clock.now());
    transaction.create(&json!({
        "entity_type": "Job",
        "entity_data": {
            "type": job_type,
            "status": "done",
            "finished_at": {"__type__": "datetime", "value": finished},
            "data": description.to_string(),
        },
    }))
}
