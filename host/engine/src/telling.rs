//! What plugins tell without being answered: lines for the log, progress, and notices for the person.

use std::collections::{BTreeMap, VecDeque};

use callboard_protocol::{
    HostMethod, JobId, Log, LogLevel, Notify, NotifyLevel, PluginId, Progress,
};
use serde_json::Value;

use crate::Engine;
use crate::event::{Effect, Millis, ProcessId};
use crate::turn::{read, unknown_method};
use crate::waiting::Waiting;

/// How long after telling of a job's progress it is not told again, in milliseconds.
const PROGRESS_PAUSE_MS: u64 = 100;

/// How many notices a plugin may show within how long, in milliseconds.
const NOTICES: usize = 5;
const NOTICES_WITHIN_MS: u64 = 60_000;

/// What each plugin has shown lately.
#[derive(Debug, Default)]
pub(crate) struct Notices(BTreeMap<PluginId, Shown>);

#[derive(Debug, Default)]
struct Shown {
    times: VecDeque<Millis>,
    is_holding_back: bool,
}

/// What becomes of a notice.
enum Notice {
    Shown,
    /// It is the first that is not shown.
    FirstHeldBack,
    HeldBack,
}

impl Shown {
    fn take(&mut self, now: Millis) -> Notice {
        self.times
            .retain(|time| now.saturating_sub(*time) < NOTICES_WITHIN_MS);
        if self.times.len() < NOTICES {
            self.times.push_back(now);
            self.is_holding_back = false;
            return Notice::Shown;
        }
        if std::mem::replace(&mut self.is_holding_back, true) {
            Notice::HeldBack
        } else {
            Notice::FirstHeldBack
        }
    }
}

impl Engine {
    pub(crate) fn process_told(&mut self, id: ProcessId, method: &str, params: Value) {
        if self.child_told(id, method, &params) {
            return;
        }
        let Some(process) = self.processes.get(&id) else {
            return;
        };
        let plugin = process.plugin.clone();
        // A change of a form is no part of its job's progress.
        let turn = process.turn.as_ref().filter(|turn| turn.change.is_none());
        let job = turn.map(|turn| turn.job.clone());
        let told = match HostMethod::from_name(method) {
            Some(HostMethod::Log) => read::<Log>(method, params).map(|log| {
                let plugin = plugin.clone();
                self.out.push(Effect::Log { plugin, log });
            }),
            Some(HostMethod::Progress) => read::<Progress>(method, params).map(|progress| {
                if let Some(job) = job {
                    self.progressed(&job, progress);
                }
            }),
            Some(HostMethod::Notify) => self
                .check_permission(id, HostMethod::Notify)
                .and_then(|()| read(method, params))
                .map(|notify| self.notify(&plugin, notify)),
            _ => Err(unknown_method(method)),
        };
        if let Err(failure) = told {
            self.warn(&plugin, failure.message);
        }
    }

    fn warn(&mut self, plugin: &PluginId, message: String) {
        let plugin = plugin.clone();
        let level = LogLevel::Warning;
        let log = Log { level, message };
        self.out.push(Effect::Log { plugin, log });
    }

    /// Shows a notice of a plugin, unless it shows too many: then all that is too much goes to its log, and the person is told so once.
    fn notify(&mut self, plugin: &PluginId, notify: Notify) {
        let taken = self
            .notices
            .0
            .entry(plugin.clone())
            .or_default()
            .take(self.now);
        let shown = match taken {
            Notice::Shown => notify,
            held_back => {
                let held = format!("not shown: {}: {}", notify.title, notify.message);
                self.warn(plugin, held);
                if !matches!(held_back, Notice::FirstHeldBack) {
                    return;
                }
                let message = format!("see `callboard plugins logs {plugin}`");
                Notify {
                    level: NotifyLevel::Warning,
                    title: format!("`{plugin}` tells more than is shown"),
                    message,
                }
            }
        };
        let plugin = plugin.clone();
        let notify = shown;
        self.out.push(Effect::Notify { plugin, notify });
    }

    /// A job got on: whoever shows it is told, but not too often, and of the last of it always.
    pub(crate) fn progressed(&mut self, id: &JobId, progress: Progress) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        job.summary.message.clone_from(&progress.text);
        job.summary.progress = Some(progress);
        let next_ms = job.progress_told_ms + PROGRESS_PAUSE_MS;
        if next_ms <= now {
            self.tell_of_progress(id);
        } else if !std::mem::replace(&mut job.owes_progress, true) {
            let job = id.clone();
            self.set_timer(next_ms - now, Waiting::ProgressOver { job });
        }
    }

    /// The pause is over: what came within it is told.
    pub(crate) fn progress_pause_is_over(&mut self, id: &JobId) {
        let owes = self.jobs.get(id).is_some_and(|job| job.owes_progress);
        if owes {
            self.tell_of_progress(id);
        }
    }

    fn tell_of_progress(&mut self, id: &JobId) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        job.progress_told_ms = self.now;
        job.owes_progress = false;
        let summary = Box::new(job.summary.clone());
        self.out.push(Effect::JobChanged(summary));
    }
}
