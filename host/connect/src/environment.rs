//! The interpreter that serves hooks: the one that a person names, else one with an environment that is made here.

mod errand;
mod managed;
mod probe;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use self::probe::{Probe, probe};

pub use self::probe::PythonVersion;

/// The oldest Python that serves hooks: Rocky 9's.
pub const OLDEST_PYTHON: PythonVersion = PythonVersion { major: 3, minor: 9 };

/// Names of interpreters, in the order in which they are looked for.
const NAMES: &[&str] = &[
    "python3",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "python3.9",
];

/// What an interpreter is looked for with.
#[derive(Clone, Debug)]
pub struct EnvironmentOptions {
    /// The interpreter that the settings name.
    pub interpreter: Option<PathBuf>,
    /// Where the environment that is made here lies.
    pub folder: PathBuf,
    /// The person's variables: pip is set up by some of them. Those of ftrack's and of Callboard's are kept back.
    pub variables: Vec<(OsString, OsString)>,
    /// How long making the environment may take.
    pub deadline: Duration,
}

/// An interpreter with the official client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// Its path.
    pub path: PathBuf,
    /// Its version.
    pub version: PythonVersion,
    /// The client's version.
    pub client: String,
}

/// The interpreter that a host's children share. It is looked for when the first of them needs it.
#[derive(Clone, Debug)]
pub struct Environment {
    options: Arc<EnvironmentOptions>,
    known: Arc<Mutex<Option<Known>>>,
}

/// What came of looking last.
#[derive(Clone, Debug)]
struct Known {
    outcome: Result<Interpreter, Arc<EnvironmentError>>,
    until: Instant,
}

impl Environment {
    /// How long it is not looked for again: children that start together share what one of them finds, or does not.
    const HOLDS: Duration = Duration::from_secs(30);

    /// Looks for nothing yet.
    pub fn new(options: EnvironmentOptions) -> Self {
        Self {
            options: Arc::new(options),
            known: Arc::default(),
        }
    }

    /// Returns the interpreter, as [`interpreter`] does. Whoever asks meanwhile waits for the same one.
    ///
    /// # Errors
    ///
    /// As [`interpreter`].
    pub async fn interpreter(&self) -> Result<Interpreter, Arc<EnvironmentError>> {
        let mut known = self.known.lock().await;
        if let Some(known) = &*known
            && known.until > Instant::now()
        {
            return known.outcome.clone();
        }
        let outcome = interpreter(&self.options).await.map_err(Arc::new);
        *known = Some(Known {
            outcome: outcome.clone(),
            until: Instant::now() + Self::HOLDS,
        });
        outcome
    }
}

/// Why there is no interpreter.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// What the settings name is not there, or is no Python.
    #[error("`{}` is no Python that runs", path.display())]
    NoPython {
        /// What they name.
        path: PathBuf,
        /// What came of running it.
        #[source]
        source: ErrandError,
    },
    /// It is too old.
    #[error("`{}` is Python {version}, and Connect plugins need {OLDEST_PYTHON} or newer", path.display())]
    TooOld {
        /// The interpreter.
        path: PathBuf,
        /// Its version.
        version: PythonVersion,
    },
    /// It has no client.
    #[error("`ftrack-python-api` is not installed in `{}`", path.display())]
    NoClient {
        /// The interpreter.
        path: PathBuf,
    },
    /// There is no interpreter that is new enough.
    #[error("no Python {OLDEST_PYTHON} or newer was found for Connect plugins")]
    NoneFound,
    /// It cannot make environments.
    #[error("`{}` cannot make an environment for Connect plugins: it has no `venv`", path.display())]
    NoVenv {
        /// The interpreter.
        path: PathBuf,
    },
    /// The packages could not be fetched.
    #[error("the packages for Connect plugins could not be fetched")]
    NoPackages {
        /// What pip said.
        #[source]
        source: ErrandError,
    },
    /// The environment could not be made.
    #[error("the environment for Connect plugins could not be made")]
    NotMade {
        /// What was said.
        #[source]
        source: ErrandError,
    },
    /// A file or folder of the environment could not be changed.
    #[error("could not change `{}`", path.display())]
    Disk {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

pub use self::errand::ErrandError;

impl EnvironmentError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoPython { .. } | Self::TooOld { .. } => {
                "name another interpreter in the settings, or none and one is found"
            }
            Self::NoClient { .. } => {
                "run `pip install ftrack-python-api` there, or name no interpreter in the settings"
            }
            Self::NoneFound => "install Python 3, or name an interpreter in the settings",
            Self::NoVenv { .. } => "install `python3-venv`, or name an interpreter in the settings",
            Self::NoPackages { .. } => {
                "connect to the network once, set up pip's index, or name an interpreter that has `ftrack-python-api`"
            }
            Self::NotMade { .. } | Self::Disk { .. } => {
                "see that there is room on the disk, or name an interpreter that has `ftrack-python-api`"
            }
        }
    }
}

/// Returns the interpreter that serves hooks; makes its environment when there is none, or it is broken.
///
/// # Errors
///
/// Says what is lacking, in a sentence for a person.
pub async fn interpreter(options: &EnvironmentOptions) -> Result<Interpreter, EnvironmentError> {
    match &options.interpreter {
        Some(path) => named(path, options).await,
        None => managed::interpreter(options).await,
    }
}

/// Checks the interpreter that the settings name. Nothing is installed into it.
async fn named(path: &Path, options: &EnvironmentOptions) -> Result<Interpreter, EnvironmentError> {
    let found = probe(path, options)
        .await
        .map_err(|source| EnvironmentError::NoPython {
            path: path.to_owned(),
            source,
        })?;
    if found.version < OLDEST_PYTHON {
        return Err(EnvironmentError::TooOld {
            path: path.to_owned(),
            version: found.version,
        });
    }
    with_client(path, found).ok_or_else(|| EnvironmentError::NoClient {
        path: path.to_owned(),
    })
}

/// Returns the interpreter, if it has the client.
fn with_client(path: &Path, found: Probe) -> Option<Interpreter> {
    Some(Interpreter {
        path: path.to_owned(),
        version: found.version,
        client: found.client?,
    })
}

/// Returns the first interpreter in the person's `PATH` that is new enough and can make environments.
async fn found_in_path(
    options: &EnvironmentOptions,
) -> Result<(PathBuf, PythonVersion), EnvironmentError> {
    let mut without_venv = None;
    for path in candidates(options) {
        let Ok(found) = probe(&path, options).await else {
            continue;
        };
        if found.version < OLDEST_PYTHON {
            continue;
        }
        if found.makes_environments {
            return Ok((path, found.version));
        }
        without_venv.get_or_insert(path);
    }
    Err(match without_venv {
        Some(path) => EnvironmentError::NoVenv { path },
        None => EnvironmentError::NoneFound,
    })
}

/// Returns the files in the person's `PATH` that are called as interpreters are.
fn candidates(options: &EnvironmentOptions) -> Vec<PathBuf> {
    let path = options
        .variables
        .iter()
        .find(|(name, _)| name == "PATH")
        .map(|(_, path)| path.clone())
        .unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    NAMES
        .iter()
        .map(|name| format!("{name}{}", std::env::consts::EXE_SUFFIX))
        .flat_map(|name| {
            folders
                .iter()
                .map(move |folder| folder.join(&name))
                .collect::<Vec<_>>()
        })
        .filter(|path| path.is_absolute() && path.is_file())
        .collect()
}
