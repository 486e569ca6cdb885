//! What hooks are given of the person's environment beside what every plugin has.

use std::ffi::OsString;
use std::path::PathBuf;

use callboard_protocol::Permission;

/// What a window takes to find the screen it is shown on.
const SCREEN: [&str; 6] = [
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
    "XDG_SESSION_TYPE",
    "QT_QPA_PLATFORM",
];

/// The person's environment, as far as hooks may see it.
pub(super) struct Variables {
    given: Vec<(OsString, OsString)>,
}

impl Variables {
    /// Chooses from the person's environment: what the settings name, where `NAME*` stands for all that begin so, and
    /// the screen where windows may be shown.
    pub(super) fn chosen(
        from: &[(OsString, OsString)],
        named: &[String],
        shows_windows: bool,
    ) -> Self {
        let is_chosen = |name: &str| {
            let is_named = named.iter().any(|named| match named.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == named,
            });
            is_named || (shows_windows && SCREEN.contains(&name))
        };
        let given = from
            .iter()
            .filter(|(name, _)| name.to_str().is_some_and(is_chosen));
        Self {
            given: given.cloned().collect(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(OsString, OsString)> {
        self.given.iter()
    }

    /// Returns what it takes to be let onto the screen: reading the ticket, which lies in the person's folder.
    pub(super) fn reads(&self) -> impl Iterator<Item = Permission> {
        let ticket = self.given.iter().find(|(name, _)| name == "XAUTHORITY");
        let path = ticket.map(|(_, path)| PathBuf::from(path));
        path.filter(|path| path.is_file())
            .into_iter()
            .map(|path| Permission::Read {
                path: path.display().to_string(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_see_what_the_settings_name_and_the_screen_where_they_may_show_windows() {
        let person: Vec<(OsString, OsString)> =
            ["STUDIO_ROOT", "STUDIO", "OCIO", "OCIO_TWO", "DISPLAY"]
                .map(|name| (name.into(), "x".into()))
                .into();
        let check = |named: &[&str], windows: bool, expected: &[&str]| {
            let named: Vec<String> = named.iter().map(ToString::to_string).collect();
            let variables = Variables::chosen(&person, &named, windows);
            let names: Vec<_> = variables.iter().map(|(name, _)| name.clone()).collect();
            assert_eq!(names, expected, "{named:?}");
        };
        check(&[], false, &[]);
        check(
            &["STUDIO_*", "OCIO"],
            true,
            &["STUDIO_ROOT", "OCIO", "DISPLAY"],
        );
        check(&["STUDIO*"], false, &["STUDIO_ROOT", "STUDIO"]);
    }
}
