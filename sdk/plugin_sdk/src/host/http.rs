//! The `http` service, as a plugin sees it.

use std::time::Duration;

use callboard_protocol::{Failure, HostMethod, HttpAnswer, HttpBody, HttpRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Host, TRANSFER_DEADLINE};

/// Web servers, through the host's proxy and certificates; made by [`Host::http`]. Needs `http:HOST` for each host.
///
/// An answer is an answer whatever its status; [`HttpReply::ok`] makes a failure of a bad one.
#[derive(Clone, Copy, Debug)]
pub struct Http<'a> {
    host: &'a Host,
}

/// What a web server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpReply {
    /// What it answered, as it came.
    pub answer: HttpAnswer,
}

impl<'a> Http<'a> {
    pub(crate) fn new(host: &'a Host) -> Self {
        Self { host }
    }

    /// Asks for what is at an address.
    ///
    /// # Errors
    ///
    /// The manifest does not name the host, no answer came, or the turn was cancelled.
    pub fn get(&self, url: impl Into<String>) -> Result<HttpReply, Failure> {
        self.send(&HttpRequest {
            url: url.into(),
            ..HttpRequest::default()
        })
    }

    /// Posts a value as JSON.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), or the value cannot be written.
    pub fn post_json<T: Serialize + ?Sized>(
        &self,
        url: impl Into<String>,
        value: &T,
    ) -> Result<HttpReply, Failure> {
        let body = serde_json::to_string(value)
            .map_err(|error| Failure::invalid("could not write the body").caused_by(&error))?;
        self.send(&HttpRequest {
            method: Some("POST".to_owned()),
            url: url.into(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: Some(HttpBody::Text(body)),
            ..HttpRequest::default()
        })
    }

    /// Fetches what is at an address into a file of the job's folder.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), or it could not be written.
    pub fn fetch(
        &self,
        url: impl Into<String>,
        name: impl Into<String>,
    ) -> Result<HttpReply, Failure> {
        self.send(&HttpRequest {
            url: url.into(),
            file: Some(name.into()),
            timeout_secs: Some(3_600),
            ..HttpRequest::default()
        })
    }

    /// Sends any request.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn send(&self, request: &HttpRequest) -> Result<HttpReply, Failure> {
        let deadline = request
            .timeout_secs
            .map_or(Duration::from_secs(120), |_| TRANSFER_DEADLINE);
        let method = HostMethod::HttpRequest;
        let answer = self.host.ask_within(method, request, deadline)?;
        Ok(HttpReply { answer })
    }
}

impl HttpReply {
    /// Returns the reply where its status says that it was done.
    ///
    /// # Errors
    ///
    /// The status is another than 200 to 299; the beginning of the answer is among the causes.
    pub fn ok(self) -> Result<Self, Failure> {
        if (200..300).contains(&self.answer.status) {
            return Ok(self);
        }
        let message = format!(
            "the web server answered with the status {}",
            self.answer.status
        );
        let failure = Failure::new(callboard_protocol::FailureKind::Unavailable, message);
        Err(match self.text() {
            Ok(text) if !text.is_empty() => {
                failure.because(text.chars().take(200).collect::<String>())
            }
            _ => failure,
        })
    }

    /// Returns the body as text.
    ///
    /// # Errors
    ///
    /// It is no UTF-8, or went into a file.
    pub fn text(&self) -> Result<&str, Failure> {
        match &self.answer.body {
            Some(HttpBody::Text(text)) => Ok(text),
            _ => Err(Failure::invalid("the answer is no text")),
        }
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    ///
    /// It is no JSON, or has another form than `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(self.text()?)
            .map_err(|error| Failure::invalid("the answer has another form").caused_by(&error))
    }

    /// Returns a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.answer.headers.iter();
        headers.find_map(|(found, value)| (found == name).then_some(value.as_str()))
    }
}
