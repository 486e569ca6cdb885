//! The process that a plugin lives in.
