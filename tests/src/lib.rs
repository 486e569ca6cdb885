//! Fakes and runners for Callboard's scenarios.
//!
//! A scenario meets the program as anybody else does: as a process with a home folder, a socket, a tray item and a
//! command line. So this library must never use a crate of ours: it would check the wire against our own opinion of it.
//! (The benchmarks may: they measure some parts from inside.)
//! Read first: [`HostRunner`] (a running `callboard`), [`BusClient`] (a client of its bus), [`SessionBus`] (a desktop's).

mod bus;
mod command_line;
mod display;
mod home;
mod host;
mod hub;
mod keyring;
mod node;
mod process;
mod program;
mod python;
mod random;
mod sandbox;
mod tray;
mod unprivileged;
mod wait;

pub use bus::{BusClient, BusError, Incoming};
pub use command_line::CommandResult;
pub use display::Display;
pub use home::Home;
pub use host::{HostBuilder, HostRunner, Ready, callboard_in};
pub use hub::{Frame, HubClient};
pub use keyring::Keyring;
pub use node::node_modules;
pub use process::{Finished, command, descendants, is_alive, run, signal, with_environment};
pub use program::{
    checkout, example, example_library, number_set, program, staged_plugins, variable,
};
pub use python::{python, run_python};
pub use random::{Random, seed};
pub use rustix::process::Signal;
pub use sandbox::SandboxClient;
pub use tray::{MenuEntry, SessionBus, TrayItem, TrayWatcher};
pub use wait::wait_until;

/// How long anything that should happen at once may take on a busy machine.
pub const SOON: std::time::Duration = std::time::Duration::from_secs(20);
