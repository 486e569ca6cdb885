//! An ftrack client: session, queries, operations and the event hub.
//!
//! It talks to one server as one user, over one pool of connections, and says of every failure what to do next and
//! whether the server may have done the work all the same.
//! It must never know plugins, actions, windows, or where settings and keys are kept: it is given a [`Config`].
//!
//! Read first: [`Session`], which queries and changes entities; [`CallError`], what can come of that; and [`EventHub`],
//! the connection that stays up by itself and carries events.
//!
//! Rows are JSON as ftrack sends it, with one difference: ftrack writes an entity in full once per answer and then only
//! refers to it, and here every mention is whole.
//!
//! The program installs a process-wide TLS provider before the first session:
//! `rustls::crypto::ring::default_provider().install_default()`.

mod answer;
mod batch;
mod compose;
mod config;
mod custom_attribute;
mod download;
mod encode;
mod entity;
mod error;
mod event_hub;
mod http;
mod metrics;
mod operation;
mod page;
mod query;
mod schemas;
mod server_url;
mod session;
mod transfer;
mod transport;
mod upload;
mod value;

pub use batch::{Unit, UnitOutcome};
pub use compose::{
    JobStatus, NewAsset, NewComponent, NewJob, NewNote, NewTimelog, NewTimer, NewVersion,
    ServerLocation, assignment, metadata, stop_timer, thumbnail, update_job,
};
pub use config::{Config, Proxy, Secret, Timeouts};
pub use custom_attribute::{
    AttributeError, AttributeKind, CustomAttribute, CustomAttributes, Owner,
};
pub use download::{Download, DownloadError, Downloaded};
pub use encode::EncodeSource;
pub use entity::{
    Appointment, Asset, AssetBuild, AssetType, AssetVersion, AssetVersionList, Component,
    ComponentLocation, Context, CustomAttributeConfiguration, CustomAttributeType, Entity,
    EntityRef, Episode, FieldError, FieldKind, FileComponent, Folder, Group, Id, Job, List,
    Location, Metadata, Milestone, Note, NoteLabel, ObjectType, Priority, Project, ProjectSchema,
    Resource, SecurityRole, Sequence, SequenceComponent, Shot, State, Status, Task, Timelog, Timer,
    Type, Typed, TypedContext, TypedContextList, User,
};
pub use error::{CallError, ConnectError, ServerException, UnreachableCause};
pub use event_hub::{
    ConnectionLost, EventHub, HubMessage, HubOptions, HubState, PublishError, SubscribeError,
    SubscriberId,
};
pub use metrics::{RequestKind, RequestMetrics};
pub use operation::{EntityId, Operation, new_id};
pub use page::{Page, RowStream};
pub use query::{Filter, Literal, Query, QueryError, quote};
pub use schemas::Schemas;
pub use server_url::{ServerUrl, ServerUrlError};
pub use session::{CurrentUser, ReadError, ServerInformation, Session};
pub use transfer::{Progress, Retries, StorageError};
pub use upload::{
    BegunAnew, FileError, FileStamp, LedgerError, PartUrl, SentPart, Upload, UploadError,
    UploadLedger, UploadOptions, UploadPlan, UploadRecord, UploadState, Uploaded,
};
pub use value::{date, datetime, datetime_text, reference, time};
