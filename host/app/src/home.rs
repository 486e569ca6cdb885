//! Where everything lies: one folder when `CALLBOARD_HOME` says so, the platform's folders otherwise.

use std::path::{Path, PathBuf};

use crate::settings::Environment;

/// The longest path of a socket, in bytes, that is used as it is; the system's own bound is 107.
const MAX_SOCKET_PATH_BYTES: usize = 100;

/// The folders of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    /// Settings and credentials.
    pub(crate) config: PathBuf,
    /// The ledger, plugins, the host's id.
    pub(crate) data: PathBuf,
    /// Logs.
    pub(crate) logs: PathBuf,
    /// The bus's socket.
    pub(crate) bus: PathBuf,
    /// What this home is one of several by, where it has a profile.
    pub(crate) profile: Option<Profile>,
}

/// A profile's part of a home: a server of its own, or a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    /// Its name.
    pub(crate) name: String,
    /// The server that it belongs to, where it was made for one.
    pub(crate) server: Option<String>,
    /// The home that profiles share: settings and plugins lie there.
    pub(crate) shared: Box<Home>,
}

impl Home {
    /// Finds the folders. `home` is an argument that goes before `CALLBOARD_HOME`.
    pub(crate) fn find(environment: &Environment, home: Option<&Path>) -> Self {
        let bus = short_socket_path(
            bus_path(environment, home),
            &environment.temporary_folder(),
            user_id(),
        );
        if let Some(home) = home.or(environment.callboard_home.as_deref()) {
            return Self {
                config: home.to_owned(),
                data: home.join("data"),
                logs: home.join("logs"),
                bus,
                profile: None,
            };
        }
        let user = environment.home_folder();
        let platform = PlatformFolders::of(environment, &user);
        Self {
            config: platform.config.join("callboard"),
            data: platform.data.join("callboard"),
            logs: platform.state.join("callboard"),
            bus,
            profile: None,
        }
    }

    /// Returns the home of a profile beside this one, with a ledger, credentials and a bus of its own.
    ///
    /// Whoever is told of no profile finds the bus of the one in use, so that one keeps the usual socket.
    pub(crate) fn of_profile(self, name: &str, server: Option<String>, is_used: bool) -> Self {
        let folder = |folder: &Path| folder.join("profiles").join(name);
        Self {
            config: folder(&self.config),
            data: folder(&self.data),
            logs: folder(&self.logs),
            bus: if is_used {
                self.bus.clone()
            } else {
                self.bus_of(name)
            },
            profile: Some(Profile {
                name: name.to_owned(),
                server,
                shared: Box::new(self),
            }),
        }
    }

    /// Returns the socket of a profile that is not in use.
    pub(crate) fn bus_of(&self, profile: &str) -> PathBuf {
        let mut name = self.bus.file_stem().unwrap_or_default().to_owned();
        name.push(format!("-{profile}.sock"));
        self.bus.with_file_name(name)
    }

    /// Returns the home that all profiles share.
    pub(crate) fn shared(&self) -> &Self {
        self.profile
            .as_ref()
            .map_or(self, |profile| &profile.shared)
    }

    /// Returns the server that the home belongs to, where it was made for one.
    pub(crate) fn server(&self) -> Option<&str> {
        self.profile.as_ref()?.server.as_deref()
    }

    /// Returns the user's settings file.
    pub(crate) fn settings_file(&self) -> PathBuf {
        self.shared().config.join("settings.toml")
    }

    /// Returns the file of the profiles.
    pub(crate) fn profiles_file(&self) -> PathBuf {
        self.shared().config.join("profiles.toml")
    }

    /// Returns the file that keeps the API key where there is no keyring.
    pub(crate) fn credentials_file(&self) -> PathBuf {
        self.config.join("credentials.toml")
    }

    /// Returns the file of the commands that plugins declare.
    pub(crate) fn commands_file(&self) -> PathBuf {
        self.data.join("commands.json")
    }

    /// Returns the folder that a person's own plugins lie in.
    pub(crate) fn plugins(&self) -> PathBuf {
        self.shared().data.join("plugins")
    }
}

/// The three folders that the platform gives every program.
struct PlatformFolders {
    config: PathBuf,
    data: PathBuf,
    state: PathBuf,
}

impl PlatformFolders {
    #[cfg(target_os = "macos")]
    fn of(_: &Environment, user: &Path) -> Self {
        Self {
            config: user.join("Library/Application Support"),
            data: user.join("Library/Application Support"),
            state: user.join("Library/Logs"),
        }
    }

    #[cfg(windows)]
    fn of(environment: &Environment, user: &Path) -> Self {
        let local = environment
            .local_app_data
            .clone()
            .unwrap_or_else(|| user.join("AppData/Local"));
        Self {
            config: local.clone(),
            data: local.clone(),
            state: local,
        }
    }

    #[cfg(not(any(target_os = "macos", windows)))]
    fn of(environment: &Environment, user: &Path) -> Self {
        let folder = |given: &Option<PathBuf>, otherwise: &str| {
            given.clone().unwrap_or_else(|| user.join(otherwise))
        };
        Self {
            config: folder(&environment.xdg_config_home, ".config"),
            data: folder(&environment.xdg_data_home, ".local/share"),
            state: folder(&environment.xdg_state_home, ".local/state"),
        }
    }
}

/// Returns the bus's socket by the rules of `docs/protocol.md`, before its length is looked at.
fn bus_path(environment: &Environment, home: Option<&Path>) -> PathBuf {
    if let Some(home) = home {
        return home.join("bus.sock");
    }
    if let Some(bus) = &environment.callboard_bus {
        return bus.clone();
    }
    if let Some(home) = &environment.callboard_home {
        return home.join("bus.sock");
    }
    if let Some(runtime) = &environment.xdg_runtime_dir {
        return runtime.join("callboard/bus.sock");
    }
    environment
        .temporary_folder()
        .join(format!("callboard-{}/bus.sock", user_id()))
}

/// Replaces a path that no socket can have by a short one that every client computes alike.
fn short_socket_path(path: PathBuf, temporary_folder: &Path, user: u32) -> PathBuf {
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.len() <= MAX_SOCKET_PATH_BYTES {
        return path;
    }
    let hash = ring::digest::digest(&ring::digest::SHA256, bytes);
    let digits: String = hash.as_ref()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    temporary_folder.join(format!("callboard-{user}/{digits}.sock"))
}

/// Returns the number of the user the host runs for.
#[cfg(unix)]
pub(crate) fn user_id() -> u32 {
    rustix::process::getuid().as_raw()
}

/// Returns 0: named pipes carry the user's name instead.
#[cfg(not(unix))]
pub(crate) fn user_id() -> u32 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(environment: &Environment, expected: &str) {
        let bus = bus_path(environment, None);
        assert_eq!(
            bus,
            PathBuf::from(expected.replace("UID", &user_id().to_string()))
        );
    }

    #[test]
    fn the_bus_is_the_first_place_that_applies() {
        let path = |text: &str| Some(PathBuf::from(text));
        let mut environment = Environment {
            tmpdir: path("/t"),
            ..Environment::default()
        };
        check(&environment, "/t/callboard-UID/bus.sock");
        environment.xdg_runtime_dir = path("/run/user/7");
        check(&environment, "/run/user/7/callboard/bus.sock");
        environment.callboard_home = path("/h");
        check(&environment, "/h/bus.sock");
        environment.callboard_bus = path("/b.sock");
        check(&environment, "/b.sock");
    }

    #[test]
    fn a_profile_has_folders_and_a_bus_of_its_own_and_shares_settings_and_plugins() {
        let home = || Home::find(&Environment::default(), Some(Path::new("/h")));
        let other = home().of_profile("b", None, false);
        assert_eq!(
            other.credentials_file(),
            Path::new("/h/profiles/b/credentials.toml")
        );
        assert_eq!(other.data, Path::new("/h/data/profiles/b"));
        assert_eq!(other.bus, Path::new("/h/bus-b.sock"));
        assert_eq!(other.settings_file(), home().settings_file());
        assert_eq!(other.plugins(), home().plugins());
        assert_eq!(home().of_profile("b", None, true).bus, home().bus);
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_hashed() {
        let long = format!("/{}/bus.sock", "x".repeat(100));
        let short = short_socket_path(PathBuf::from(&long), Path::new("/t"), 7);
        let name = short.file_name().unwrap().to_str().unwrap();
        assert!(short.starts_with("/t/callboard-7"));
        assert_eq!(name.len(), 16 + ".sock".len());
        let fits = PathBuf::from("/a/bus.sock");
        assert_eq!(short_socket_path(fits.clone(), Path::new("/t"), 7), fits);
    }
}
