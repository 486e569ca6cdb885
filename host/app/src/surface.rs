//! The places with a menu, one dialect each. No surface knows another.

pub(crate) mod bus;
pub(crate) mod dialect;
pub(crate) mod submit;
pub(crate) mod tray;
pub(crate) mod web;
