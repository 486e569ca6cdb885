//! Which plugins there are, and which actions they declare.

use std::collections::{BTreeMap, VecDeque};

use callboard_protocol::{Action, ActionId, Failure, JobId, Manifest, PluginId};

use crate::event::{Catalogued, Millis};

/// Everything that is known of the plugins, by id.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    plugins: BTreeMap<PluginId, Plugin>,
    broken: Vec<BrokenPlugin>,
}

/// A plugin that can be used.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) manifest: Manifest,
    pub(crate) path: String,
    /// Jobs whose next turn waits for a process.
    pub(crate) queue: VecDeque<JobId>,
    pub(crate) health: Health,
    /// Whether it was still there when the folders were last read.
    pub(crate) present: bool,
}

/// How a plugin's processes fared since the host started.
#[derive(Debug, Default)]
pub(crate) struct Health {
    pub(crate) starts: u64,
    pub(crate) crashes: u64,
    /// Crashes since a turn last ended in good order.
    pub(crate) crashes_in_a_row: u32,
    /// No process is started before this moment.
    pub(crate) not_before: Millis,
    pub(crate) quarantined: bool,
    pub(crate) problem: Option<Failure>,
}

/// A plugin folder that cannot be used.
#[derive(Debug)]
pub(crate) struct BrokenPlugin {
    pub(crate) path: String,
    pub(crate) problem: Failure,
}

impl Catalog {
    /// Replaces what is known. A plugin that stays keeps its queue and its health; of two with one id the first counts.
    pub(crate) fn replace(&mut self, folders: Vec<Catalogued>) {
        self.broken.clear();
        for plugin in self.plugins.values_mut() {
            plugin.present = false;
        }
        for Catalogued { path, manifest } in folders {
            match manifest {
                Err(problem) => self.broken.push(BrokenPlugin { path, problem }),
                Ok(manifest) => self.add(path, manifest),
            }
        }
        self.plugins
            .retain(|_, plugin| plugin.present || !plugin.queue.is_empty());
    }

    fn add(&mut self, path: String, manifest: Manifest) {
        let fresh = || Plugin {
            manifest: manifest.clone(),
            path: path.clone(),
            queue: VecDeque::new(),
            health: Health::default(),
            present: false,
        };
        let plugin = self
            .plugins
            .entry(manifest.id.clone())
            .or_insert_with(fresh);
        if plugin.present {
            let problem =
                Failure::invalid(format!("another plugin has the same id: `{}`", manifest.id))
                    .hint("remove one of the two folders")
                    .because(format!("the one in use is `{}`", plugin.path));
            self.broken.push(BrokenPlugin { path, problem });
            return;
        }
        plugin.present = true;
        plugin.manifest = manifest;
        plugin.path = path;
    }

    pub(crate) fn plugin(&self, id: &PluginId) -> Option<&Plugin> {
        self.plugins.get(id)
    }

    pub(crate) fn plugin_mut(&mut self, id: &PluginId) -> Option<&mut Plugin> {
        self.plugins.get_mut(id)
    }

    pub(crate) fn plugins(&self) -> impl Iterator<Item = &Plugin> {
        self.plugins.values()
    }

    /// Returns the plugins that can be used now.
    pub(crate) fn present(&self) -> impl Iterator<Item = &Plugin> {
        self.plugins.values().filter(|plugin| plugin.present)
    }

    pub(crate) fn broken(&self) -> &[BrokenPlugin] {
        &self.broken
    }

    /// Returns every action of every present plugin, in the order of the plugins' ids.
    pub(crate) fn actions(&self) -> impl Iterator<Item = (ActionId, &Action)> {
        self.plugins
            .values()
            .filter(|plugin| plugin.present)
            .flat_map(|plugin| {
                plugin
                    .manifest
                    .actions
                    .iter()
                    .map(|action| (ActionId::new(&plugin.manifest.id, &action.id), action))
            })
    }

    pub(crate) fn action(&self, id: &ActionId) -> Option<&Action> {
        self.actions()
            .find(|(known, _)| known == id)
            .map(|(_, action)| action)
    }
}
