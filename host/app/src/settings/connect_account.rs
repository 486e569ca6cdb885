//! The account that ftrack Connect keeps, for who moves from there.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use callboard_protocol::SecretText;
use serde::Deserialize;

use super::Environment;
use super::credentials::{Credentials, Source};

/// Why there is no account to take over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectAccountError {
    /// Connect keeps none on this machine.
    #[error("ftrack Connect keeps no account in `{0}`")]
    None(PathBuf),
    /// The file cannot be read.
    #[error("could not read the file of ftrack Connect: `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is not as Connect writes it.
    #[error("the file of ftrack Connect is damaged: `{0}`")]
    Damaged(PathBuf),
}

#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    accounts: Vec<Account>,
}

#[derive(Deserialize)]
struct Account {
    server_url: String,
    api_user: String,
    api_key: SecretText,
}

/// Returns the account that Connect signs in with, which is its first. Connect's file stays as it is.
///
/// # Errors
///
/// When there is none, or the file cannot be used.
pub(crate) fn find(environment: &Environment) -> Result<Credentials, ConnectAccountError> {
    // Beside the folder of its plugins, on every system.
    let path = environment
        .connect_folder()
        .with_file_name("ftrack-connect")
        .join("credentials.json");
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(ConnectAccountError::None(path));
        }
        Err(source) => return Err(ConnectAccountError::File { path, source }),
    };
    // The parser's own words might quote the key.
    let stored: Stored =
        serde_json::from_slice(&text).map_err(|_| ConnectAccountError::Damaged(path.clone()))?;
    let first = stored.accounts.into_iter().next();
    let account = first.ok_or(ConnectAccountError::None(path))?;
    Ok(Credentials {
        server: account.server_url,
        user: account.api_user,
        key: account.api_key.0,
        source: Source::Keyring,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_first_account_is_taken_and_what_is_damaged_is_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment {
            xdg_data_home: Some(folder.path().to_owned()),
            ..Environment::default()
        };
        let found = || find(&environment);
        assert!(matches!(found(), Err(ConnectAccountError::None(_))));
        let connect = folder.path().join("ftrack-connect");
        fs::create_dir(&connect).unwrap();
        let write = |text: &str| fs::write(connect.join("credentials.json"), text).unwrap();
        write(r#"{"id": "x", "accounts": []}"#);
        assert!(matches!(found(), Err(ConnectAccountError::None(_))));
        write(
            r#"{"id": "x", "accounts": [
                {"server_url": "https://a.example", "api_user": "ada", "api_key": "k1"},
                {"server_url": "https://b.example", "api_user": "bo", "api_key": "k2"}]}"#,
        );
        let account = found().ok().unwrap();
        assert_eq!(account.server, "https://a.example");
        assert_eq!((account.user.as_str(), account.key.as_str()), ("ada", "k1"));
        write(r#"{"accounts": [{"api_key": "s3cret"}]}"#);
        let error = found().err().unwrap();
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}
