//! Requests about plugins: how they fare, and what a person decides about them.

use std::time::Duration;

use callboard_protocol::{Items, MessageId, PluginLogs, PluginRef, PluginsBisect};
use engine::{Ask, Reply};
use serde_json::json;
use tokio::time::Instant;

use super::connection::Connection;
use super::host_topics::unexpected;
use super::requests::{Answer, Taken, milliseconds, write};
use crate::plugin_folders::no_such_plugin;
use crate::usage;

/// How many lines of a log are given where the request does not say, and at most.
const LISTED_LINES: u32 = 100;
const MAX_LINES: u32 = 5_000;

/// Answers with every plugin folder that was found, and what its processes hold.
pub(super) async fn list(connection: &mut Connection, id: MessageId) -> Taken {
    let pending = connection.shared.options.engine.submit(Ask::Plugins).await;
    connection.answer_later(id, async move {
        let Reply::Plugins(plugins) = pending.reply().await else {
            return Err(unexpected(Reply::Done));
        };
        Ok(write(&Items {
            items: usage::filled_in(plugins).await,
        }))
    });
    Ok(Answer::Later)
}

/// Reads every plugin folder anew.
pub(super) fn reload(connection: &mut Connection, id: MessageId) -> Taken {
    let plugins = connection.shared.options.plugins.clone();
    connection.answer_later(id, async move { Ok(write(&plugins.reload().await)) });
    Ok(Answer::Later)
}

/// Switches a plugin on or off. One that is switched on is forgiven what it did.
pub(super) fn set_enabled(
    connection: &mut Connection,
    id: MessageId,
    PluginRef { plugin }: PluginRef,
    enabled: bool,
) -> Taken {
    let plugins = connection.shared.options.plugins.clone();
    connection.answer_later(id, async move {
        plugins.set_enabled(plugin.clone(), enabled).await?;
        if enabled {
            plugins.forgive(plugin).await;
        }
        Ok(json!({}))
    });
    Ok(Answer::Later)
}

/// Answers with lines of a plugin's log, now or when there are some.
pub(super) fn logs(connection: &mut Connection, id: MessageId, logs: PluginLogs) -> Taken {
    let wait = Duration::from_millis(milliseconds(logs.wait_secs.unwrap_or_default())?);
    let deadline = Instant::now() + wait;
    let options = &connection.shared.options;
    let (plugins, log) = (options.plugins.clone(), options.plugin_log.clone());
    if !log.has(&logs.plugin) && !plugins.has(&logs.plugin) {
        return Err(no_such_plugin(&logs.plugin));
    }
    connection.answer_later(id, async move {
        let lines = match logs.after {
            Some(cursor) => log.after(&logs.plugin, cursor, deadline).await,
            None => {
                let count = logs.last.unwrap_or(LISTED_LINES).min(MAX_LINES);
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                log.last(&logs.plugin, count).await
            }
        };
        Ok(write(&lines))
    });
    Ok(Answer::Later)
}

/// Takes a step of the search for a culprit.
pub(super) fn bisect(connection: &mut Connection, id: MessageId, bisect: PluginsBisect) -> Taken {
    let plugins = connection.shared.options.plugins.clone();
    connection.answer_later(id, async move {
        plugins
            .bisect(bisect.step)
            .await
            .map(|bisected| write(&bisected))
    });
    Ok(Answer::Later)
}
