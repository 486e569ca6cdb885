//! `callboard plugins`: what there is, how it fares, and what is done about it.

mod list;
mod settings;

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
}

pub(super) fn plugins(session: &Session, arguments: PluginsArguments) -> Result<Code, Problem> {
    match arguments.command {
        Command::List => list::list(session),
        Command::Settings(arguments) => settings::settings(session, arguments),
    }
}
