//! The server's address, as people write it and as it is used.

use std::fmt;

use reqwest::Url;

/// The address of an ftrack server, in its one right form.
///
/// A person may leave things out: `studio` is `https://studio.ftrackapp.com`, `ftrack.studio.tv/` is
/// `https://ftrack.studio.tv`, and an address of this machine, `localhost:8000`, needs no TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl {
    url: Url,
}

/// Why a text is not the address of a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    /// There is nothing.
    #[error("no server is given")]
    Empty,
    /// The text has no place in a URL.
    #[error("`{0}` is not an address")]
    NotAnAddress(String),
    /// It has a scheme that ftrack is not served by.
    #[error("`{0}` is neither http nor https")]
    OtherScheme(String),
    /// It carries a user name or password, which belong elsewhere.
    #[error("the address holds a user name")]
    HoldsCredentials,
}

impl ServerUrl {
    /// Reads an address as a person writes it.
    ///
    /// # Errors
    ///
    /// Returns what keeps `text` from being an address.
    pub fn parse(text: &str) -> Result<Self, ServerUrlError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ServerUrlError::Empty);
        }
        let not_an_address = || ServerUrlError::NotAnAddress(text.to_owned());
        let mut url = Url::parse(&with_scheme(text)).map_err(|_| not_an_address())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ServerUrlError::OtherScheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ServerUrlError::HoldsCredentials);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(not_an_address());
        }
        url.set_query(None);
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self { url })
    }

    /// Returns the host's name, without port.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Returns whether traffic to the server is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Returns whether both are one server, whether or not it is reached over TLS.
    pub fn is_same_server(&self, other: &Self) -> bool {
        let (one, two) = (&self.url, &other.url);
        // Without a port, plain HTTP is the same server's other door.
        one.port() == two.port() && one.host() == two.host() && one.path() == two.path()
    }

    /// Returns the address of `path` below the server's own path.
    pub fn join(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{path}", self.url.path().trim_end_matches('/')));
        url
    }

    /// Returns the address of `path` at the host itself, where the event hub lives whatever the server's path.
    pub(crate) fn at_root(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(path);
        url
    }

    /// Returns the same server over TLS, if `to` is that: what a server without plain HTTP answers.
    pub(crate) fn encrypted_by_redirect(&self, to: &Url) -> Option<Self> {
        let same_host = to.host_str() == self.url.host_str();
        let gains_tls = self.url.scheme() == "http" && to.scheme() == "https";
        if !same_host || !gains_tls {
            return None;
        }
        let mut url = to.clone();
        url.set_query(None);
        url.set_path(self.url.path());
        Some(Self { url })
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

fn with_scheme(text: &str) -> String {
    if text.contains("://") {
        return text.to_owned();
    }
    let text = text.trim_end_matches('/');
    let host = text.split('/').next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_this_machine =
        name == "localhost" || name.starts_with("127.") || host.starts_with("[::1]");
    let is_plain_name = !host.contains(['.', ':', '[']) && !text.contains('/');
    if is_this_machine {
        format!("http://{text}")
    } else if is_plain_name {
        format!("https://{text}.ftrackapp.com")
    } else {
        format!("https://{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown =
            ServerUrl::parse(text).map_or_else(|error| error.to_string(), |url| url.to_string());
        assert_eq!(shown, expected, "{text:?}");
    }

    #[test]
    fn what_people_leave_out_is_filled_in() {
        check("studio", "https://studio.ftrackapp.com");
        check(" studio ", "https://studio.ftrackapp.com");
        check("studio/", "https://studio.ftrackapp.com");
        check("studio.ftrackapp.com", "https://studio.ftrackapp.com");
        check(
            "https://studio.ftrackapp.com/",
            "https://studio.ftrackapp.com",
        );
        check(
            "https://studio.ftrackapp.com///",
            "https://studio.ftrackapp.com",
        );
        check(
            "HTTPS://Studio.FtrackApp.com/#projects?x=1",
            "https://studio.ftrackapp.com",
        );
        check("http://10.0.0.4:8080", "http://10.0.0.4:8080");
        check("10.0.0.4:8080", "https://10.0.0.4:8080");
        check("localhost:8000", "http://localhost:8000");
        check("localhost", "http://localhost");
        check("127.0.0.1:8000/", "http://127.0.0.1:8000");
        check("[::1]:8000", "http://[::1]:8000");
        check("ftrack.studio.tv/prod/", "https://ftrack.studio.tv/prod");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        check("", "no server is given");
        check("two words", "`two words` is not an address");
        check("ftp://studio", "`ftp` is neither http nor https");
        check("https://", "`https://` is not an address");
        check("https://ada:key@studio.tv", "the address holds a user name");
        check("studio:port", "`studio:port` is not an address");
    }

    #[test]
    fn the_api_lies_below_the_servers_path_and_the_hub_at_the_root() {
        let server = ServerUrl::parse("https://ftrack.studio.tv/prod/").unwrap();
        assert_eq!(
            server.join("/api").as_str(),
            "https://ftrack.studio.tv/prod/api"
        );
        assert_eq!(
            server.at_root("/socket.io/1/").as_str(),
            "https://ftrack.studio.tv/socket.io/1/"
        );
    }
}
