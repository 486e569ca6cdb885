//! Which plugins there are, and which actions they declare.

use std::collections::{BTreeMap, VecDeque};

use callboard_protocol::{Action, ActionId, Failure, JobId, Manifest, PluginId, PluginSource};

use crate::catalogued::{Catalogued, Standing};
use crate::event::Millis;

/// Everything that is known of the plugins, by id.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    plugins: BTreeMap<PluginId, Plugin>,
    others: Vec<Catalogued>,
}

/// A plugin that is used, or that would be were it not switched off.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) manifest: Manifest,
    pub(crate) path: String,
    pub(crate) source: PluginSource,
    pub(crate) why: String,
    pub(crate) warnings: Vec<Failure>,
    /// Why it is switched off, where it is.
    pub(crate) off: Option<Failure>,
    /// Changes when its files do.
    revision: u64,
    /// Counts the times that its files changed: a process of an earlier count gets no more turns.
    pub(crate) generation: u64,
    /// Jobs whose next turn waits for a process.
    pub(crate) queue: VecDeque<JobId>,
    /// Changes of live fields that wait for a process: the job, and the change's number.
    pub(crate) changes: VecDeque<(JobId, u64)>,
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

impl Health {
    /// Forgives what was: the next process is started at once, and crashes are counted in a row from here.
    pub(crate) fn forgive(&mut self) {
        *self = Self {
            starts: self.starts,
            crashes: self.crashes,
            ..Self::default()
        };
    }
}

impl Catalog {
    /// Replaces what is known. A plugin that stays keeps its queue, and its health unless its files changed; of two
    /// that are used under one id the first counts.
    pub(crate) fn replace(&mut self, folders: Vec<Catalogued>) {
        self.others.clear();
        for plugin in self.plugins.values_mut() {
            plugin.present = false;
        }
        for folder in folders {
            let off = match (&folder.manifest, &folder.standing) {
                (Ok(_), Standing::Used) => None,
                (Ok(_), Standing::Off(failure)) => Some(failure.clone()),
                _ => {
                    self.others.push(folder);
                    continue;
                }
            };
            self.add(folder, off);
        }
        self.plugins
            .retain(|_, plugin| plugin.present || !plugin.queue.is_empty());
    }

    fn add(&mut self, folder: Catalogued, off: Option<Failure>) {
        let Ok(manifest) = &folder.manifest else {
            return;
        };
        let Some(plugin) = self.plugins.get_mut(&manifest.id) else {
            let plugin = Plugin::new(folder, off);
            self.plugins.extend(plugin);
            return;
        };
        if plugin.present {
            let problem =
                Failure::invalid(format!("another plugin has the same id: `{}`", manifest.id))
                    .hint("remove one of the two folders")
                    .because(format!("the one in use is `{}`", plugin.path));
            self.others.push(Catalogued {
                standing: Standing::Unfit(problem),
                ..folder
            });
            return;
        }
        plugin.present = true;
        if (folder.revision, &folder.path) != (plugin.revision, &plugin.path)
            || *manifest != plugin.manifest
        {
            plugin.generation += 1;
            plugin.health.forgive();
        }
        plugin.manifest = manifest.clone();
        plugin.path = folder.path;
        plugin.source = folder.source;
        plugin.why = folder.why;
        plugin.warnings = folder.warnings;
        plugin.revision = folder.revision;
        plugin.off = off;
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
        self.plugins.values().filter(|plugin| plugin.is_offered())
    }

    /// Returns the folders that are not used.
    pub(crate) fn others(&self) -> &[Catalogued] {
        &self.others
    }

    /// Returns every action of every plugin that is used, in the order of the plugins' ids.
    pub(crate) fn actions(&self) -> impl Iterator<Item = (ActionId, &Action)> {
        self.plugins
            .values()
            .filter(|plugin| plugin.is_offered())
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

    /// Returns an action that is offered.
    ///
    /// # Errors
    ///
    /// Says why there is none: nobody declares it, or its plugin is switched off or does not fit.
    pub(crate) fn require_action(&self, id: &ActionId) -> Result<&Action, Failure> {
        if let Some(action) = self.action(id) {
            return Ok(action);
        }
        let plugin = id.plugin();
        let off = self
            .plugins
            .get(&plugin)
            .and_then(|plugin| plugin.off.clone());
        let unfit = || {
            self.others.iter().find_map(|other| match &other.standing {
                Standing::Unfit(failure) if other.id() == plugin => Some(failure.clone()),
                _ => None,
            })
        };
        Err(off.or_else(unfit).unwrap_or_else(|| {
            Failure::not_found(format!("there is no action `{id}`"))
                .hint("list the actions with `callboard actions`")
        }))
    }
}

impl Plugin {
    fn new(folder: Catalogued, off: Option<Failure>) -> Option<(PluginId, Self)> {
        let manifest = folder.manifest.ok()?;
        let plugin = Self {
            path: folder.path,
            source: folder.source,
            why: folder.why,
            warnings: folder.warnings,
            off,
            revision: folder.revision,
            generation: 0,
            queue: VecDeque::new(),
            changes: VecDeque::new(),
            health: Health::default(),
            present: true,
            manifest,
        };
        Some((plugin.manifest.id.clone(), plugin))
    }

    /// Tells whether its actions are offered.
    pub(crate) fn is_offered(&self) -> bool {
        self.present && self.off.is_none()
    }
}
