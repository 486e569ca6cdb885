//! An ftrack-compatible server in one process, for demos, tests and development.
//!
//! It speaks ftrack's HTTP API and event hub well enough that the official clients run against it
//! unchanged; their behaviour, not ours, decides what is right. It keeps its data in SQLite or in memory
//! and comes with a demo project.
//!
//! It must never know the rest of Callboard: it stands alone, so that it checks our client and not our
//! opinion of it.
//!
//! Read first: [`Sandbox`], a running server; `Schema`, the table of entity types that everything else
//! follows; `Store`, where the entities are.

mod access;
mod api;
mod control;
mod disk;
mod encode;
mod error;
#[doc(hidden)]
pub mod fuzz;
mod http;
mod hub;
mod leaf;
mod media;
mod operations;
mod page;
mod query;
mod schema;
mod seed;
mod server;
mod store;
mod time;

pub use seed::{Scale, Seed};
pub use server::{Options, Sandbox, StartError, start};
