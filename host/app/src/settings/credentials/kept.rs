//! What `login` keeps: server and user in a file, the key in the keyring, or in that file where there is no keyring.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use callboard_protocol::{Failure, FailureKind, SecretText};
use serde::{Deserialize, Serialize};

use super::super::keyring::{self, Entry, KeyringError};
use super::super::private_file::{is_open_to_others, write_private};
use super::{Credentials, CredentialsError, Source};
use crate::home::Home;

/// The file. Without a key in it, the key is in the keyring.
#[derive(Serialize, Deserialize)]
struct Stored {
    server: String,
    user: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<SecretText>,
}

/// Returns what is kept. A key that lies in the file is moved into the keyring, if there is one by now.
pub(super) async fn load(home: &Home) -> Result<Credentials, CredentialsError> {
    let stored = read(home)?.ok_or(CredentialsError::None)?;
    let entry = entry(home, &stored);
    let (key, source) = match stored.key.clone() {
        Some(key) => {
            let source = move_key(home, &stored, &entry, &key).await;
            (key, source)
        }
        None => match keyring::get(&entry).await {
            Ok(Some(key)) => (key, Source::Keyring),
            Ok(None) => return Err(CredentialsError::KeyIsGone),
            Err(error) => return Err(CredentialsError::Keyring(refusal(error))),
        },
    };
    Ok(Credentials {
        server: stored.server,
        user: stored.user,
        key: key.0,
        source,
    })
}

/// Moves the key from the file into the keyring. The file keeps it until the keyring has given it back.
async fn move_key(home: &Home, stored: &Stored, entry: &Entry, key: &SecretText) -> Source {
    let why = match keep_in_keyring(entry, key).await {
        Ok(()) => {
            let without_key = Stored {
                server: stored.server.clone(),
                user: stored.user.clone(),
                key: None,
            };
            match write(home, &without_key) {
                Ok(()) => {
                    tracing::info!("the API key was moved from its file into the keyring");
                    return Source::Keyring;
                }
                Err(error) => error.to_string(),
            }
        }
        Err(error) => reason(error),
    };
    tracing::warn!(
        why,
        file = %home.credentials_file().display(),
        "the API key is kept in a file that only you may read"
    );
    Source::File { why }
}

/// Keeps the credentials, and says where the key is now.
pub(super) async fn save(
    credentials: &Credentials,
    home: &Home,
) -> Result<Source, CredentialsError> {
    // A file that cannot be read is replaced.
    let before = read(home).ok().flatten();
    let mut stored = Stored {
        server: credentials.server.clone(),
        user: credentials.user.clone(),
        key: None,
    };
    let entry = entry(home, &stored);
    let key = SecretText(credentials.key.clone());
    let source = match keep_in_keyring(&entry, &key).await {
        Ok(()) => Source::Keyring,
        Err(error @ KeyringError::Absent(_)) => {
            stored.key = Some(key);
            Source::File { why: reason(error) }
        }
        Err(KeyringError::Refuses(failure)) => return Err(CredentialsError::Keyring(failure)),
    };
    write(home, &stored)?;
    if let Some(before) = before
        && (&before.server, &before.user) != (&stored.server, &stored.user)
        && before.key.is_none()
        && let Err(error) = keyring::put(&self::entry(home, &before), None).await
    {
        let why = reason(error);
        tracing::warn!(
            why,
            user = before.user,
            "an earlier API key stays in the keyring"
        );
    }
    Ok(source)
}

/// Removes the key first: without it the file is of no use to anybody.
pub(super) async fn forget(home: &Home) -> Result<(), CredentialsError> {
    let path = home.credentials_file();
    let stored = match read(home) {
        Ok(Some(stored)) => stored,
        Ok(None) => return Ok(()),
        // Whatever is in it is to be forgotten.
        Err(CredentialsError::Damaged { .. } | CredentialsError::Open { .. }) => {
            return remove(&path);
        }
        Err(error) => return Err(error),
    };
    if stored.key.is_none() {
        let removed = keyring::put(&entry(home, &stored), None).await;
        removed.map_err(|error| CredentialsError::Keyring(refusal(error)))?;
    }
    remove(&path)
}

/// Returns the server and user whose key is kept.
pub(super) fn owner(home: &Home) -> Result<Option<(String, String)>, CredentialsError> {
    Ok(read(home)?.map(|stored| (stored.server, stored.user)))
}

/// Puts the key into the keyring and makes sure that it is there.
async fn keep_in_keyring(entry: &Entry, key: &SecretText) -> Result<(), KeyringError> {
    keyring::put(entry, Some(key)).await?;
    match keyring::get(entry).await? {
        Some(kept) if kept == *key => Ok(()),
        _ => Err(KeyringError::Refuses(
            Failure::new(
                FailureKind::Unavailable,
                "the keyring does not give back what it was given",
            )
            .hint("look at the desktop's keyring"),
        )),
    }
}

fn read(home: &Home) -> Result<Option<Stored>, CredentialsError> {
    let path = home.credentials_file();
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(file_error(&path, source)),
    };
    // The parser's own words would quote the line, and with it the key.
    let stored: Stored =
        toml::from_str(&text).map_err(|_| CredentialsError::Damaged { path: path.clone() })?;
    if stored.key.is_some()
        && is_open_to_others(&path).map_err(|source| file_error(&path, source))?
    {
        return Err(CredentialsError::Open { path });
    }
    Ok(Some(stored))
}

fn write(home: &Home, stored: &Stored) -> Result<(), CredentialsError> {
    let path = home.credentials_file();
    let text =
        toml::to_string(stored).map_err(|_| CredentialsError::Damaged { path: path.clone() })?;
    write_private(&path, text.as_bytes()).map_err(|source| file_error(&path, source))
}

fn remove(path: &Path) -> Result<(), CredentialsError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(file_error(path, error)),
        _ => Ok(()),
    }
}

fn entry(home: &Home, stored: &Stored) -> Entry {
    Entry {
        label: format!("Callboard: {} @ {}", stored.user, stored.server),
        attributes: BTreeMap::from([
            ("application", "callboard".to_owned()),
            ("home", home.config.display().to_string()),
            ("server", stored.server.clone()),
            ("user", stored.user.clone()),
        ]),
    }
}

fn refusal(error: KeyringError) -> Failure {
    match error {
        KeyringError::Refuses(failure) => failure,
        KeyringError::Absent(why) => {
            Failure::new(FailureKind::Unavailable, "there is no keyring here")
                .hint("start the desktop's keyring, or sign in again with `callboard login`")
                .because(why)
        }
    }
}

fn reason(error: KeyringError) -> String {
    match error {
        KeyringError::Absent(why) => format!("there is no keyring: {why}"),
        KeyringError::Refuses(failure) => failure.message,
    }
}

fn file_error(path: &Path, source: std::io::Error) -> CredentialsError {
    CredentialsError::File {
        path: path.into(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Environment;

    fn home(folder: &Path) -> Home {
        Home::find(&Environment::default(), Some(folder))
    }

    fn stored(key: Option<&str>) -> Stored {
        Stored {
            server: "http://localhost".into(),
            user: "ada".into(),
            key: key.map(|key| SecretText(key.into())),
        }
    }

    #[test]
    fn a_file_with_a_key_is_closed_to_others_and_refused_when_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        write(&home, &stored(Some("secret"))).unwrap();
        let found = read(&home).unwrap().unwrap();
        assert!(found.key == Some(SecretText("secret".into())));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let path = home.credentials_file();
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(read(&home), Err(CredentialsError::Open { .. })));
        }
    }

    #[test]
    fn what_is_damaged_is_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        fs::write(home.credentials_file(), "key = s3cret").unwrap();
        let error = read(&home).err().unwrap();
        assert!(matches!(error, CredentialsError::Damaged { .. }));
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}
