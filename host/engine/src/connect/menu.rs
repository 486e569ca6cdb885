//! Menus of hooks on surfaces other than the web, which asks the hooks itself; and launches from them.

use callboard_protocol::{
    ActionId, Context, Entity, Failure, JobId, JobState, MenuItem, Message, MessageId, Surface,
};
use serde_json::{Map, Value};

use super::item::{self, Item};
use super::row::Purpose;
use crate::Engine;
use crate::event::{Effect, ProcessId, RequestId};
use crate::job::Rest;
use crate::launch::PendingLaunch;
use crate::waiting::{AfterKept, PendingMenu, Waiting};
use callboard_protocol::PluginId;

/// How long a menu waits for hooks that were never asked about its selection, in milliseconds.
const MENU_MS: u64 = 1_500;

/// How many answers are remembered.
const REMEMBERED: usize = 512;

/// What one plugin offered for one selection when it was last asked.
#[derive(Debug)]
pub(super) struct Remembered {
    plugin: PluginId,
    selection: String,
    items: Vec<Item>,
}

impl Engine {
    /// Asks hooks for a menu; returns whether the menu waits for them.
    ///
    /// What they said last is shown at once, and they are asked behind it; a menu waits only for those that never said
    /// anything about its selection.
    pub(crate) fn ask_hooks(&mut self, request: RequestId, context: &Context) -> bool {
        if context.surface == Surface::Web || self.identity.is_none() {
            return false;
        }
        let selection = key(&context.selection);
        let children: Vec<(ProcessId, bool)> = self
            .connect
            .children
            .iter()
            .map(|(process, child)| {
                let is_remembered = self
                    .connect
                    .remembered
                    .iter()
                    .any(|one| one.plugin == child.plugin && one.selection == selection);
                (*process, is_remembered)
            })
            .collect();
        if children.iter().all(|(_, is_remembered)| *is_remembered) {
            for (process, _) in children {
                let purpose = Purpose::Refresh {
                    process,
                    selection: selection.clone(),
                };
                self.ask_for_menu(process, &context.selection, purpose);
            }
            return false;
        }
        for (process, _) in children {
            let purpose = Purpose::Menu {
                request,
                process,
                selection: selection.clone(),
            };
            self.ask_for_menu(process, &context.selection, purpose);
        }
        let pending = PendingMenu {
            context: context.clone(),
        };
        self.menus.insert(request, pending);
        self.set_timer(MENU_MS, Waiting::DiscoverOver { request });
        // Nobody may have wanted to be asked.
        self.menu_row_ended(request);
        true
    }

    fn ask_for_menu(&mut self, process: ProcessId, selection: &[Entity], purpose: Purpose) {
        let mut data = Map::new();
        data.insert("selection".to_owned(), self.selection_data(selection));
        let event = self.own_event("ftrack.action.discover", Value::Object(data));
        // Too many at once: the menu shows what is remembered.
        drop(self.begin_row(event, Some(process), purpose, MENU_MS));
    }

    /// Shows a menu once no hook is asked for it any more.
    pub(super) fn menu_row_ended(&mut self, request: RequestId) {
        let is_asked =
            self.connect.rows.values().any(
                |row| matches!(row.purpose, Purpose::Menu { request: of, .. } if of == request),
            );
        if !is_asked {
            self.finish_menu(request);
        }
    }

    /// Remembers what a child offers. One that failed to answer keeps what it said before.
    pub(super) fn remember(
        &mut self,
        process: ProcessId,
        selection: String,
        results: Vec<(ProcessId, Value)>,
        is_whole: bool,
    ) {
        let Some(child) = self.connect.children.get(&process) else {
            return;
        };
        let plugin = child.plugin.clone();
        let answers: Vec<Value> = results.into_iter().map(|(_, result)| result).collect();
        let items = item::items(&plugin, &answers);
        let remembered = &mut self.connect.remembered;
        let known = remembered
            .iter()
            .position(|one| one.plugin == plugin && one.selection == selection);
        let before = known.and_then(|place| remembered.remove(place));
        let items = match before {
            Some(before) if !is_whole && items.is_empty() => before.items,
            None if !is_whole && items.is_empty() => return,
            _ => items,
        };
        remembered.push_back(Remembered {
            plugin,
            selection,
            items,
        });
        if remembered.len() > REMEMBERED {
            remembered.pop_front();
        }
    }

    pub(super) fn forget_items(&mut self, plugin: &PluginId) {
        self.connect.remembered.retain(|one| one.plugin != *plugin);
    }

    /// Returns what hooks offer for a selection.
    pub(crate) fn hook_items(&self, context: &Context) -> Vec<MenuItem> {
        if context.surface == Surface::Web {
            return Vec::new();
        }
        let selection = key(&context.selection);
        let mut offered: Vec<_> = self
            .connect
            .remembered
            .iter()
            .filter(|one| one.selection == selection)
            .collect();
        offered.sort_by(|a, b| a.plugin.cmp(&b.plugin));
        offered
            .into_iter()
            .flat_map(|one| &one.items)
            .map(|item| item.menu_item(&self.config.host))
            .collect()
    }

    /// Returns the actions that a plugin offered last, whatever was selected.
    pub(crate) fn hook_actions(&self, plugin: &PluginId) -> Vec<ActionId> {
        let mut actions: Vec<ActionId> = self
            .connect
            .remembered
            .iter()
            .filter(|one| one.plugin == *plugin)
            .flat_map(|one| &one.items)
            .map(|item| item.action.clone())
            .collect();
        actions.sort();
        actions.dedup();
        actions
    }

    fn hook_item(&self, action: &ActionId, selection: &[Entity]) -> Option<&Item> {
        let selection = key(selection);
        self.connect
            .remembered
            .iter()
            .filter(|one| one.selection == selection)
            .flat_map(|one| &one.items)
            .find(|item| item.action == *action)
    }

    /// Returns the label of what a hook offered, and what a launch of it is given.
    pub(crate) fn hook_launch(
        &self,
        action: &ActionId,
        selection: &[Entity],
    ) -> Option<(String, Value)> {
        let item = self.hook_item(action, selection)?;
        Some((item.label.clone(), Value::Object(item.data.clone())))
    }

    /// Asks the hooks of a plugin what they offer, before a launch that names something they did not offer yet.
    /// Gives the launch back where there is nobody to ask.
    pub(crate) fn ask_hooks_before(&mut self, pending: PendingLaunch) -> Option<PendingLaunch> {
        let launch = &pending.launch;
        let plugin = launch.action.plugin();
        let child = self
            .connect
            .children
            .iter()
            .find(|(_, child)| child.plugin == plugin)
            .map(|(process, _)| *process);
        let selection = &launch.context.selection;
        let Some(process) = child.filter(|_| self.hook_item(&launch.action, selection).is_none())
        else {
            return Some(pending);
        };
        let selection = launch.context.selection.clone();
        let purpose = Purpose::Launch {
            selection: key(&selection),
            pending: Box::new(pending),
            process,
        };
        self.ask_for_menu(process, &selection, purpose);
        None
    }

    /// Carries out a job: the launch goes along the hooks as ftrack's page would send it.
    pub(crate) fn launch_hooks(&mut self, id: &JobId) {
        let Some(job) = self.change_job(id, JobState::Running, "") else {
            return;
        };
        let plugin = job.summary.action.plugin();
        let launch = job.launch.clone();
        let rows = self.job_row(id);
        self.keep(rows, AfterKept::Nothing);
        let runs = self
            .connect
            .children
            .values()
            .any(|child| child.plugin == plugin);
        if !runs {
            let failure = Failure::new(
                callboard_protocol::FailureKind::Unavailable,
                format!("`{plugin}` does not run just now"),
            )
            .hint("try again in a moment; `callboard plugins list` says how it stands");
            return self.rest_job(id, Rest::Failed(failure));
        }
        let mut data = match launch.state {
            Value::Object(data) => data,
            _ => Map::new(),
        };
        data.insert(
            "selection".to_owned(),
            self.selection_data(&launch.context.selection),
        );
        if !launch.values.is_empty() {
            data.insert("values".to_owned(), Value::Object(launch.values));
        }
        let event = self.own_event("ftrack.action.launch", Value::Object(data));
        let purpose = Purpose::Job(id.clone());
        if let Err(failure) = self.begin_row(event, None, purpose, self.config.turn_ms) {
            self.rest_job(id, Rest::Failed(failure));
        }
    }

    /// The hooks have answered a job's launch.
    pub(super) fn job_row_ended(
        &mut self,
        id: &JobId,
        results: Vec<(ProcessId, Value)>,
        failure: Option<Failure>,
        is_wanted: bool,
    ) {
        let Some(job) = self.jobs.get(id) else {
            return;
        };
        let plugin = job.summary.action.plugin();
        let state = job.launch.state.clone();
        let result = match (results.into_iter().next(), failure) {
            (Some((_, answer)), _) => item::outcome(&plugin, &answer, state),
            (None, Some(failure)) => Err(failure),
            (None, None) if !is_wanted => Err(Failure::not_found(format!(
                "`{plugin}` does not take that launch any more"
            ))
            .hint("open the menu again")),
            // A hook that says nothing has done what it does.
            (None, None) => Ok(callboard_protocol::Outcome::done("it was launched")),
        };
        match result {
            Ok(outcome) => self.rest_job(id, Rest::Ended(outcome)),
            Err(failure) => self.rest_job(id, Rest::Failed(failure)),
        }
    }

    pub(super) fn answer_child(&mut self, process: ProcessId, message: MessageId, result: Value) {
        let message = Message::Answer {
            id: Some(message),
            result: Ok(result),
        };
        self.out.push(Effect::Send { process, message });
    }
}

/// Names a selection, in whatever order it was made.
fn key(selection: &[Entity]) -> String {
    let mut ids: Vec<&str> = selection.iter().map(|entity| entity.id.as_str()).collect();
    ids.sort_unstable();
    ids.join(" ")
}
