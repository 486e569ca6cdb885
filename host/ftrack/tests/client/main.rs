//! The client against servers that behave, and servers that do not.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod calls;
mod entities;
mod hub;
mod pauses;
mod studio;
mod support;
mod tls;
