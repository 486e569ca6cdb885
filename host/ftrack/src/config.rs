//! Who calls which server, and how.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// A value that no log line, error or debug output shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides `value`.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value itself, to put it where it belongs and nowhere else.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Everything that a session and an event hub need to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// The server as a person writes it; [`ServerUrl`](crate::ServerUrl) says what may be left out.
    pub server: String,
    /// The user's name on that server.
    pub user: String,
    /// The key that belongs to the user.
    pub api_key: Secret<String>,
    /// What the server puts into the events that our own changes cause, so that they can be recognised.
    pub client_token: Option<String>,
    /// How the client introduces itself.
    pub user_agent: String,
    /// A file of certificates (PEM) to trust beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// The way out.
    pub proxy: Proxy,
    /// How long to wait for an answer.
    pub timeouts: Timeouts,
    /// How long a call may wait in all because the server asks for a pause (`Retry-After`, too many calls). A pause
    /// that would be longer is an error at once, which names it.
    pub patience: Duration,
    /// A folder for the server's schemas, which are large and change rarely; without it they are not kept.
    pub schema_cache: Option<PathBuf>,
}

impl Config {
    /// Returns a configuration with the system's certificates, the environment's proxy and the usual deadlines.
    pub fn new(
        server: impl Into<String>,
        user: impl Into<String>,
        api_key: impl Into<String>,
    ) -> Self {
        Self {
            server: server.into(),
            user: user.into(),
            api_key: Secret::new(api_key.into()),
            client_token: None,
            user_agent: concat!("callboard-ftrack/", env!("CARGO_PKG_VERSION")).to_owned(),
            ca_file: None,
            proxy: Proxy::FromEnvironment,
            timeouts: Timeouts::default(),
            patience: Duration::from_secs(30),
            schema_cache: None,
        }
    }
}

/// The way to the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Proxy {
    /// As `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.
    #[default]
    FromEnvironment,
    /// Straight, whatever the environment says.
    None,
    /// Through the proxy with this URL. It may hold a password, so it is not shown.
    At(Secret<String>),
}

/// How long to wait before giving up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection to be there.
    pub connect: Duration,
    /// For the whole answer to a query.
    pub query: Duration,
    /// For the whole answer to a batch of operations, which the server may go on with after we stop waiting.
    pub call: Duration,
    /// For a byte of an upload or a download to move.
    pub stall: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            query: Duration::from_secs(60),
            call: Duration::from_secs(120),
            stall: Duration::from_secs(60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_shows_no_key_and_no_proxy_password() {
        let mut config = Config::new("studio", "ada", "k3y-of-ada");
        config.proxy = Proxy::At("http://ada:pa55@proxy:3128".to_owned().into());
        let shown = format!("{config:?} {config:#?}");
        assert!(shown.contains("ada"));
        assert!(!shown.contains("k3y") && !shown.contains("pa55"), "{shown}");
    }
}
