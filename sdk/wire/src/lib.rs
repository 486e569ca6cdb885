//! Framing, handshake and connections for Callboard's protocol.
//!
//! One JSON object a line, UTF-8, over anything that carries bytes.
//! This crate must never know what a message means, nor which runtime its caller uses: it is plain, blocking `std`, and [`Decoder`] does no I/O at all.
//!
//! Read first: [`Decoder`] (bytes in, messages out), [`Connection`] (a [`Receiver`] and a [`Sender`] around two streams) and [`HelloError`] (why two sides cannot talk).
#![warn(missing_docs)]

mod connection;
mod decoder;
mod encoder;
mod hello;
mod memory;

pub use connection::{Connection, ReceiveError, Receiver, SendError, Sender};
pub use decoder::{DecodeError, Decoder};
pub use encoder::{TooLong, encode};
pub use hello::{HelloError, Versions, encode_hello, parse_hello, refuse_hello};
