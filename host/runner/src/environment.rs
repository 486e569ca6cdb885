//! The environment that a plugin is given: the person's own, without what is the host's.

use std::ffi::{OsStr, OsString};

/// Names that begin so are the host's, and may hold its credentials.
const WITHHELD: [&str; 2] = ["FTRACK_", "CALLBOARD_"];

/// The variable that tells a plugin its folder.
#[cfg(target_os = "linux")]
pub(crate) const PLUGIN_DIR: &str = "CALLBOARD_PLUGIN_DIR";

/// The variables that tell programs where temporary files go.
#[cfg(target_os = "linux")]
pub(crate) const TEMPORARY: [&str; 3] = ["TEMP", "TMP", "TMPDIR"];

/// Tells whether a plugin may not see a variable.
pub(crate) fn is_withheld(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_uppercase();
    WITHHELD.iter().any(|prefix| name.starts_with(prefix))
}

/// Returns what a plugin may see.
pub(crate) fn without_withheld(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> impl Iterator<Item = (OsString, OsString)> {
    environment
        .into_iter()
        .filter(|(name, _)| !is_withheld(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_hosts_is_withheld() {
        for (name, expected) in [
            ("FTRACK_API_KEY", true),
            ("ftrack_server", true),
            ("CALLBOARD_HOME", true),
            ("PATH", false),
            ("MY_FTRACK_NOTES", false),
        ] {
            assert_eq!(is_withheld(OsStr::new(name)), expected, "{name}");
        }
    }
}
