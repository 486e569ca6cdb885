//! As much of an HTTP request as a sign-in needs.

use reqwest::Url;

/// The longest value that is taken from an address.
const VALUE_BYTES: usize = 4096;

/// A request's head. What cannot be read is not whole.
#[derive(Default)]
pub(super) struct Request {
    pub(super) is_whole: bool,
    pub(super) method: String,
    pub(super) path: String,
    hosts: Vec<String>,
    query: Vec<(String, String)>,
}

impl Request {
    /// Reads a head.
    pub(super) fn read(head: &[u8]) -> Self {
        Self::try_read(head).unwrap_or_default()
    }

    fn try_read(head: &[u8]) -> Option<Self> {
        let text = str::from_utf8(head).ok()?;
        let (head, _) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        let is_http = words.next()?.starts_with("HTTP/1.") && words.next().is_none();
        if !is_http || !target.starts_with('/') {
            return None;
        }
        let address = Url::parse(&format!("http://localhost{target}")).ok()?;
        let mut hosts = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(':')?;
            if name.eq_ignore_ascii_case("host") {
                hosts.push(value.trim().to_lowercase());
            }
        }
        Some(Self {
            is_whole: true,
            method: method.to_owned(),
            path: address.path().to_owned(),
            hosts,
            query: address.query_pairs().into_owned().collect(),
        })
    }

    /// Tells whether the browser was sent to this machine by name, and to no other name that leads here.
    pub(super) fn is_for(&self, port: u16) -> bool {
        let [host] = self.hosts.as_slice() else {
            return false;
        };
        ["localhost", "127.0.0.1", "[::1]"]
            .iter()
            .any(|name| *host == format!("{name}:{port}"))
    }

    /// Returns a value that is given once, and is a plausible one.
    pub(super) fn one(&self, name: &str) -> Option<String> {
        let mut values = self.query.iter().filter(|(given, _)| given == name);
        let (_, value) = values.next()?;
        let is_plausible = !value.trim().is_empty()
            && value.len() <= VALUE_BYTES
            && !value.contains(char::is_control);
        (values.next().is_none() && is_plausible).then(|| value.trim().to_owned())
    }
}
