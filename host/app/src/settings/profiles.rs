//! Profiles: several servers or users side by side, each with a home of its own. One is in use where none is named.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Environment;
use super::private_file::write_private;
use crate::home::Home;

/// What the home without a profile is called.
pub(crate) const DEFAULT: &str = "default";

/// The longest name: it becomes part of a socket's path.
const NAME_BYTES: usize = 24;

/// What `profiles.toml` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profiles {
    /// The one in use; none is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used: Option<String>,
    /// Each with the server that it belongs to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    profile: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    server: Option<String>,
}

/// What is wrong with profiles.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProfilesError {
    /// There is no such profile.
    #[error("there is no profile `{0}`")]
    Unknown(String),
    /// There is one of that name.
    #[error("there is a profile `{0}` already")]
    Taken(String),
    /// The name is no name of a folder and a socket everywhere.
    #[error("`{0}` is no name for a profile")]
    BadName(String),
    /// The file cannot be read or written.
    #[error("could not use the file of profiles: `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is not as it is written here.
    #[error("the file of profiles is damaged: `{0}`")]
    Damaged(PathBuf),
}

impl ProfilesError {
    /// Returns what to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Unknown(_) => {
                "look at `callboard profiles list`, or make it with `callboard profiles add`"
            }
            Self::Taken(_) => "choose another name",
            Self::BadName(_) => "use up to 24 of a-z, 0-9, `-` and `_`, and not `default`",
            Self::File { .. } => "make the file readable and writable for you",
            Self::Damaged(_) => "mend the file, or remove it and add the profiles again",
        }
    }
}

impl Profiles {
    /// Reads the profiles of a home.
    ///
    /// # Errors
    ///
    /// When there is a file of them that cannot be used.
    pub(crate) fn read(home: &Home) -> Result<Self, ProfilesError> {
        let path = home.profiles_file();
        match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|_| ProfilesError::Damaged(path)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(ProfilesError::File { path, source }),
        }
    }

    /// Writes them.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub(crate) fn write(&self, home: &Home) -> Result<(), ProfilesError> {
        let path = home.profiles_file();
        let text = toml::to_string(self).map_err(|_| ProfilesError::Damaged(path.clone()))?;
        write_private(&path, text.as_bytes()).map_err(|source| ProfilesError::File { path, source })
    }

    /// Returns the home that all profiles share, with the socket of the one in use.
    pub(crate) fn shared_home(environment: &Environment) -> Home {
        let environment = Environment {
            callboard_bus: None,
            ..environment.clone()
        };
        Home::find(&environment, None)
    }

    /// Finds the home that the person means: by `named`, else by the environment, else the one in use.
    ///
    /// # Errors
    ///
    /// When there is no such profile.
    pub(crate) fn find_home(
        environment: &Environment,
        named: Option<&str>,
    ) -> Result<Home, ProfilesError> {
        let shared = match named {
            // Whoever names a profile means its bus, and not the one that the surroundings point to.
            Some(_) => Self::shared_home(environment),
            None => Home::find(environment, None),
        };
        let profiles = Self::read(&shared)?;
        let named = named.or(environment.callboard_profile.as_deref());
        profiles.home(shared, named.unwrap_or_else(|| profiles.used()))
    }

    /// Returns the home of a profile.
    ///
    /// # Errors
    ///
    /// When there is no such profile.
    pub(crate) fn home(&self, shared: Home, name: &str) -> Result<Home, ProfilesError> {
        let is_used = name == self.used();
        if name == DEFAULT {
            let bus = if is_used {
                shared.bus.clone()
            } else {
                shared.bus_of(DEFAULT)
            };
            return Ok(Home { bus, ..shared });
        }
        let entry = self.entry(name)?;
        Ok(shared.of_profile(name, entry.server.clone(), is_used))
    }

    /// Returns the name of the one in use.
    pub(crate) fn used(&self) -> &str {
        self.used.as_deref().unwrap_or(DEFAULT)
    }

    /// Returns all names, the default first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(DEFAULT).chain(self.profile.keys().map(String::as_str))
    }

    /// Adds one.
    ///
    /// # Errors
    ///
    /// When the name is taken or is none.
    pub(crate) fn add(&mut self, name: &str, server: Option<String>) -> Result<(), ProfilesError> {
        let is_plain = |letter: u8| {
            letter.is_ascii_lowercase() || letter.is_ascii_digit() || b"-_".contains(&letter)
        };
        let is_name = (1..=NAME_BYTES).contains(&name.len()) && name.bytes().all(is_plain);
        if !is_name || name == DEFAULT {
            return Err(ProfilesError::BadName(name.to_owned()));
        }
        if self.profile.contains_key(name) {
            return Err(ProfilesError::Taken(name.to_owned()));
        }
        self.profile.insert(name.to_owned(), Entry { server });
        Ok(())
    }

    /// Removes one; the default is in use then, if it was this one.
    ///
    /// # Errors
    ///
    /// When there is no such profile.
    pub(crate) fn remove(&mut self, name: &str) -> Result<(), ProfilesError> {
        self.entry(name)?;
        self.profile.remove(name);
        self.used.take_if(|used| used == name);
        Ok(())
    }

    /// Has one used where none is named.
    ///
    /// # Errors
    ///
    /// When there is no such profile.
    pub(crate) fn choose(&mut self, name: &str) -> Result<(), ProfilesError> {
        self.used = match name {
            DEFAULT => None,
            name => {
                self.entry(name)?;
                Some(name.to_owned())
            }
        };
        Ok(())
    }

    fn entry(&self, name: &str) -> Result<&Entry, ProfilesError> {
        let unknown = || ProfilesError::Unknown(name.to_owned());
        self.profile.get(name).ok_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_folders_and_sockets_everywhere() {
        let mut profiles = Profiles::default();
        for (name, expected) in [
            ("studio-b", true),
            ("b_2", true),
            ("studio-b", false),
            ("", false),
            ("default", false),
            ("..", false),
            ("a/b", false),
            ("Größe", false),
            ("B", false),
            ("a-name-that-is-far-too-long", false),
        ] {
            assert_eq!(profiles.add(name, None).is_ok(), expected, "{name}");
        }
    }

    #[test]
    fn the_one_in_use_has_the_usual_bus() {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment {
            callboard_home: Some(folder.path().to_owned()),
            ..Environment::default()
        };
        let shared = Home::find(&environment, None);
        let mut profiles = Profiles::default();
        profiles.add("b", Some("https://b.example".into())).unwrap();
        profiles.choose("b").unwrap();
        profiles.write(&shared).unwrap();
        let home = |named| Profiles::find_home(&environment, named).unwrap();
        assert_eq!(home(None), home(Some("b")));
        assert_eq!(home(None).bus, shared.bus);
        assert_eq!(home(None).server(), Some("https://b.example"));
        assert_ne!(home(Some(DEFAULT)).bus, shared.bus);
        assert_eq!(home(Some(DEFAULT)).config, shared.config);
        let unknown = Profiles::find_home(&environment, Some("c"));
        assert!(matches!(unknown, Err(ProfilesError::Unknown(_))));
        profiles.remove("b").unwrap();
        assert_eq!(profiles, Profiles::default());
    }
}
