//! The actions that open and close uploads.

use serde_json::{Value as Json, json};

use crate::access::Verb;
use crate::error::ApiError;
use crate::media::{MediaError, Upload};
use crate::operations::Caller;
use crate::server::Server;
use crate::store::Store;

/// Media types by file ending; everything else is bytes.
const MEDIA_TYPES: [(&str, &str); 8] = [
    ("gif", "image/gif"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("mov", "video/quicktime"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("webm", "video/webm"),
];

impl From<MediaError> for ApiError {
    fn from(error: MediaError) -> Self {
        match error {
            MediaError::File(_) => {
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

/// Says where to send a file, whole or in parts. The component need not exist yet.
pub(super) fn upload_metadata(
    server: &Server,
    store: &Store,
    caller: &Caller,
    operation: &Json,
) -> Result<Json, ApiError> {
    if !caller.may_ever(store, Verb::Create, "FileComponent") {
        return Err(ApiError::permission(format!(
            "User {} is not permitted to upload",
            caller.username
        )));
    }
    let component_id = text(operation, "component_id")?;
    let file_name = text(operation, "file_name")?;
    let parts = operation["parts"].as_u64();
    let upload = Upload {
        component_id: component_id.to_owned(),
        checksum: operation["checksum"].as_str().map(str::to_owned),
        parts,
    };
    let id = server.media.begin(upload)?;
    let url = format!("{}/upload/{id}", server.base_url);
    if let Some(parts) = parts {
        let urls = (1..=parts)
            .map(|part| json!({"signed_url": format!("{url}/{part}"), "part_number": part}));
        return Ok(
            json!({"component_id": component_id, "upload_id": id, "urls": urls.collect::<Vec<_>>()}),
        );
    }
    let ending = file_name
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase())
        .unwrap_or_default();
    let known = MEDIA_TYPES.iter().find(|(known, _)| *known == ending);
    let media_type = known.map_or("application/octet-stream", |(_, media_type)| *media_type);
    // The name goes into a header, where quotes and line ends would break out of it.
    let is_harmless = |character: &char| {
        character.is_ascii() && !character.is_control() && !"\"\\".contains(*character)
    };
    let file_name: String = file_name.chars().filter(is_harmless).collect();
    Ok(json!({
        "component_id": component_id,
        "url": url,
        "headers": {
            "Content-Type": media_type,
            "Content-Disposition": format!("attachment; filename=\"{file_name}\""),
        },
    }))
}

pub(super) fn complete_multipart_upload(
    server: &Server,
    operation: &Json,
) -> Result<Json, ApiError> {
    let component_id = server.media.complete(text(operation, "upload_id")?)?;
    let url = format!("{}/component/get?id={component_id}", server.base_url);
    Ok(json!({"action": "complete_multipart_upload", "component_id": component_id, "url": url}))
}
