//! The web page: a small ftrack web client, which signs in, shows the tree and plays the Actions menu.
//!
//! The page itself is the files in `page/`; what they show comes from `POST /api` and the event hub, as it
//! does for any other client. Only who is signed in is written into the page here.

use serde_json::{Value as Json, json};

use crate::api::VERSION;
use crate::leaf::escaped;

/// What the browser is sent for `/`.
const INDEX: &str = include_str!("page/index.html");

/// Where [`INDEX`] takes the session, as the value of an attribute.
const SESSION_PLACE: &str = "{{session}}";

/// A file that the page loads.
pub(crate) struct Asset {
    pub(crate) name: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) text: &'static str,
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Everything that the page loads; nothing comes from elsewhere.
pub(crate) const ASSETS: [Asset; 11] = [
    Asset {
        name: "page.css",
        content_type: "text/css; charset=utf-8",
        text: include_str!("page/page.css"),
    },
    Asset {
        name: "icon.svg",
        content_type: "image/svg+xml",
        text: include_str!("page/icon.svg"),
    },
    script("main.js", include_str!("page/main.js")),
    script("api.js", include_str!("page/api.js")),
    script("hub.js", include_str!("page/hub.js")),
    script("entities.js", include_str!("page/entities.js")),
    script("tree.js", include_str!("page/tree.js")),
    script("actions.js", include_str!("page/actions.js")),
    script("form.js", include_str!("page/form.js")),
    script("event_log.js", include_str!("page/event_log.js")),
    script("dom.js", include_str!("page/dom.js")),
];

const fn script(name: &'static str, text: &'static str) -> Asset {
    Asset {
        name,
        content_type: JAVASCRIPT,
        text,
    }
}

/// Somebody whom the page signs in by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignIn {
    pub(crate) user: String,
    pub(crate) api_key: String,
}

/// Writes the page. Without a sign-in it asks for one.
pub(crate) fn render(sign_in: Option<&SignIn>) -> String {
    let sign_in = sign_in.map_or(
        Json::Null,
        |sign_in| json!({"user": sign_in.user, "apiKey": sign_in.api_key}),
    );
    let session = json!({"version": VERSION, "signIn": sign_in});
    INDEX.replace(SESSION_PLACE, &escaped(&session.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_signed_in_cannot_break_out_of_the_page() {
        let page = render(Some(&SignIn {
            user: "\"><script>alert(1)</script>".to_owned(),
            api_key: "key".to_owned(),
        }));
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(
            page.contains("&quot;apiKey&quot;:&quot;key&quot;"),
            "{page}"
        );
        assert!(!page.contains(SESSION_PLACE), "{page}");
    }

    #[test]
    fn the_page_loads_only_what_is_served_with_it() {
        let known = |name: &str| ASSETS.iter().any(|asset| asset.name == name);
        for part in INDEX.split("/page/").skip(1) {
            let name = part.split('"').next().unwrap_or_default();
            assert!(known(name), "the page loads `{name}`");
        }
        for asset in &ASSETS {
            for line in asset.text.lines().filter(|line| line.starts_with("import")) {
                let name = line
                    .split("\"./")
                    .nth(1)
                    .and_then(|rest| rest.split('"').next());
                assert!(name.is_some_and(known), "`{}` has {line}", asset.name);
            }
            assert!(
                !asset.text.contains("innerHTML"),
                "`{}` writes HTML, and text of others would become part of it",
                asset.name
            );
        }
    }
}
