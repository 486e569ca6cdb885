//! Requests to the one server, and what their answers mean.

use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;

use crate::config::{Config, Proxy};
use crate::error::{CallError, ConnectError, ServerException, UnreachableCause};
use crate::server_url::ServerUrl;

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

/// A client for `server`, with the credentials in every request and without redirects.
pub(crate) fn client(
    config: &Config,
    server: &ServerUrl,
    purpose: Purpose,
) -> Result<Client, ConnectError> {
    let builder = Client::builder()
        .default_headers(headers(config)?)
        .user_agent(&config.user_agent)
        .connect_timeout(config.timeouts.connect)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(30));
    let builder = match purpose {
        Purpose::Calls => builder.pool_idle_timeout(Duration::from_secs(60)),
        Purpose::Events => builder.http1_only().pool_max_idle_per_host(0),
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

fn headers(config: &Config) -> Result<HeaderMap, ConnectError> {
    let mut headers = HeaderMap::new();
    let mut add = |name: &'static str, value: &str, what: &'static str| {
        let bad = || ConnectError::BadCredentials { what };
        let value = value.trim();
        if value.is_empty() {
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
pub(crate) async fn json(request: RequestBuilder, timeout: Duration) -> Result<Value, CallError> {
    let response = request
        .timeout(timeout)
        .send()
        .await
        .map_err(|error| failure(&error, timeout))?;
    let status = response.status();
    let host = response.url().host_str().unwrap_or_default().to_owned();
    let head = Head::of(&response);
    let body = body(response, timeout).await?;
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

/// What of an answer's head tells why it is no success.
pub(crate) struct Head {
    retry_after: Option<Duration>,
    location: Option<String>,
    content_type: String,
}

impl Head {
    pub(crate) fn of(response: &Response) -> Self {
        let text = |name: HeaderName| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let seconds = text(RETRY_AFTER).and_then(|value| value.trim().parse().ok());
        Self {
            retry_after: seconds.map(Duration::from_secs),
            location: text(LOCATION).map(|location| {
                let absolute = response.url().join(location);
                absolute.map_or_else(|_| location.to_owned(), |url| url.to_string())
            }),
            content_type: text(CONTENT_TYPE).unwrap_or_default().to_owned(),
        }
    }
}

/// Returns what a status means that is no success.
pub(crate) fn from_status(status: StatusCode, head: &Head, host: &str) -> Option<CallError> {
    let host = host.to_owned();
    Some(match status.as_u16() {
        100..=299 => return None,
        300..=399 => match &head.location {
            Some(to) => CallError::Redirected {
                host,
                to: without_query(to),
            },
            None => CallError::NotFtrack {
                host,
                answer: format!("status {}", status.as_u16()),
            },
        },
        401 => CallError::Unauthorized(None),
        403 => CallError::Forbidden(None),
        413 => CallError::TooLarge,
        429 => CallError::RateLimited {
            retry_after: head.retry_after,
        },
        422 => CallError::Invalid(ServerException {
            name: "ValidationError".to_owned(),
            content: "the request is malformed".to_owned(),
            code: None,
        }),
        407 => CallError::Unreachable {
            host,
            cause: UnreachableCause::Network,
            detail: "the proxy asks for a password".to_owned(),
        },
        status @ 502..=504 => CallError::ServerBusy {
            status,
            retry_after: head.retry_after,
        },
        status @ 500..=599 => CallError::ServerFault { status },
        status => CallError::NotFtrack {
            host,
            answer: format!("status {status}"),
        },
    })
}

/// What stands in a query may be a token of a sign-in service; it is nobody's business.
fn without_query(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}

fn exception(value: &Value) -> Option<ServerException> {
    let text = |name: &str| match value.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    };
    Some(ServerException {
        name: text("exception")?,
        content: text("content").unwrap_or_default(),
        code: text("error_code"),
    })
}

fn from_exception(exception: ServerException) -> CallError {
    match exception.name.as_str() {
        "InvalidCredentialsError" | "FTAuthenticationError" => {
            CallError::Unauthorized(Some(exception))
        }
        "PermissionError" | "FTPermissionError" => CallError::Forbidden(Some(exception)),
        "DuplicateEntryError" | "IntegrityError" => CallError::Conflict(exception),
        "ValidationError" => CallError::Invalid(exception),
        "ParseError" => CallError::BadQuery(exception),
        _ => CallError::Refused(exception),
    }
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

/// Returns what a failed exchange means. Before there is a connection, nothing was sent.
pub(crate) fn failure(error: &reqwest::Error, timeout: Duration) -> CallError {
    let host = error
        .url()
        .and_then(Url::host_str)
        .unwrap_or("the server")
        .to_owned();
    let detail = innermost(error);
    if error.is_connect() || error.is_dns() || error.is_builder() {
        return CallError::Unreachable {
            host,
            cause: unreachable_cause(error),
            detail,
        };
    }
    if error.is_timeout() {
        return CallError::TimedOut { after: timeout };
    }
    CallError::Interrupted { detail }
}

fn unreachable_cause(error: &reqwest::Error) -> UnreachableCause {
    if error.is_dns() {
        return UnreachableCause::UnknownHost;
    }
    for cause in causes(error) {
        match cause.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(_)) => return UnreachableCause::BadCertificate,
            Some(_) => return UnreachableCause::NoTls,
            None => {}
        }
        match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => return UnreachableCause::ConnectionRefused,
            Some(io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable) => {
                return UnreachableCause::NoAnswer;
            }
            _ => {}
        }
    }
    if error.is_timeout() {
        UnreachableCause::NoAnswer
    } else {
        UnreachableCause::Network
    }
}

/// Returns the whole chain of causes. An `io::Error` hides the error it was made of from `source`.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first: &(dyn Error + 'static) = error;
    std::iter::successors(Some(first), |error: &&(dyn Error + 'static)| {
        let error: &(dyn Error + 'static) = *error;
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match inner {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

fn innermost(error: &reqwest::Error) -> String {
    causes(error)
        .last()
        .map_or_else(|| "it failed".to_owned(), ToString::to_string)
}
