//! Processes whose plugin has changed or is switched off: each ends once its job needs it no more.

use callboard_protocol::PluginId;

use crate::Engine;
use crate::event::{Effect, ProcessId, Stop};

impl Engine {
    /// Ends the processes that are out of date or switched off, each once its job needs it no more.
    pub(crate) fn retire_processes(&mut self) {
        let ready: Vec<ProcessId> = self
            .processes
            .iter()
            .filter(|(_, process)| process.ready)
            .map(|(id, _)| *id)
            .collect();
        for id in ready {
            self.retire(id);
        }
    }

    /// Ends a process without a turn where it is out of date; tells whether it is.
    pub(crate) fn retire(&mut self, id: ProcessId) -> bool {
        let outdated = self
            .processes
            .get(&id)
            .is_some_and(|process| !self.is_current(process));
        if outdated
            && let Some(process) = self.processes.get_mut(&id)
            && process.turn.is_none()
            && !process.stopping
        {
            process.stopping = true;
            self.out.push(Effect::StopProcess {
                process: id,
                stop: Stop::Gently,
            });
        }
        outdated
    }

    /// Gives every plugin's queue what it may have, after what is known of plugins has changed.
    pub(crate) fn pump_all(&mut self) {
        let waiting: Vec<PluginId> = self
            .catalog
            .plugins()
            .filter(|plugin| !plugin.queue.is_empty())
            .map(|plugin| plugin.manifest.id.clone())
            .collect();
        for plugin in waiting {
            self.pump(&plugin);
        }
    }

    /// A person stands by a plugin that crashed: its next process is started at once.
    pub(crate) fn forgive(&mut self, plugin: &PluginId) {
        if let Some(entry) = self.catalog.plugin_mut(plugin) {
            entry.health.forgive();
            self.out.push(Effect::CatalogChanged);
            self.pump(plugin);
        }
    }
}
