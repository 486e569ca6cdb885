//! The program `callboard`: the resident host, and the commands that talk to it.
//!
//! Everything is wired here and nothing is decided: what is to be done is the engine's to say.
//! Read first: [`host::Host`] (what runs), [`engine_thread::EngineHandle`] (the way to the engine), [`cli`] (what can be typed).

mod about;
mod cli;
mod connect;
mod connection;
mod engine_thread;
mod hearing;
mod home;
mod host;
mod instance;
mod ledger;
mod logging;
mod pins;
mod plugin_folders;
mod plugin_log;
#[cfg(target_os = "linux")]
mod process_tree;
mod service;
mod settings;
mod sign_in;
mod supervisor;
mod surface;
mod tray;
mod usage;
mod windows;

fn main() -> std::process::ExitCode {
    cli::run()
}
