//! The window process: draws views, and returns what a person does in them.
//!
//! One process for each window, started on demand and gone when it closes; the host keeps all state, and a killed window
//! loses nothing that was committed to a field.
//! This crate must never know ftrack, plugins, databases or credentials: it is given data and talks to the host's bus.
//!
//! Read first: [`run`] (a window from its start to its end), [`bus::Bus`] (its way to the host), [`Form`] (a view that is
//! filled in), [`Tokens`] (what colours mean).
#![warn(missing_docs)]

pub mod bus;
pub mod form;
pub mod icon;
mod launcher;
mod shell;
mod table;
pub mod tokens;
mod windows;

pub use form::{Form, FormEvent, markdown_ui, problem_ui};
pub use icon::Icon;
pub use launcher::{Findable, Typed, find};
pub use shell::{Options, Theme, run};
pub use tokens::Tokens;
