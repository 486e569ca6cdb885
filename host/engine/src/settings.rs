//! Settings of plugins: layers over the manifest's defaults, checked against its schema, and drawn as a form.

use std::collections::BTreeMap;

use callboard_protocol::{
    Control, Failure, Item, Manifest, PluginId, PluginSettings, PluginSettingsAsk, Setting,
    SettingKind, SettingsValues, View,
};
use serde_json::{Map, Value};

use crate::Engine;
use crate::event::{Effect, Reply, RequestId};
use crate::waiting::Waiting;

/// Values of one origin, by plugin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettingsLayer {
    /// The file they come from.
    pub origin: String,
    /// Whether it is the one place where secrets are kept.
    pub holds_secrets: bool,
    /// The values of each plugin.
    pub plugins: BTreeMap<PluginId, Map<String, Value>>,
}

/// A plugin's settings in force.
#[derive(Debug, Default)]
struct Resolved {
    values: Map<String, Value>,
    secrets: Map<String, Value>,
    origins: BTreeMap<String, String>,
    problems: Vec<Failure>,
}

impl Engine {
    /// Returns a plugin's settings without its secrets, for a launch.
    pub(crate) fn settings_of(&self, manifest: &Manifest) -> Map<String, Value> {
        self.resolved(manifest).values
    }

    /// Returns everything that is set for a plugin.
    pub(crate) fn all_settings_of(&self, plugin: &PluginId) -> SettingsValues {
        let Some(entry) = self.catalog.plugin(plugin) else {
            return SettingsValues::default();
        };
        let Resolved {
            mut values,
            secrets,
            ..
        } = self.resolved(&entry.manifest);
        values.extend(secrets);
        SettingsValues { values }
    }

    fn resolved(&self, manifest: &Manifest) -> Resolved {
        let mut resolved = Resolved::default();
        for (name, setting) in manifest.settings.iter() {
            if !setting.default.is_null() {
                resolved.take(name, setting, setting.default.clone(), "plugin.toml");
            }
        }
        for layer in &self.settings_layers {
            let values = layer.plugins.get(&manifest.id);
            for (name, value) in values.into_iter().flatten() {
                match checked(manifest, layer, name, value) {
                    Ok(setting) => resolved.take(name, setting, value.clone(), &layer.origin),
                    Err(expected) => resolved.problems.push(
                        Failure::invalid(format!(
                            "bad setting `plugin.{}.{name}` in `{}`",
                            manifest.id, layer.origin
                        ))
                        .hint(format!("write {expected}")),
                    ),
                }
            }
        }
        for (name, setting) in manifest.settings.iter() {
            if setting.required && !resolved.origins.contains_key(name) {
                let id = &manifest.id;
                resolved.problems.push(
                    Failure::invalid(format!("`{id}` needs the setting `{name}`")).hint(format!(
                        "set it with `callboard plugins settings {id} --set {name}=…`"
                    )),
                );
            }
        }
        resolved
    }

    /// Shows a plugin's settings, after changing those that are to be changed.
    pub(crate) fn ask_settings(&mut self, request: RequestId, ask: PluginSettingsAsk) {
        let result = self
            .catalog
            .plugin(&ask.plugin)
            .filter(|entry| entry.present)
            .ok_or_else(|| {
                Failure::not_found(format!("there is no plugin `{}`", ask.plugin))
                    .hint("list the plugins with `callboard plugins list`")
            })
            .and_then(|entry| changes(&entry.manifest, &ask));
        match result {
            Err(failure) => self.refuse(request, failure),
            Ok(set) if set.is_empty() && ask.reset.is_empty() => {
                self.show_settings(request, &ask.plugin);
            }
            Ok(set) => {
                let plugin = ask.plugin.clone();
                let token = self.token(Waiting::SettingsWritten { request, plugin });
                let ask = PluginSettingsAsk { set, ..ask };
                let secret_names = self.secret_names(&ask.plugin);
                self.out.push(Effect::WriteSettings {
                    token,
                    ask,
                    secret_names,
                });
            }
        }
    }

    /// Settings were written, or could not be: these are the layers now.
    pub(crate) fn settings_written(
        &mut self,
        request: RequestId,
        plugin: &PluginId,
        result: Result<Vec<SettingsLayer>, Failure>,
    ) {
        match result {
            Ok(layers) => {
                self.settings_layers = layers;
                self.show_settings(request, plugin);
            }
            Err(failure) => self.refuse(request, failure),
        }
    }

    fn secret_names(&self, plugin: &PluginId) -> Vec<String> {
        let entry = self.catalog.plugin(plugin);
        entry
            .into_iter()
            .flat_map(|entry| entry.manifest.settings.iter())
            .filter(|(_, setting)| setting.kind == SettingKind::Password)
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    fn show_settings(&mut self, request: RequestId, plugin: &PluginId) {
        let Some(entry) = self.catalog.plugin(plugin) else {
            let failure = Failure::not_found(format!("there is no plugin `{plugin}`"));
            return self.refuse(request, failure);
        };
        let resolved = self.resolved(&entry.manifest);
        let mut view = View::new(format!("Settings of {plugin}")).submit("Save");
        for (name, setting) in entry.manifest.settings.iter() {
            view = view.with(item(name, setting, &resolved));
            if !setting.description.is_empty() {
                view = view.with(Item::note(setting.description.clone()));
            }
        }
        let Resolved {
            values,
            origins,
            problems,
            ..
        } = resolved;
        let settings = PluginSettings {
            plugin: plugin.clone(),
            view,
            values,
            origins,
            problems,
        };
        self.reply(request, Reply::Settings(Box::new(settings)));
    }
}

impl Resolved {
    fn take(&mut self, name: &str, setting: &Setting, value: Value, origin: &str) {
        let into = match setting.kind {
            SettingKind::Password => &mut self.secrets,
            _ => &mut self.values,
        };
        into.insert(name.to_owned(), value);
        self.origins.insert(name.to_owned(), origin.to_owned());
    }
}

/// Returns the setting that a value in a file is for, or what is expected instead.
fn checked<'a>(
    manifest: &'a Manifest,
    layer: &SettingsLayer,
    name: &str,
    value: &Value,
) -> Result<&'a Setting, String> {
    let Some(setting) = manifest.settings.get(name) else {
        return Err(format!("one of the keys {}", names(manifest)));
    };
    if setting.kind == SettingKind::Password && !layer.holds_secrets {
        let id = &manifest.id;
        return Err(format!(
            "no secret here: set it with `callboard plugins settings {id} --set {name}=…`"
        ));
    }
    setting.accepts(value).map(|()| setting)
}

/// Returns what is to be set, in the form in which it is kept; refuses all of it where one value is wrong.
fn changes(manifest: &Manifest, ask: &PluginSettingsAsk) -> Result<Map<String, Value>, Failure> {
    let unknown = |name: &str| {
        let message = format!("`{}` has no setting `{name}`", manifest.id);
        Failure::invalid(message).hint(match names(manifest) {
            names if names.is_empty() => "it has no settings at all".to_owned(),
            names => format!("its settings are {names}"),
        })
    };
    if let Some(stranger) = ask
        .reset
        .iter()
        .find(|name| manifest.settings.get(name).is_none())
    {
        return Err(unknown(stranger));
    }
    let mut set = Map::new();
    for (name, value) in &ask.set {
        let setting = manifest.settings.get(name).ok_or_else(|| unknown(name))?;
        let value = match (&setting.kind, value) {
            // Forms have several lines of text for a list.
            (SettingKind::List { .. }, Value::String(lines)) => lines
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(Value::from)
                .collect(),
            (_, value) => value.clone(),
        };
        setting.accepts(&value).map_err(|expected| {
            Failure::invalid(format!("`{name}` must be {expected}"))
                .hint("nothing was changed; give it again")
        })?;
        set.insert(name.clone(), value);
    }
    // A form gives a secret back as it showed it: as nothing.
    set.retain(|name, value| {
        let is_secret = manifest
            .settings
            .get(name)
            .is_some_and(|setting| setting.kind == SettingKind::Password);
        !(is_secret && (value.is_null() || value == ""))
    });
    Ok(set)
}

fn item(name: &str, setting: &Setting, resolved: &Resolved) -> Item {
    let value = resolved.values.get(name).cloned().unwrap_or_default();
    let (control, value) = match &setting.kind {
        SettingKind::Number { .. } => (Control::Number, value),
        SettingKind::Boolean => (Control::Boolean, value),
        SettingKind::Date => (Control::Date, value),
        SettingKind::Enumerator { data, multi_select } => {
            let (data, multi_select) = (data.clone(), *multi_select);
            (Control::Enumerator { data, multi_select }, value)
        }
        SettingKind::Password => (Control::Password, Value::Null),
        SettingKind::List { .. } => {
            let lines = value.as_array().into_iter().flatten();
            let lines: Vec<&str> = lines.filter_map(Value::as_str).collect();
            let control = Control::TextArea { empty_text: None };
            (control, lines.join("\n").into())
        }
        _ => (Control::Text { empty_text: None }, value),
    };
    let mut label = match setting.label.as_str() {
        "" => name.to_owned(),
        label => label.to_owned(),
    };
    if resolved.secrets.contains_key(name) {
        label.push_str(" (is set)");
    }
    let mut item = Item::new(control, name, label).value(value);
    // A secret that is set need not be given again.
    item.required = setting.required && !resolved.secrets.contains_key(name);
    item
}

fn names(manifest: &Manifest) -> String {
    let names: Vec<String> = manifest
        .settings
        .iter()
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    names.join(", ")
}
