//! The client against servers that behave, and servers that do not.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod calls;
mod hub;
mod support;
mod tls;
