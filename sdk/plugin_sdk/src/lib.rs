//! What the author of a Callboard plugin imports.
//!
//! A plugin decides what is to be done; the host does it.
//! This crate must never know anything of the host but its messages.
//!
//! Read first: [`Plugin`] (what an author writes), [`Host`] (what an author may ask) and [`Outcome`] (how a turn ends).
//!
//! The whole of a plugin that says what is selected:
//!
//! ```
//! use callboard_plugin_sdk::{Failure, Host, Launch, Outcome, Plugin};
//!
//! struct Hello;
//! impl Plugin for Hello {
//!     fn launch(&mut self, launch: &Launch, _: &Host) -> Result<Outcome, Failure> {
//!         let [only] = launch.context.selection.as_slice() else {
//!             return Err(Failure::invalid("nothing to greet").hint("select exactly one shot"));
//!         };
//!         Ok(Outcome::done(format!("Hello, {} {}", only.kind, only.id)))
//!     }
//! }
//!
//! callboard_plugin_sdk::export_plugin!(Hello); // in a program: fn main() { serve(Hello) }
//! # fn main() {}
//! ```
//!
//! Beside it lies a `plugin.toml` that names the actions and what the plugin may ask for.
//! What a plugin prints goes to its log, whichever stream it prints to.
#![warn(missing_docs)]

#[doc(hidden)]
pub mod abi;
mod describe;
mod host;
mod link;
mod plugin;
mod serve;
#[doc(hidden)]
pub mod stdio;
mod step;
mod text;

pub use callboard_protocol::{
    ActionId, AttachedFile, Change, Changed, ChildJob, Choice, Context, Control, DccContext,
    DescribeRow, Edit, Entity, EventInput, EventPlace, EventsHeard, Failure, FailureKind,
    FetchedFile, FtrackDownload, HeardEvent, HttpAnswer, HttpBody, HttpRequest, InDoubt, Item,
    JobId, JobState, JobsLaunch, Launch, LogLevel, MAX_STATUS_CHARACTERS, NotifyLevel, Operation,
    Outcome, Patch, SelectionId, StatusSet, Step, StepId, StepReport, StepState, StepsReport,
    Surface, Unit, UnitReport, UnitState, View, Work,
};
pub use serde_json::{Map, Value, json};

pub use describe::DescribePages;
pub use host::{Ftrack, Host, Http, HttpReply, LogEntry, QueryPages, Secret, Store, StoreLog};
pub use plugin::Plugin;
#[doc(hidden)]
pub use plugin::{Turns, Typed};
pub use serve::serve;
#[doc(hidden)]
pub use serve::{ServeError, serve_connection};
pub use step::event_step;
pub use text::{new_id, quote};
