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
mod config;
mod error;
mod event_hub;
mod http;
mod operation;
mod query;
mod schemas;
mod server_url;
mod session;
mod value;

pub use config::{Config, Proxy, Secret, Timeouts};
pub use error::{CallError, ConnectError, ServerException, UnreachableCause};
pub use event_hub::{
    ConnectionLost, EventHub, HubMessage, HubOptions, HubState, PublishError, SubscribeError,
    SubscriberId,
};
pub use operation::{EntityId, Operation, new_id};
pub use query::{Filter, Literal, Query, QueryError, quote};
pub use schemas::Schemas;
pub use server_url::{ServerUrl, ServerUrlError};
pub use session::{CurrentUser, Page, ServerInformation, Session};
pub use value::{datetime, datetime_text, reference};
