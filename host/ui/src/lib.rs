//! The window process: draws views, and returns what a person does in them.
//!
//! One process for each window, started on demand and gone when it closes; the host keeps all state, and a killed window
//! loses nothing that was committed to a field.
//! This crate must never know ftrack, plugins, databases or credentials: it is given data and talks to the host's bus.
//!
//! Read first: [`Form`], [`FormEvent`], [`Tokens`].
#![warn(missing_docs)]

pub mod form;
pub mod icon;
mod table;
pub mod tokens;

pub use form::{Form, FormEvent, markdown_ui, problem_ui};
pub use icon::Icon;
pub use tokens::Tokens;
