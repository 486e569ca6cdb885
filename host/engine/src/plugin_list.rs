//! How plugins fare, as lists show it.

use callboard_protocol::{ActionId, PluginState, PluginSummary};

use crate::Engine;
use crate::catalog::Plugin;
use crate::catalogued::{Catalogued, Standing};

impl Engine {
    /// Returns every folder that was found: first those in use, by id, then all others.
    pub(crate) fn plugin_summaries(&self) -> Vec<PluginSummary> {
        let used = self
            .catalog
            .plugins()
            .filter(|plugin| plugin.present)
            .map(|plugin| self.plugin_summary(plugin));
        used.chain(self.catalog.others().iter().map(summary_of_other))
            .collect()
    }

    fn plugin_summary(&self, plugin: &Plugin) -> PluginSummary {
        let processes = || {
            self.processes
                .values()
                .filter(|process| process.plugin == plugin.manifest.id)
        };
        let health = &plugin.health;
        let rests = health.not_before > self.now;
        let state = if plugin.off.is_some() {
            PluginState::Disabled
        } else if health.quarantined {
            PluginState::Quarantined
        } else if rests {
            PluginState::BackingOff
        } else if processes().any(|process| process.ready) {
            PluginState::Running
        } else if processes().next().is_some() {
            PluginState::Starting
        } else {
            PluginState::Idle
        };
        let why = plugin
            .off
            .as_ref()
            .map_or(&plugin.why, |failure| &failure.message);
        PluginSummary {
            id: plugin.manifest.id.clone(),
            version: plugin.manifest.version.clone(),
            state,
            path: plugin.path.clone(),
            source: plugin.source,
            why: why.clone(),
            until_ms: rests.then_some(health.not_before),
            pids: processes().filter_map(|process| process.pid).collect(),
            starts: health.starts,
            crashes: health.crashes,
            problem: health.problem.clone(),
            warnings: plugin.warnings.clone(),
            actions: plugin
                .manifest
                .action_ids()
                .chain(self.hook_actions(&plugin.manifest.id))
                .collect(),
            connect: self.connect_summary(&plugin.manifest.id),
            ..PluginSummary::default()
        }
    }
}

fn summary_of_other(other: &Catalogued) -> PluginSummary {
    let (state, problem) = match (&other.manifest, &other.standing) {
        (Err(problem), _) | (Ok(_), Standing::Unfit(problem)) => {
            (PluginState::Broken, Some(problem.clone()))
        }
        _ => (PluginState::NotUsed, None),
    };
    let manifest = other.manifest.as_ref().ok();
    let actions: Vec<ActionId> = manifest
        .map(|manifest| manifest.action_ids().collect())
        .unwrap_or_default();
    PluginSummary {
        id: other.id(),
        version: manifest
            .map(|manifest| manifest.version.clone())
            .unwrap_or_default(),
        state,
        path: other.path.clone(),
        source: other.source,
        why: other.why.clone(),
        problem,
        warnings: other.warnings.clone(),
        actions,
        ..PluginSummary::default()
    }
}
