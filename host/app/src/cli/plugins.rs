//! `callboard plugins`: what there is, how it fares, and what is done about it.

mod bisect;
mod create;
mod install;
mod list;
mod logs;
mod remove;
mod settings;
mod sign;
mod switch;
mod sync;
mod trial;
mod verify;

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
    /// Lists plugins and how they fare; with an id, tells everything of that one.
    List(list::ListArguments),
    /// Shows what a plugin has logged.
    Logs(logs::LogsArguments),
    /// Lets a plugin run again that was disabled, or that crashed too often.
    Enable(switch::SwitchArguments),
    /// Keeps a plugin from running; jobs of it that run are finished.
    Disable(switch::SwitchArguments),
    /// Looks for plugins anew; a plugin that has changed runs its new code from the next job on.
    Reload,
    /// Finds the plugin that makes trouble, by switching off one half of the suspects after the other.
    Bisect(bisect::BisectArguments),
    /// Shows and changes what is set for a plugin.
    Settings(settings::SettingsArguments),
    /// Makes a folder that is a plugin, with a test of its own.
    New(create::NewArguments),
    /// Tries a plugin out against the host's side of the protocol, in fair weather and foul.
    Test(trial::TestArguments),
    /// Installs a plugin from an archive, a folder or an address.
    Install(install::InstallArguments),
    /// Takes an installed plugin away.
    Remove(remove::RemoveArguments),
    /// Goes back to the version that was installed before.
    Rollback(remove::RollbackArguments),
    /// Brings this machine to the plugins that a lock names.
    Sync(sync::SyncArguments),
    /// Finds installed plugins that are not what the lock says.
    Verify,
    /// Signs an archive or a plugin's folder.
    Sign(sign::SignArguments),
    /// Makes a key to sign plugins with.
    Keygen(sign::KeygenArguments),
}

pub(super) fn plugins(session: &Session, arguments: PluginsArguments) -> Result<Code, Problem> {
    match arguments.command {
        Command::List(arguments) => list::list(session, &arguments),
        Command::Logs(arguments) => logs::logs(session, arguments),
        Command::Enable(arguments) => switch::enable(session, arguments),
        Command::Disable(arguments) => switch::disable(session, arguments),
        Command::Reload => switch::reload(session),
        Command::Bisect(arguments) => bisect::bisect(session, &arguments),
        Command::Settings(arguments) => settings::settings(session, arguments),
        Command::New(arguments) => create::new(session, &arguments),
        Command::Test(arguments) => trial::test(session, &arguments),
        Command::Install(arguments) => install::install(session, &arguments),
        Command::Remove(arguments) => remove::remove(session, &arguments),
        Command::Rollback(arguments) => remove::rollback(session, &arguments),
        Command::Sync(arguments) => sync::sync(session, &arguments),
        Command::Verify => verify::verify(session),
        Command::Sign(arguments) => sign::sign(session, &arguments),
        Command::Keygen(arguments) => sign::keygen(session, &arguments),
    }
}
