//! What a launcher asks: entities to choose from, and what others offer on the event hub.

use callboard_protocol::{
    EntitiesList, Failure, FailureKind, Items, MessageId, RemoteDiscover, RemoteLaunch,
};

use super::Shared;
use super::connection::Connection;
use super::requests::{Answer, write};
use crate::service::{entities, remote};

/// Lists entities.
pub(super) fn entities(connection: &mut Connection, id: MessageId, list: EntitiesList) -> Answer {
    let server = connection.shared.options.server.clone();
    connection.answer_later(id, async move {
        let items = entities::list(&server, &list).await?;
        Ok(write(&Items { items }))
    });
    Answer::Later
}

/// Asks others what they offer.
pub(super) fn discover(connection: &mut Connection, id: MessageId, ask: RemoteDiscover) -> Answer {
    let shared = std::sync::Arc::clone(&connection.shared);
    connection.answer_later(id, async move {
        let hub = hub(&shared)?;
        let about = &shared.options.about;
        let selection = &ask.selection;
        let items = remote::discover(&hub, about.host(), about.event_user(), selection).await?;
        Ok(write(&Items { items }))
    });
    Answer::Later
}

/// Launches what others offer.
pub(super) fn launch(connection: &mut Connection, id: MessageId, launch: RemoteLaunch) -> Answer {
    let shared = std::sync::Arc::clone(&connection.shared);
    connection.answer_later(id, async move {
        let hub = hub(&shared)?;
        let user = shared.options.about.event_user();
        Ok(write(&remote::launch(&hub, user, launch).await?))
    });
    Answer::Later
}

fn hub(shared: &Shared) -> Result<ftrack::EventHub, Failure> {
    let hub = shared.options.hub.borrow().clone();
    hub.ok_or_else(|| {
        Failure::new(
            FailureKind::Unavailable,
            "there is no connection to ftrack's event hub",
        )
        .hint("try again when `callboard status` says that it is connected")
    })
}
