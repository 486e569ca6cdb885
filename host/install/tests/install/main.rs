//! What archives, signatures, the store and downloads do when the world is not kind.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test that calls them"
)]

mod attacks;
mod downloads;
mod keys;
mod packing;
mod real;
mod store;
