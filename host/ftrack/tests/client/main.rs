//! The client against servers that behave, and servers that do not.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod calls;
mod compose;
mod downloads;
mod entities;
mod errors;
mod files;
mod hub;
mod pauses;
mod resume;
mod storages;
mod studio;
mod support;
mod tls;
mod uploads;
