//! An ftrack client: sessions, queries, changes, files, and the event hub.
//!
//! It talks to one server as one user, over one pool of connections, and says of every failure what to do next and
//! whether the server may have done the work all the same.
//! It must never know plugins, actions, windows, or where settings and keys are kept: it is given a [`Config`].
//!
//! Read first: [`Session`], which queries and changes entities; [`CallError`], what can come of that; and [`EventHub`],
//! the connection that stays up by itself and carries events.
//!
//! # Reading
//!
//! A [`Query`] is put together, so that no value can leave its place. Rows are read as what they are ([`Shot`],
//! [`Task`], [`User`] …) or by name ([`Entity`]); an attribute that was not asked for is an error and never a default.
//! [`Session::stream`] reads long answers a page at a time. Rows as JSON are as ftrack sends them, with one difference:
//! ftrack writes an entity in full once per answer and then only refers to it, and here every mention is whole.
//!
//! # Changing
//!
//! [`Session::call`] carries out a batch of [`Operation`]s, whole or not at all. [`Session::call_units`] carries out
//! many [`Unit`]s and tells which of them were refused, and why. [`NewNote`], [`NewVersion`], [`NewComponent`] and
//! their like turn into the operations that make them:
//!
//! ```no_run
//! # async fn note(session: ftrack::Session) -> Result<(), ftrack::CallError> {
//! use ftrack::{EntityRef, Id, NewNote};
//!
//! let author = Id::new(&session.user().id);
//! let note = NewNote::new("ready for review", author, EntityRef::new("AssetVersion", "8f2c…"));
//! match session.call(&note.operations()).await {
//!     // The answer was lost: the note may be there, and has the id that we gave it.
//!     Err(error) if error.outcome_unknown() => println!("look for {} first", note.id),
//!     result => drop(result?),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Files
//!
//! [`Session::upload`] and [`Session::download`] stream files of any size, and go on where they broke off.
//!
//! ```no_run
//! # async fn publish(session: ftrack::Session) -> Result<(), Box<dyn std::error::Error>> {
//! use ftrack::{NewComponent, Upload};
//!
//! let path = std::path::Path::new("comp_v003.mov");
//! let size = path.metadata()?.len();
//! let movie = NewComponent::of_file(path, "movie", size);
//! session.upload(Upload::new(&movie.id, &movie.file_name(), path)).await?;
//! session.call(&movie.operations()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Setting up
//!
//! The program installs a process-wide TLS provider before the first session:
//! `rustls::crypto::ring::default_provider().install_default()`.
#![warn(missing_docs)]

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
#[doc(hidden)]
pub mod fuzz;
mod http;
mod metrics;
mod operation;
mod page;
mod passage;
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
    ConnectionLost, EventHub, HubMessage, HubMessages, HubMetrics, HubOptions, HubState,
    PublishError, RenewError, SubscribeError, SubscriberId,
};
pub use metrics::{RequestKind, RequestMetrics};
pub use operation::{EntityId, Operation, new_id};
pub use page::{Page, RowStream};
pub use passage::Passage;
pub use query::{Filter, Literal, Query, QueryError, quote};
pub use schemas::Schemas;
pub use server_url::{ServerUrl, ServerUrlError};
pub use session::{CurrentUser, ReadError, ServerInformation, Session};
pub use transfer::{Progress, Retries, StorageError};
pub use upload::{
    BegunAnew, FileError, FileStamp, LedgerError, PartUrl, SentPart, Upload, UploadError,
    UploadLedger, UploadOptions, UploadPlan, UploadRecord, UploadState, Uploaded, file_md5,
};
pub use value::{date, datetime, datetime_text, reference, time};

/// The examples of the crate's page.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
