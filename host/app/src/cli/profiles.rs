//! `callboard profiles`: several servers or users side by side.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use callboard_protocol::{Failure, FailureKind, Items};
use clap::{Args, Subcommand};
use ftrack::ServerUrl;
use serde::Serialize;

use super::Session;
use super::client::Client;
use super::login::block_on;
use super::logout::unfinished;
use super::print::table;
use super::problem::{Code, Problem};
use crate::home::Home;
use crate::settings::{Credentials, DEFAULT_PROFILE, Profiles, ProfilesError};
use crate::sign_in::failure_from_credentials;

#[derive(Args, Debug)]
pub(super) struct ProfilesArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the profiles.
    List,
    /// Adds one; sign in to it with `callboard login --profile NAME`.
    Add {
        /// What it is called: a-z, 0-9, `-` and `_`.
        name: String,
        /// The one server that it is for; without it, the first that somebody signs in to.
        #[arg(long, value_name = "ADDRESS")]
        server: Option<String>,
    },
    /// Removes one with its key, its jobs and its log. One with jobs that have not ended stays.
    Remove {
        /// What it is called.
        name: String,
    },
    /// Has one used where `--profile` names none. Applications such as Flame meet that one.
    Use {
        /// What it is called.
        name: String,
    },
}

/// A profile as it is listed.
#[derive(Serialize)]
struct Listed {
    name: String,
    server: String,
    user: String,
    used: bool,
    running: bool,
}

pub(super) fn profiles(session: &Session, arguments: ProfilesArguments) -> Result<Code, Problem> {
    let shared = Profiles::shared_home(&session.environment);
    let mut profiles = Profiles::read(&shared).map_err(problem)?;
    match arguments.command {
        Command::List => {}
        Command::Add { name, server } => {
            let server = server.as_deref().map(ServerUrl::parse).transpose();
            let server = server.map_err(|error| {
                Failure::invalid(error.to_string())
                    .hint("give a name such as `studio`, or an address")
            })?;
            let server = server.map(|server| server.to_string());
            profiles.add(&name, server).map_err(problem)?;
            profiles.write(&shared).map_err(problem)?;
        }
        Command::Remove { name } => remove(session, &shared, profiles.clone(), &name)?,
        Command::Use { name } => use_one(&shared, &mut profiles, &name)?,
    }
    list(session, &shared)
}

/// Returns what is wrong with profiles as a failure.
pub(super) fn problem(error: ProfilesError) -> Problem {
    let kind = match error {
        ProfilesError::Unknown(_) => FailureKind::NotFound,
        ProfilesError::Taken(_) => FailureKind::Conflict,
        ProfilesError::BadName(_) => FailureKind::Invalid,
        _ => FailureKind::Unavailable,
    };
    let failure = Failure::new(kind, error.to_string()).hint(error.hint());
    match std::error::Error::source(&error) {
        Some(source) => failure.caused_by(source).into(),
        None => failure.into(),
    }
}

fn list(session: &Session, shared: &Home) -> Result<Code, Problem> {
    let profiles = Profiles::read(shared).map_err(problem)?;
    let mut items = Vec::new();
    for name in profiles.names() {
        let home = profiles.home(shared.clone(), name).map_err(problem)?;
        let kept = Credentials::kept(&home).ok().flatten();
        let (server, user) = kept.unwrap_or_default();
        items.push(Listed {
            name: name.to_owned(),
            server: home.server().map_or(server, str::to_owned),
            user,
            used: name == profiles.used(),
            running: runs(&home)?,
        });
    }
    let rows: Vec<_> = items
        .iter()
        .map(|item| {
            let mark = |is: bool, mark: &str| if is { mark.to_owned() } else { String::new() };
            [
                item.name.clone(),
                mark(item.used, "in use"),
                mark(item.running, "runs"),
                item.user.clone(),
                item.server.clone(),
            ]
        })
        .collect();
    let human = table(["PROFILE", "", "", "USER", "SERVER"], &rows);
    session.output.result(&Items { items }, &human)?;
    Ok(Code::Done)
}

/// Removes a profile whose host does not run and whose work is done: nothing that was handed over is lost.
fn remove(
    session: &Session,
    shared: &Home,
    mut profiles: Profiles,
    name: &str,
) -> Result<(), Problem> {
    if name == DEFAULT_PROFILE {
        return Err(Failure::invalid("the default profile stays")
            .hint("forget its key with `callboard logout --profile default`")
            .into());
    }
    let home = profiles.home(shared.clone(), name).map_err(problem)?;
    stay_away_from_running(name, &home)?;
    let waiting = unfinished(session, &home)?;
    if waiting > 0 {
        return Err(Failure::new(
            FailureKind::Conflict,
            format!("jobs of `{name}` have not ended: {waiting}"),
        )
        .hint(format!(
            "let them end with `callboard run --profile {name}`, or cancel them"
        ))
        .into());
    }
    block_on(Credentials::forget(&home))?.map_err(|error| failure_from_credentials(&error))?;
    profiles.remove(name).map_err(problem)?;
    profiles.write(shared).map_err(problem)?;
    for folder in [&home.logs, &home.data, &home.config] {
        remove_folder(folder)?;
    }
    Ok(())
}

/// The one in use has the usual socket, so neither it nor the one before may run meanwhile.
fn use_one(shared: &Home, profiles: &mut Profiles, name: &str) -> Result<(), Problem> {
    let home = |profiles: &Profiles, name: &str| profiles.home(shared.clone(), name);
    let before = profiles.used().to_owned();
    if before == name {
        return Ok(());
    }
    for name in [before.as_str(), name] {
        stay_away_from_running(name, &home(profiles, name).map_err(problem)?)?;
    }
    profiles.choose(name).map_err(problem)?;
    profiles.write(shared).map_err(problem)
}

fn stay_away_from_running(name: &str, home: &Home) -> Result<(), Problem> {
    if !runs(home)? {
        return Ok(());
    }
    Err(Failure::new(
        FailureKind::Conflict,
        format!("callboard runs with the profile `{name}`"),
    )
    .hint("quit it and try again")
    .into())
}

fn runs(home: &Home) -> Result<bool, Problem> {
    match Client::connect(&home.bus) {
        Ok(_) => Ok(true),
        Err(problem) if problem.code == Code::NotRunning => Ok(false),
        Err(problem) => Err(problem),
    }
}

fn remove_folder(folder: &Path) -> Result<(), Problem> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error)
            .with_context(|| format!("could not remove `{}`", folder.display()))
            .map_err(Problem::from),
        _ => Ok(()),
    }
}
