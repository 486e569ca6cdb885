//! Where plugins are looked for, in the order in which the places count.

use std::path::{Path, PathBuf};

use callboard_protocol::PluginSource;

use crate::home::Home;
use crate::settings::{Environment, PluginSettings};

/// A place to look for plugins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// A plugin's folder, or a folder that holds some.
    pub(crate) path: PathBuf,
    /// The kind of place.
    pub(crate) source: PluginSource,
    /// What lies there.
    pub(crate) holds: Holds,
    /// Whether somebody named it: it is a problem then when it is not there.
    pub(crate) is_named: bool,
    /// Whether it is looked at again and again for changes.
    pub(crate) is_watched: bool,
}

/// What lies in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Plugin folders.
    Plugins,
    /// Plugin folders, and beside them `callboard.lock`.
    LockedPlugins,
    /// Plugin folders of ftrack Connect: each of them is listed, even one that has no hooks.
    ConnectPlugins,
    /// Hooks of ftrack Connect, without a plugin's folder around them; the number makes their id.
    Hooks(usize),
}

impl Place {
    /// A place that somebody named.
    pub(crate) fn named(path: PathBuf, source: PluginSource) -> Self {
        Self {
            path,
            source,
            holds: Holds::Plugins,
            is_named: true,
            is_watched: false,
        }
    }

    /// A place that is looked at wherever the program runs.
    pub(crate) fn usual(path: PathBuf, source: PluginSource) -> Self {
        Self {
            is_named: false,
            ..Self::named(path, source)
        }
    }

    fn holding(self, holds: Holds) -> Self {
        Self { holds, ..self }
    }

    /// Returns all places: the bundled plugins, the studio's list, `CALLBOARD_PLUGIN_PATH`, the person's own folder and
    /// what an argument names; then ftrack Connect's.
    pub(crate) fn all(
        home: &Home,
        environment: &Environment,
        settings: &PluginSettings,
        arguments: &[PathBuf],
    ) -> Vec<Self> {
        let mut places = Vec::new();
        if settings.bundled
            && let Some(beside) = program_folder()
        {
            for folder in ["plugins", "../lib/callboard/plugins"] {
                places.push(Self::usual(beside.join(folder), PluginSource::Bundled));
            }
        }
        let studio = settings.paths.iter();
        places.extend(studio.map(|path| Self::named(path.clone(), PluginSource::Studio)));
        let listed = environment.callboard_plugin_path.iter();
        places.extend(listed.map(|path| Self::named(path.clone(), PluginSource::Path)));
        places.push(Self::usual(home.plugins(), PluginSource::User).holding(Holds::LockedPlugins));
        let arguments = arguments.iter();
        places.extend(arguments.map(|path| Self {
            is_watched: true,
            ..Self::named(path.clone(), PluginSource::Argument)
        }));
        for place in &mut places {
            place.is_watched |= settings.watch && place.source != PluginSource::Bundled;
        }
        places.extend(connect_places(environment));
        // A relative path would lead elsewhere from where a plugin is started.
        for place in &mut places {
            if let Ok(absolute) = std::path::absolute(&place.path) {
                place.path = absolute;
            }
        }
        places
    }
}

/// Returns ftrack Connect's hook folders and plugin folders; the latter's variable replaces the usual folder.
fn connect_places(environment: &Environment) -> Vec<Place> {
    let hooks = environment.ftrack_event_plugin_path.iter().enumerate();
    let mut places: Vec<Place> = hooks
        .map(|(index, path)| {
            Place::named(path.clone(), PluginSource::Connect).holding(Holds::Hooks(index + 1))
        })
        .collect();
    let named = &environment.ftrack_connect_plugin_path;
    let plugins = match named.as_slice() {
        [] => vec![Place::usual(
            environment.connect_folder(),
            PluginSource::Connect,
        )],
        named => named
            .iter()
            .map(|path| Place::named(path.clone(), PluginSource::Connect))
            .collect(),
    };
    places.extend(
        plugins
            .into_iter()
            .map(|place| place.holding(Holds::ConnectPlugins)),
    );
    places
}

/// Returns the folder of this program's own file.
pub(crate) fn program_folder() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    program.parent().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn paths(environment: &Environment) -> Vec<(PluginSource, String)> {
        let home = Home::find(environment, Some(Path::new("/h")));
        let mut settings = Settings::load(&home, environment).settings.plugins;
        settings.bundled = false;
        settings.paths = vec!["/studio".into()];
        let places = Place::all(&home, environment, &settings, &["/arg".into()]);
        places
            .into_iter()
            .map(|place| (place.source, place.path.display().to_string()))
            .collect()
    }

    #[test]
    fn places_come_in_the_order_in_which_they_count() {
        let environment = Environment {
            callboard_plugin_path: vec!["/one".into(), "/two".into()],
            home: Some("/home/ada".into()),
            ..Environment::default()
        };
        let seen = paths(&environment);
        let expected = [
            (PluginSource::Studio, "/studio"),
            (PluginSource::Path, "/one"),
            (PluginSource::Path, "/two"),
            (PluginSource::User, "/h/data/plugins"),
            (PluginSource::Argument, "/arg"),
            (
                PluginSource::Connect,
                "/home/ada/.local/share/ftrack-connect-plugins",
            ),
        ];
        let expected = expected.map(|(source, path)| (source, path.to_owned()));
        assert_eq!(seen, expected);
    }

    #[test]
    fn connects_own_variable_replaces_its_usual_folder() {
        let environment = Environment {
            ftrack_connect_plugin_path: vec!["/c1".into(), "/c2".into()],
            ftrack_event_plugin_path: vec!["/hooks".into()],
            ..Environment::default()
        };
        let seen = paths(&environment);
        let connect: Vec<&str> = seen
            .iter()
            .filter(|(source, _)| *source == PluginSource::Connect)
            .map(|(_, path)| path.as_str())
            .collect();
        assert_eq!(connect, ["/hooks", "/c1", "/c2"]);
    }
}
