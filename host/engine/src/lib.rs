//! The brain of the host: events in, effects out, no I/O.
