//! What a test does with the sandbox itself: count what is there, and have it fail.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::Ready;

/// How long the sandbox may take for an answer.
const ANSWER: Duration = Duration::from_secs(30);

/// A plain HTTP client of the sandbox, signed in as its main user.
#[derive(Clone, Debug)]
pub struct SandboxClient {
    address: String,
    user: String,
    api_key: String,
    control_token: String,
}

impl SandboxClient {
    /// Makes a client of the sandbox that said `ready`.
    ///
    /// # Errors
    ///
    /// When its address is no plain HTTP address.
    pub fn new(ready: &Ready) -> Result<Self> {
        let address = ready.server.strip_prefix("http://");
        Ok(Self {
            address: address.context("the sandbox speaks plain HTTP")?.to_owned(),
            user: ready.user.clone(),
            api_key: ready.api_key.clone(),
            control_token: ready.control_token.clone(),
        })
    }

    /// Returns the sandbox's host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the entities that an expression selects.
    ///
    /// # Errors
    ///
    /// When the server refuses or does not answer.
    pub fn query(&self, expression: &str) -> Result<Vec<Value>> {
        let mut answers = self.call(&json!([{"action": "query", "expression": expression}]))?;
        match answers[0]["data"].take() {
            Value::Array(entities) => Ok(entities),
            _ => bail!("a query was answered with `{answers}`"),
        }
    }

    /// Sends operations and returns the server's answers.
    ///
    /// # Errors
    ///
    /// When the server refuses or does not answer.
    pub fn call(&self, operations: &Value) -> Result<Value> {
        let headers = format!(
            "ftrack-user: {}\r\nftrack-api-key: {}\r\nftrack-strict-api: true\r\n",
            self.user, self.api_key
        );
        self.request("POST", "/api", &headers, operations)
    }

    /// Returns how many entities of a type there are.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    pub fn count(&self, entity_type: &str) -> Result<usize> {
        Ok(self.query(&format!("select id from {entity_type}"))?.len())
    }

    /// Has the next requests fail that a rule matches, as `{"match": "\"create\"", "count": 1, "fault": "close_after"}`.
    ///
    /// # Errors
    ///
    /// When the sandbox does not understand the rule.
    pub fn add_fault(&self, rule: &Value) -> Result<()> {
        self.control("POST", "faults", rule).map(drop)
    }

    /// Forgets the faults that have not come about.
    ///
    /// # Errors
    ///
    /// When the sandbox does not answer.
    pub fn clear_faults(&self) -> Result<()> {
        self.control("DELETE", "faults", &Value::Null).map(drop)
    }

    /// Returns the requests that the sandbox has taken, each with its operations.
    ///
    /// # Errors
    ///
    /// When the sandbox does not answer.
    pub fn requests(&self) -> Result<Vec<Value>> {
        match self.control("GET", "requests", &Value::Null)?["requests"].take() {
            Value::Array(requests) => Ok(requests),
            other => bail!("the requests are `{other}`"),
        }
    }

    /// Forgets which requests there were.
    ///
    /// # Errors
    ///
    /// When the sandbox does not answer.
    pub fn clear_requests(&self) -> Result<()> {
        self.control("DELETE", "requests", &Value::Null).map(drop)
    }

    /// Has the event hub do `change`, such as `drop_connections`, and returns how many connections it has.
    ///
    /// # Errors
    ///
    /// When the sandbox does not answer.
    pub fn change_hub(&self, change: &str) -> Result<u64> {
        let answer = self.control("POST", "hub", &json!({"do": change}))?;
        let count = answer["connections"].as_u64();
        count.context("the hub does not say how many connections it has")
    }

    /// Returns why each client was dropped that did not read what the event hub had for it.
    ///
    /// # Errors
    ///
    /// When the sandbox does not answer.
    pub fn dropped_clients(&self) -> Result<Vec<String>> {
        let answer = self.control("POST", "hub", &json!({"do": "count"}))?;
        let dropped = answer["dropped"].as_array().into_iter().flatten();
        Ok(dropped
            .filter_map(|client| client["reason"].as_str().map(str::to_owned))
            .collect())
    }

    /// Returns a user's API key.
    ///
    /// # Errors
    ///
    /// When there is no such user.
    pub fn key_of(&self, user: &str) -> Result<String> {
        let users = self.control("GET", "users", &Value::Null)?;
        let mut users = users["users"].as_array().into_iter().flatten();
        let found = users.find(|known| known["user"] == user);
        let key = found.and_then(|user| user["api_key"].as_str());
        Ok(key.with_context(|| format!("no user `{user}`"))?.to_owned())
    }

    /// Has a user's keys expire, or hold again.
    ///
    /// # Errors
    ///
    /// When there is no such user.
    pub fn expire_keys(&self, user: &str, is_expired: bool) -> Result<()> {
        let change = json!({"user": user, "is_expired": is_expired});
        self.control("POST", "keys", &change).map(drop)
    }

    /// Uploads a component's file, as the official client does before it creates the component.
    ///
    /// # Errors
    ///
    /// When the server refuses or does not answer.
    pub fn upload(&self, component_id: &str, content: &[u8]) -> Result<()> {
        let asked = self.call(&json!([{
            "action": "get_upload_metadata",
            "component_id": component_id,
            "file_name": "file.bin",
            "file_size": content.len(),
        }]))?;
        let url = asked[0]["url"].as_str().context("an upload has a URL")?;
        let (status, _, answer) = self.exchange("PUT", self.path_of(url)?, "", content)?;
        ensure!(
            status == 200,
            "the upload was answered with {status}: {}",
            String::from_utf8_lossy(&answer)
        );
        Ok(())
    }

    /// Returns a component's file, or nothing when there is none.
    ///
    /// # Errors
    ///
    /// When the server refuses or does not answer.
    pub fn download(&self, component_id: &str) -> Result<Option<Vec<u8>>> {
        let (user, key) = (&self.user, &self.api_key);
        let path = format!("/component/get?id={component_id}&username={user}&apiKey={key}");
        let (mut status, head, mut body) = self.exchange("GET", &path, "", &[])?;
        if let Some(location) = header(&head, "location") {
            (status, _, body) = self.exchange("GET", self.path_of(location)?, "", &[])?;
        }
        match status {
            200 => Ok(Some(body)),
            404 => Ok(None),
            _ => bail!("a download was answered with {status}"),
        }
    }

    /// The path of an address of this server.
    fn path_of<'a>(&self, url: &'a str) -> Result<&'a str> {
        let own = url.strip_prefix("http://").unwrap_or(url);
        let path = own.strip_prefix(&self.address).unwrap_or(own);
        ensure!(path.starts_with('/'), "`{url}` leads elsewhere");
        Ok(path)
    }

    fn control(&self, method: &str, what: &str, body: &Value) -> Result<Value> {
        let token = format!("sandbox-token: {}\r\n", self.control_token);
        self.request(method, &format!("/sandbox/{what}"), &token, body)
    }

    fn request(&self, method: &str, path: &str, headers: &str, body: &Value) -> Result<Value> {
        let headers = format!("content-type: application/json\r\n{headers}");
        let body = body.to_string();
        let (status, _, answer) = self.exchange(method, path, &headers, body.as_bytes())?;
        let answer = String::from_utf8(answer).context("the sandbox answered with no text")?;
        ensure!(
            (200..300).contains(&status),
            "the sandbox answered {status} to {method} {path}: {answer}"
        );
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&answer).with_context(|| format!("the sandbox answered `{answer}`"))
    }

    /// Sends a request and returns the answer's status, head and body.
    fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Result<(u16, String, Vec<u8>)> {
        let mut stream = TcpStream::connect(&self.address)
            .with_context(|| format!("could not connect to `{}`", self.address))?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.set_write_timeout(Some(ANSWER))?;
        let (host, length) = (&self.address, body.len());
        let head = format!(
            "{method} {path} HTTP/1.0\r\nhost: {host}\r\ncontent-length: {length}\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let end =
            end.with_context(|| format!("the sandbox broke off after {} bytes", answer.len()))?;
        let body = answer.split_off(end + 4);
        let head = String::from_utf8(answer).context("the head of an answer is no text")?;
        let length = header(&head, "content-length").and_then(|length| length.parse().ok());
        ensure!(
            length.is_none_or(|length: usize| length == body.len()),
            "the sandbox broke off in an answer"
        );
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Ok((status.context("an answer has a status")?, head, body))
    }
}

/// The value of a header, by its name in small letters.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let found = lines.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim())
}
