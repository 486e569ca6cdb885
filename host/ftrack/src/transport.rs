//! The way of every request to the server: one pool of connections, one place where pauses are kept and counts made.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, Url};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::answer;
use crate::config::{Config, Secret};
use crate::error::{CallError, ConnectError};
use crate::http::{self, Purpose};
use crate::metrics::{Exchange, Metrics, RequestKind};
use crate::passage::Passage;
use crate::server_url::ServerUrl;

/// The pause after the first request too many, where the server names none; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Transport {
    client: Client,
    /// Sent with calls of the API alone: where files lie is somebody else's place, who is given no key.
    credentials: HeaderMap,
    user: String,
    api_key: Secret<String>,
    pub(crate) server: ServerUrl,
    patience: Duration,
    pub(crate) metrics: Metrics,
    /// Until when the server wants to be left alone, by all calls of the session.
    quiet_until: Mutex<Option<Instant>>,
    closed: watch::Sender<bool>,
}

impl Transport {
    pub(crate) fn new(config: &Config, server: ServerUrl) -> Result<Self, ConnectError> {
        Ok(Self {
            client: http::client(config, &server, Purpose::Calls)?,
            credentials: http::credentials(config)?,
            user: config.user.trim().to_owned(),
            api_key: config.api_key.clone(),
            server,
            patience: config.patience,
            metrics: Metrics::default(),
            quiet_until: Mutex::default(),
            closed: watch::Sender::new(false),
        })
    }

    pub(crate) fn passage(&self) -> Passage {
        Passage::new(
            self.client.clone(),
            self.server.clone(),
            self.credentials.clone(),
            self.user.clone(),
            self.api_key.clone(),
        )
    }

    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Waits until the session is closed.
    pub(crate) async fn closed(&self) {
        let mut closed = self.closed.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _closed = closed.wait_for(|closed| *closed).await;
    }

    /// Returns a request without credentials, to wherever the server said.
    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Adds to an address who calls: files are asked for without headers.
    pub(crate) fn add_credentials(&self, url: &mut Url) {
        url.query_pairs_mut()
            .append_pair("username", &self.user)
            .append_pair("apiKey", self.api_key.expose().trim());
    }

    /// Sends operations and returns the answers, one for each.
    pub(crate) async fn post(
        &self,
        operations: &[Value],
        kind: RequestKind,
        timeout: Duration,
    ) -> Result<Vec<Value>, CallError> {
        let posting = self.post_patiently(operations, kind, timeout);
        tokio::select! {
            biased;
            () = self.closed() => Err(CallError::Cancelled),
            result = posting => result,
        }
    }

    /// Waits as the server asks to, as long as the caller's patience lasts.
    async fn post_patiently(
        &self,
        operations: &[Value],
        kind: RequestKind,
        timeout: Duration,
    ) -> Result<Vec<Value>, CallError> {
        let body = Bytes::from(Value::from(operations).to_string());
        let patience_ends = Instant::now() + self.patience;
        let mut pause = FIRST_PAUSE;
        loop {
            self.keep_quiet(patience_ends).await?;
            let result = self.post_once(body.clone(), operations.len(), kind, timeout);
            let error = match result.await {
                Ok(answers) => return Ok(answers),
                Err(error) => error,
            };
            let asked = error.retry_after();
            // Only what surely did not happen, or harms nobody by happening twice, is sent again.
            let may_repeat = match &error {
                CallError::RateLimited { .. } => true,
                CallError::ServerBusy { .. } => kind == RequestKind::Query && asked.is_some(),
                _ => false,
            };
            if let Some(asked) = asked {
                self.be_quiet_for(asked);
            }
            let pause_ends = Instant::now() + asked.unwrap_or(pause);
            if !may_repeat || pause_ends > patience_ends {
                return Err(error);
            }
            tracing::debug!(%error, "waiting before the same request again");
            tokio::time::sleep_until(pause_ends).await;
            pause *= 2;
        }
    }

    fn be_quiet_for(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut quiet_until = self
            .quiet_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *quiet_until = quiet_until.max(Some(until));
    }

    /// Waits while the server wants to be left alone; refuses in its place when that takes too long.
    async fn keep_quiet(&self, patience_ends: Instant) -> Result<(), CallError> {
        let until = *self
            .quiet_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match until.filter(|until| *until > now) {
            None => Ok(()),
            Some(until) if until > patience_ends => Err(CallError::RateLimited {
                retry_after: Some(until - now),
            }),
            Some(until) => {
                tokio::time::sleep_until(until).await;
                Ok(())
            }
        }
    }

    async fn post_once(
        &self,
        body: Bytes,
        expected: usize,
        kind: RequestKind,
        timeout: Duration,
    ) -> Result<Vec<Value>, CallError> {
        let began = Instant::now();
        let bytes_sent = body.len() as u64;
        let request = self
            .client
            .post(self.server.join("/api"))
            .headers(self.credentials.clone())
            .header("accept", "application/json")
            .header("content-type", "application/json")
            .body(body);
        let mut bytes_received = 0;
        let answer = http::json(request, timeout, &mut bytes_received).await;
        let result = answer.and_then(|answer| self.answers(answer, expected));
        self.metrics.count(&Exchange {
            kind,
            bytes_sent,
            bytes_received,
            took: began.elapsed(),
            failure: result.as_ref().err().map(CallError::kind),
        });
        result
    }

    fn answers(&self, mut answer: Value, expected: usize) -> Result<Vec<Value>, CallError> {
        answer::complete(&mut answer);
        match answer {
            Value::Array(answers) if answers.len() == expected => Ok(answers),
            Value::Array(answers) => Err(self.not_ftrack(&format!(
                "{} results to {expected} operations",
                answers.len()
            ))),
            _ => Err(self.not_ftrack("something that is no list of results")),
        }
    }

    /// Returns the error that says: what answers there is not ftrack.
    pub(crate) fn not_ftrack(&self, answer: &str) -> CallError {
        CallError::NotFtrack {
            host: self.server.host().to_owned(),
            answer: answer.to_owned(),
        }
    }
}
