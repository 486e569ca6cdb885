//! What ftrack Connect's plugins meet: a loopback door to the server, and the Python that serves their hooks.
//!
//! A Connect plugin is a folder of Python modules that bring their own ftrack client. They run unchanged in a Python
//! child; the child's client talks to a *door* on this machine instead of to the server, with a token of its own
//! instead of the API key.
//! This crate must never know the engine, surfaces, or where settings and keys are kept.
//!
//! Read first: [`OpenDoor`], what a child takes for its server; [`Switchboard`], which shares the host's one connection
//! to the event hub among the children; [`Python`], the modules that serve hooks, and where they
//! lie; and [`Environment`], which finds or makes what they run in.
#![warn(missing_docs)]

mod door;
mod environment;
mod python;
mod switchboard;
mod tasks;

pub use door::{DoorOptions, OpenDoor, Outward};
pub use environment::{
    Environment, EnvironmentError, EnvironmentOptions, ErrandError, Interpreter, OLDEST_PYTHON,
    PythonVersion, interpreter,
};
pub use python::{LayOutError, Python};
pub use switchboard::Switchboard;
