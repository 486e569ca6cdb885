//! The environment that is made here, when the settings name no interpreter.
//!
//! It is made beside its place and swapped in, so that it is there in whole or not at all, whoever else makes one.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use tokio::fs;
use uuid::Uuid;

use super::errand::{ErrandError, run};
use super::{EnvironmentError, EnvironmentOptions, Interpreter, found_in_path, probe, with_client};

/// The client. Raising it makes a new environment beside the old one.
const CLIENT: &str = "ftrack-python-api==3.1.0";

/// What the client needs to run. It also asks for what its own documentation is built with, which is left out.
const NEEDED: [&str; 6] = [
    "arrow>=0.4.4,<1",
    "clique==1.6.1",
    "platformdirs>=4,<5",
    "pyparsing>=2.0,<3",
    "requests>=2,<3",
    "websocket-client>=0.40.0,<1",
];

/// The environment's folder; named anew when something above changes.
const NAME: &str = "python-ftrack-3.1.0";

/// How an environment begins that is being made.
const UNFINISHED: &str = ".new-";

/// When an environment that was left unfinished is taken away.
const FORGOTTEN: Duration = Duration::from_secs(24 * 60 * 60);

/// What pip says when it reaches no index.
const UNREACHED: [&str; 6] = [
    "ConnectionError",
    "Could not find a version",
    "Max retries exceeded",
    "NewConnectionError",
    "No matching distribution",
    "name resolution",
];

/// Returns the environment's interpreter; makes the environment when there is none that works.
pub(super) async fn interpreter(
    options: &EnvironmentOptions,
) -> Result<Interpreter, EnvironmentError> {
    let place = options.folder.join(NAME);
    if let Some(found) = working(&place, options).await {
        return Ok(found);
    }
    let (python, version) = found_in_path(options).await?;
    fs::create_dir_all(&options.folder)
        .await
        .map_err(disk(&options.folder))?;
    remove_forgotten(&options.folder).await;
    let beside = options
        .folder
        .join(format!("{UNFINISHED}{}", Uuid::new_v4().simple()));
    tracing::info!(
        "making an environment for Connect plugins with `{}`, Python {version}",
        python.display()
    );
    let made = make(&python, &beside, options).await;
    let made = match made {
        Ok(()) => swap_in(&beside, &place, options).await,
        Err(error) => Err(error),
    };
    if let Err(error) = fs::remove_dir_all(&beside).await
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!("could not remove `{}`: {error}", beside.display());
    }
    made?;
    working(&place, options)
        .await
        .ok_or(EnvironmentError::NoClient { path: place })
}

/// Returns the interpreter of an environment that has the client.
async fn working(place: &Path, options: &EnvironmentOptions) -> Option<Interpreter> {
    let path = python_in(place);
    if !path.is_file() {
        return None;
    }
    let found = probe(&path, options).await.ok()?;
    with_client(&path, found)
}

fn python_in(place: &Path) -> PathBuf {
    if cfg!(windows) {
        place.join("Scripts").join("python.exe")
    } else {
        place.join("bin").join("python")
    }
}

/// Makes an environment and installs the client, as the person has pip set up.
async fn make(
    python: &Path,
    place: &Path,
    options: &EnvironmentOptions,
) -> Result<(), EnvironmentError> {
    let until = Instant::now() + options.deadline;
    let words = ["-m".as_ref(), "venv".as_ref(), place.as_os_str()];
    errand(python, &words, options, until)
        .await
        .map_err(|source| EnvironmentError::NotMade { source })?;
    let installed = python_in(place);
    install(&installed, &["--no-deps", CLIENT], options, until).await?;
    install(&installed, &NEEDED, options, until).await
}

async fn install(
    python: &Path,
    what: &[&str],
    options: &EnvironmentOptions,
    until: Instant,
) -> Result<(), EnvironmentError> {
    let pip = ["-m", "pip", "install", "--disable-pip-version-check"];
    let quiet = ["--no-input", "--no-color", "--no-warn-script-location"];
    let words: Vec<&OsStr> = pip
        .iter()
        .chain(&quiet)
        .chain(what)
        .map(OsStr::new)
        .collect();
    errand(python, &words, options, until)
        .await
        .map_err(|source| match &source {
            ErrandError::Failed { said, .. }
                if UNREACHED.iter().any(|sign| said.contains(sign)) =>
            {
                EnvironmentError::NoPackages { source }
            }
            ErrandError::TimedOut(_) => EnvironmentError::NoPackages { source },
            _ => EnvironmentError::NotMade { source },
        })
}

async fn errand(
    python: &Path,
    words: &[&OsStr],
    options: &EnvironmentOptions,
    until: Instant,
) -> Result<(), ErrandError> {
    let left = until.saturating_duration_since(Instant::now());
    run(python, words, &options.variables, left).await.map(drop)
}

/// Puts an environment in its place. One that works by now, made by another host of the person's, stays.
async fn swap_in(
    made: &Path,
    place: &Path,
    options: &EnvironmentOptions,
) -> Result<(), EnvironmentError> {
    if working(place, options).await.is_some() {
        return Ok(());
    }
    // What lies there does not work, and no folder takes the place of a full one.
    let aside = options
        .folder
        .join(format!("{UNFINISHED}{}", Uuid::new_v4().simple()));
    match fs::rename(place, &aside).await {
        Ok(()) => fs::remove_dir_all(&aside).await.map_err(disk(&aside))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(disk(place)(error)),
    }
    fs::rename(made, place).await.map_err(disk(place))
}

/// Takes away what hosts that were killed have left unfinished.
async fn remove_forgotten(folder: &Path) {
    let Ok(mut entries) = fs::read_dir(folder).await else {
        return;
    };
    while let Ok(Some(entry)) = entries.next_entry().await {
        let name = entry.file_name();
        let changed = entry.metadata().await.and_then(|found| found.modified());
        let age = changed.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
        if name.to_string_lossy().starts_with(UNFINISHED)
            && age.is_ok_and(|age| age > FORGOTTEN)
            && let Err(error) = fs::remove_dir_all(entry.path()).await
        {
            tracing::warn!("could not remove `{}`: {error}", entry.path().display());
        }
    }
}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> EnvironmentError {
    let path = path.to_owned();
    move |source| EnvironmentError::Disk { path, source }
}
