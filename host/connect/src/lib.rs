//! What ftrack Connect's plugins meet: a loopback door to the server, and the Python that serves their hooks.
//!
//! A Connect plugin is a folder of Python modules that bring their own ftrack client. They run unchanged in a Python
//! child; the child's client talks to a *door* on this machine instead of to the server, with a token of its own
//! instead of the API key.
//! This crate must never know the engine, surfaces, or where settings and keys are kept.
//!
//! Read first: [`OpenDoor`], what a child takes for its server; [`Switchboard`], which shares the host's one connection
//! to the event hub among the children; and [`Python`], the modules that serve hooks, and where they lie.
#![warn(missing_docs)]

mod door;
mod python;
mod switchboard;
mod tasks;

pub use door::{DoorOptions, OpenDoor};
pub use python::{LayOutError, Python};
pub use switchboard::Switchboard;
