//! `callboard autostart`: whether callboard starts when the person logs in to this machine.
//!
//! Each system has a file for that in a place of its own; all three are written here, so that tests look at each.
//! Linux's was tried on Linux; the other two are written after their systems' documentation and were not tried there.

mod linux;
mod macos;
mod windows;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use callboard_protocol::Failure;
use clap::{Args, Subcommand};
use serde_json::json;

use super::Session;
use super::problem::{Code, Problem};
use crate::settings::{Environment, write_private};

#[derive(Args, Debug)]
pub(super) struct AutostartArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Starts callboard with every login, from this program file.
    On,
    /// Does so no longer.
    Off,
    /// Tells whether it does.
    Status,
}

/// What is to be started.
struct Start {
    program: String,
    /// The folder of a host that does not use the usual ones.
    home: Option<String>,
    /// The profile, where it is not to be the one in use. Its name is letters and digits, `-` and `_`.
    profile: Option<String>,
}

/// How a system is told what to start with a login: by a file that it looks for.
trait LoginItem {
    /// Returns where the file lies; each profile has one of its own.
    fn path(&self, environment: &Environment, start: &Start) -> PathBuf;

    /// Returns what stands in it.
    fn content(&self, start: &Start) -> String;
}

pub(super) fn autostart(
    session: &Session,
    arguments: &AutostartArguments,
) -> Result<Code, Problem> {
    let item: &dyn LoginItem = match std::env::consts::OS {
        "macos" => &macos::LaunchAgent,
        "windows" => &windows::StartupFolder,
        _ => &linux::DesktopEntry,
    };
    let start = Start::of_this_program(session)?;
    let path = item.path(&session.environment, &start);
    let content = item.content(&start);
    match arguments.command {
        Command::On => turn_on(&path, &content)?,
        Command::Off => turn_off(&path)?,
        Command::Status => {}
    }
    let kept = read(&path)?;
    let is_current = kept.as_ref() == Some(&content);
    let human = match (&kept, is_current) {
        (None, _) => "Callboard does not start with your login.".to_owned(),
        (Some(_), true) => "Callboard starts with your login.".to_owned(),
        (Some(_), false) => format!(
            "Something else starts with your login than this program: `{}`.\nMake it this one with `callboard autostart on`.",
            path.display()
        ),
    };
    let value = json!({"on": kept.is_some(), "current": is_current, "file": path});
    session.output.result(&value, &human)?;
    Ok(Code::Done)
}

impl Start {
    fn of_this_program(session: &Session) -> Result<Self, Problem> {
        let program = std::env::current_exe().context("could not find this program's own file")?;
        Ok(Self {
            program: text_of_path(&program)?,
            home: session
                .environment
                .callboard_home
                .as_deref()
                .map(text_of_path)
                .transpose()?,
            profile: session.named_profile.clone(),
        })
    }

    /// Returns a name for its file, which begins with `name`.
    fn file_name(&self, name: &str) -> String {
        match &self.profile {
            Some(profile) => format!("{name}-{profile}"),
            None => name.to_owned(),
        }
    }

    /// Returns the words after the program.
    fn words(&self) -> Vec<&str> {
        let profile = self.profile.as_deref();
        let named = profile.into_iter().flat_map(|name| ["--profile", name]);
        named.chain(["run"]).collect()
    }
}

/// Returns a path as it can stand in such a file: as text, and on one line.
fn text_of_path(path: &Path) -> Result<String, Failure> {
    let text = path
        .to_str()
        .filter(|text| !text.contains(char::is_control));
    text.map(str::to_owned).ok_or_else(|| {
        Failure::invalid(format!(
            "this path cannot be started from: `{}`",
            path.display()
        ))
        .hint("move it to a folder whose name is plain text")
    })
}

fn turn_on(path: &Path, content: &str) -> Result<(), Problem> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("could not make the folder `{}`", folder.display()))?;
    }
    write_private(path, content.as_bytes())
        .with_context(|| format!("could not write `{}`", path.display()))?;
    Ok(())
}

fn turn_off(path: &Path) -> Result<(), Problem> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(anyhow::Error::from(error)
            .context(format!("could not remove `{}`", path.display()))
            .into()),
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<Option<String>, Problem> {
    match fs::read_to_string(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(anyhow::Error::from(error)
            .context(format!("could not read `{}`", path.display()))
            .into()),
    }
}
