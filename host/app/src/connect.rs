//! The children that serve Connect's hooks: each is given a door, an interpreter and the environment that Connect sets.

mod variables;

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use callboard_protocol::{Failure, FailureKind, Permission, PluginId};
use connect::{DoorOptions, Environment, EnvironmentOptions, OpenDoor, Python, Switchboard};
use engine::{Event, HookFolder, NewChild, ProcessEnd, ProcessId};
use ftrack::Session;
use runner::ConnectChild;
use tokio::sync::{OnceCell, watch};

use crate::engine_thread::EngineHandle;
use crate::home::Home;
use crate::settings::ConnectSettings;
use crate::supervisor::{Supervisor, not_started};
use variables::Variables;

/// The folder of hooks that set up locations, which every session has.
const LOCATIONS: &str = "location";

/// How long making an environment for them may take.
const MAKING: Duration = Duration::from_secs(300);

/// What children are made with.
pub(crate) struct ConnectOptions {
    /// The way to the engine.
    pub(crate) engine: EngineHandle,
    /// How they are run.
    pub(crate) settings: ConnectSettings,
    /// The folder that the modules which serve hooks are laid out in.
    pub(crate) folder: PathBuf,
    /// The person's variables, as plugins see them.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// The person's variables, as their own programs see them: what hooks may be given more of.
    pub(crate) desktop: Vec<(OsString, OsString)>,
    /// The way to the server, while there is one.
    pub(crate) session: watch::Receiver<Option<Session>>,
    /// The way to the event hub.
    pub(crate) switchboard: Switchboard,
}

/// Makes Connect children. Its methods never wait.
#[derive(Clone)]
pub(crate) struct ConnectChildren {
    shared: Arc<Shared>,
}

struct Shared {
    options: ConnectOptions,
    /// What every child may do, and what some may instead.
    granted: Granted,
    /// What they see of the person's environment beside that.
    variables: Variables,
    /// What is wrong with their settings.
    problems: Vec<Failure>,
    /// What serves their hooks, once it was found or made.
    interpreter: Environment,
    /// Where the modules that serve hooks lie, once they were written.
    modules: OnceCell<Python>,
    /// Children that are not started yet: their interpreter may have to be made first.
    preparing: Mutex<HashSet<ProcessId>>,
}

/// A child that can be started.
struct Prepared {
    folder: PathBuf,
    child: ConnectChild,
    door: OpenDoor,
}

impl ConnectChildren {
    /// Prepares for children.
    pub(crate) fn new(options: ConnectOptions) -> Self {
        let mut problems = Vec::new();
        let granted = Granted::read(&options.settings, &mut problems);
        let variables = Variables::chosen(
            &options.desktop,
            &options.settings.environment,
            options.settings.windows,
        );
        let interpreter = environment(
            &options.settings.python,
            &options.folder,
            &options.environment,
        );
        Self {
            shared: Arc::new(Shared {
                options,
                granted,
                variables,
                problems,
                interpreter,
                modules: OnceCell::new(),
                preparing: Mutex::default(),
            }),
        }
    }

    /// Returns what is wrong with their settings.
    pub(crate) fn problems(&self) -> &[Failure] {
        &self.shared.problems
    }

    /// Starts a child; the engine is told how that went.
    pub(crate) fn start(&self, supervisor: &Supervisor, process: ProcessId, child: NewChild) {
        let (shared, supervisor) = (Arc::clone(&self.shared), supervisor.clone());
        lock(&shared.preparing).insert(process);
        self.shared.options.engine.runtime().spawn(async move {
            let prepared = shared.prepare(child).await;
            if !lock(&shared.preparing).remove(&process) {
                // It was given up meanwhile, and the engine knows.
                return;
            }
            let failed = match prepared {
                Ok(Prepared {
                    folder,
                    child,
                    door,
                }) => supervisor.start_child(process, folder, child, door),
                Err(failure) => Some(not_started(process, failure)),
            };
            if let Some(event) = failed {
                shared.options.engine.tell(event).await;
            }
        });
    }

    /// Gives up a child that is not started yet, and returns what to tell the engine of it.
    pub(crate) fn give_up(&self, process: ProcessId) -> Option<Event> {
        let was_preparing = lock(&self.shared.preparing).remove(&process);
        was_preparing.then_some(Event::ProcessEnded {
            process,
            end: ProcessEnd::Stopped,
        })
    }
}

impl Shared {
    async fn prepare(&self, new: NewChild) -> Result<Prepared, Failure> {
        let python = found_in(&self.interpreter).await?;
        // Once for all children: they start together, and would write into each other's files.
        let modules = self.modules.get_or_try_init(|| self.lay_out()).await?;
        let permissions = self.granted.of(&new.plugin);
        let door = OpenDoor::open(DoorOptions {
            plugin: new.plugin.clone(),
            user: new.user.clone(),
            permissions: permissions.clone(),
            session: self.options.session.clone(),
            switchboard: self.options.switchboard.clone(),
        })
        .map_err(|error| {
            Failure::new(
                FailureKind::Unavailable,
                "could not open a door for a Connect plugin",
            )
            .caused_by(&error)
        })?;
        let paths = HookPaths::of(&new);
        let permissions = permissions
            .into_iter()
            .chain(paths.reads())
            .chain(self.variables.reads())
            .chain([Permission::Read {
                path: modules.turns().display().to_string(),
            }])
            .collect();
        let mut environment: Vec<(OsString, OsString)> = self.variables.iter().cloned().collect();
        environment.extend([
            ("FTRACK_SERVER".into(), door.address().into()),
            ("FTRACK_API_USER".into(), new.user.into()),
            ("FTRACK_API_KEY".into(), door.token().into()),
            ("PYTHONPATH".into(), self.python_path(modules.folder())),
            ("CALLBOARD_CONNECT_TURNS".into(), modules.turns().into()),
        ]);
        environment.extend(paths.variable());
        let child = ConnectChild {
            plugin: new.plugin,
            python,
            words: paths.words(),
            permissions,
            door_port: door.port(),
            environment,
            windows: self.options.settings.windows,
        };
        Ok(Prepared {
            folder: PathBuf::from(new.hooks.plugin),
            child,
            door,
        })
    }

    async fn lay_out(&self) -> Result<Python, Failure> {
        let folder = self.options.folder.clone();
        let laid_out = tokio::task::spawn_blocking(move || Python::lay_out(&folder)).await;
        let failure = Failure::new(
            FailureKind::Unavailable,
            "could not write the modules that serve Connect's hooks",
        )
        .hint("see that there is room on the disk");
        match laid_out {
            Ok(Ok(python)) => Ok(python),
            Ok(Err(error)) => Err(failure.caused_by(&error)),
            Err(error) => Err(failure.caused_by(&error)),
        }
    }

    /// Returns the search path of Python's with the modules first.
    fn python_path(&self, modules: &Path) -> OsString {
        let own = self
            .options
            .environment
            .iter()
            .find(|(name, _)| name == "PYTHONPATH")
            .map(|(_, path)| std::env::split_paths(path).collect::<Vec<_>>())
            .unwrap_or_default();
        let folders = std::iter::once(modules.to_owned()).chain(own);
        // A folder whose name holds the separator cannot be in a search path; the modules' never does.
        std::env::join_paths(folders).unwrap_or_else(|_| modules.into())
    }
}

/// Returns the folder below a home that what serves hooks lies in.
pub(crate) fn folder(home: &Home) -> PathBuf {
    home.data.join("connect")
}

/// Finds the Python that children run in, or makes its environment in the folder of this home.
///
/// # Errors
///
/// The failure that says what to install, or what is wrong with the interpreter that is named.
pub(crate) async fn interpreter(
    named: &Path,
    home: &Home,
    variables: &[(OsString, OsString)],
) -> Result<PathBuf, Failure> {
    found_in(&environment(named, &folder(home), variables)).await
}

fn environment(named: &Path, folder: &Path, variables: &[(OsString, OsString)]) -> Environment {
    Environment::new(EnvironmentOptions {
        interpreter: (!named.as_os_str().is_empty()).then(|| named.to_owned()),
        folder: folder.join("environment"),
        variables: variables.to_vec(),
        deadline: MAKING,
    })
}

async fn found_in(environment: &Environment) -> Result<PathBuf, Failure> {
    match environment.interpreter().await {
        Ok(interpreter) => Ok(interpreter.path),
        Err(error) => {
            let mut failure =
                Failure::new(FailureKind::Unavailable, error.to_string()).hint(error.hint());
            if let Some(source) = std::error::Error::source(&error) {
                failure = failure.caused_by(source);
            }
            Err(failure)
        }
    }
}

/// The folders of hooks that a child loads.
struct HookPaths {
    own: PathBuf,
    locations: Vec<PathBuf>,
    /// The folders of the plugins that the locations are of.
    others: Vec<PathBuf>,
}

impl HookPaths {
    fn of(new: &NewChild) -> Self {
        let folder = |hooks: &HookFolder| match hooks.hooks.as_str() {
            "." => PathBuf::from(&hooks.plugin),
            name => Path::new(&hooks.plugin).join(name),
        };
        let has_locations = |other: &&HookFolder| folder(other).join(LOCATIONS).is_dir();
        Self {
            others: new
                .others
                .iter()
                .filter(has_locations)
                .map(|other| PathBuf::from(&other.plugin))
                .collect(),
            own: folder(&new.hooks),
            locations: new
                .others
                .iter()
                .map(|other| folder(other).join(LOCATIONS))
                .filter(|location| location.is_dir())
                .collect(),
        }
    }

    /// Returns what it takes to load the locations, which may bring modules of their plugins along.
    fn reads(&self) -> impl Iterator<Item = Permission> {
        self.others.iter().map(|path| Permission::Read {
            path: path.display().to_string(),
        })
    }

    /// Returns what the interpreter is told.
    fn words(&self) -> Vec<String> {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let mut words = vec![
            "-m".to_owned(),
            "callboard_connect".to_owned(),
            text(&self.own),
        ];
        for location in &self.locations {
            words.extend(["--location".to_owned(), text(location)]);
        }
        words
    }

    /// Returns the variable that Connect sets, for hooks that look at it.
    fn variable(&self) -> Option<(OsString, OsString)> {
        let folders = std::iter::once(&self.own).chain(&self.locations);
        let joined = std::env::join_paths(folders).ok()?;
        Some(("FTRACK_EVENT_PLUGIN_PATH".into(), joined))
    }
}

/// What children may do.
#[derive(Debug, Default, PartialEq)]
struct Granted {
    all: Vec<Permission>,
    some: Vec<(PluginId, Vec<Permission>)>,
}

impl Granted {
    fn read(settings: &ConnectSettings, problems: &mut Vec<Failure>) -> Self {
        let mut read = |key: &str, words: &[&str]| {
            let mut permissions = Vec::new();
            for word in words {
                match word.parse() {
                    Ok(permission) => permissions.push(permission),
                    Err(error) => problems.push(
                        Failure::invalid(format!("bad setting `connect.{key}`: `{word}`"))
                            .hint("write permissions as a manifest does, such as `ftrack.read`")
                            .because(error),
                    ),
                }
            }
            permissions
        };
        let all: Vec<&str> = settings.permissions.iter().map(String::as_str).collect();
        let all = read("permissions", &all);
        let some = settings.plugin_permissions.iter().map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (plugin, words) = words.split_first().unwrap_or((&"", &[]));
            (PluginId::from(*plugin), read("plugin_permissions", words))
        });
        Self {
            some: some.collect(),
            all,
        }
    }

    fn of(&self, plugin: &PluginId) -> Vec<Permission> {
        let own = self.some.iter().find(|(named, _)| named == plugin);
        own.map_or(&self.all, |(_, permissions)| permissions)
            .clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_may_be_granted_less_than_the_others_and_a_bad_word_is_named() {
        let settings = ConnectSettings {
            permissions: vec!["ftrack.read".into(), "fly".into()],
            plugin_permissions: vec!["shy events".into()],
            ..ConnectSettings::default()
        };
        let mut problems = Vec::new();
        let granted = Granted::read(&settings, &mut problems);
        assert_eq!(granted.of(&"shy".into()), [Permission::Events]);
        assert_eq!(granted.of(&"bold".into()), [Permission::FtrackRead]);
        assert_eq!(problems.len(), 1);
        assert_eq!(
            problems[0].message,
            "bad setting `connect.permissions`: `fly`"
        );
    }

    #[test]
    fn a_child_loads_its_own_hooks_and_the_locations_of_others() {
        let root = tempfile::tempdir().unwrap();
        let plugin = |name: &str, hooks: &str| HookFolder {
            plugin: root.path().join(name).display().to_string(),
            hooks: hooks.to_owned(),
        };
        std::fs::create_dir_all(root.path().join("disk/hook/location")).unwrap();
        let paths = HookPaths::of(&NewChild {
            plugin: "one".into(),
            hooks: plugin("one", "hook"),
            others: vec![plugin("disk", "hook"), plugin("bare", "hook")],
            user: "ada".into(),
        });
        let at = |path: &str| root.path().join(path).display().to_string();
        assert_eq!(
            paths.words(),
            [
                "-m",
                "callboard_connect",
                &at("one/hook"),
                "--location",
                &at("disk/hook/location")
            ]
        );
    }
}
