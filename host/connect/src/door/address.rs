//! Addresses: what leads to the server or its storage leads a child through the door, and what a child says of the
//! door means the server to everybody else.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ftrack::ServerUrl;
use reqwest::Url;
use serde_json::{Map, Value};

/// How many addresses of storage a child may have been given and not used yet.
const STORED: usize = 4096;

/// The path below which storage is reached.
pub(super) const STORAGE: &str = "/storage/";

/// The path below which the server gives out files.
pub(super) const FILES: &str = "/component/";

/// The addresses of one door.
#[derive(Debug)]
pub(super) struct Addresses {
    /// `127.0.0.1:PORT` and `localhost:PORT`.
    authorities: [String; 2],
    token: String,
    user: String,
    storage: Mutex<Storage>,
}

/// What the server has given this child, by the name that the child knows it by.
#[derive(Debug, Default)]
struct Storage {
    by_name: HashMap<String, Url>,
    order: VecDeque<String>,
}

impl Addresses {
    pub(super) fn new(port: u16, token: String, user: String) -> Self {
        Self {
            authorities: [format!("127.0.0.1:{port}"), format!("localhost:{port}")],
            token,
            user,
            storage: Mutex::default(),
        }
    }

    /// Returns the door's own address.
    pub(super) fn door(&self) -> String {
        format!("http://{}", self.authorities[0])
    }

    /// Tells whether a request was meant for this door; no page of a browser can send such a `Host`.
    pub(super) fn is_host(&self, host: &str) -> bool {
        self.authorities.iter().any(|authority| authority == host)
    }

    /// Returns the address of storage behind a name.
    pub(super) fn stored(&self, name: &str) -> Option<Url> {
        self.storage().by_name.get(name).cloned()
    }

    /// Gives an address of storage a name, and returns where the child finds it.
    pub(super) fn store(&self, url: Url) -> String {
        let name = uuid::Uuid::new_v4().simple().to_string();
        let mut storage = self.storage();
        storage.by_name.insert(name.clone(), url);
        storage.order.push_back(name.clone());
        if storage.order.len() > STORED
            && let Some(oldest) = storage.order.pop_front()
        {
            storage.by_name.remove(&oldest);
        }
        format!("{}{STORAGE}{name}", self.door())
    }

    /// Returns where a child finds a file of the server's, with the token in place of the key; none for other addresses.
    pub(super) fn file(&self, server: &ServerUrl, url: &Url) -> Option<String> {
        let files = server.join(FILES);
        if url.origin() != files.origin() || !url.path().starts_with(files.path()) {
            return None;
        }
        let path = &url.path()[files.path().len()..];
        let mut here = Url::parse(&format!("{}{FILES}{path}", self.door())).ok()?;
        here.query_pairs_mut()
            .extend_pairs(without_credentials(url))
            .append_pair("username", &self.user)
            .append_pair("apiKey", &self.token);
        Some(here.into())
    }

    /// Turns an address that the server gave into one that leads through the door.
    pub(super) fn inward(&self, server: &ServerUrl, address: &str) -> Option<String> {
        let url = Url::parse(address).ok()?;
        let is_as_safe =
            url.scheme() == "https" || (url.scheme() == "http" && !server.is_encrypted());
        if !is_as_safe {
            return None;
        }
        Some(self.file(server, &url).unwrap_or_else(|| self.store(url)))
    }

    /// Turns the addresses in an answer to `action` into such that lead through the door.
    ///
    /// Addresses that people open (`get_widget_url`, `generate_signed_url`) are left as they are, and so is whatever
    /// people have written.
    pub(super) fn answer_inward(&self, server: &ServerUrl, action: &str, answer: &mut Value) {
        match action {
            "get_upload_metadata" | "complete_multipart_upload" => {
                self.member_inward(server, answer.get_mut("url"));
                let parts = answer.get_mut("urls").and_then(Value::as_array_mut);
                for part in parts.into_iter().flatten() {
                    self.member_inward(server, part.get_mut("signed_url"));
                }
            }
            "query" | "search" | "create" | "update" => {
                if let Some(data) = answer.get_mut("data") {
                    self.entities_inward(server, data);
                }
            }
            _ => {}
        }
    }

    fn member_inward(&self, server: &ServerUrl, member: Option<&mut Value>) {
        if let Some(Value::String(address)) = member
            && let Some(here) = self.inward(server, address)
        {
            *address = here;
        }
    }

    /// Looks for the addresses that the server computes: `thumbnail_url` and `url`, each an object with the address in it
    /// or the address itself.
    fn entities_inward(&self, server: &ServerUrl, value: &mut Value) {
        match value {
            Value::Array(items) => items
                .iter_mut()
                .for_each(|item| self.entities_inward(server, item)),
            Value::Object(members) => {
                for (name, member) in members {
                    let is_address = matches!(name.as_str(), "thumbnail_url" | "url");
                    match member {
                        Value::String(_) if name == "thumbnail_url" => {
                            self.member_inward(server, Some(member));
                        }
                        Value::String(address) if is_address => {
                            let url = Url::parse(address).ok();
                            if let Some(here) = url.and_then(|url| self.file(server, &url)) {
                                *address = here;
                            }
                        }
                        Value::Object(inner) if is_address => {
                            self.member_inward(server, inner.get_mut("value"));
                            self.member_inward(server, inner.get_mut("url"));
                        }
                        member => self.entities_inward(server, member),
                    }
                }
            }
            _ => {}
        }
    }

    /// Puts the server in the place of the door wherever a child's text names it, and takes the token away.
    pub(super) fn outward(&self, server: &ServerUrl, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(changed) = self.text_outward(server, text) {
                    *text = changed;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.outward(server, item)),
            Value::Object(members) => self.members_outward(server, members),
            _ => {}
        }
    }

    fn members_outward(&self, server: &ServerUrl, members: &mut Map<String, Value>) {
        members
            .values_mut()
            .for_each(|member| self.outward(server, member));
    }

    fn text_outward(&self, server: &ServerUrl, text: &str) -> Option<String> {
        let is_named = self
            .authorities
            .iter()
            .any(|authority| text.contains(authority));
        if !is_named && !text.contains(&self.token) {
            return None;
        }
        let mut changed = text.to_owned();
        for authority in &self.authorities {
            changed = changed.replace(&format!("http://{authority}"), &server.to_string());
        }
        let credentials = format!("username={}&apiKey={}", self.user, self.token);
        for named in [
            format!("&{credentials}"),
            credentials,
            format!("&apiKey={}", self.token),
            self.token.clone(),
        ] {
            changed = changed.replace(&named, "");
        }
        Some(changed)
    }

    fn storage(&self) -> MutexGuard<'_, Storage> {
        self.storage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a query without who asks.
pub(super) fn without_credentials(url: &Url) -> Vec<(String, String)> {
    url.query_pairs()
        .filter(|(name, _)| name != "username" && name != "apiKey")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// Addresses that several tasks of a door share.
pub(super) type SharedAddresses = Arc<Addresses>;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn addresses() -> Addresses {
        Addresses::new(4711, "t0ken".to_owned(), "ada".to_owned())
    }

    fn server() -> ServerUrl {
        ServerUrl::parse("https://studio.example").unwrap()
    }

    #[test]
    fn what_the_server_computes_leads_through_the_door() {
        let addresses = addresses();
        let mut answer = json!({"data": [{
            "thumbnail_url": {"value": "https://studio.example/component/thumbnail?id=7&username=ada&apiKey=key"},
            "component": {"url": {"value": "https://storage.example/x?signature=1"}},
            "description": "see https://studio.example/component/get?id=7",
            "url": "https://people.example/",
        }]});
        addresses.answer_inward(&server(), "query", &mut answer);
        let row = &answer["data"][0];
        assert_eq!(
            row["thumbnail_url"]["value"],
            "http://127.0.0.1:4711/component/thumbnail?id=7&username=ada&apiKey=t0ken"
        );
        let stored = row["component"]["url"]["value"].as_str().unwrap();
        let name = stored
            .strip_prefix("http://127.0.0.1:4711/storage/")
            .unwrap();
        assert_eq!(
            addresses.stored(name).unwrap().as_str(),
            "https://storage.example/x?signature=1"
        );
        assert_eq!(
            row["description"],
            "see https://studio.example/component/get?id=7"
        );
        assert_eq!(row["url"], "https://people.example/");
    }

    #[test]
    fn an_upload_goes_through_the_door_in_one_part_or_many() {
        let addresses = addresses();
        let mut answer = json!({"url": "https://studio.example/upload/1", "urls":
            [{"signed_url": "https://storage.example/1", "part_number": 1}]});
        addresses.answer_inward(&server(), "get_upload_metadata", &mut answer);
        for address in [&answer["url"], &answer["urls"][0]["signed_url"]] {
            let address = address.as_str().unwrap();
            assert!(address.starts_with("http://127.0.0.1:4711/storage/"));
        }
    }

    #[test]
    fn what_a_child_says_of_the_door_means_the_server() {
        let mut data = json!({"items": [{
            "icon": "http://127.0.0.1:4711/component/thumbnail?id=7&username=ada&apiKey=t0ken&size=9",
            "label": "http://localhost:4711/#home and t0ken",
        }]});
        addresses().outward(&server(), &mut data);
        assert_eq!(
            data,
            json!({"items": [{
                "icon": "https://studio.example/component/thumbnail?id=7&size=9",
                "label": "https://studio.example/#home and ",
            }]})
        );
    }

    #[test]
    fn only_so_many_addresses_are_kept() {
        let addresses = addresses();
        let url = Url::parse("https://storage.example/").unwrap();
        for _ in 0..STORED + 10 {
            addresses.store(url.clone());
        }
        assert_eq!(addresses.storage().by_name.len(), STORED);
    }
}
