//! Who signs in, with which key, and where the key came from.

mod kept;

use std::path::PathBuf;

use callboard_protocol::Failure;
use ftrack::ServerUrl;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// `FTRACK_SERVER`, `FTRACK_API_USER` and `FTRACK_API_KEY`.
    Environment,
    /// The system's keyring.
    Keyring,
    /// `credentials.toml`.
    File {
        /// Why the key is not in the keyring.
        why: String,
    },
    /// Made by the demo.
    Demo,
}

impl Source {
    /// Returns its name on the bus.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Keyring => "keyring",
            Self::File { .. } => "file",
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
    /// The credentials are for another server than the profile is.
    #[error("this profile belongs to `{pinned}`, and {origin} names `{named}`")]
    OtherServer {
        /// The profile's server.
        pinned: String,
        /// Who names another.
        origin: &'static str,
        /// The other server.
        named: String,
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
    /// The key is in the keyring, which does not give it.
    #[error("could not use the API key in the keyring: {}", .0.message)]
    Keyring(Failure),
    /// The keyring has no key any more.
    #[error("the API key is not in the keyring any more")]
    KeyIsGone,
}

impl CredentialsError {
    /// Returns what to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::None | Self::KeyIsGone => "sign in with `callboard login`".into(),
            Self::Incomplete { .. } => {
                "set `FTRACK_SERVER`, `FTRACK_API_USER` and `FTRACK_API_KEY`, or none of them"
                    .into()
            }
            Self::OtherServer { .. } => {
                "make another profile for it: `callboard profiles add NAME --server ADDRESS`".into()
            }
            Self::Open { .. } => "close it to others with `chmod 600`, and make a new key".into(),
            Self::File { .. } | Self::Damaged { .. } => {
                "check the file, or sign in again with `callboard login`".into()
            }
            Self::Keyring(failure) => failure
                .hint
                .clone()
                .unwrap_or_else(|| "unlock the keyring and try again".into()),
        }
    }

    /// Returns whether it may pass by itself, as when a keyring is unlocked.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Keyring(_))
    }
}

impl Credentials {
    /// Finds credentials: the environment goes before what `login` kept. A key that still lies in a file is moved into
    /// the keyring, if there is one.
    ///
    /// # Errors
    ///
    /// When there are none, or they cannot be used.
    pub(crate) async fn find(
        environment: &Environment,
        home: &Home,
    ) -> Result<Self, CredentialsError> {
        let found = match Self::of_environment(environment)? {
            Some(found) => found,
            None => {
                let found = kept::load(home).await?;
                if let Some(pinned) = home.server() {
                    check_server(pinned, "the credentials file", &found.server)?;
                }
                return Ok(found);
            }
        };
        if let Some(pinned) = pinned(home) {
            check_server(&pinned, "`FTRACK_SERVER`", &found.server)?;
        }
        Ok(found)
    }

    /// Refuses a server that the profile does not belong to.
    ///
    /// # Errors
    ///
    /// When the profile belongs to another one.
    pub(crate) fn check_pinned(home: &Home, server: &str) -> Result<(), CredentialsError> {
        match pinned(home) {
            Some(pinned) => check_server(&pinned, "the sign-in", server),
            None => Ok(()),
        }
    }

    fn of_environment(environment: &Environment) -> Result<Option<Self>, CredentialsError> {
        let missing = |missing| CredentialsError::Incomplete { missing };
        match (&environment.ftrack_server, &environment.ftrack_api_key) {
            (Some(server), Some(key)) => Ok(Some(Self {
                server: server.clone(),
                user: environment
                    .ftrack_api_user
                    .clone()
                    .ok_or(missing("FTRACK_API_USER"))?,
                key: key.clone(),
                source: Source::Environment,
            })),
            (Some(_), None) => Err(missing("FTRACK_API_KEY")),
            (None, Some(_)) => Err(missing("FTRACK_SERVER")),
            (None, None) => Ok(None),
        }
    }

    /// Returns whose credentials are kept, as server and user, without the key.
    ///
    /// # Errors
    ///
    /// When the file cannot be used.
    pub(crate) fn kept(home: &Home) -> Result<Option<(String, String)>, CredentialsError> {
        kept::owner(home)
    }

    /// Keeps the credentials in the keyring, or else in a file that only the user may read; `source` then says which.
    ///
    /// # Errors
    ///
    /// When neither could be written.
    pub(crate) async fn keep(&mut self, home: &Home) -> Result<(), CredentialsError> {
        self.source = kept::save(self, home).await?;
        Ok(())
    }

    /// Forgets what `login` kept.
    ///
    /// # Errors
    ///
    /// When the key cannot be removed; it is still there then.
    pub(crate) async fn forget(home: &Home) -> Result<(), CredentialsError> {
        kept::forget(home).await
    }
}

/// Returns the server that a home belongs to: the one that its profile was made for, or that somebody signed in to.
fn pinned(home: &Home) -> Option<String> {
    let made_for = home.server().map(str::to_owned);
    // A file that cannot be read pins nothing; it is named where it is used.
    let signed_in_to = || Some(kept::owner(home).ok()??.0);
    made_for.or_else(signed_in_to)
}

/// Refuses another server than the pinned one, however it is written.
fn check_server(pinned: &str, origin: &'static str, named: &str) -> Result<(), CredentialsError> {
    // What is no address is refused with better words where it is used.
    match (ServerUrl::parse(pinned), ServerUrl::parse(named)) {
        (Ok(pinned), Ok(named)) if !pinned.is_same_server(&named) => {
            Err(CredentialsError::OtherServer {
                pinned: pinned.to_string(),
                origin,
                named: named.to_string(),
            })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn half_an_environment_names_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment {
            ftrack_server: Some("http://localhost".into()),
            ..Environment::default()
        };
        let home = Home::find(&Environment::default(), Some(folder.path()));
        let error = Credentials::find(&environment, &home).await;
        let text = error.err().unwrap().to_string();
        assert!(text.contains("FTRACK_API_KEY"), "{text}");
    }

    #[test]
    fn a_server_is_the_same_however_it_is_written() {
        for (pinned, named, is_same) in [
            ("https://studio.ftrackapp.com", "studio", true),
            (
                "https://studio.ftrackapp.com",
                "STUDIO.ftrackapp.com/",
                true,
            ),
            ("http://127.0.0.1:8000", "127.0.0.1:8000", true),
            // The server may have answered over TLS only.
            ("https://ftrack.studio.tv", "http://ftrack.studio.tv", true),
            ("https://studio.ftrackapp.com", "studio2", false),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8001", false),
            ("https://studio.tv/ftrack", "https://studio.tv/other", false),
        ] {
            let checked = check_server(pinned, "`FTRACK_SERVER`", named);
            assert_eq!(checked.is_ok(), is_same, "{pinned} {named}");
        }
    }
}
