//! The `http` and `open` services of the fake host.

use callboard_protocol::{
    Failure, FailureKind, HttpAnswer, HttpBody, HttpRequest, Open, Permission,
};
use serde_json::{Value, json};

use super::{FakeHost, write};

impl FakeHost {
    pub(super) fn http(&mut self, request: HttpRequest) -> Result<Value, Failure> {
        let host = host_of(&request.url)?;
        let declared = self.manifest.permissions.iter().any(|permission| {
            matches!(permission, Permission::Http { host: pattern } if stands_for(pattern, &host))
        });
        if !declared {
            self.need(&Permission::Http { host })?;
        }
        let mut answer = (self.web)(&request)?;
        if let Some(name) = &request.file {
            let content = match answer.body.take() {
                Some(HttpBody::Text(text)) => text,
                _ => String::new(),
            };
            answer.file = Some(self.give(name, content.as_bytes())?);
        }
        answer.url.clone_from(&request.url);
        self.record.web_requests.push(request);
        write(&answer)
    }

    pub(super) fn open(&mut self, open: Open) -> Result<Value, Failure> {
        self.need(&Permission::Open)?;
        self.record.opened.push(open.target);
        Ok(json!({}))
    }
}

/// What answers where a test says nothing.
pub(super) fn no_web(request: &HttpRequest) -> Result<HttpAnswer, Failure> {
    let message = format!("the test has no web server to ask: `{}`", request.url);
    Err(Failure::new(FailureKind::Unavailable, message).hint("give it one with `PluginTest::web`"))
}

fn host_of(url: &str) -> Result<String, Failure> {
    let rest = url.split_once("://").map(|(_, rest)| rest);
    let place = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let host = place.map(|place| place.split_once(':').map_or(place, |(host, _)| host));
    host.map(str::to_owned)
        .ok_or_else(|| Failure::invalid("that is no address of a web server"))
}

fn stands_for(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(suffix) => host.ends_with(suffix),
        None => pattern == host,
    }
}
