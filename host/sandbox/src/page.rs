//! The web page: a small ftrack web client, which signs in, shows a studio's work and plays the Actions menu.
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
    /// Its path below `page/`, here and in its address.
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

impl Asset {
    pub(crate) fn content_type(&self) -> &'static str {
        match self.name.rsplit_once('.') {
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            _ => "text/javascript; charset=utf-8",
        }
    }
}

macro_rules! assets {
    ($($name:literal,)*) => {
        &[$(Asset { name: $name, text: include_str!(concat!("page/", $name)) },)*]
    };
}

/// Everything that the page loads; nothing comes from elsewhere.
pub(crate) const ASSETS: &[Asset] = assets![
    "api.js",
    "dom.js",
    "event_log.js",
    "format.js",
    "hub.js",
    "icon.svg",
    "icons.js",
    "keys.js",
    "main.js",
    "patch.js",
    "router.js",
    "studio.js",
    "views.js",
    "actions/actions.js",
    "actions/dialog.js",
    "actions/form.js",
    "actions/markdown.js",
    "actions/menu.js",
    "actions/notices.js",
    "media/new_version.js",
    "media/playable.js",
    "media/player.js",
    "media/upload.js",
    "parts/assignees.js",
    "parts/attributes.js",
    "parts/chips.js",
    "parts/fields.js",
    "parts/notes.js",
    "parts/roving.js",
    "parts/time_log.js",
    "parts/versions.js",
    "style/base.css",
    "style/controls.css",
    "style/lists.css",
    "style/overlays.css",
    "style/pages.css",
    "views/events.js",
    "views/jobs.js",
    "views/my_tasks.js",
    "views/project_rows.js",
    "views/projects.js",
    "views/task.js",
    "views/time_logs.js",
    "views/version.js",
];

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
    use std::path::{Component, Path, PathBuf};

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
        let known = |path: &Path| ASSETS.iter().any(|asset| Path::new(asset.name) == path);
        for part in INDEX.split("/page/").skip(1) {
            let name = part.split('"').next().unwrap_or_default();
            assert!(known(Path::new(name)), "the page loads `{name}`");
        }
        for asset in ASSETS {
            let folder = Path::new(asset.name).parent().unwrap_or(Path::new(""));
            for part in asset.text.split(" from \"").skip(1) {
                let name = part.split('"').next().unwrap_or_default();
                let path = plain(&folder.join(name));
                assert!(known(&path), "`{}` imports `{name}`", asset.name);
            }
        }
    }

    #[test]
    fn every_file_of_the_page_is_served_and_writes_no_html() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page");
        let mut waiting = vec![folder.clone()];
        while let Some(next) = waiting.pop() {
            for entry in std::fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(&folder).unwrap();
                if path.is_dir() {
                    waiting.push(path);
                } else if name != Path::new("index.html") {
                    let is_served = ASSETS.iter().any(|asset| Path::new(asset.name) == name);
                    assert!(is_served, "`{}` is not served", name.display());
                }
            }
        }
        for asset in ASSETS {
            for forbidden in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
            ] {
                assert!(
                    !asset.text.contains(forbidden),
                    "`{}` writes HTML, and text of others would become part of it",
                    asset.name
                );
            }
        }
    }

    /// Takes `.` and `..` out of a path.
    fn plain(path: &Path) -> PathBuf {
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                Component::ParentDir => {
                    plain.pop();
                }
                Component::CurDir => {}
                other => plain.push(other),
            }
        }
        plain
    }
}
