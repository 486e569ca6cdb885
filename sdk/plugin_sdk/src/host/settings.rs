//! Settings of the plugin's own, and what it says in the tray.

use callboard_protocol::{Failure, HostMethod, SettingsValues, StatusSet};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Host;

impl Host {
    /// Returns what is set for the plugin now, secrets included; [`Launch::settings`](crate::Launch::settings) has all but the secrets already.
    ///
    /// # Errors
    ///
    /// The turn was cancelled.
    pub fn settings(&self) -> Result<Map<String, Value>, Failure> {
        let answer: SettingsValues = self.ask(HostMethod::SettingsGet, &json!({}))?;
        Ok(answer.values)
    }

    /// Returns what is set for the plugin now, as a type of the plugin's own.
    ///
    /// # Errors
    ///
    /// The type has a field that the manifest does not declare or give a default, or the turn was cancelled.
    pub fn settings_as<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let values = Value::Object(self.settings()?);
        serde_json::from_value(values).map_err(|error| {
            Failure::invalid("the settings have another form than the plugin expects")
                .hint("compare `[settings]` in plugin.toml with the plugin's type")
                .caused_by(&error)
        })
    }

    /// Makes a status line of the manifest say something, in the tray and in `callboard status`, until it is changed again. It stays when the process is gone.
    ///
    /// # Errors
    ///
    /// The manifest declares no such line, or the text has more than [`MAX_STATUS_CHARACTERS`](crate::MAX_STATUS_CHARACTERS).
    pub fn status(&self, id: impl Into<String>, text: impl Into<String>) -> Result<(), Failure> {
        self.status_set(&StatusSet {
            id: id.into(),
            text: Some(text.into()),
            ..StatusSet::default()
        })
    }

    /// Changes a status line of the manifest: with a level, for a while, or back to the manifest's own text.
    ///
    /// # Errors
    ///
    /// As [`status`](Self::status).
    pub fn status_set(&self, set: &StatusSet) -> Result<(), Failure> {
        self.ask::<Value>(HostMethod::StatusSet, set)?;
        Ok(())
    }
}
