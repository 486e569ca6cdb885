//! Status lines: what plugins say in the tray, kept while their processes are gone.

use callboard_protocol::{
    ActionId, Failure, FailureKind, MAX_STATUS_CHARACTERS, NotifyLevel, PluginId, StatusSet,
    StatusText,
};

use crate::Engine;
use crate::event::Effect;
use crate::waiting::Waiting;

/// What a plugin made a line say.
#[derive(Debug)]
pub(crate) struct Said {
    text: String,
    level: NotifyLevel,
    /// Counts the changes, so that only the latest one's end counts.
    change: u64,
}

impl Engine {
    /// Changes a line of a plugin's.
    pub(crate) fn set_status(&mut self, plugin: &PluginId, set: StatusSet) -> Result<(), Failure> {
        let StatusSet {
            id,
            text,
            level,
            until_ms,
        } = set;
        let declared = self
            .catalog
            .plugin(plugin)
            .is_some_and(|entry| entry.manifest.status.iter().any(|line| line.id == id));
        if !declared {
            let message = format!("the manifest of `{plugin}` declares no status line `{id}`");
            return Err(
                Failure::not_found(message).hint("add a `[[status]]` with this id to plugin.toml")
            );
        }
        let key = (plugin.clone(), id);
        self.out.push(Effect::StatusChanged);
        let Some(text) = text else {
            self.status.remove(&key);
            return Ok(());
        };
        if text.chars().count() > MAX_STATUS_CHARACTERS || text.contains('\n') {
            return Err(Failure::new(
                FailureKind::Limit,
                format!("a status line is one line of at most {MAX_STATUS_CHARACTERS} characters"),
            )
            .hint("say it shorter"));
        }
        self.status_changes += 1;
        let change = self.status_changes;
        if let Some(until_ms) = until_ms {
            let waiting = Waiting::StatusOver {
                line: key.clone(),
                change,
            };
            self.set_timer(until_ms.saturating_sub(self.now), waiting);
        }
        let said = Said {
            text,
            level,
            change,
        };
        self.status.insert(key, said);
        Ok(())
    }

    /// What a line said holds no longer, unless it was changed since.
    pub(crate) fn status_is_over(&mut self, line: &(PluginId, String), change: u64) {
        if self
            .status
            .get(line)
            .is_some_and(|said| said.change == change)
        {
            self.status.remove(line);
            self.out.push(Effect::StatusChanged);
        }
    }

    /// Forgets what is said on lines that are not declared any more: the plugin is gone or disabled.
    pub(crate) fn forget_status(&mut self) {
        let catalog = &self.catalog;
        self.status.retain(|(plugin, id), _| {
            catalog
                .present()
                .filter(|entry| entry.manifest.id == *plugin)
                .any(|entry| entry.manifest.status.iter().any(|line| line.id == *id))
        });
        self.out.push(Effect::StatusChanged);
    }

    /// Returns every line that says something.
    pub(crate) fn status_lines(&self) -> Vec<StatusText> {
        let mut lines = Vec::new();
        for entry in self.catalog.present() {
            let plugin = &entry.manifest.id;
            for line in &entry.manifest.status {
                let said = self.status.get(&(plugin.clone(), line.id.clone()));
                let text = said.map_or(&line.text, |said| &said.text);
                if text.trim().is_empty() {
                    continue;
                }
                lines.push(StatusText {
                    plugin: plugin.clone(),
                    id: line.id.clone(),
                    text: text.clone(),
                    level: said.map_or(NotifyLevel::Info, |said| said.level),
                    action: line
                        .action
                        .as_ref()
                        .map(|action| ActionId::new(plugin, action)),
                });
            }
        }
        lines
    }
}
