//! `POST /api`: a list of operations in, a list of results out, all or nothing.

mod credential;
mod information;
mod message;
mod review;
mod role;
mod search;
mod upload;
mod widget;

use std::sync::Arc;

use serde_json::{Value as Json, json};

pub(crate) use credential::{
    add_global_key, api_key_row, authenticate, is_user_known, issue_key, new_secret,
};
pub(crate) use review::review_page;
pub(crate) use upload::{disposition, upload_metadata};

use crate::access::View;
use crate::control::Invitation;
use crate::encode;
use crate::error::ApiError;
use crate::hub::{Audience, update_event};
use crate::operations::{Caller, Touched, Transaction};
use crate::query::Reader;
use crate::server::Server;
use crate::store::{Change, Store};

/// What the server says it is. The official client asks for at least 3.3.11.
pub(crate) const VERSION: &str = "4.13.8";

/// Runs a batch as `caller`.
///
/// # Errors
///
/// Fails with the first operation that fails; nothing of the batch then remains.
pub(crate) fn run_batch(
    server: &Server,
    caller: &Caller,
    operations: &[Json],
) -> Result<Vec<Json>, ApiError> {
    for operation in operations {
        if operation["action"] == "complete_multipart_upload" {
            upload::check_permission(&server.store(), caller)?;
            upload::complete_multipart_upload(server, operation)?;
        }
    }
    let changes_something = operations.iter().any(|operation| {
        matches!(
            operation["action"].as_str(),
            Some(
                "create"
                    | "update"
                    | "delete"
                    | "reset_remote"
                    | "delayed_job"
                    | "encode_media"
                    | "send_user_invite"
                    | "send_review_session_invite"
            )
        ) || role::ACTIONS
            .iter()
            .any(|action| operation["action"] == *action)
    });
    if changes_something {
        return run_transaction(server, caller, operations);
    }
    let store = server.store();
    let hidden = caller.access.hidden(&store);
    let view = View::without(&store, &hidden);
    operations
        .iter()
        .map(|operation| answer(server, view, caller, operation))
        .collect()
}

/// The result of one operation of a transaction; entities are written when all have run.
enum Outcome {
    Done(Json),
    Touched(Touched),
    /// A job that was made for an action, to be answered as its data.
    Job(Touched),
    /// An invitation, to be recorded.
    Invited(Json, Invitation),
}

fn run_transaction(
    server: &Server,
    caller: &Caller,
    operations: &[Json],
) -> Result<Vec<Json>, ApiError> {
    let mut invitations = Vec::new();
    let answers = transact(server, caller, |transaction| {
        let outcomes: Result<Vec<Outcome>, ApiError> = operations
            .iter()
            .map(|operation| carry_out(server, transaction, operation))
            .collect();
        let answers = outcomes?.into_iter().map(|outcome| match outcome {
            Outcome::Done(json) => json,
            Outcome::Touched(touched) => transaction.answer(&touched, &server.base_url),
            Outcome::Job(touched) => {
                let mut answer = transaction.answer(&touched, &server.base_url);
                json!({"action": "delayed_job", "data": answer["data"].take()})
            }
            Outcome::Invited(answer, invitation) => {
                invitations.push(invitation);
                answer
            }
        });
        Ok(answers.collect())
    })?;
    for invitation in invitations {
        server.control.add_invitation(invitation);
    }
    if operations
        .iter()
        .any(|operation| operation["action"] == "encode_media")
    {
        server.encoder.wake();
    }
    Ok(answers)
}

/// Does `work` as one transaction: either all of it is kept and told to the event hub, or nothing.
pub(crate) fn transact<T>(
    server: &Server,
    caller: &Caller,
    work: impl FnOnce(&mut Transaction<'_>) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let mut store = server.store_mut();
    // A transaction that panicked would have left its changes behind.
    store.rollback();
    let audience = Audience::new(&server.hub, &store);
    let mut transaction = Transaction::new(&mut store, caller);
    let outcome = work(&mut transaction);
    let outcome = outcome.and_then(|outcome| transaction.check_rows().map(|()| outcome));
    let changes = transaction.store.changes();
    let update = update_event(transaction.store, &changes, caller);
    let outcome = outcome.and_then(|outcome| {
        if let Some(update) = &update {
            transaction.record_history(update)?;
        }
        let renewed = transaction.store.renewed_schema()?;
        transaction.store.commit()?;
        Ok((outcome, renewed))
    });
    let (outcome, renewed) = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            store.rollback();
            return Err(error);
        }
    };
    if let Some(schema) = renewed {
        server.renew_schema(&mut store, schema);
    }
    // Still under the lock, so that events are published in the order of the commits.
    if let Some(update) = update {
        audience.publish(&server.hub, &store, &update);
    }
    let removed = removed_components(&store, &changes);
    drop(store);
    for component_id in removed {
        if let Err(error) = server.media.remove(&component_id) {
            tracing::warn!(%error, component_id = &*component_id, "a file without a component stays");
        }
    }
    Ok(outcome)
}

/// Components that are gone, whose files nobody can ask for any more.
fn removed_components(store: &Store, changes: &[Change]) -> Vec<Arc<str>> {
    let component = store.schema.expect_type("Component");
    let removed = changes.iter().filter(|change| change.after.is_none());
    let rows = removed.filter_map(|change| change.before.as_ref());
    rows.filter(|row| store.schema.entity_type(row.kind).table == component.table)
        .map(|row| row.key(&store.schema))
        .filter(|id| store.find(component.id, id).is_none())
        .collect()
}

fn carry_out(
    server: &Server,
    transaction: &mut Transaction<'_>,
    operation: &Json,
) -> Result<Outcome, ApiError> {
    Ok(match operation["action"].as_str() {
        Some("create") => Outcome::Touched(transaction.create(operation)?),
        Some("update") => Outcome::Touched(transaction.update(operation)?),
        Some("delete") => {
            transaction.delete(operation)?;
            Outcome::Done(json!({"action": "delete", "data": true}))
        }
        Some("encode_media") => {
            Outcome::Done(json!({"job_id": encode::request(transaction, operation)?}))
        }
        Some(action) if role::ACTIONS.contains(&action) => {
            Outcome::Done(role::change(transaction, operation)?)
        }
        Some("reset_remote") => Outcome::Done(credential::reset_remote(transaction, operation)?),
        Some("delayed_job") => Outcome::Job(message::delayed_job(transaction, operation)?),
        Some("send_user_invite") => {
            let (answer, invitation) = message::user_invite(transaction, operation)?;
            Outcome::Invited(answer, invitation)
        }
        Some("send_review_session_invite") => {
            let (answer, invitation) = message::review_session_invite(transaction, operation)?;
            Outcome::Invited(answer, invitation)
        }
        _ => Outcome::Done(answer(
            server,
            transaction.view(),
            transaction.caller,
            operation,
        )?),
    })
}

/// Answers an operation that changes nothing.
fn answer(
    server: &Server,
    store: View<'_>,
    caller: &Caller,
    operation: &Json,
) -> Result<Json, ApiError> {
    let reader = Reader {
        store,
        base_url: &server.base_url,
        denormalize: caller.denormalize,
    };
    let action = operation["action"]
        .as_str()
        .ok_or_else(|| ApiError::validation("The operation has no action"))?;
    match action {
        "query_server_information" => Ok(information::server_information(
            server, store, caller, operation,
        )),
        "query_schemas" => Ok(server.document().schemas.clone()),
        "query" => {
            let expression = operation["expression"].as_str();
            let expression =
                expression.ok_or_else(|| ApiError::validation("The query has no expression"))?;
            let page = reader.run(expression)?;
            Ok(
                json!({"action": "query", "data": page.data, "metadata": {"next": {"offset": page.next_offset}}}),
            )
        }
        "search" => search::search(&reader, operation),
        "generate_signed_url" => review::generate_signed_url(server, store, operation),
        "get_upload_metadata" => upload::upload_metadata(server, store, caller, operation),
        "complete_multipart_upload" => upload::complete_multipart_upload(server, operation),
        "get_widget_url" => widget::widget_url(server, store, caller, operation),
        other => Err(ApiError::unknown_action(other)),
    }
}
