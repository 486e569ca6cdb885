//! Brings plugins onto a machine: archives, signatures, the lock file and the swap from one version to another.
//!
//! What comes from outside is unpacked beside what is there, looked at, and swapped in with one rename; whatever
//! happens on the way, the machine has the old version or the new one.
//! This crate must never know the engine, manifests, settings, or who asks: it is given folders and limits.
//!
//! Read first: [`Lock`], which says what is meant to be installed.
#![warn(missing_docs)]

mod durable;
mod lock;
mod version;

pub use lock::{Damage, Lock, LockError, Locked, LockedPlugin};
pub use version::compare_versions;
