//! A library that is no plugin.

/// Does nothing.
pub fn nothing() {}
