//! The environment, read once. Every variable that means something to the host is a field here.

use std::ffi::OsString;
use std::path::PathBuf;

/// What the environment says.
///
/// | Variable | Meaning |
/// | --- | --- |
/// | `CALLBOARD_HOME` | the folder under which everything lies |
/// | `CALLBOARD_BUS` | the bus's socket |
/// | `CALLBOARD_PROFILE` | the profile, in place of the one in use |
/// | `CALLBOARD_PLUGIN_PATH` | further folders of plugins, separated as in `PATH` |
/// | `FTRACK_CONNECT_PLUGIN_PATH` | folders of ftrack Connect plugins, in place of Connect's usual one; `$NAME` and `${NAME}` in it are filled in |
/// | `FTRACK_EVENT_PLUGIN_PATH` | folders of ftrack Connect hooks, likewise |
/// | `CALLBOARD_LOG` | what is logged, in the grammar of `RUST_LOG` |
/// | `DISPLAY` | on Linux, where windows open; without it there are none |
/// | `FTRACK_SERVER`, `FTRACK_API_USER`, `FTRACK_API_KEY` | the server and who signs in, as for ftrack's own clients |
#[derive(Clone, Default)]
pub(crate) struct Environment {
    /// `CALLBOARD_HOME`.
    pub(crate) callboard_home: Option<PathBuf>,
    /// `CALLBOARD_BUS`.
    pub(crate) callboard_bus: Option<PathBuf>,
    /// `CALLBOARD_PROFILE`.
    pub(crate) callboard_profile: Option<String>,
    /// `CALLBOARD_PLUGIN_PATH`, split.
    pub(crate) callboard_plugin_path: Vec<PathBuf>,
    /// `FTRACK_CONNECT_PLUGIN_PATH`, filled in and split.
    pub(crate) ftrack_connect_plugin_path: Vec<PathBuf>,
    /// `FTRACK_EVENT_PLUGIN_PATH`, filled in and split.
    pub(crate) ftrack_event_plugin_path: Vec<PathBuf>,
    /// `CALLBOARD_LOG`.
    pub(crate) callboard_log: Option<String>,
    /// `FTRACK_SERVER`.
    pub(crate) ftrack_server: Option<String>,
    /// `FTRACK_API_USER`.
    pub(crate) ftrack_api_user: Option<String>,
    /// `FTRACK_API_KEY`. Never printed: this type has no `Debug`.
    pub(crate) ftrack_api_key: Option<String>,
    /// `HOME`, or the user's profile folder on Windows.
    pub(crate) home: Option<PathBuf>,
    /// `USER`, or `USERNAME` on Windows.
    pub(crate) user: Option<String>,
    /// `TMPDIR`.
    pub(crate) tmpdir: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub(crate) xdg_runtime_dir: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub(crate) xdg_config_home: Option<PathBuf>,
    /// `XDG_DATA_HOME`.
    pub(crate) xdg_data_home: Option<PathBuf>,
    /// `XDG_STATE_HOME`.
    pub(crate) xdg_state_home: Option<PathBuf>,
    /// `LOCALAPPDATA`.
    #[cfg(windows)]
    pub(crate) local_app_data: Option<PathBuf>,
    /// Whether windows have a display: `DISPLAY` on Linux.
    pub(crate) has_display: bool,
    /// What plugin processes are given of it.
    pub(crate) for_plugins: Vec<(OsString, OsString)>,
    /// What the person's own programs are given of it.
    pub(crate) for_desktop: Vec<(OsString, OsString)>,
}

/// What a plugin's process may see of the environment. Never the credentials, never the bus.
const PASSED_TO_PLUGINS: [&str; 10] = [
    "HOME",
    "LANG",
    "LD_LIBRARY_PATH",
    "PATH",
    "PYTHONPATH",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "TZ",
];

impl Environment {
    /// Reads the environment. An empty variable counts as missing.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub(crate) fn read() -> Self {
        let value = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let path = |name: &str| value(name).map(PathBuf::from);
        let text = |name: &str| value(name).map(|value| value.to_string_lossy().into_owned());
        let folders = |name: &str| {
            let folders = text(name).map(|folders| filled_in(&folders, &text));
            folders.map_or_else(Vec::new, |folders| split(&folders))
        };
        Self {
            callboard_home: path("CALLBOARD_HOME"),
            callboard_bus: path("CALLBOARD_BUS"),
            callboard_profile: text("CALLBOARD_PROFILE"),
            callboard_plugin_path: value("CALLBOARD_PLUGIN_PATH")
                .map(|folders| std::env::split_paths(&folders).collect())
                .unwrap_or_default(),
            ftrack_connect_plugin_path: folders("FTRACK_CONNECT_PLUGIN_PATH"),
            ftrack_event_plugin_path: folders("FTRACK_EVENT_PLUGIN_PATH"),
            callboard_log: text("CALLBOARD_LOG"),
            ftrack_server: text("FTRACK_SERVER"),
            ftrack_api_user: text("FTRACK_API_USER"),
            ftrack_api_key: text("FTRACK_API_KEY"),
            home: path("HOME").or_else(|| path("USERPROFILE")),
            user: text("USER").or_else(|| text("USERNAME")),
            tmpdir: path("TMPDIR"),
            xdg_runtime_dir: path("XDG_RUNTIME_DIR"),
            xdg_config_home: path("XDG_CONFIG_HOME"),
            xdg_data_home: path("XDG_DATA_HOME"),
            xdg_state_home: path("XDG_STATE_HOME"),
            #[cfg(windows)]
            local_app_data: path("LOCALAPPDATA"),
            has_display: !cfg!(target_os = "linux") || value("DISPLAY").is_some(),
            for_plugins: std::env::vars_os()
                .filter(|(name, _)| name.to_str().is_some_and(is_passed_to_plugins))
                .collect(),
            for_desktop: std::env::vars_os()
                .filter(|(name, _)| name.to_str().is_some_and(is_passed_to_desktop))
                .collect(),
        }
    }

    /// Returns the person's home folder.
    pub(crate) fn home_folder(&self) -> PathBuf {
        self.home.clone().unwrap_or_else(|| PathBuf::from("/"))
    }

    /// Returns the folder that ftrack Connect itself keeps plugins in.
    pub(crate) fn connect_folder(&self) -> PathBuf {
        let user = self.home_folder();
        #[cfg(target_os = "macos")]
        let data = user.join("Library/Application Support");
        #[cfg(windows)]
        let data = self
            .local_app_data
            .clone()
            .unwrap_or_else(|| user.join("AppData/Local"))
            .join("ftrack");
        #[cfg(not(any(target_os = "macos", windows)))]
        let data = self
            .xdg_data_home
            .clone()
            .unwrap_or_else(|| user.join(".local/share"));
        data.join("ftrack-connect-plugins")
    }

    /// Returns the folder for temporary files.
    pub(crate) fn temporary_folder(&self) -> PathBuf {
        self.tmpdir.clone().unwrap_or_else(|| {
            if cfg!(windows) {
                std::env::temp_dir()
            } else {
                // The official rule of `docs/protocol.md`: every client must compute the same path.
                PathBuf::from("/tmp")
            }
        })
    }
}

/// Splits a list of folders as the system does; empty entries name none.
fn split(folders: &str) -> Vec<PathBuf> {
    std::env::split_paths(folders)
        .filter(|folder| !folder.as_os_str().is_empty())
        .collect()
}

/// Puts variables in the place of `$NAME` and `${NAME}`, as ftrack Connect does; one that is not set stays as it is.
fn filled_in(text: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        filled.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let (name, written) = match rest.strip_prefix('{') {
            Some(inner) => match inner.split_once('}') {
                Some((name, _)) => (name, name.len() + 2),
                None => ("", 0),
            },
            None => {
                let end = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
                (&rest[..end], end)
            }
        };
        match value(name).filter(|_| !name.is_empty()) {
            Some(value) => filled.push_str(&value),
            None => {
                filled.push('$');
                filled.push_str(&rest[..written]);
            }
        }
        rest = &rest[written..];
    }
    filled + rest
}

fn is_passed_to_plugins(name: &str) -> bool {
    let is_desktop_folder = name.starts_with("XDG_") && name.ends_with("_HOME");
    PASSED_TO_PLUGINS.contains(&name) || name.starts_with("LC_") || is_desktop_folder
}

/// A browser or a player is started as from the desktop: it learns nothing of ftrack's key, and of no library or
/// module path that was set for the host or for the application that started it.
fn is_passed_to_desktop(name: &str) -> bool {
    let kept_back = ["CALLBOARD_", "FTRACK_", "LD_", "DYLD_", "PYTHON"];
    !kept_back.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_in_connects_paths_are_filled_in() {
        let value = |name: &str| (name == "STUDIO").then(|| "/mnt/studio".to_owned());
        for (text, expected) in [
            ("$STUDIO/a:/b", "/mnt/studio/a:/b"),
            ("${STUDIO}_x", "/mnt/studio_x"),
            ("$NOBODY/${NOBODY}/$", "$NOBODY/${NOBODY}/$"),
            ("${STUDIO", "${STUDIO"),
            ("größe/$STUDIO", "größe//mnt/studio"),
        ] {
            assert_eq!(filled_in(text, &value), expected, "{text}");
        }
        assert_eq!(split("/a::/b"), [PathBuf::from("/a"), "/b".into()]);
    }

    #[test]
    fn plugins_see_neither_credentials_nor_the_bus_nor_the_screen() {
        for (name, expected) in [
            ("PATH", true),
            ("LC_ALL", true),
            ("XDG_CONFIG_HOME", true),
            ("FTRACK_API_KEY", false),
            ("FTRACK_SERVER", false),
            ("CALLBOARD_BUS", false),
            ("CALLBOARD_HOME", false),
            ("DBUS_SESSION_BUS_ADDRESS", false),
            ("DISPLAY", false),
            ("SSH_AUTH_SOCK", false),
            ("XDG_RUNTIME_DIR", false),
        ] {
            assert_eq!(is_passed_to_plugins(name), expected, "{name}");
        }
    }
}
