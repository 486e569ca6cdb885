//! A way to the server for requests that others have written, in the name of who is signed in.

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, Url};

use crate::config::Secret;
use crate::server_url::ServerUrl;
use crate::session::Session;

/// A way to the server for requests that others have written, in the name of who is signed in.
///
/// Whoever passes requests on looks at them before, and at their answers after: nothing is checked here. Redirects
/// are answers like others, and are not followed. It outlives its session.
#[derive(Clone)]
pub struct Passage {
    client: Client,
    server: ServerUrl,
    credentials: HeaderMap,
    user: String,
    api_key: Secret<String>,
}

impl Passage {
    pub(crate) fn new(
        client: Client,
        server: ServerUrl,
        mut credentials: HeaderMap,
        user: String,
        api_key: Secret<String>,
    ) -> Self {
        // What others change is no echo of our own changes.
        credentials.remove("ftrack-clienttoken");
        Self {
            client,
            server,
            credentials,
            user,
            api_key,
        }
    }

    /// Returns the server that it leads to.
    pub fn server(&self) -> &ServerUrl {
        &self.server
    }

    /// Returns the user in whose name it asks.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Returns the key, to look for it in what the server answers.
    pub fn api_key(&self) -> &Secret<String> {
        &self.api_key
    }

    /// Returns a call of the API, with the credentials.
    pub fn call(&self) -> RequestBuilder {
        self.client
            .post(self.server.join("/api"))
            .headers(self.credentials.clone())
    }

    /// Returns a request for `path` below the server, with the credentials in its query.
    pub fn file(&self, path: &str, query: &[(String, String)]) -> RequestBuilder {
        let mut url = self.server.join(path);
        url.query_pairs_mut()
            .extend_pairs(query)
            .append_pair("username", &self.user)
            .append_pair("apiKey", self.api_key.expose().trim());
        self.client.get(url)
    }

    /// Returns a request to wherever the server said, without credentials.
    pub fn elsewhere(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }
}

impl Session {
    /// Returns a way to the server for requests that others have written, in this session's name.
    pub fn passage(&self) -> Passage {
        self.transport().passage()
    }
}

impl std::fmt::Debug for Passage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passage")
            .field("server", &self.server.to_string())
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
