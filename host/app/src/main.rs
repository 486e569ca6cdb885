//! The program `callboard`.

mod engine_thread;
mod home;
mod host;
mod settings;

fn main() {}
