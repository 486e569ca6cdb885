//! Live fields: a change that a plugin answers with patches of the form. It makes no job, and nothing durable comes of it.

use callboard_protocol::{
    Change, Changed, Failure, FailureKind, JobChange, JobChanged, JobId, Log, LogLevel, Message,
    Patch, PluginId, PluginMethod,
};
use serde_json::{Map, Value};

use crate::Engine;
use crate::event::{Effect, ProcessId, Reply, RequestId};
use crate::job::Job;
use crate::process::Turn;
use crate::waiting::{AfterKept, Overdue, Waiting};

/// The change of a live field that a plugin is asked about.
#[derive(Debug)]
pub(crate) struct LiveChange {
    /// Counts the changes of the job.
    number: u64,
    request: RequestId,
    name: String,
    /// Values that are not in the draft.
    values: Map<String, Value>,
    /// How far the draft was.
    draft: u64,
}

impl Engine {
    /// Has the plugin say what a change changes. A change that is still under way is superseded.
    pub(crate) fn ask_change(&mut self, request: RequestId, change: JobChange) {
        let id = change.job.clone();
        let Some(job) = self.require_own_job(request, &id) else {
            return;
        };
        let view = match job.check_question(change.question) {
            Ok(view) => view,
            Err(failure) => return self.refuse(request, failure),
        };
        let is_live = |name: &str| view.items.iter().any(|item| item.live && item.name == name);
        if !is_live(&change.name) {
            let failure = Failure::invalid(format!("the form has no live field `{}`", change.name))
                .hint("look at the job again");
            return self.refuse(request, failure);
        }
        let plugin = job.summary.action.plugin();
        self.drop_change(&id);
        let ready = match self.catalog.plugin(&plugin) {
            None => Err(Failure::not_found(format!(
                "the plugin `{plugin}` is not installed any more"
            ))
            .hint("install it again")),
            Some(_) if self.is_connect(&plugin) => Err(Failure::new(
                FailureKind::Unsupported,
                format!("`{plugin}` is made for ftrack Connect, which has no live fields"),
            )),
            Some(_) => Ok(()),
        };
        if let Err(failure) = ready {
            return self.refuse(request, failure);
        }
        self.last_change += 1;
        let number = self.last_change;
        if let Some(job) = self.jobs.get_mut(&id) {
            job.change = Some(LiveChange {
                number,
                request,
                name: change.name,
                values: change.values,
                draft: job.draft.last(),
            });
        }
        if let Some(entry) = self.catalog.plugin_mut(&plugin) {
            entry.changes.push_back((id.clone(), number));
        }
        let over = Waiting::ChangeOver {
            job: id,
            change: number,
        };
        self.set_timer(self.config.change_ms, over);
        self.pump(&plugin);
    }

    /// Gives a process the change that has waited longest; one that nobody waits for any more is passed over.
    pub(crate) fn start_change(&mut self, id: ProcessId, plugin: &PluginId) {
        let entry = self.catalog.plugin_mut(plugin);
        let Some((job_id, number)) = entry.and_then(|entry| entry.changes.pop_front()) else {
            return;
        };
        let settings = match self.catalog.plugin(plugin) {
            Some(entry) => self.settings_of(&entry.manifest),
            None => Map::new(),
        };
        let Some(job) = self.jobs.get(&job_id) else {
            return;
        };
        let Some(change) = job.change.as_ref().filter(|change| change.number == number) else {
            return;
        };
        let mut values = job.drafted_values();
        values.extend(change.values.clone());
        let params = Change {
            job: job_id.clone(),
            action: job.launch.action.clone(),
            context: job.launch.context.clone(),
            name: change.name.clone(),
            values,
            state: job.launch.state.clone(),
            settings,
        };
        let params = crate::turn::as_json(&params);
        let method = PluginMethod::Change;
        if let Some(turn) = self.begin_turn(id, job_id, Some(number), method, params) {
            let waiting = Waiting::TurnOver { process: id, turn };
            self.set_timer(self.config.change_ms, waiting);
        }
    }

    /// A plugin has answered a change, or will not.
    pub(crate) fn change_ended(
        &mut self,
        turn: &Turn,
        number: u64,
        result: Result<Value, Failure>,
    ) {
        let Some(change) = self.take_change(&turn.job, number) else {
            return;
        };
        let Some(job) = self.jobs.get_mut(&turn.job) else {
            return;
        };
        let plugin = job.summary.action.plugin();
        let changed = result.and_then(|value| {
            serde_json::from_value::<Changed>(value).map_err(|error| {
                let message = format!("`{plugin}` answered a change with something else");
                Failure::new(FailureKind::Plugin, message).because(error.to_string())
            })
        });
        let changed = match changed {
            Ok(changed) => changed,
            Err(failure) => return self.refuse(change.request, failure),
        };
        let (patches, strangers) = job.patch(changed.patches, change.draft);
        for name in strangers {
            let log = Log {
                level: LogLevel::Warning,
                message: format!("it changed `{name}`, which is not in the form"),
            };
            let plugin = plugin.clone();
            self.out.push(Effect::Log { plugin, log });
        }
        if !patches.is_empty() {
            // Not waited for: without it, the plugin is merely asked again.
            let rows = self.job_row(&turn.job);
            self.keep(rows, AfterKept::Nothing);
        }
        let superseded = false;
        let changed = JobChanged {
            patches,
            superseded,
        };
        self.reply(change.request, Reply::Changed(changed));
    }

    /// A change has waited long enough: the form stays as it is, and a process that hangs in it is ended.
    pub(crate) fn change_is_over(&mut self, id: &JobId, number: u64) {
        let Some(change) = self.take_change(id, number) else {
            return;
        };
        let plugin = self.jobs.get(id).map(|job| job.summary.action.plugin());
        let plugin = plugin.unwrap_or_default();
        let secs = self.config.change_ms / 1000;
        let message = format!("`{plugin}` did not answer the change within {secs} s");
        let failure = Failure::new(FailureKind::TimedOut, message)
            .hint("the form is as it was: go on, or change the field again");
        self.refuse(change.request, failure);
        if let Some((process, turn)) = self.process_of_change(number) {
            self.examine(Overdue::Turn { process, turn });
        }
    }

    /// Nobody waits for a job's change any more: a newer one came, or the question is not asked any more.
    pub(crate) fn drop_change(&mut self, id: &JobId) {
        let change = self.jobs.get_mut(id).and_then(|job| job.change.take());
        let Some(change) = change else {
            return;
        };
        self.forget_queued_change(id, change.number);
        if let Some((process, _)) = self.process_of_change(change.number) {
            let message = Message::Notification {
                method: PluginMethod::Cancel.name().to_owned(),
                params: serde_json::json!({}),
            };
            self.out.push(Effect::Send { process, message });
        }
        let superseded = JobChanged {
            superseded: true,
            ..JobChanged::default()
        };
        self.reply(change.request, Reply::Changed(superseded));
    }

    /// Answers the changes that wait for a plugin that does nothing, with the reason.
    pub(crate) fn refuse_changes(&mut self, plugin: &PluginId, failure: &Failure) {
        let entry = self.catalog.plugin_mut(plugin);
        let changes = entry.map(|entry| std::mem::take(&mut entry.changes));
        for (job, number) in changes.into_iter().flatten() {
            if let Some(change) = self.take_change(&job, number) {
                self.refuse(change.request, failure.clone());
            }
        }
    }

    fn take_change(&mut self, id: &JobId, number: u64) -> Option<LiveChange> {
        let job = self.jobs.get_mut(id)?;
        let change = job.change.take_if(|change| change.number == number)?;
        self.forget_queued_change(id, number);
        Some(change)
    }

    fn forget_queued_change(&mut self, id: &JobId, number: u64) {
        let plugin = self.jobs.get(id).map(|job| job.summary.action.plugin());
        if let Some(entry) = plugin.and_then(|plugin| self.catalog.plugin_mut(&plugin)) {
            entry.changes.retain(|(_, queued)| *queued != number);
        }
    }

    fn process_of_change(&self, number: u64) -> Option<(ProcessId, u64)> {
        self.processes.iter().find_map(|(id, process)| {
            let turn = process.turn.as_ref()?;
            (turn.change == Some(number)).then_some((*id, turn.number))
        })
    }
}

impl Job {
    /// Does patches to the form, but for values that the person has changed since the draft had this number.
    ///
    /// Returns those that were done, and the names of those that the form does not have.
    fn patch(&mut self, patches: Vec<Patch>, draft: u64) -> (Vec<Patch>, Vec<String>) {
        let (mut done, mut strangers) = (Vec::new(), Vec::new());
        let Some(mut view) = self.view.take() else {
            return (done, strangers);
        };
        let drafted = self.draft.edits();
        for mut patch in patches {
            let mut items = view.items.iter_mut();
            let named = items.find(|item| !item.name.is_empty() && item.name == patch.name);
            let Some(item) = named else {
                strangers.push(patch.name);
                continue;
            };
            if patch.touches_value() {
                if self.draft.has_changed_since(&patch.name, draft) {
                    patch.spare_value(&item.value);
                } else {
                    // The plugin saw the form as it was filled in: rows that it changes are those.
                    let of_item = drafted.iter().filter(|edit| edit.name == patch.name);
                    of_item.for_each(|edit| edit.edit.apply(&mut item.value));
                    self.forget_draft_of(&patch.name);
                }
            }
            view.patch(&patch);
            done.push(patch);
        }
        self.secrets
            .extend(view.password_names().map(str::to_owned));
        self.view = Some(view);
        (done, strangers)
    }
}
