//! An encoding as rows: the job, the components that it makes, and what is set when they are there.
//!
//! The official client reads the ids of the outputs from the job's data right after it has asked, and may change the
//! components before their files exist, so they are created with the job, by what the file's type promises.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::link;
use super::make::{FILMSTRIP, Output};
use crate::access::Access;
use crate::api::transact;
use crate::error::ApiError;
use crate::hub::{Audience, encoded_event};
use crate::media::media_type;
use crate::operations::{Caller, Transaction};
use crate::server::Server;
use crate::store::{Row, Store, Value};
use crate::time::text_from_seconds;

/// Assumed: how the real server calls such jobs.
const JOB_TYPE: &str = "encode_media";

/// What stands before a name while it is encoded.
const BEGUN: &str = "Encoding ";

const SERVER_LOCATION: &str = "3a372bde-05bc-11e4-8908-20c9d081909b";

/// So often a job is begun again after the server was killed under it; it may be what killed it.
const MOST_INTERRUPTIONS: u32 = 2;

/// A job that has begun.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: Arc<str>,
    caller: Caller,
    data: Data,
    /// The file to encode, or why there is none.
    pub(super) source: Result<Source, String>,
}

/// A file to encode, in a folder of its own.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) folder: TempDir,
    pub(super) name: String,
}

/// `Job.data`. The official client documents `output`, `source_component_id` and `keep_original`.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Data {
    description: String,
    output: Vec<OutputEntry>,
    source_component_id: String,
    keep_original: bool,
    version_id: Option<String>,
    #[serde(default)]
    interruptions: u32,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct OutputEntry {
    format: String,
    component_id: String,
}

/// Creates a job and the components it promises, and returns the job's id.
pub(crate) fn request(
    transaction: &mut Transaction<'_>,
    operation: &Json,
) -> Result<String, ApiError> {
    let schema = transaction.store.schema.clone();
    let source_id = operation["component_id"]
        .as_str()
        .ok_or_else(|| ApiError::validation("The operation has no component_id"))?;
    let kind = schema.expect_type("FileComponent").id;
    let source = transaction.view().find(kind, source_id).cloned();
    let source = source
        .ok_or_else(|| ApiError::validation(format!("FileComponent {source_id} does not exist")))?;
    let version_id = operation["version_id"].as_str();
    if let Some(id) = version_id
        && transaction
            .view()
            .find(schema.expect_type("AssetVersion").id, id)
            .is_none()
    {
        return Err(ApiError::validation(format!(
            "AssetVersion {id} does not exist"
        )));
    }
    let promised = promised_by(source.text(&schema, "file_type").map_or("", |kind| &**kind));
    let job_id = Uuid::new_v4().to_string();
    let outputs: Vec<OutputEntry> = promised
        .iter()
        .map(|(_, file_type)| OutputEntry {
            format: media_type(file_type).to_owned(),
            component_id: Uuid::new_v4().to_string(),
        })
        .collect();
    let name = source.get(&schema, "name").to_text();
    let data = Data {
        description: format!("{BEGUN}{name}"),
        output: outputs.clone(),
        source_component_id: source_id.to_owned(),
        // Assumed: the source stays unless the client says otherwise.
        keep_original: operation["keep_original"].as_bool().unwrap_or(true),
        version_id: version_id.map(str::to_owned),
        interruptions: 0,
    };
    let job = json!({"id": job_id, "type": JOB_TYPE, "status": "queued", "data": data.to_text()});
    create(transaction, "Job", job)?;
    for ((name, file_type), output) in promised.iter().zip(&outputs) {
        create_output(transaction, &job_id, &data, output, name, file_type)?;
    }
    Ok(job_id)
}

/// Names and types of what a file of this type becomes, films before stills.
fn promised_by(file_type: &str) -> &'static [(&'static str, &'static str)] {
    let media_type = media_type(file_type);
    if media_type.starts_with("video/") || media_type == "application/mxf" {
        &[("ftrackreview-mp4", ".mp4"), ("thumbnail", ".jpg")]
    } else if media_type.starts_with("image/") {
        &[("ftrackreview-image", ".jpg"), ("thumbnail", ".jpg")]
    } else {
        &[]
    }
}

impl Data {
    /// What the source is called.
    fn name(&self) -> &str {
        let name = self.description.strip_prefix(BEGUN);
        name.unwrap_or(&self.source_component_id)
    }

    fn to_text(&self) -> String {
        json!(self).to_string()
    }

    fn of(store: &Store, job: &Row) -> Option<Self> {
        serde_json::from_str(job.text(&store.schema, "data")?).ok()
    }
}

fn create(transaction: &mut Transaction<'_>, kind: &str, data: Json) -> Result<(), ApiError> {
    transaction
        .create(&json!({"entity_type": kind, "entity_data": data}))
        .map(drop)
}

fn update(
    transaction: &mut Transaction<'_>,
    kind: &str,
    id: &str,
    data: Json,
) -> Result<(), ApiError> {
    transaction
        .update(&json!({"entity_type": kind, "entity_key": [id], "entity_data": data}))
        .map(drop)
}

fn delete(transaction: &mut Transaction<'_>, kind: &str, id: &str) -> Result<(), ApiError> {
    transaction.delete(&json!({"entity_type": kind, "entity_key": [id]}))
}

fn create_output(
    transaction: &mut Transaction<'_>,
    job_id: &str,
    data: &Data,
    output: &OutputEntry,
    name: &str,
    file_type: &str,
) -> Result<(), ApiError> {
    let id = &output.component_id;
    let component =
        json!({"id": id, "name": name, "file_type": file_type, "version_id": data.version_id});
    create(transaction, "FileComponent", component)?;
    let link = json!({"job_id": job_id, "component_id": id});
    create(transaction, "JobComponent", link)
}

/// The jobs of a status, the oldest first.
fn jobs(store: &Store, status: &str) -> Vec<Arc<Row>> {
    let schema = &store.schema;
    let is = |row: &Row, name: &str, text: &str| {
        row.text(schema, name).is_some_and(|found| **found == *text)
    };
    store
        .rows(schema.expect_type("Job").id)
        .filter(|row| is(row, "type", JOB_TYPE) && is(row, "status", status))
        .cloned()
        .collect()
}

/// Lets jobs wait again that are said to run and were not begun by this server.
pub(super) fn resume(server: &Server, begun: &HashSet<Arc<str>>) {
    let mut interrupted = jobs(&server.store(), "running");
    interrupted.retain(|row| !begun.contains(&row.key(&server.store().schema)));
    for row in interrupted {
        let outcome = with_data(server, &row).and_then(|(id, caller, mut data)| {
            data.interruptions += 1;
            if data.interruptions > MOST_INTERRUPTIONS {
                let reason = "the server stopped whenever it encoded this";
                return fail(server, &id, &caller, &data, reason);
            }
            let job = json!({"status": "queued", "data": data.to_text()});
            transact(server, &caller, |transaction| {
                update(transaction, "Job", &id, job)
            })
        });
        report("could not resume a job", outcome);
    }
}

/// Begins the job that has waited longest.
pub(super) fn claim(server: &Server) -> Option<Job> {
    let next = jobs(&server.store(), "queued").into_iter().next()?;
    let outcome = with_data(server, &next).and_then(|(id, caller, data)| {
        transact(server, &caller, |transaction| {
            update(transaction, "Job", &id, json!({"status": "running"}))
        })?;
        let source = source(server, &data);
        Ok(Job {
            id,
            caller,
            data,
            source,
        })
    });
    match outcome {
        Ok(job) => Some(job),
        Err(error) => {
            report("could not begin a job", Err(error));
            None
        }
    }
}

fn report(what: &str, outcome: Result<(), ApiError>) {
    if let Err(error) = outcome {
        tracing::error!(reason = error.content, "{what}");
    }
}

/// Reads a job and acts for the user who asked for it.
fn with_data(server: &Server, job: &Row) -> Result<(Arc<str>, Caller, Data), ApiError> {
    let store = server.store();
    let schema = &store.schema;
    let user_id = job.text(schema, "user_id").cloned().unwrap_or_default();
    let user = store.find(schema.expect_type("User").id, &user_id);
    let text = |name: &str| {
        user.and_then(|user| user.text(schema, name).cloned())
            .unwrap_or_default()
    };
    let caller = Caller {
        username: text("username"),
        full_name: format!("{} {}", text("first_name"), text("last_name")),
        user_id,
        access: Access::unlimited(),
        ..Caller::default()
    };
    // A client may write what it likes into a job's data.
    let data = Data::of(&store, job).unwrap_or_else(|| Data {
        description: String::new(),
        output: Vec::new(),
        source_component_id: String::new(),
        keep_original: true,
        version_id: None,
        interruptions: 0,
    });
    Ok((job.key(schema), caller, data))
}

fn source(server: &Server, data: &Data) -> Result<Source, String> {
    let file_type = {
        let store = server.store();
        let schema = &store.schema;
        let kind = schema.expect_type("FileComponent").id;
        store
            .find(kind, &data.source_component_id)
            .and_then(|row| row.text(schema, "file_type").cloned())
    };
    let path = server.media.path(&data.source_component_id);
    let path = path.ok_or("its file is not in the location ftrack.server")?;
    let prepare = || {
        let folder = server.media.work_folder()?;
        let name = link(&path, folder.path(), file_type.as_deref().unwrap_or(""))?;
        Ok::<_, std::io::Error>(Source { folder, name })
    };
    prepare().map_err(|error| format!("the file could not be read: {error}"))
}

/// Ends a job: with what was made, or with the reason why nothing was.
pub(super) fn finish(
    server: &Server,
    job: &Job,
    made: Result<Vec<Output>, String>,
    is_passed_through: bool,
) {
    let outcome = made.and_then(|made| {
        let placed = place(server, job, made)?;
        keep(server, job, &placed, is_passed_through).map_err(|error| {
            forget(server, &placed);
            error.content
        })
    });
    match outcome {
        Ok(()) => tell_encoded(server, job),
        Err(reason) => report(
            "could not end a job",
            fail(server, &job.id, &job.caller, &job.data, &reason),
        ),
    }
}

/// An output whose file is in its place.
struct Placed {
    id: String,
    output: Output,
    size_bytes: u64,
    is_promised: bool,
}

/// Moves the files to where clients find them, before the rows say that they are there.
fn place(server: &Server, job: &Job, made: Vec<Output>) -> Result<Vec<Placed>, String> {
    let mut placed = Vec::new();
    for output in made {
        let promised = promised_id(&server.store(), &job.data, output.name);
        let is_promised = promised.is_some();
        let id = promised.unwrap_or_else(|| Uuid::new_v4().to_string());
        let size = std::fs::metadata(&output.file).map(|metadata| metadata.len());
        let moved = size.map_err(|error| error.to_string()).and_then(|size| {
            let moved = server.media.adopt(&output.file, &id);
            moved.map(|()| size).map_err(|error| error.to_string())
        });
        match moved {
            Ok(size_bytes) => placed.push(Placed {
                id,
                output,
                size_bytes,
                is_promised,
            }),
            Err(reason) => {
                forget(server, &placed);
                return Err(reason);
            }
        }
    }
    Ok(placed)
}

fn forget(server: &Server, placed: &[Placed]) {
    for one in placed {
        if let Err(error) = server.media.remove(&one.id) {
            tracing::warn!(%error, "a file without a component stays");
        }
    }
}

/// The component that was created with the job for an output of this name.
fn promised_id(store: &Store, data: &Data, name: &str) -> Option<String> {
    let schema = &store.schema;
    let kind = schema.expect_type("FileComponent").id;
    let ids = data.output.iter().map(|output| &output.component_id);
    let mut found = ids.filter(|id| {
        let row = store.find(kind, id);
        row.is_some_and(|row| {
            row.text(schema, "name")
                .is_some_and(|found| **found == *name)
        })
    });
    found.next().cloned()
}

/// Writes what was made into the rows, all at once.
fn keep(
    server: &Server,
    job: &Job,
    placed: &[Placed],
    is_passed_through: bool,
) -> Result<(), ApiError> {
    transact(server, &job.caller, |transaction| {
        let mut data = job.data.clone();
        let schema = transaction.store.schema.clone();
        let exists = |transaction: &Transaction<'_>, kind: &str, id: &str| {
            let kind = schema.expect_type(kind).id;
            transaction.store.find(kind, id).is_some()
        };
        if !exists(transaction, "Job", &job.id) {
            return Err(ApiError::validation("the job was deleted"));
        }
        let version_id = data.version_id.take();
        data.version_id = version_id.filter(|id| exists(transaction, "AssetVersion", id));
        for promised in &job.data.output {
            if !placed.iter().any(|one| one.id == promised.component_id) {
                delete(transaction, "FileComponent", &promised.component_id)?;
            }
        }
        data.output.clear();
        for one in placed {
            let entry = OutputEntry {
                format: one.output.format().to_owned(),
                component_id: one.id.clone(),
            };
            keep_output(transaction, &job.id, &data, one, &entry)?;
            // A client takes any picture it finds there for a thumbnail.
            if one.output.name != FILMSTRIP {
                data.output.push(entry);
            }
        }
        let image = ["thumbnail", "ftrackreview-image"];
        let image = image
            .iter()
            .find_map(|name| placed.iter().find(|one| one.output.name == *name));
        if let (Some(version_id), Some(image)) = (&data.version_id, image) {
            set_thumbnails(transaction, version_id, &image.id)?;
        }
        if !data.keep_original {
            delete(transaction, "FileComponent", &data.source_component_id)?;
        }
        let name = data.name();
        data.description = if is_passed_through {
            format!("Passed {name} through as it is: there is no ffmpeg on this server")
        } else {
            format!("Encoded {name}")
        };
        let end = json!({"status": "done", "finished_at": text_from_seconds(server.control.clock.now()), "data": data.to_text()});
        update(transaction, "Job", &job.id, end)
    })
}

fn keep_output(
    transaction: &mut Transaction<'_>,
    job_id: &str,
    data: &Data,
    placed: &Placed,
    entry: &OutputEntry,
) -> Result<(), ApiError> {
    let Placed {
        id,
        output,
        size_bytes,
        is_promised,
    } = placed;
    if !is_promised {
        create_output(
            transaction,
            job_id,
            data,
            entry,
            output.name,
            &output.file_type,
        )?;
    }
    let size = json!({"size": size_bytes, "file_type": output.file_type});
    update(transaction, "FileComponent", id, size)?;
    if let Some(meta) = &output.meta
        && !has_meta(transaction.store, id)
    {
        let meta = json!({"key": "ftr_meta", "value": meta.to_string(),
            "parent_id": id, "parent_type": "FileComponent"});
        create(transaction, "Metadata", meta)?;
    }
    let location =
        json!({"component_id": id, "location_id": SERVER_LOCATION, "resource_identifier": id});
    create(transaction, "ComponentLocation", location)
}

/// A client may have written it itself while the file was made.
fn has_meta(store: &Store, component_id: &str) -> bool {
    let rows = store.rows_where("Metadata", "parent_id", component_id);
    let is_meta = |row: &Arc<Row>| {
        row.text(&store.schema, "key")
            .is_some_and(|key| **key == *"ftr_meta")
    };
    rows.iter().any(is_meta)
}

/// Shows a picture on a version, and on its task and what it was published on where they have none. Assumed: that
/// those two are given one.
fn set_thumbnails(
    transaction: &mut Transaction<'_>,
    version_id: &str,
    component_id: &str,
) -> Result<(), ApiError> {
    let schema = transaction.store.schema.clone();
    let thumbnail = json!({"thumbnail_id": component_id});
    update(transaction, "AssetVersion", version_id, thumbnail.clone())?;
    let find = |transaction: &Transaction<'_>, kind: &str, id: &str| {
        let kind = schema.expect_type(kind).id;
        transaction.store.find(kind, id).cloned()
    };
    let Some(version) = find(transaction, "AssetVersion", version_id) else {
        return Ok(());
    };
    let asset = version.text(&schema, "asset_id");
    let asset = asset.and_then(|id| find(transaction, "Asset", id));
    let parent = asset.and_then(|asset| asset.text(&schema, "context_id").cloned());
    let task = version.text(&schema, "task_id").cloned();
    for id in task.into_iter().chain(parent) {
        let context = find(transaction, "TypedContext", &id);
        let is_bare = context.is_some_and(|row| *row.get(&schema, "thumbnail_id") == Value::Null);
        if is_bare {
            update(transaction, "TypedContext", &id, thumbnail.clone())?;
        }
    }
    Ok(())
}

/// Ends a job with nothing. Assumed: what it had promised is removed, and the source stays.
fn fail(
    server: &Server,
    job_id: &str,
    caller: &Caller,
    data: &Data,
    reason: &str,
) -> Result<(), ApiError> {
    transact(server, caller, |transaction| {
        let kind = transaction.store.schema.expect_type("Job").id;
        if transaction.store.find(kind, job_id).is_none() {
            return Ok(());
        }
        for output in &data.output {
            delete(transaction, "FileComponent", &output.component_id)?;
        }
        let name = data.name();
        let data = Data {
            description: format!("Could not encode {name}: {reason}"),
            output: Vec::new(),
            ..data.clone()
        };
        let end = json!({"status": "failed", "finished_at": text_from_seconds(server.control.clock.now()), "data": data.to_text()});
        update(transaction, "Job", job_id, end)
    })
}

/// Tells the event hub that a version can be played.
fn tell_encoded(server: &Server, job: &Job) {
    let store = server.store();
    let kind = store.schema.expect_type("AssetVersion").id;
    let version = job.data.version_id.as_deref();
    if let Some(version) = version.and_then(|id| store.find(kind, id)) {
        let update = encoded_event(&store, version, &job.caller);
        Audience::new(&server.hub, &store).publish(&server.hub, &store, &update);
    }
}
