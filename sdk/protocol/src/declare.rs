//! What a manifest may declare beside actions: commands, windows, status lines, subscriptions and settings.

mod command;
mod setting;
mod status;
mod subscription;
mod window;

use crate::{Manifest, Permission};

pub use command::{Command, DeclaredCommand};
pub use setting::{Setting, SettingKind, Settings};
pub use status::{MAX_STATUS_CHARACTERS, StatusLine, StatusSet, StatusText};
pub use subscription::{EventInput, EventPlace, MAX_QUEUED_EVENTS, Subscription};
pub use window::{DeclaredWindow, Window};

/// Why something that a manifest declares cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeclareError {
    /// It names an action that the manifest does not have.
    #[error("{what} names an action that is not declared: `{action}`")]
    NoAction {
        /// What names it: ``the command `shots create` ``.
        what: String,
        /// The action.
        action: String,
    },
    /// Two of a kind have one name.
    #[error("{what} is declared twice")]
    Twice {
        /// What.
        what: String,
    },
    /// A name, a text or a number is not as it must be.
    #[error("{what} must be {expected}")]
    Bad {
        /// What.
        what: String,
        /// What is expected.
        expected: String,
    },
    /// A subscription without the permission.
    #[error("{what} needs the permission `{permission}`")]
    NoPermission {
        /// What needs it.
        what: String,
        /// The permission.
        permission: Permission,
    },
}

impl DeclareError {
    fn bad(what: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Bad {
            what: what.into(),
            expected: expected.into(),
        }
    }
}

/// Checks everything that a manifest declares beside its actions.
pub(crate) fn check(manifest: &Manifest) -> Result<(), DeclareError> {
    for command in &manifest.commands {
        command.check()?;
        has_action(manifest, &command.what(), &command.action)?;
    }
    for window in &manifest.windows {
        window.check()?;
        has_action(manifest, &window.what(), &window.action)?;
    }
    for status in &manifest.status {
        status.check()?;
        if let Some(action) = &status.action {
            has_action(manifest, &status.what(), action)?;
        }
    }
    for subscription in &manifest.subscriptions {
        subscription.check()?;
        has_action(manifest, &subscription.what(), &subscription.action)?;
        if !manifest.permissions.contains(&Permission::Events) {
            return Err(DeclareError::NoPermission {
                what: subscription.what(),
                permission: Permission::Events,
            });
        }
    }
    manifest.settings.check()?;
    once(manifest.commands.iter().map(Command::what))?;
    once(manifest.windows.iter().map(Window::what))?;
    once(manifest.status.iter().map(StatusLine::what))?;
    once(manifest.subscriptions.iter().map(Subscription::what))
}

fn has_action(manifest: &Manifest, what: &str, action: &str) -> Result<(), DeclareError> {
    if manifest.actions.iter().any(|known| known.id == action) {
        return Ok(());
    }
    Err(DeclareError::NoAction {
        what: what.to_owned(),
        action: action.to_owned(),
    })
}

fn once(names: impl Iterator<Item = String>) -> Result<(), DeclareError> {
    let mut seen = std::collections::BTreeSet::new();
    for what in names {
        if seen.contains(&what) {
            return Err(DeclareError::Twice { what });
        }
        seen.insert(what);
    }
    Ok(())
}

/// Tells whether `name` may stand for something in a manifest: lower-case letters, digits and underscores.
fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_')
}

fn check_name(what: String, name: &str) -> Result<(), DeclareError> {
    if is_name(name) {
        return Ok(());
    }
    Err(DeclareError::bad(
        what,
        "lower-case letters, digits and underscores, a letter first",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn checked(declared: Value) -> Result<(), String> {
        let mut manifest = json!({
            "id": "p", "version": "1", "run": {"program": ["p"]}, "permissions": ["events"],
            "action": [{"id": "make", "label": "Make"}],
        });
        let all = manifest.as_object_mut().unwrap();
        all.extend(declared.as_object().unwrap().clone());
        let manifest: Manifest =
            serde_json::from_value(manifest).map_err(|error| error.to_string())?;
        manifest.check().map_err(|error| error.to_string())
    }

    fn refused(declared: Value, expected: &str) {
        let seen = checked(declared.clone());
        assert!(
            seen.as_ref().is_err_and(|error| error.contains(expected)),
            "{declared}: {seen:?}"
        );
    }

    #[test]
    fn one_of_each_is_accepted() {
        let all = json!({
            "command": [{"name": "things make", "action": "make", "item": [
                {"type": "text", "name": "name", "label": "Name", "required": true},
                {"type": "number", "name": "frame_count", "label": "Frames"}]}],
            "window": [{"name": "board", "action": "make", "title": "Board", "width": 400, "borderless": true}],
            "status": [{"id": "timer", "text": "No timer runs", "action": "make"}],
            "subscription": [{"id": "changes", "on": "hub", "action": "make",
                "expression": "topic=ftrack.update", "coalesce_ms": 500}],
            "settings": {
                "handles": {"type": "number", "default": 8, "min": 0, "max": 100},
                "prefix": {"type": "text", "pattern": "[a-z]*"},
                "loud": {"type": "boolean", "default": true},
                "status": {"type": "enumerator", "data": [{"label": "Ready", "value": "rdy"}], "default": "rdy"},
                "since": {"type": "date", "default": "2026-11-21"},
                "folder": {"type": "folder", "default": "~/renders"},
                "token": {"type": "password"},
                "skip": {"type": "list", "default": ["a", "b"]}},
        });
        assert_eq!(checked(all), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let command = |name: &str| json!({"command": [{"name": name, "action": "make"}]});
        refused(command("Make"), "the command `Make` must be");
        refused(command(""), "must be");
        refused(command("a b c d"), "one to three words");
        refused(
            json!({"command": [{"name": "x", "action": "none"}]}),
            "the command `x` names an action that is not declared: `none`",
        );
        refused(
            json!({"command": [{"name": "x", "action": "make", "item": [{"type": "text", "name": "on", "label": ""}]}]}),
            "the field `on` of the command `x`",
        );
        refused(
            json!({"command": [{"name": "x", "action": "make"}, {"name": "x", "action": "make"}]}),
            "the command `x` is declared twice",
        );
        refused(
            json!({"window": [{"name": "b", "action": "make", "title": "", "width": 5}]}),
            "the window `b`",
        );
        refused(
            json!({"status": [{"id": "s", "text": "x".repeat(81)}]}),
            "at most 80 characters",
        );
        let subscription = |expression: &str| json!({"subscription": [{"id": "s", "on": "bus", "action": "make", "expression": expression}]});
        refused(subscription("("), "the expression of the subscription `s`");
        refused(
            json!({"permissions": [], "subscription": [{"id": "s", "on": "bus", "action": "make", "expression": "topic=a"}]}),
            "the subscription `s` needs the permission `events`",
        );
        refused(
            json!({"subscription": [{"id": "s", "on": "moon", "action": "make", "expression": "topic=a"}]}),
            "`on` of the subscription `s`",
        );
        let setting = |setting: Value| json!({"settings": {"frames": setting}});
        refused(setting(json!({"type": "dial"})), "dial");
        refused(
            setting(json!({"type": "number", "default": "many"})),
            "the default of the setting `frames` must be a number",
        );
        refused(
            setting(json!({"type": "number", "default": 9, "max": 8})),
            "a number of at most 8",
        );
        refused(
            setting(json!({"type": "text", "pattern": "("})),
            "the pattern of the setting `frames`",
        );
        refused(
            json!({"settings": {"Frames": {"type": "number"}}}),
            "the setting `Frames`",
        );
    }
}
