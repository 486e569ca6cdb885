//! Reviews for people without an account: an address that shows one review, and nothing else.

use std::fmt::Write;

use serde_json::{Value as Json, json};

use crate::access::View;
use crate::error::ApiError;
use crate::leaf::escaped;
use crate::server::Server;
use crate::store::{Row, Store};

/// Says where a review is shown. What `metadata` says for whom it is makes no difference here.
pub(super) fn generate_signed_url(
    server: &Server,
    store: View<'_>,
    operation: &Json,
) -> Result<Json, ApiError> {
    let kind = operation["entity_type"].as_str().unwrap_or_default();
    // Assumed: these two, the ones that an invitation is about.
    if !["ReviewSession", "ReviewSessionInvitee"].contains(&kind) {
        return Err(ApiError::validation(format!(
            "An address cannot be generated for {kind}"
        )));
    }
    let key = &operation["entity_key"];
    let id = key.as_str().or_else(|| key[0].as_str()).unwrap_or_default();
    let entity = store.schema.expect_type(kind);
    let row = store
        .find(entity.id, id)
        .ok_or_else(|| ApiError::validation(format!("{kind} {id} does not exist")))?;
    let review = row.text(&store.schema, "review_session_id");
    let review = review.map_or(id, |review| &**review);
    let path = format!("/review/{review}");
    let signed = server.media.signer.sign(&path, server.control.clock.now());
    Ok(json!({"signed_url": format!("{}{signed}", server.base_url)}))
}

/// Writes a review as a page; `None` when there is no such review.
pub(crate) fn review_page(server: &Server, store: &Store, id: &str) -> Option<String> {
    let schema = &store.schema;
    let review = store.find(schema.expect_type("ReviewSession").id, id)?;
    let title = escaped(&review.get(schema, "name").to_text());
    let mut page =
        format!("<!doctype html><meta charset=\"utf-8\"><title>{title}</title><h1>{title}</h1>");
    for object in store.rows_where("ReviewSessionObject", "review_session_id", id) {
        let text = |name: &str| escaped(&object.get(schema, name).to_text());
        // Writing to a text cannot fail.
        write!(page, "<h2>{} {}</h2>", text("name"), text("version")).ok()?;
        page.push_str(&player(server, store, &object).unwrap_or_default());
    }
    Some(page)
}

/// What plays the version of a review's object, where it is encoded.
fn player(server: &Server, store: &Store, object: &Row) -> Option<String> {
    let schema = &store.schema;
    let version = object.text(schema, "version_id")?;
    let components = store.rows_where("Component", "version_id", version);
    let address = |name: &str| {
        let component = components.iter().find(|component| {
            component
                .text(schema, "name")
                .is_some_and(|found| **found == *name)
        })?;
        let path = format!("/media/{}", component.key(schema));
        let signed = server.media.signer.sign(&path, server.control.clock.now());
        Some(escaped(&signed))
    };
    let film =
        address("ftrackreview-mp4").map(|film| format!("<video controls src=\"{film}\"></video>"));
    film.or_else(|| Some(format!("<img src=\"{}\">", address("ftrackreview-image")?)))
}
