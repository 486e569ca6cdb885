//! What plugins store: a line in the ledger's queue, so that it is done in the order in which it was asked.

use callboard_protocol::PluginId;
use engine::{Event, StoreRequest, Token};

use crate::engine_thread::EngineHandle;
use crate::ledger::Ledger;

/// Asks the ledger; the engine is told what came of it. Returns the answer where it is known at once. Never waits.
pub(crate) fn store(
    ledger: &Ledger,
    engine: &EngineHandle,
    token: Token,
    plugin: PluginId,
    request: StoreRequest,
) -> Option<Event> {
    let engine = engine.clone();
    let answer = Box::new(move |result| engine.tell_blocking(Event::Served { token, result }));
    let failure = ledger.store(plugin, request, answer).err()?;
    Some(Event::Served {
        token,
        result: Err(failure),
    })
}
