//! Stories about the whole program, one file each.
//!
//! They start the built `callboard` and meet it as a person, a studio's script or an application does.

mod bad_input;
mod bus;
mod cli;
mod connect;
mod crash;
mod crowd;
mod declared;
mod event_steps;
mod flame;
mod forms;
mod kept;
mod launcher;
mod ledger;
mod media;
mod network;
mod orphans;
mod plugin_guide;
mod plugin_life;
mod plugins_install;
mod profiles;
mod secrets;
mod server_away;
mod services;
mod services_outside;
mod sign_in;
mod start;
mod studio;
mod tray;
mod unruly;
mod web;
mod web_page;
mod windows;
