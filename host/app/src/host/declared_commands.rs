//! Keeps a file of the commands that plugins declare, so that the command line knows them without a host.

use std::path::PathBuf;

use callboard_protocol::DeclaredCommand;
use engine::{Ask, Reply};
use tokio::sync::broadcast::error::RecvError;

use crate::engine_thread::{Announcement, EngineHandle};
use crate::settings::write_private;

/// Writes the file now and whenever the commands change, until the host ends.
pub(super) async fn keep(engine: EngineHandle, file: PathBuf) {
    let mut announcements = engine.announcements();
    let mut written: Option<Vec<DeclaredCommand>> = None;
    loop {
        if let Reply::Commands(commands) = engine.ask(Ask::Commands).await
            && written.as_ref() != Some(&commands)
        {
            for problem in commands.iter().filter_map(|one| one.problem.as_ref()) {
                tracing::warn!("{}", problem.message);
            }
            let text = serde_json::to_string(&commands).unwrap_or_default();
            if let Err(error) = write_private(&file, text.as_bytes()) {
                tracing::warn!(%error, file = %file.display(), "the plugins' commands could not be written down");
            }
            written = Some(commands);
        }
        loop {
            match announcements.recv().await {
                Ok(Announcement::CatalogChanged) | Err(RecvError::Lagged(_)) => break,
                Ok(_) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }
}
