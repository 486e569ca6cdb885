//! A client of the local bus, written after `docs/protocol.md` and without our own crates.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc;
use std::thread::Builder;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::SOON;
use crate::unprivileged::Person;

/// How many lines may wait to be looked at.
const INBOX_LINES: usize = 4096;

/// A connection to the bus, its hello said.
#[derive(Debug)]
pub struct BusClient {
    stream: UnixStream,
    lines: mpsc::Receiver<String>,
    inbox: VecDeque<Incoming>,
    next_id: u64,
    /// The host's hello.
    pub welcome: Value,
}

/// Something that came without having been asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// The request's id; a notification has none.
    pub id: Option<u64>,
    /// The method.
    pub method: String,
    /// Its parameters.
    pub params: Value,
}

/// A request's failure, as the host told it.
#[derive(Clone, Debug, PartialEq)]
pub struct BusError {
    /// Its kind, such as `invalid`.
    pub kind: String,
    /// What a person reads.
    pub message: String,
    /// What a person may do.
    pub hint: Option<String>,
}

impl fmt::Display for BusError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.kind, self.message)
    }
}

impl std::error::Error for BusError {}

impl BusClient {
    /// Connects to the socket `path` and says hello with this scope and surface.
    ///
    /// # Errors
    ///
    /// When nobody listens, or the host refuses.
    pub fn connect(path: &Path, scope: &str, surface: &str) -> Result<Self> {
        Self::connect_as(Person::Self_, path, scope, surface)
    }

    /// Does the same as somebody else.
    pub(crate) fn connect_as(
        person: Person,
        path: &Path,
        scope: &str,
        surface: &str,
    ) -> Result<Self> {
        let mut client = Self::with_stream(person.connect(path), path)?;
        let hello = json!({"versions": [1], "scope": scope, "surface": surface, "name": "tests"});
        client.send_line(&hello.to_string())?;
        let line = client.next_line(SOON)?;
        let welcome: Value = serde_json::from_str(&line)?;
        if let Some(error) = welcome.get("error") {
            bail!(bus_error(error));
        }
        client.welcome = welcome;
        Ok(client)
    }

    /// Connects without a word, for tests that say the wrong one.
    ///
    /// # Errors
    ///
    /// When nobody listens.
    pub fn connect_silently(path: &Path) -> Result<Self> {
        Self::with_stream(UnixStream::connect(path), path)
    }

    fn with_stream(stream: io::Result<UnixStream>, path: &Path) -> Result<Self> {
        let stream =
            stream.with_context(|| format!("could not connect to `{}`", path.display()))?;
        // A host that was stopped does not read, and no test shall hang on it.
        stream.set_write_timeout(Some(SOON))?;
        let lines = read_lines(stream.try_clone()?)?;
        Ok(Self {
            stream,
            lines,
            inbox: VecDeque::new(),
            next_id: 1,
            welcome: Value::Null,
        })
    }

    /// Asks the host and returns its result.
    ///
    /// # Errors
    ///
    /// A [`BusError`] when the host refuses; another error when it does not answer in time.
    pub fn request(&mut self, method: &str, params: Value) -> Result<Value> {
        self.request_within(method, params, SOON)
    }

    /// Asks the host and gives it until `deadline`.
    ///
    /// # Errors
    ///
    /// A [`BusError`] when the host refuses; another error when it does not answer in time.
    pub fn request_within(
        &mut self,
        method: &str,
        params: Value,
        deadline: Duration,
    ) -> Result<Value> {
        let id = self.send_request(method, params)?;
        self.answer_to(id, deadline)
            .with_context(|| format!("no good answer to `{method}`"))
    }

    /// Sends a request and returns its id, without waiting for the answer.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub fn send_request(&mut self, method: &str, params: Value) -> Result<u64> {
        let id = self.next_id;
        self.next_id += 1;
        self.send_line(&json!({"id": id, "method": method, "params": params}).to_string())?;
        Ok(id)
    }

    /// Waits for the answer to the request `id`; what else comes is kept for [`next`](Self::next).
    ///
    /// # Errors
    ///
    /// A [`BusError`] when the host refuses; another error when it does not answer in time.
    pub fn answer_to(&mut self, id: u64, deadline: Duration) -> Result<Value> {
        let until = Instant::now() + deadline;
        loop {
            let mut message = self.next_message(until)?;
            if message.get("method").is_some() {
                self.inbox.push_back(incoming(&message)?);
            } else if message["id"] == id {
                return match message.get("error") {
                    Some(error) => Err(bus_error(error).into()),
                    None => Ok(message["result"].take()),
                };
            } else if let Some(error) = message.get("error") {
                bail!(bus_error(error));
            }
        }
    }

    /// Returns the next request or notification of this method; others are kept.
    ///
    /// # Errors
    ///
    /// When none comes in time.
    pub fn next(&mut self, method: &str, deadline: Duration) -> Result<Incoming> {
        if let Some(at) = self.inbox.iter().position(|one| one.method == method) {
            return self.inbox.remove(at).context("it was just found");
        }
        let until = Instant::now() + deadline;
        loop {
            let message = self.next_message(until)?;
            if message.get("method").is_none() {
                bail!("an answer came that nobody waits for: {message}");
            }
            let incoming = incoming(&message)?;
            if incoming.method == method {
                return Ok(incoming);
            }
            self.inbox.push_back(incoming);
        }
    }

    /// Answers a request of the host.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub fn answer(&mut self, id: u64, result: Value) -> Result<()> {
        self.send_line(&json!({"id": id, "result": result}).to_string())
    }

    /// Publishes an event and returns the replies that come within `wait`.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn publish(&mut self, topic: &str, data: Value, wait: Duration) -> Result<Vec<Value>> {
        let params = json!({
            "event": {"topic": topic, "data": data, "id": event_id(self.next_id)},
            "wait_secs": wait.as_secs_f64(),
        });
        let mut result = self.request_within("publish", params, wait + SOON)?;
        match result["replies"].take() {
            Value::Array(replies) => Ok(replies),
            other => bail!("`replies` is no list: {other}"),
        }
    }

    /// Launches an action and waits until its job rests.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn launch(&mut self, action: &str, selection: Value, values: Value) -> Result<Value> {
        let params = json!({
            "action": action,
            "context": {"surface": "cli", "selection": selection},
            "values": values,
        });
        let job = self.request("actions.launch", params)?["job"].take();
        self.wait_for_job(&job, Duration::from_secs(60))
    }

    /// Waits until a job rests, and returns it.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn wait_for_job(&mut self, job: &Value, deadline: Duration) -> Result<Value> {
        let params = json!({"job": job, "timeout_secs": deadline.as_secs_f64()});
        self.request_within("jobs.wait", params, deadline + SOON)
    }

    /// Sends one line as it is.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub fn send_line(&mut self, line: &str) -> Result<()> {
        self.send_bytes(line.as_bytes())?;
        self.send_bytes(b"\n")
    }

    /// Sends bytes as they are, for tests that send half a line.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream
            .write_all(bytes)
            .context("could not write to the bus")
    }

    /// Returns the next line as it is.
    ///
    /// # Errors
    ///
    /// When none comes in time, or the host has closed the connection.
    pub fn next_line(&mut self, deadline: Duration) -> Result<String> {
        match self.lines.recv_timeout(deadline) {
            Ok(line) => Ok(line),
            Err(mpsc::RecvTimeoutError::Timeout) => bail!("the host said nothing for {deadline:?}"),
            Err(mpsc::RecvTimeoutError::Disconnected) => bail!("the host closed the connection"),
        }
    }

    /// Waits until the host has closed the connection.
    ///
    /// # Errors
    ///
    /// When it is open still at the deadline.
    pub fn wait_for_end(&mut self, deadline: Duration) -> Result<()> {
        let until = Instant::now() + deadline;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(_) => {}
                Err(mpsc::RecvTimeoutError::Timeout) => bail!("the connection is still open"),
                Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    fn next_message(&mut self, until: Instant) -> Result<Value> {
        let left = until.saturating_duration_since(Instant::now());
        let line = self.next_line(left)?;
        serde_json::from_str(&line).with_context(|| format!("a line is no JSON: `{line}`"))
    }
}

impl Drop for BusClient {
    fn drop(&mut self) {
        // Ends the reading thread too; a connection that is closed already is fine.
        self.stream.shutdown(Shutdown::Both).ok();
    }
}

fn read_lines(stream: UnixStream) -> Result<mpsc::Receiver<String>> {
    let (sender, receiver) = mpsc::sync_channel(INBOX_LINES);
    Builder::new().name("bus client".into()).spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    })?;
    Ok(receiver)
}

fn incoming(message: &Value) -> Result<Incoming> {
    let method = message["method"].as_str();
    Ok(Incoming {
        id: message["id"].as_u64(),
        method: method.context("`method` is no text")?.to_owned(),
        params: message["params"].clone(),
    })
}

fn bus_error(error: &Value) -> BusError {
    let text = |key: &str| error[key].as_str().map(str::to_owned);
    BusError {
        kind: text("kind").unwrap_or_default(),
        message: text("message").unwrap_or_default(),
        hint: text("hint"),
    }
}

/// Returns an id that no other event of this test run has.
fn event_id(number: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.unwrap_or_default().as_nanos();
    format!("{now:032x}-{}-{number}", std::process::id())
}
