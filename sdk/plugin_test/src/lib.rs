//! Runs a Callboard plugin against a fake host, through the real wire: in one process for its tests, or as it is really started for a [`Trial`].
//!
//! This crate must never know any host crate: it plays the host as `docs/protocol.md` describes it.
//!
//! Read first: [`PluginTest`] (a plugin under test), [`Record`] (what the plugin did) and [`PluginTest::launch`] (one turn of a job).
//!
//! ```
//! # mod hello {
//! #     use callboard_plugin_sdk::{Failure, Host, Launch, Outcome, Plugin};
//! #     struct Hello;
//! #     impl Plugin for Hello {
//! #         fn launch(&mut self, launch: &Launch, _: &Host) -> Result<Outcome, Failure> {
//! #             Ok(Outcome::done(format!("Hello, Shot {}", launch.context.selection[0].id)))
//! #         }
//! #     }
//! #     callboard_plugin_sdk::export_plugin!(Hello);
//! # }
//! use callboard_plugin_test::{Context, Entity, Outcome, PluginTest, json};
//!
//! # /*
//! let mut test = PluginTest::new(env!("CARGO_MANIFEST_DIR"), hello::plugin());
//! # */
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/greedy");
//! # let mut test = PluginTest::new(folder, hello::plugin());
//! let context = Context {
//!     selection: vec![Entity::new("Shot", "c1")],
//!     ..Context::default()
//! };
//! let outcome = test.launch("act", context, json!({}));
//! assert_eq!(outcome, Ok(Outcome::done("Hello, Shot c1")));
//! ```
//!
//! A test fails when the plugin uses what its `plugin.toml` does not declare.
#![warn(missing_docs)]

mod fake_host;
mod plugin_test;
mod report;
mod trial;

pub use callboard_protocol::{
    Context, DccContext, Entity, Failure, FailureKind, HandOver, HostMethod, HttpAnswer, HttpBody,
    HttpRequest, Launch, Log, Manifest, Notify, Outcome, Progress, StepReport, StepState,
    StepsReport, StoredEntry, Surface, UnitReport, UnitState,
};
pub use serde_json::{Map, Value, json};

pub use fake_host::Record;
pub use plugin_test::PluginTest;
pub use trial::{Check, Entities, Patience, Subject, Trial};
