//! Fetches an archive, and goes on where an earlier attempt broke off.

use std::error::Error as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{CONTENT_RANGE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Client, Response, StatusCode, Url};

use crate::archive::Format;
use crate::file_list::hash_of_text;
use crate::limits::Limits;
use crate::unpack::megabytes;

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 10;

/// The longest signature.
const MAX_SIGNATURE_BYTES: u64 = 64 * 1024;

/// How requests reach the network.
#[derive(Clone, Debug)]
pub struct Way {
    /// How the program introduces itself.
    pub user_agent: String,
    /// A file of certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// A proxy; as the environment says when there is none.
    pub proxy: Option<String>,
    /// How long to wait for a connection, or for the next byte.
    pub patience: Duration,
}

/// A file that was fetched.
#[derive(Debug)]
pub struct Downloaded {
    /// Where it lies. It is kept there until [`forget`](Self::forget).
    pub path: PathBuf,
    /// What it is called.
    pub name: String,
    /// The text of the signature beside it, if there is one.
    pub signature: Option<String>,
    /// Held while the file is in use, so that no second command writes to it.
    _held: File,
}

/// Why something could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The address is none, or one that is not asked.
    #[error("`{url}` {problem}")]
    BadUrl {
        /// The address.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A redirect leads where nothing may be fetched from.
    #[error("`{host}` redirects to an address that is not `https`, or once too often")]
    BadRedirect {
        /// The host that was asked.
        host: String,
    },
    /// The network's settings cannot be used.
    #[error("could not set up the connection: {detail}")]
    BadSettings {
        /// What is wrong.
        detail: String,
    },
    /// There is no way to the server.
    #[error("could not reach `{host}`: {detail}")]
    Unreachable {
        /// The server's host.
        host: String,
        /// Why.
        detail: String,
    },
    /// The connection broke, or nothing came for too long.
    #[error("the connection to `{host}` broke after {} KB: {detail}", received_bytes / 1024)]
    Interrupted {
        /// The server's host.
        host: String,
        /// How much is here.
        received_bytes: u64,
        /// Why.
        detail: String,
    },
    /// The server does not give it.
    #[error("`{host}` answered {status}{}", meaning(*status))]
    Refused {
        /// The server's host.
        host: String,
        /// The answer's status.
        status: u16,
    },
    /// It is larger than an archive may be.
    #[error("the archive is larger than the limit of {limit}")]
    TooLarge {
        /// The limit.
        limit: String,
    },
    /// Another command fetches the same.
    #[error("another command is fetching `{url}`")]
    Busy {
        /// The address.
        url: String,
    },
    /// The file cannot be written.
    #[error("could not write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn meaning(status: u16) -> &'static str {
    match status {
        300..=399 => ": it leads elsewhere",
        401 | 403 | 407 => ": it wants to know who asks",
        404 | 410 => ": there is no such file",
        500.. => ": it has a problem of its own",
        _ => "",
    }
}

impl DownloadError {
    /// Returns what can be done.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::BadUrl { .. } => {
                "give an address such as `https://studio.example/hello-1.0.0.zip`"
            }
            Self::BadRedirect { .. } => "fetch the file yourself, look at it, and install the file",
            Self::BadSettings { .. } => "mend `network.proxy` or `network.ca_file` in the settings",
            Self::Unreachable { .. } => "check the address, the network and `network.proxy`",
            Self::Interrupted { .. } => "try again; it goes on where it broke off",
            Self::Refused { status: 500.., .. } => "try again later",
            Self::Refused { .. } => "check the address, or fetch the file yourself and install it",
            Self::TooLarge { .. } => {
                "if you trust it, raise `plugins.install_archive_mb` in the settings"
            }
            Self::Busy { .. } => "wait until it has ended",
            Self::Write { .. } => "make the folder writable, and look whether the disk is full",
        }
    }
}

impl Downloaded {
    /// Deletes the file, which is not needed any more or not what it should be.
    ///
    /// # Errors
    ///
    /// When the system says no.
    pub fn forget(self) -> io::Result<()> {
        let tag = self.path.with_extension("tag");
        if tag.exists() {
            fs::remove_file(tag)?;
        }
        fs::remove_file(&self.path)
    }
}

/// Tells whether something to be installed is an address.
pub fn is_url(source: &str) -> bool {
    let scheme = source.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
    })
}

/// Fetches the archive at `url` into `folder`, and its signature.
///
/// # Errors
///
/// What came until then is kept, and the next attempt goes on from there where the server allows it.
pub async fn download(
    url: &str,
    folder: &Path,
    way: &Way,
    limits: &Limits,
) -> Result<Downloaded, DownloadError> {
    let url = checked_url(url)?;
    let client = client(way, &url)?;
    let digits = hash_of_text(url.as_str());
    let digits = digits.trim_start_matches("sha256:");
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| DownloadError::Write { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let path = folder.join(&digits[..16]).with_extension("part");
    let file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(failed(&path))?;
    if file.try_lock().is_err() {
        return Err(DownloadError::Busy {
            url: url.to_string(),
        });
    }
    let mut part = Part { file, path, limits };
    let last = part.fetch(&client, &url).await?;
    let name = [&url, &last]
        .into_iter()
        .filter_map(|url| url.path_segments()?.next_back())
        .find(|name| Format::of_name(name).is_some())
        .ok_or_else(|| DownloadError::BadUrl {
            url: url.to_string(),
            problem: "names neither a `.zip` nor a `.tar.gz`",
        })?;
    let signature = fetch_signature(&client, &url).await?;
    Ok(Downloaded {
        name: name.to_owned(),
        signature,
        path: part.path,
        _held: part.file,
    })
}

fn checked_url(text: &str) -> Result<Url, DownloadError> {
    let bad = |problem| DownloadError::BadUrl {
        url: text.to_owned(),
        problem,
    };
    let mut url = Url::parse(text).map_err(|_| bad("is no address"))?;
    if !is_allowed(&url) {
        return Err(bad("is not `https`, and not on this machine"));
    }
    if url.password().is_some() || !url.username().is_empty() {
        return Err(DownloadError::BadUrl {
            url: url.host_str().unwrap_or_default().to_owned(),
            problem: "is asked without a name and password, which the lock would show to others",
        });
    }
    url.set_fragment(None);
    Ok(url)
}

/// Encrypted, or to this machine, where nobody listens in.
fn is_allowed(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    let is_here = host == "localhost" || address.is_some_and(|address| address.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && is_here)
}

fn may_follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let from_https = attempt
        .previous()
        .last()
        .is_some_and(|url| url.scheme() == "https");
    let is_weaker = from_https && attempt.url().scheme() != "https";
    if attempt.previous().len() > MAX_REDIRECTS || is_weaker || !is_allowed(attempt.url()) {
        attempt.error("the redirect is not followed")
    } else {
        attempt.follow()
    }
}

fn client(way: &Way, url: &Url) -> Result<Client, DownloadError> {
    let bad = |detail: String| DownloadError::BadSettings { detail };
    let builder = Client::builder()
        .user_agent(&way.user_agent)
        .connect_timeout(way.patience)
        .read_timeout(way.patience)
        .redirect(Policy::custom(may_follow))
        .referer(false)
        // The bytes of the file are wanted, not what a server makes of them.
        .no_gzip();
    let builder = match &way.proxy {
        None => builder,
        Some(proxy) => {
            let proxy =
                reqwest::Proxy::all(proxy).map_err(|_| bad("the proxy is no address".into()))?;
            builder.proxy(proxy)
        }
    };
    let own = match &way.ca_file {
        None => Vec::new(),
        Some(path) => {
            let named =
                |error: &dyn std::fmt::Display| bad(format!("`{}`: {error}", path.display()));
            let pem = fs::read(path).map_err(|error| named(&error))?;
            Certificate::from_pem_bundle(&pem).map_err(|error| named(&error))?
        }
    };
    // Reading the system's certificates takes a while and fails where there are none.
    let builder = if url.scheme() == "https" {
        builder.tls_certs_merge(own)
    } else {
        builder.tls_certs_only(own)
    };
    builder.build().map_err(|error| bad(error.to_string()))
}

/// A file that is being fetched.
struct Part<'a> {
    file: File,
    path: PathBuf,
    limits: &'a Limits,
}

impl Part<'_> {
    /// Fetches what is missing and returns the address that it came from in the end.
    async fn fetch(&mut self, client: &Client, url: &Url) -> Result<Url, DownloadError> {
        let begun = self.length()?;
        let tag = fs::read_to_string(self.tag()).ok();
        if begun > 0
            && let Some(tag) = tag
        {
            let request = client
                .get(url.clone())
                .header(RANGE, format!("bytes={begun}-"))
                .header(IF_RANGE, tag);
            let response = request.send().await.map_err(|error| refused(&error, url))?;
            match response.status() {
                StatusCode::PARTIAL_CONTENT if begins_at(&response, begun) => {
                    return self.receive(response, url).await;
                }
                StatusCode::RANGE_NOT_SATISFIABLE if ends_at(&response, begun) => {
                    return Ok(response.url().clone());
                }
                StatusCode::OK => {
                    self.begin(&response)?;
                    return self.receive(response, url).await;
                }
                _ => {}
            }
        }
        let request = client.get(url.clone()).send();
        let response = request.await.map_err(|error| refused(&error, url))?;
        if response.status() != StatusCode::OK {
            return Err(DownloadError::Refused {
                host: host(url),
                status: response.status().as_u16(),
            });
        }
        self.begin(&response)?;
        self.receive(response, url).await
    }

    /// Starts afresh, and notes by what the server will know whether its file is still the same.
    fn begin(&mut self, response: &Response) -> Result<(), DownloadError> {
        let header = |name| response.headers().get(name)?.to_str().ok();
        let strong = header(ETAG).filter(|tag| !tag.starts_with("W/"));
        let tag = strong.or_else(|| header(LAST_MODIFIED)).unwrap_or_default();
        // First the file, then the tag: with them crossed, the end of one file could follow the beginning of another.
        self.written(self.file.set_len(0))?;
        self.written(self.file.sync_all())?;
        if tag.is_empty() {
            match fs::remove_file(self.tag()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => self.written(Err(error)),
                _ => Ok(()),
            }
        } else {
            self.written(fs::write(self.tag(), tag))
        }
    }

    async fn receive(&mut self, mut response: Response, url: &Url) -> Result<Url, DownloadError> {
        let mut received_bytes = self.length()?;
        let announced = response.content_length().unwrap_or(0);
        self.check_size(received_bytes.saturating_add(announced))?;
        loop {
            let chunk = response.chunk().await;
            let chunk = chunk.map_err(|error| DownloadError::Interrupted {
                host: host(url),
                received_bytes,
                detail: innermost(&error),
            })?;
            let Some(chunk) = chunk else {
                self.written(self.file.sync_all())?;
                return Ok(response.url().clone());
            };
            received_bytes += chunk.len() as u64;
            self.check_size(received_bytes)?;
            let written = self.file.write_all(&chunk);
            self.written(written)?;
        }
    }

    fn check_size(&self, bytes: u64) -> Result<(), DownloadError> {
        if bytes <= self.limits.archive_bytes {
            return Ok(());
        }
        Err(DownloadError::TooLarge {
            limit: megabytes(self.limits.archive_bytes),
        })
    }

    fn length(&self) -> Result<u64, DownloadError> {
        self.written(self.file.metadata())
            .map(|metadata| metadata.len())
    }

    fn tag(&self) -> PathBuf {
        self.path.with_extension("tag")
    }

    fn written<T>(&self, result: io::Result<T>) -> Result<T, DownloadError> {
        result.map_err(|source| DownloadError::Write {
            path: self.path.clone(),
            source,
        })
    }
}

/// Fetches what lies beside the archive as `NAME.sig`; that there is nothing is an answer.
async fn fetch_signature(client: &Client, url: &Url) -> Result<Option<String>, DownloadError> {
    let mut beside = url.clone();
    beside.set_path(&format!("{}.sig", url.path()));
    let request = client.get(beside).send();
    let mut response = request.await.map_err(|error| refused(&error, url))?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::FORBIDDEN => return Ok(None),
        status => {
            return Err(DownloadError::Refused {
                host: host(url),
                status: status.as_u16(),
            });
        }
    }
    let mut text = Vec::new();
    loop {
        let chunk = response.chunk().await;
        let chunk = chunk.map_err(|error| DownloadError::Interrupted {
            host: host(url),
            received_bytes: text.len() as u64,
            detail: innermost(&error),
        })?;
        let Some(chunk) = chunk else {
            return Ok(Some(String::from_utf8_lossy(&text).into_owned()));
        };
        if (text.len() + chunk.len()) as u64 > MAX_SIGNATURE_BYTES {
            // Some servers answer every address with a page.
            return Ok(None);
        }
        text.extend_from_slice(&chunk);
    }
}

fn refused(error: &reqwest::Error, url: &Url) -> DownloadError {
    if error.is_redirect() {
        DownloadError::BadRedirect { host: host(url) }
    } else {
        DownloadError::Unreachable {
            host: host(url),
            detail: innermost(error),
        }
    }
}

/// Returns the cause that says most: the outer ones only repeat the address.
fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "nothing came in time".to_owned();
    }
    let mut cause = error.source();
    let mut text = error.to_string();
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    text
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// `bytes 100-199/200` begins at 100.
fn begins_at(response: &Response, at: u64) -> bool {
    range(response).is_some_and(|range| range.starts_with(&format!("{at}-")))
}

/// `bytes */200` says that the whole has 200.
fn ends_at(response: &Response, at: u64) -> bool {
    range(response).is_some_and(|range| range == format!("*/{at}"))
}

fn range(response: &Response) -> Option<&str> {
    let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    Some(range.strip_prefix("bytes")?.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_can_listen_to_is_asked() {
        for (url, expected) in [
            ("https://studio.example/a.zip", true),
            ("http://127.0.0.1:8000/a.zip", true),
            ("http://localhost/a.zip", true),
            ("http://[::1]/a.zip", true),
            ("http://studio.example/a.zip", false),
            ("http://127.0.0.1.studio.example/a.zip", false),
            ("http://10.0.0.1/a.zip", false),
            ("ftp://studio.example/a.zip", false),
            ("file:///etc/passwd", false),
            ("https://ada:pa55@studio.example/a.zip", false),
        ] {
            let checked = checked_url(url);
            assert_eq!(checked.is_ok(), expected, "{url}");
            let shown = checked.map_err(|error| error.to_string());
            assert!(!format!("{shown:?}").contains("pa55"), "{shown:?}");
        }
    }

    #[test]
    fn an_address_is_told_from_a_path() {
        for (source, expected) in [
            ("https://a/b.zip", true),
            ("HTTP://a/b.zip", true),
            ("/a/b.zip", false),
            ("C:\\b.zip", false),
            ("file:///b.zip", false),
        ] {
            assert_eq!(is_url(source), expected, "{source}");
        }
    }
}
