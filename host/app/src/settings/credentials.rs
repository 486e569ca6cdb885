//! Who signs in, with which key, and where the key came from.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Environment;
use crate::home::Home;

/// A server, a user and their key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// The server's address.
    pub(crate) server: String,
    /// The user name.
    pub(crate) user: String,
    /// The API key. This type has no `Debug`, so that it is never printed.
    pub(crate) key: String,
    /// Where they came from.
    pub(crate) source: Source,
}

/// Where credentials came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// `FTRACK_SERVER`, `FTRACK_API_USER` and `FTRACK_API_KEY`.
    Environment,
    /// `credentials.toml`.
    File,
    /// Made by the demo.
    Demo,
}

impl Source {
    /// Returns its name on the bus.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::File => "file",
            Self::Demo => "demo",
        }
    }
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    /// Nobody has signed in on this machine.
    #[error("nobody is signed in to ftrack")]
    None,
    /// The environment names some and not all.
    #[error("the environment names a server or a key, but not `{missing}`")]
    Incomplete {
        /// The variable that is missing.
        missing: &'static str,
    },
    /// The file cannot be read or written.
    #[error("could not use the credentials file: `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is not as `login` writes it.
    #[error("the credentials file is damaged: `{path}`")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Others may read the file.
    #[error("the credentials file can be read by others: `{path}`")]
    Open {
        /// The file.
        path: PathBuf,
    },
}

#[derive(Serialize, Deserialize)]
struct Stored {
    server: String,
    user: String,
    key: String,
}

impl Credentials {
    /// Finds credentials: the environment goes before the file.
    ///
    /// # Errors
    ///
    /// When there are none, or they cannot be used.
    pub(crate) fn find(environment: &Environment, home: &Home) -> Result<Self, CredentialsError> {
        let missing = |missing| CredentialsError::Incomplete { missing };
        match (&environment.ftrack_server, &environment.ftrack_api_key) {
            (Some(server), Some(key)) => Ok(Self {
                server: server.clone(),
                user: environment
                    .ftrack_api_user
                    .clone()
                    .ok_or(missing("FTRACK_API_USER"))?,
                key: key.clone(),
                source: Source::Environment,
            }),
            (Some(_), None) => Err(missing("FTRACK_API_KEY")),
            (None, Some(_)) => Err(missing("FTRACK_SERVER")),
            (None, None) => Self::load(&home.credentials_file()),
        }
    }

    fn load(path: &Path) -> Result<Self, CredentialsError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(CredentialsError::None);
            }
            Err(source) => return Err(file_error(path, source)),
        };
        if is_open_to_others(path).map_err(|source| file_error(path, source))? {
            return Err(CredentialsError::Open { path: path.into() });
        }
        // The parser's own words would quote the line, and with it the key.
        let stored: Stored =
            toml::from_str(&text).map_err(|_| CredentialsError::Damaged { path: path.into() })?;
        Ok(Self {
            server: stored.server,
            user: stored.user,
            key: stored.key,
            source: Source::File,
        })
    }

    /// Keeps the credentials in a file that only the user may read.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub(crate) fn save(&self, home: &Home) -> Result<PathBuf, CredentialsError> {
        let path = home.credentials_file();
        let stored = Stored {
            server: self.server.clone(),
            user: self.user.clone(),
            key: self.key.clone(),
        };
        let text = toml::to_string(&stored)
            .map_err(|_| CredentialsError::Damaged { path: path.clone() })?;
        write_private(&path, text.as_bytes()).map_err(|source| file_error(&path, source))?;
        Ok(path)
    }
}

fn file_error(path: &Path, source: std::io::Error) -> CredentialsError {
    CredentialsError::File {
        path: path.into(),
        source,
    }
}

/// Writes a file that only the user may read, whole or not at all.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let unfinished = path.with_extension("new");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

#[cfg(unix)]
pub(super) fn is_open_to_others(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

/// On Windows the user's profile folder is closed to others already.
#[cfg(not(unix))]
pub(super) fn is_open_to_others(_: &Path) -> std::io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(folder: &Path) -> Home {
        Home::find(&Environment::default(), Some(folder))
    }

    #[test]
    fn what_is_saved_is_found_and_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        let saved = Credentials {
            server: "http://localhost".into(),
            user: "ada".into(),
            key: "secret".into(),
            source: Source::File,
        };
        let path = saved.save(&home).unwrap();
        assert!(saved == Credentials::find(&Environment::default(), &home).unwrap());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            let found = Credentials::find(&Environment::default(), &home);
            assert!(matches!(found, Err(CredentialsError::Open { .. })));
        }
    }

    #[test]
    fn half_an_environment_names_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment {
            ftrack_server: Some("http://localhost".into()),
            ..Environment::default()
        };
        let error = Credentials::find(&environment, &home(folder.path()));
        let text = error.err().unwrap().to_string();
        assert!(text.contains("FTRACK_API_KEY"), "{text}");
    }
}
