//! The actions that open and close uploads.

use serde_json::{Value as Json, json};

use crate::access::{Verb, View};
use crate::error::ApiError;
use crate::media::{MOST_PARTS, MediaError, PartTag, Upload, media_type};
use crate::operations::Caller;
use crate::server::Server;
use crate::store::Store;

impl From<MediaError> for ApiError {
    fn from(error: MediaError) -> Self {
        match error {
            MediaError::File(_) | MediaError::Full(_) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "could not keep a file"
                );
                Self::internal(error.to_string())
            }
            _ => Self::validation(error.to_string()),
        }
    }
}

fn text<'a>(operation: &'a Json, key: &str) -> Result<&'a str, ApiError> {
    operation[key]
        .as_str()
        .ok_or_else(|| ApiError::validation(format!("The operation has no {key}")))
}

pub(super) fn check_permission(store: &Store, caller: &Caller) -> Result<(), ApiError> {
    if caller.may_ever(store, Verb::Create, "FileComponent") {
        return Ok(());
    }
    Err(ApiError::permission(format!(
        "User {} is not permitted to upload",
        caller.username
    )))
}

/// How many parts a client wants to send; `None` when it sends the file whole.
fn part_count(operation: &Json) -> Result<Option<u64>, ApiError> {
    match &operation["parts"] {
        Json::Null => Ok(None),
        parts => match parts.as_u64() {
            Some(parts @ 1..=MOST_PARTS) => Ok(Some(parts)),
            _ => Err(ApiError::validation(format!(
                "parts must be a number between 1 and {MOST_PARTS}"
            ))),
        },
    }
}

/// Says where to send a file, whole or in parts. The component need not exist yet.
pub(crate) fn upload_metadata(
    server: &Server,
    store: View<'_>,
    caller: &Caller,
    operation: &Json,
) -> Result<Json, ApiError> {
    check_permission(&store, caller)?;
    let component_id = text(operation, "component_id")?;
    let kind = store.schema.expect_type("Component").id;
    // What the caller cannot see must not be written over.
    if (*store)
        .find(kind, component_id)
        .is_some_and(|row| !store.shows(row))
    {
        return Err(ApiError::permission(format!(
            "User {} is not permitted to upload to {component_id}",
            caller.username
        )));
    }
    let file_name = text(operation, "file_name")?;
    let parts = part_count(operation)?;
    let upload = Upload {
        component_id: component_id.to_owned(),
        checksum: operation["checksum"].as_str().map(str::to_owned),
        parts,
    };
    let id = server.media.begin(upload, server.control.clock.now())?;
    let url = format!("{}/upload/{id}", server.base_url);
    if let Some(parts) = parts {
        let urls = (1..=parts)
            .map(|part| json!({"signed_url": format!("{url}/{part}"), "part_number": part}));
        return Ok(
            json!({"component_id": component_id, "upload_id": id, "urls": urls.collect::<Vec<_>>()}),
        );
    }
    Ok(json!({
        "component_id": component_id,
        "url": url,
        "headers": {
            "Content-Type": media_type(file_name),
            "Content-Disposition": disposition("attachment", file_name),
        },
    }))
}

/// The header that tells a browser how to name a file. Quotes and line ends would break out of it.
pub(crate) fn disposition(kind: &str, file_name: &str) -> String {
    let is_harmless = |character: &char| {
        character.is_ascii() && !character.is_control() && !"\"\\".contains(*character)
    };
    let file_name: String = file_name.chars().filter(is_harmless).collect();
    format!("{kind}; filename=\"{file_name}\"")
}

/// Puts the parts of an upload together. Done before the store is locked, since it may take as long as a disk needs
/// for a large file; done again, it only says where the file is.
pub(super) fn complete_multipart_upload(
    server: &Server,
    operation: &Json,
) -> Result<Json, ApiError> {
    let parts = operation["parts"].as_array().map(Vec::as_slice);
    let tags = parts.unwrap_or_default().iter().map(|part| {
        let tag = part["e_tag"].as_str().unwrap_or_default();
        Some(PartTag {
            part: part["part_number"].as_u64()?,
            tag: tag.trim_matches('"').to_owned(),
        })
    });
    let tags: Option<Vec<PartTag>> = tags.collect();
    let tags =
        tags.ok_or_else(|| ApiError::validation("A part of the operation has no part_number"))?;
    let upload_id = text(operation, "upload_id")?;
    let component_id = server
        .media
        .complete(upload_id, &tags, server.control.clock.now())?;
    let url = format!("{}/component/get?id={component_id}", server.base_url);
    Ok(json!({"action": "complete_multipart_upload", "component_id": component_id, "url": url}))
}
