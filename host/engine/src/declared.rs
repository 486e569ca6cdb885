//! What plugins declare beside actions, as lists for whoever shows it: commands and windows.

use callboard_protocol::{
    ActionId, DeclaredCommand, DeclaredWindow, Failure, FailureKind, PluginId,
};

use crate::Engine;
use crate::catalog::Catalog;

impl Engine {
    /// Returns every command of every plugin. One whose words are taken says so; of two plugins the first by id has them.
    pub(crate) fn commands(&self) -> Vec<DeclaredCommand> {
        let mut commands: Vec<DeclaredCommand> = Vec::new();
        for mut command in declared_commands(&self.catalog) {
            command.problem = self.conflict(&command.name, &commands);
            commands.push(command);
        }
        commands
    }

    fn conflict(&self, name: &str, earlier: &[DeclaredCommand]) -> Option<Failure> {
        let first = name.split(' ').next().unwrap_or_default();
        let taken = |by: String| {
            Failure::new(
                FailureKind::Conflict,
                format!("the command `{name}` is not offered: {by}"),
            )
            .hint("give it another name in plugin.toml")
        };
        if self.config.own_commands.iter().any(|own| own == first) {
            return Some(taken(format!("`{first}` is a command of Callboard itself")));
        }
        let offered = |other: &&DeclaredCommand| other.problem.is_none();
        let other = earlier
            .iter()
            .filter(offered)
            .find(|other| is_above(name, &other.name) || is_above(&other.name, name))?;
        Some(taken(format!(
            "`{}` has the command `{}`",
            other.plugin, other.name
        )))
    }

    /// Returns every window of every plugin.
    pub(crate) fn windows(&self) -> Vec<DeclaredWindow> {
        let of_plugin = |plugin: &crate::catalog::Plugin| {
            let id = plugin.manifest.id.clone();
            let windows = plugin.manifest.windows.clone();
            windows.into_iter().map(move |window| DeclaredWindow {
                id: format!("{id}.{}", window.name),
                plugin: id.clone(),
                launches: ActionId::new(&id, &window.action),
                window,
            })
        };
        self.catalog.present().flat_map(of_plugin).collect()
    }
}

fn declared_commands(catalog: &Catalog) -> impl Iterator<Item = DeclaredCommand> {
    catalog.present().flat_map(|plugin| {
        let manifest = &plugin.manifest;
        let id: &PluginId = &manifest.id;
        manifest.commands.iter().map(|command| {
            let action = manifest.actions.iter().find(|one| one.id == command.action);
            let description = command
                .description
                .clone()
                .or_else(|| action.and_then(|action| action.description.clone()))
                .or_else(|| action.map(|action| action.label.clone()));
            DeclaredCommand {
                name: command.name.clone(),
                plugin: id.clone(),
                action: ActionId::new(id, &command.action),
                description: description.unwrap_or_default(),
                items: command.items.clone(),
                problem: None,
            }
        })
    })
}

/// Tells whether the words of `name` begin with those of `above`, so that the two cannot both be typed.
fn is_above(above: &str, name: &str) -> bool {
    name.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}
