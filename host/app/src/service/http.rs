//! Requests of plugins to web servers, by the person's proxy and certificates.
//!
//! Every address on the way is checked, redirections too; nothing of ftrack's credentials is ever added.

mod address;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callboard_protocol::{
    Failure, FailureKind, FetchedFile, HttpAnswer, HttpBody, HttpRequest, MAX_HTTP_BODY_BYTES,
};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, Method, Response, StatusCode, Url};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Semaphore;

use super::download::not_written;
use super::serve::Serving;
use crate::settings::NetworkSettings;
use address::{BeyondOnly, Reach};

/// How many requests may be under way at once.
const REQUESTS: usize = 16;

/// How often a server may point elsewhere.
const MOST_REDIRECTIONS: usize = 5;

/// How long a request may take where the plugin does not say, and at most.
const USUAL_SECS: u32 = 60;
const MOST_SECS: u32 = 3_600;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(15);

/// How large a file may be where the plugin does not say.
const USUAL_FILE_BYTES: u64 = 1024 * 1024 * 1024;

/// Headers that are not the plugin's to set: they say where a request goes and where it ends.
const NOT_ITS_OWN: [&str; 8] = [
    "connection",
    "content-length",
    "host",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers that another host does not get.
const FOR_ONE_HOST: [&str; 2] = ["authorization", "cookie"];

/// The way to web servers.
#[derive(Clone)]
pub(crate) struct Web {
    network: NetworkSettings,
    clients: Arc<[OnceLock<Client>; 2]>,
    room: Arc<Semaphore>,
}

impl Web {
    /// Prepares the way that the settings name; nothing is read or opened before the first request.
    pub(crate) fn new(network: NetworkSettings) -> Self {
        Self {
            network,
            clients: Arc::default(),
            room: Arc::new(Semaphore::new(REQUESTS)),
        }
    }

    fn client(&self, reach: Reach) -> Result<Client, Failure> {
        let place = &self.clients[usize::from(reach == Reach::Anywhere)];
        if let Some(client) = place.get() {
            return Ok(client.clone());
        }
        let client = self.build(reach).map_err(|error| {
            Failure::new(FailureKind::Unavailable, "could not set up HTTP")
                .hint("check `network.proxy` and `network.ca_file` in the settings")
                .because(format!("{error:#}"))
        })?;
        Ok(place.get_or_init(|| client).clone())
    }

    fn build(&self, reach: Reach) -> anyhow::Result<Client> {
        let mut builder = Client::builder()
            .user_agent(concat!("callboard/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(1);
        if !self.network.ca_file.as_os_str().is_empty() {
            let pem = std::fs::read(&self.network.ca_file)?;
            builder = builder.tls_certs_merge(reqwest::Certificate::from_pem_bundle(&pem)?);
        }
        if !self.network.proxy.is_empty() {
            builder = builder.proxy(reqwest::Proxy::all(&self.network.proxy)?);
        }
        if reach == Reach::Beyond {
            builder = builder.dns_resolver(Arc::new(BeyondOnly));
        }
        Ok(builder.build()?)
    }
}

/// Sends a plugin's request to one of `hosts`, and returns what was answered, whatever the status.
///
/// # Errors
///
/// When the address is not allowed, no answer came, or it is too large.
pub(super) async fn request(
    serving: &Serving<'_>,
    asked: &HttpRequest,
    hosts: &[String],
) -> Result<HttpAnswer, Failure> {
    let web = &serving.services.outside.web;
    let timeout = Duration::from_secs(u64::from(
        asked.timeout_secs.unwrap_or(USUAL_SECS).clamp(1, MOST_SECS),
    ));
    let exchange = async {
        let _room = web.room.acquire().await;
        let sending = Sending::new(serving, asked, hosts)?;
        let answer = sending.follow().await?;
        answered(serving, asked, answer).await
    };
    let answer = tokio::time::timeout(timeout, exchange).await;
    answer.unwrap_or_else(|_| {
        let message = format!("no whole answer came within {} s", timeout.as_secs());
        Err(Failure::new(FailureKind::TimedOut, message)
            .hint("try again, or allow more with `timeout_secs`"))
    })
}

/// A request, as it goes from one address to the next.
struct Sending<'a> {
    web: &'a Web,
    hosts: &'a [String],
    ftrack: Option<Url>,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl<'a> Sending<'a> {
    fn new(
        serving: &'a Serving<'_>,
        asked: &HttpRequest,
        hosts: &'a [String],
    ) -> Result<Self, Failure> {
        let method = asked.method.as_deref().unwrap_or("GET");
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
            .ok()
            .filter(|method| *method != Method::CONNECT)
            .ok_or_else(|| Failure::invalid(format!("`{method}` is no method of HTTP")))?;
        let url = Url::parse(&asked.url).map_err(|error| {
            Failure::invalid("that is no address of a web server")
                .hint("write it like `https://example.com/status`")
                .caused_by(&error)
        })?;
        let session = serving.services.server.session().ok();
        Ok(Self {
            web: &serving.services.outside.web,
            hosts,
            ftrack: session.and_then(|session| Url::parse(&session.server().to_string()).ok()),
            method,
            url,
            headers: headers(&asked.headers)?,
            body: body(asked.body.as_ref())?,
        })
    }

    /// Sends the request, and again to where the server points.
    async fn follow(mut self) -> Result<Response, Failure> {
        for _ in 0..=MOST_REDIRECTIONS {
            let reach = address::check(&self.url, self.hosts, self.ftrack.as_ref())?;
            let request = self
                .web
                .client(reach)?
                .request(self.method.clone(), self.url.clone())
                .headers(self.headers.clone());
            let request = if self.body.is_empty() {
                request
            } else {
                request.body(self.body.clone())
            };
            let answer = request.send().await;
            let answer = answer.map_err(|error| unreachable(&self.url, &error))?;
            match redirection(&answer) {
                Some(target) => self.turn_to(answer.status(), &target)?,
                None => return Ok(answer),
            }
        }
        Err(Failure::new(
            FailureKind::Limit,
            format!("the server points elsewhere more than {MOST_REDIRECTIONS} times"),
        ))
    }

    fn turn_to(&mut self, status: StatusCode, target: &str) -> Result<(), Failure> {
        let target = self.url.join(target).map_err(|error| {
            Failure::new(FailureKind::Unavailable, "the server points to no address")
                .caused_by(&error)
        })?;
        if self.url.scheme() == "https" && target.scheme() != "https" {
            return Err(Failure::denied(
                "the server points to an address without encryption",
            ));
        }
        let keeps_method = matches!(
            status,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
        );
        if !keeps_method && self.method != Method::GET && self.method != Method::HEAD {
            self.method = Method::GET;
            self.body.clear();
            self.headers.remove("content-type");
        }
        let place = |url: &Url| {
            (
                url.host_str().map(str::to_owned),
                url.port_or_known_default(),
            )
        };
        if place(&self.url) != place(&target) {
            for name in FOR_ONE_HOST {
                self.headers.remove(name);
            }
        }
        self.url = target;
        Ok(())
    }
}

fn redirection(answer: &Response) -> Option<String> {
    let points = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let target = answer.headers().get(LOCATION).filter(|_| points)?;
    target.to_str().ok().map(str::to_owned)
}

fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let bad = || Failure::invalid(format!("`{name}` is no header that can be sent"));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        if NOT_ITS_OWN.contains(&name.as_str()) {
            return Err(bad().hint("leave it to the host"));
        }
        let value = HeaderValue::from_str(value).map_err(|_| bad())?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn body(body: Option<&HttpBody>) -> Result<Vec<u8>, Failure> {
    let bytes = match body {
        None => Vec::new(),
        Some(HttpBody::Text(text)) => text.clone().into_bytes(),
        Some(HttpBody::Base64(text)) => STANDARD
            .decode(text)
            .map_err(|error| Failure::invalid("the body is not Base64").caused_by(&error))?,
        Some(_) => return Err(Failure::invalid("the body is in a form that is not known")),
    };
    if bytes.len() > MAX_HTTP_BODY_BYTES {
        let message = format!("a body may have {MAX_HTTP_BODY_BYTES} bytes at most");
        return Err(Failure::new(FailureKind::Limit, message));
    }
    Ok(bytes)
}

async fn answered(
    serving: &Serving<'_>,
    asked: &HttpRequest,
    answer: Response,
) -> Result<HttpAnswer, Failure> {
    let status = answer.status().as_u16();
    let url = answer.url().to_string();
    let headers = answer.headers().iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let headers = headers.collect();
    let (body, file) = match &asked.file {
        Some(name) => (None, Some(into_file(serving, asked, answer, name).await?)),
        None => (Some(into_memory(asked, answer).await?), None),
    };
    Ok(HttpAnswer {
        status,
        url,
        headers,
        body,
        file,
    })
}

async fn into_memory(asked: &HttpRequest, mut answer: Response) -> Result<HttpBody, Failure> {
    let most = MAX_HTTP_BODY_BYTES as u64;
    let most = asked.max_bytes.unwrap_or(most).min(most);
    let mut bytes = Vec::new();
    while let Some(piece) = next_piece(&mut answer).await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > most {
            return Err(too_large(most).hint("have it written into a file with `file`"));
        }
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => HttpBody::Text(text),
        Err(error) => HttpBody::Base64(STANDARD.encode(error.into_bytes())),
    })
}

async fn into_file(
    serving: &Serving<'_>,
    asked: &HttpRequest,
    mut answer: Response,
    name: &str,
) -> Result<FetchedFile, Failure> {
    let _transfer = serving.services.transfers.acquire().await;
    let most = asked.max_bytes.unwrap_or(USUAL_FILE_BYTES);
    let unfinished = serving.services.folders.unfinished()?;
    let created = tokio::fs::File::create(unfinished.file()).await;
    let mut file = created.map_err(|error| not_written(&error))?;
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    let mut size_bytes = 0;
    while let Some(piece) = next_piece(&mut answer).await? {
        size_bytes += piece.len() as u64;
        if size_bytes > most {
            return Err(too_large(most).hint("allow more with `max_bytes`"));
        }
        digest.update(&piece);
        let written = file.write_all(&piece).await;
        written.map_err(|error| not_written(&error))?;
    }
    file.sync_all().await.map_err(|error| not_written(&error))?;
    let path = serving.give(unfinished, name).await?;
    Ok(FetchedFile {
        path: path.display().to_string(),
        size_bytes,
        checksum: super::sha256_digits(&digest.finish()),
    })
}

async fn next_piece(
    answer: &mut Response,
) -> Result<Option<impl AsRef<[u8]> + std::ops::Deref<Target = [u8]>>, Failure> {
    answer.chunk().await.map_err(|error| {
        Failure::new(FailureKind::Unavailable, "the answer broke off")
            .hint("try again")
            .because(error.without_url().to_string())
    })
}

fn too_large(most: u64) -> Failure {
    Failure::new(
        FailureKind::Limit,
        format!("the answer has more than {most} bytes"),
    )
}

/// Addresses may hold keys, so that a failure names the host alone.
fn unreachable(url: &Url, error: &reqwest::Error) -> Failure {
    let host = url.host_str().unwrap_or_default();
    let mut causes = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    let mut failure = Failure::new(
        FailureKind::Unavailable,
        format!("could not reach `{host}`"),
    )
    .hint("check the address and the network");
    failure.causes = causes;
    failure
}
