//! Runs a Callboard plugin against a fake host, in one process.
