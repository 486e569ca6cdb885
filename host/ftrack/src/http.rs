//! Requests to the one server, and what their answers mean.

mod outcome;
mod retry_after;

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder, Response};
use serde_json::Value;

use crate::config::{Config, Proxy};
use crate::error::{CallError, ConnectError};
use crate::server_url::ServerUrl;

pub(crate) use outcome::{Head, failure, from_status};
use outcome::{exception, from_exception};

/// No answer of ftrack's is near this size; what is larger is a fault, and memory is not for it.
const MAX_ANSWER_BYTES: usize = 256 * 1024 * 1024;

/// What a client is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Calls of the API.
    Calls,
    /// The event hub, whose upgrade to a WebSocket exists in HTTP/1.1 only.
    Events,
}

/// A client for `server` that follows no redirect; for events it sends the credentials with every request.
pub(crate) fn client(
    config: &Config,
    server: &ServerUrl,
    purpose: Purpose,
) -> Result<Client, ConnectError> {
    let builder = Client::builder()
        .user_agent(&config.user_agent)
        .connect_timeout(config.timeouts.connect)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(30));
    let builder = match purpose {
        Purpose::Calls => builder.pool_idle_timeout(Duration::from_secs(60)),
        Purpose::Events => builder
            .default_headers(credentials(config)?)
            .http1_only()
            .pool_max_idle_per_host(0),
    };
    let builder = match &config.proxy {
        Proxy::FromEnvironment => builder,
        Proxy::None => builder.no_proxy(),
        Proxy::At(url) => builder
            .proxy(reqwest::Proxy::all(url.expose().as_str()).map_err(|_| ConnectError::BadProxy)?),
    };
    let builder = with_certificates(builder, config, server)?;
    builder
        .build()
        .map_err(|error| ConnectError::NoTls(Box::new(error)))
}

fn with_certificates(
    builder: ClientBuilder,
    config: &Config,
    server: &ServerUrl,
) -> Result<ClientBuilder, ConnectError> {
    let own = match &config.ca_file {
        None => Vec::new(),
        Some(path) => {
            let bad = |source| ConnectError::BadCaFile {
                path: path.clone(),
                source,
            };
            let pem = std::fs::read(path).map_err(|error| bad(error.into()))?;
            let certificates =
                Certificate::from_pem_bundle(&pem).map_err(|error| bad(error.into()))?;
            if certificates.is_empty() {
                return Err(bad("there is no certificate in it".into()));
            }
            certificates
        }
    };
    // Reading the system's certificates takes longer than all else together and fails where there are none;
    // a server without TLS, such as a sandbox on this machine, needs none.
    Ok(if server.is_encrypted() {
        builder.tls_certs_merge(own)
    } else {
        builder.tls_certs_only(own)
    })
}

/// The headers that say who calls.
pub(crate) fn credentials(config: &Config) -> Result<HeaderMap, ConnectError> {
    let mut headers = HeaderMap::new();
    let mut add = |name: &'static str, value: &str, what: &'static str| {
        let bad = || ConnectError::BadCredentials { what };
        let value = value.trim();
        // Assumed: no key has a blank in it. One that was copied with the line beside it is known before the server is.
        let has_blank = name == "ftrack-api-key" && value.contains(char::is_whitespace);
        if value.is_empty() || has_blank {
            return Err(bad());
        }
        let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| bad())?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
        Ok(())
    };
    add("ftrack-user", &config.user, "user name")?;
    add("ftrack-api-key", config.api_key.expose(), "API key")?;
    if let Some(token) = &config.client_token {
        add("ftrack-clienttoken", token, "client token")?;
    }
    Ok(headers)
}

/// Sends `request` and returns the JSON of the answer, or what the answer means.
pub(crate) async fn json(
    request: RequestBuilder,
    timeout: Duration,
    bytes_received: &mut u64,
) -> Result<Value, CallError> {
    let response = request
        .timeout(timeout)
        .send()
        .await
        .map_err(|error| failure(&error, timeout))?;
    let status = response.status();
    let host = response.url().host_str().unwrap_or_default().to_owned();
    let head = Head::of(&response);
    let body = body(response, timeout).await?;
    *bytes_received = body.len() as u64;
    let parsed = serde_json::from_slice::<Value>(&body);
    // The body speaks first: ftrack answers errors with 200 or with a status, as it is asked to.
    if let Ok(value) = &parsed
        && let Some(exception) = exception(value)
    {
        return Err(from_exception(exception));
    }
    if let Some(error) = from_status(status, &head, &host) {
        return Err(error);
    }
    parsed.map_err(|_| CallError::NotFtrack {
        host,
        answer: describe(&head, &body),
    })
}

async fn body(mut response: Response, timeout: Duration) -> Result<Vec<u8>, CallError> {
    let announced = response.content_length().unwrap_or(0).min(1024 * 1024);
    let mut body = Vec::with_capacity(usize::try_from(announced).unwrap_or(0));
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| failure(&error, timeout))?
    {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            let detail = format!("the answer is larger than {MAX_ANSWER_BYTES} bytes");
            return Err(CallError::Interrupted { detail });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn describe(head: &Head, body: &[u8]) -> String {
    let begins_as_page = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<');
    if begins_as_page || head.content_type.contains("html") {
        "a web page".to_owned()
    } else if body.is_empty() {
        "nothing".to_owned()
    } else {
        "something that is no JSON".to_owned()
    }
}
