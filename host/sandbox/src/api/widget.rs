//! The addresses of widgets: they open without a user and a key, carry a signature, and end by themselves.

use serde_json::{Value as Json, json};

use crate::access::View;
use crate::error::ApiError;
use crate::operations::Caller;
use crate::server::Server;
use crate::time::Seconds;

/// The official client's documentation says so of widgets.
const WIDGET_SECS: Seconds = 6 * 60;

/// Widgets that exist. The last two need no entity: they then show the user's own tasks.
const WIDGETS: [&str; 3] = ["info", "tasks", "tasks_browser"];

/// Answers `get_widget_url`.
pub(super) fn widget_url(
    server: &Server,
    store: View<'_>,
    caller: &Caller,
    operation: &Json,
) -> Result<Json, ApiError> {
    let name = operation["name"].as_str().unwrap_or_default();
    if !WIDGETS.contains(&name) {
        return Err(ApiError::validation(format!(
            "Widget {name} does not exist"
        )));
    }
    let theme = match operation["theme"].as_str() {
        Some("light") => "light",
        _ => "dark",
    };
    let mut address = format!("/widget/{name}?theme={theme}&user={}", caller.user_id);
    if let Some(entity_type) = operation["entity_type"].as_str() {
        let id = operation["entity_key"].as_str();
        let id = id
            .or_else(|| operation["entity_key"][0].as_str())
            .unwrap_or_default();
        let kind = store.schema.type_named(entity_type);
        if kind.is_none_or(|kind| store.find(kind.id, id).is_none()) {
            return Err(ApiError::validation(format!(
                "{entity_type} {id} does not exist"
            )));
        }
        address = format!("{address}&entity_type={entity_type}&entity_id={id}");
    } else if name == "info" {
        return Err(ApiError::validation("The widget info needs an entity"));
    }
    let expires = server.control.clock.now() + WIDGET_SECS;
    let url = server.media.signer.sign_until(&address, expires);
    Ok(json!({"widget_url": format!("{}{url}", server.base_url)}))
}
