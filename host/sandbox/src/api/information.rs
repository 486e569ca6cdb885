//! What the server says of itself.

use serde_json::{Value as Json, json};

use crate::access::View;
use crate::operations::Caller;
use crate::server::Server;

use super::VERSION;

/// Told to every client, whatever it asked for.
const NEEDED: [&str; 4] = [
    "version",
    "schema_hash",
    "is_timezone_support_enabled",
    "storage_scenario",
];

/// Colours that a person is offered for statuses and types.
const COLORS: [&str; 8] = [
    "#E74C3C", "#E67E22", "#F1C40F", "#2ECC71", "#1ABC9C", "#3498DB", "#9B59B6", "#95A5A6",
];

/// Describes the server; `values` names the keys wanted beside those that every client needs.
pub(super) fn server_information(
    server: &Server,
    store: View<'_>,
    caller: &Caller,
    operation: &Json,
) -> Json {
    let mut information = json!({
        "version": VERSION,
        "schema_hash": server.document().hash,
        "is_timezone_support_enabled": true,
        "is_nested_subqueries_enabled": true,
        "storage_scenario": storage_scenario(store),
        "company_information": {"name": "Callboard sandbox", "logo_url": null},
        "custom_widget": {},
        "default_colors": COLORS,
        "display_task_dates_as_time": false,
        "display_week_numbers": true,
        "license": [],
        "preferred_language": "en",
        "product": {"name": "sandbox"},
        "storage_limit": null,
        "user_information": user_information(server, store, caller),
        "week_startday": 1,
        "workday_length": 28800,
        "workdays": [1, 2, 3, 4, 5],
    });
    if let Some(values) = operation["values"].as_array()
        && let Some(fields) = information.as_object_mut()
    {
        fields.retain(|key, _| {
            NEEDED.contains(&key.as_str()) || values.iter().any(|value| value == key)
        });
    }
    information
}

/// Where files lie: what the official client's wizard has saved as a setting, else the server's own way.
///
/// A setting that is no scenario counts as none, so that a client still starts.
fn storage_scenario(store: View<'_>) -> Json {
    let schema = &store.schema;
    let settings = store.rows(schema.expect_type("Setting").id);
    let mut scenarios = settings.filter_map(|setting| {
        let is_it = setting
            .text(schema, "name")
            .is_some_and(|name| **name == *"storage_scenario")
            && setting
                .text(schema, "group")
                .is_some_and(|group| **group == *"STORAGE");
        let value: Json = serde_json::from_str(setting.text(schema, "value")?).ok()?;
        (is_it && value["scenario"].is_string()).then_some(value)
    });
    scenarios
        .next()
        .unwrap_or_else(|| json!({"scenario": "ftrack.automatic", "data": {}}))
}

fn user_information(server: &Server, store: View<'_>, caller: &Caller) -> Json {
    let schema = &store.schema;
    let user = store.find(schema.expect_type("User").id, &caller.user_id);
    let text = |name: &str| {
        user.and_then(|user| user.text(schema, name))
            .map(|text| &**text)
    };
    let thumbnail = text("thumbnail_id");
    json!({
        "id": &*caller.user_id,
        "username": &*caller.username,
        "first_name": text("first_name"),
        "last_name": text("last_name"),
        "thumbnail_id": thumbnail,
        "thumbnail_url": thumbnail.map(|id| format!("{}/component/thumbnail?id={id}", server.base_url)),
        "access_key_id": caller.key_id.as_deref(),
        "is_global_access_key": caller.has_global_key,
        "restricted_user": false,
    })
}
