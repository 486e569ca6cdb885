//! Linux: a desktop entry in the folder that every desktop looks into at login.
//!
//! <https://specifications.freedesktop.org/autostart-spec/latest/>

use std::path::PathBuf;

use super::{LoginItem, Start};
use crate::settings::Environment;

pub(super) struct DesktopEntry;

impl LoginItem for DesktopEntry {
    fn path(&self, environment: &Environment, start: &Start) -> PathBuf {
        let config = environment
            .xdg_config_home
            .clone()
            .unwrap_or_else(|| environment.home_folder().join(".config"));
        let name = start.file_name("callboard");
        config.join(format!("autostart/{name}.desktop"))
    }

    fn content(&self, start: &Start) -> String {
        let mut words = Vec::new();
        if let Some(home) = &start.home {
            words.push("env".to_owned());
            words.push(quoted(&format!("CALLBOARD_HOME={home}")));
        }
        words.push(quoted(&start.program));
        words.extend(start.words().into_iter().map(str::to_owned));
        format!(
            "[Desktop Entry]\nType=Application\nName=Callboard\n\
             Comment=Actions for ftrack, in the tray\nExec={}\nTerminal=false\n\
             X-GNOME-Autostart-enabled=true\n",
            words.join(" ")
        )
    }
}

/// Writes one word of a command as the key `Exec` wants it: first the quotes' own escapes, then those of any text.
fn quoted(word: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in word.chars() {
        match letter {
            '"' | '`' | '$' => quoted.extend(['\\', '\\', letter]),
            '\\' => quoted.push_str("\\\\\\\\"),
            '%' => quoted.push_str("%%"),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_becomes_more_than_one_word() {
        for (word, expected) in [
            (
                "/opt/call board/callboard",
                r#""/opt/call board/callboard""#,
            ),
            (
                "/a\"; rm -rf $HOME `x`",
                r#""/a\\"; rm -rf \\$HOME \\`x\\`""#,
            ),
            (r"/a\b", r#""/a\\\\b""#),
            ("/100%u", r#""/100%%u""#),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }

    #[test]
    fn the_entry_lies_where_desktops_look_and_keeps_the_home() {
        let environment = Environment {
            xdg_config_home: Some("/c".into()),
            ..Environment::default()
        };
        let mut start = Start {
            program: "/opt/callboard".into(),
            home: Some("/h".into()),
            profile: None,
        };
        let path = DesktopEntry.path(&environment, &start);
        assert_eq!(path, PathBuf::from("/c/autostart/callboard.desktop"));
        let content = DesktopEntry.content(&start);
        let exec = "Exec=env \"CALLBOARD_HOME=/h\" \"/opt/callboard\" run\n";
        assert!(content.contains(exec), "{content}");

        start.profile = Some("night".into());
        let path = DesktopEntry.path(&environment, &start);
        assert_eq!(path, PathBuf::from("/c/autostart/callboard-night.desktop"));
        let content = DesktopEntry.content(&start);
        let exec = "\"/opt/callboard\" --profile night run\n";
        assert!(content.contains(exec), "{content}");
    }
}
