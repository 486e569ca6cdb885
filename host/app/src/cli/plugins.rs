//! `callboard plugins`: what there is, how it fares, and what is done about it.

mod create;
mod list;
mod settings;
mod trial;

use clap::{Args, Subcommand};

use super::Session;
use super::problem::{Code, Problem};

#[derive(Args, Debug)]
pub(super) struct PluginsArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists plugins.
    List,
    /// Shows and changes what is set for a plugin.
    Settings(settings::SettingsArguments),
    /// Makes a folder that is a plugin, with a test of its own.
    New(create::NewArguments),
    /// Tries a plugin out against the host's side of the protocol, in fair weather and foul.
    Test(trial::TestArguments),
}

pub(super) fn plugins(session: &Session, arguments: PluginsArguments) -> Result<Code, Problem> {
    match arguments.command {
        Command::List => list::list(session),
        Command::Settings(arguments) => settings::settings(session, arguments),
        Command::New(arguments) => create::new(session, &arguments),
        Command::Test(arguments) => trial::test(session, &arguments),
    }
}
