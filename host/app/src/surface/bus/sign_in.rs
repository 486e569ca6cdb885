//! Requests that sign a person in or out.

use std::sync::Arc;

use callboard_protocol::{MessageId, SignInEnd};
use serde_json::json;

use super::connection::Connection;
use super::requests::{Answer, Taken, write};

/// Has the credentials read again, and answers with who is signed in by them.
pub(super) fn renew(connection: &mut Connection, id: MessageId) -> Taken {
    let shared = Arc::clone(&connection.shared);
    connection.answer_later(id, async move {
        shared.options.sign_in.renew().await?;
        shared.options.about.whoami().map(|who| write(&who))
    });
    Ok(Answer::Later)
}

/// Forgets the credentials, and answers once nobody is signed in.
pub(super) fn end(connection: &mut Connection, id: MessageId, end: SignInEnd) -> Taken {
    let shared = Arc::clone(&connection.shared);
    connection.answer_later(id, async move {
        shared.options.sign_in.end(end.leave_pending).await?;
        Ok(json!({}))
    });
    Ok(Answer::Later)
}
