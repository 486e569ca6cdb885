//! Plugins' processes: when one is started, given a turn, and stopped; and what a crash costs.

use callboard_protocol::{
    Failure, FailureKind, JobId, JobState, Message, MessageId, PluginId, PluginMethod,
};

use crate::Engine;
use crate::event::{Effect, ProcessEnd, ProcessId, Stop};
use crate::job::Rest;
use crate::steps::StepsRun;
use crate::waiting::Waiting;

/// How many times the turn after the steps is started before the host tells itself how they ended.
const REPORT_TURNS: u32 = 3;

/// One process of a plugin.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) plugin: PluginId,
    pub(crate) pid: Option<u32>,
    /// Which of its plugin's codes it runs.
    pub(crate) generation: u64,
    /// Whether it said hello.
    pub(crate) ready: bool,
    /// Whether it was told to end: it gets no more turns.
    pub(crate) stopping: bool,
    pub(crate) turn: Option<Turn>,
    turns: u64,
    last_message: MessageId,
}

/// One turn of a job, while a process runs it.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) job: JobId,
    /// Counts the turns of this process.
    pub(crate) number: u64,
    /// The id of the request that the process answers when the turn ends.
    pub(crate) message: MessageId,
    /// The change of a live field that it answers, where it is no turn of the job's own.
    pub(crate) change: Option<u64>,
    /// How many requests of the plugin wait for an answer.
    pub(crate) in_flight: usize,
}

impl Engine {
    /// A job whose plugin cannot run rests; where its steps have ended, the host tells how.
    fn rest_unable(&mut self, id: &JobId, failure: Failure) {
        if self.jobs.get(id).is_some_and(|job| job.run.is_some()) {
            self.rest_without_report(id, failure);
        } else {
            self.rest_job(id, Rest::Failed(failure));
        }
    }

    /// Puts a job in the queue of its plugin.
    pub(crate) fn queue_turn(&mut self, id: &JobId) {
        let Some(job) = self.change_job(id, JobState::Queued, "") else {
            return;
        };
        let action = job.summary.action.clone();
        let plugin = action.plugin();
        match self.catalog.plugin_mut(&plugin) {
            Some(entry) => {
                if matches!(entry.manifest.run, callboard_protocol::Run::ConnectHooks(_)) {
                    // Its child serves one event after the other by itself.
                    return self.launch_hooks(id);
                }
                entry.queue.push_back(id.clone());
                self.pump(&plugin);
            }
            None => {
                let failure =
                    Failure::not_found(format!("the plugin `{plugin}` is not installed any more"))
                        .hint("install it and retry");
                self.rest_unable(id, failure);
            }
        }
    }

    /// Gives queued jobs to idle processes, and starts processes for the rest as far as the plugin may have them.
    pub(crate) fn pump(&mut self, plugin: &PluginId) {
        loop {
            let Some(entry) = self.catalog.plugin(plugin) else {
                return;
            };
            if entry.queue.is_empty() && entry.changes.is_empty() {
                return;
            }
            // A person waits for a change: it goes before turns.
            let is_change = !entry.changes.is_empty();
            let has_room = self.running_turns(plugin) < entry.manifest.jobs as usize;
            if let Some(failure) = entry.off.clone() {
                return self.refuse_queue(plugin, &failure);
            }
            let idle = self.processes.iter().find(|(_, process)| {
                process.plugin == *plugin
                    && process.ready
                    && !process.stopping
                    && process.turn.is_none()
                    && self.is_current(process)
                    && (is_change || has_room)
            });
            match idle.map(|(id, _)| *id) {
                Some(process) if is_change => self.start_change(process, plugin),
                Some(process) => self.start_turn(process, plugin),
                None => return self.start_processes(plugin),
            }
        }
    }

    /// Counts the turns of jobs that a plugin's processes run now; those that answer changes are beside them.
    fn running_turns(&self, plugin: &PluginId) -> usize {
        let processes = self.processes.values();
        let turns = processes
            .filter(|process| process.plugin == *plugin && self.is_current(process))
            .filter_map(|process| process.turn.as_ref());
        turns.filter(|turn| turn.change.is_none()).count()
    }

    fn start_processes(&mut self, plugin: &PluginId) {
        let Some(entry) = self.catalog.plugin(plugin) else {
            return;
        };
        if entry.health.quarantined && entry.health.not_before > self.now {
            let failure = self.quarantined(plugin);
            return self.refuse_queue(plugin, &failure);
        }
        if entry.health.not_before > self.now {
            return;
        }
        // Turns that take long do not keep a form waiting: changes have a process more.
        let limit = entry.manifest.jobs as usize + usize::from(!entry.changes.is_empty());
        let queued = entry.queue.len() + entry.changes.len();
        let of_plugin = || {
            self.processes
                .values()
                .filter(|process| process.plugin == *plugin && self.is_current(process))
        };
        let starting = of_plugin()
            .filter(|process| !process.ready && !process.stopping)
            .count();
        let wanted = queued
            .saturating_sub(starting)
            .min(limit.saturating_sub(of_plugin().count()));
        for _ in 0..wanted {
            self.start_process(plugin);
        }
    }

    pub(crate) fn start_process(&mut self, plugin: &PluginId) {
        self.last_process += 1;
        let id = ProcessId(self.last_process);
        let Some(entry) = self.catalog.plugin_mut(plugin) else {
            return;
        };
        entry.health.starts += 1;
        let hello_ms = entry
            .manifest
            .limits
            .hello_secs
            .map_or(self.config.hello_ms, |secs| u64::from(secs) * 1000);
        let process = Process {
            plugin: plugin.clone(),
            pid: None,
            generation: entry.generation,
            ready: false,
            stopping: false,
            turn: None,
            turns: 0,
            last_message: 0,
        };
        self.processes.insert(id, process);
        let start = self
            .start_child(id, plugin)
            .unwrap_or_else(|| Effect::StartProcess {
                process: id,
                plugin: plugin.clone(),
            });
        let is_child = matches!(start, Effect::StartChild { .. });
        self.out.push(start);
        if is_child {
            // Its interpreter may have to be made first: the time for its hello begins with its process.
            return;
        }
        self.set_timer(hello_ms, Waiting::HelloOver(id));
    }

    /// Says why a quarantined plugin does nothing.
    fn quarantined(&self, plugin: &PluginId) -> Failure {
        let health = self.catalog.plugin(plugin).map(|entry| &entry.health);
        let until = health.map_or(0, |health| health.not_before);
        let minutes = until.saturating_sub(self.now).div_ceil(60_000);
        let failure = Failure::new(
            FailureKind::Plugin,
            format!("`{plugin}` crashed too often and is not started any more"),
        )
        .hint(format!(
            "retry in {minutes} minutes, or mend the plugin and say `callboard plugins enable {plugin}`"
        ));
        match health.and_then(|health| health.problem.as_ref()) {
            Some(problem) => failure.because(problem.message.clone()),
            None => failure,
        }
    }

    /// Ends the jobs that wait for a plugin that does nothing, with the reason.
    fn refuse_queue(&mut self, plugin: &PluginId, failure: &Failure) {
        self.refuse_changes(plugin, failure);
        let Some(entry) = self.catalog.plugin_mut(plugin) else {
            return;
        };
        for job in std::mem::take(&mut entry.queue) {
            self.rest_unable(&job, failure.clone());
        }
    }

    /// Tells whether a process runs what its plugin's folder holds now, and the plugin is used.
    pub(crate) fn is_current(&self, process: &Process) -> bool {
        self.catalog
            .plugin(&process.plugin)
            .is_some_and(|plugin| plugin.is_offered() && plugin.generation == process.generation)
    }

    fn start_turn(&mut self, id: ProcessId, plugin: &PluginId) {
        let Some(entry) = self.catalog.plugin_mut(plugin) else {
            return;
        };
        let Some(job_id) = entry.queue.pop_front() else {
            return;
        };
        let turn_ms = entry
            .manifest
            .limits
            .turn_secs
            .map_or(self.config.turn_ms, |secs| u64::from(secs) * 1000);
        let settings = match self.catalog.plugin(plugin) {
            Some(entry) => self.settings_of(&entry.manifest),
            None => serde_json::Map::new(),
        };
        let Some(job) = self.change_job(&job_id, JobState::Running, "") else {
            return;
        };
        job.launch.steps = job.steps_report();
        // As they are now: a retry runs with the settings of its own day.
        let due = callboard_protocol::Launch {
            settings,
            ..job.launch.clone()
        };
        let params =
            serde_json::to_value(due).expect("a launch is made of JSON values and strings");
        // Not waited for: a job that ran without the ledger's knowing is merely run again.
        let rows = self.job_row(&job_id);
        self.keep(rows, crate::waiting::AfterKept::Nothing);
        if let Some(turn) = self.begin_turn(id, job_id, None, PluginMethod::Launch, params) {
            self.set_timer(turn_ms, Waiting::TurnOver { process: id, turn });
        }
    }

    /// Sends a process what it is to answer, and returns the turn's number.
    pub(crate) fn begin_turn(
        &mut self,
        id: ProcessId,
        job: JobId,
        change: Option<u64>,
        method: PluginMethod,
        params: serde_json::Value,
    ) -> Option<u64> {
        let process = self.processes.get_mut(&id)?;
        process.turns += 1;
        process.last_message += 1;
        let number = process.turns;
        process.turn = Some(Turn {
            job,
            number,
            message: process.last_message,
            change,
            in_flight: 0,
        });
        let message = Message::Request {
            id: process.last_message,
            method: method.name().to_owned(),
            params,
        };
        self.out.push(Effect::Send {
            process: id,
            message,
        });
        Some(number)
    }

    /// Has a process get no more turns; returns whether it still ran.
    pub(crate) fn begin_stopping(&mut self, id: ProcessId) -> bool {
        self.processes
            .get_mut(&id)
            .is_some_and(|process| !std::mem::replace(&mut process.stopping, true))
    }

    /// Returns the id of the next request to a process that said hello.
    pub(crate) fn next_message(&mut self, id: ProcessId) -> Option<MessageId> {
        let process = self.processes.get_mut(&id)?;
        process.last_message += 1;
        (process.ready && !process.stopping).then_some(process.last_message)
    }

    pub(crate) fn process_ready(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(&id) else {
            return;
        };
        process.ready = true;
        let plugin = process.plugin.clone();
        self.out.push(Effect::CatalogChanged);
        if self.is_connect(&plugin) {
            return self.child_ready(id, plugin);
        }
        self.pump(&plugin);
        self.let_idle(id);
    }

    /// A process without a turn is stopped after a while.
    pub(crate) fn let_idle(&mut self, id: ProcessId) {
        if self.retire(id) {
            return;
        }
        let Some(process) = self.processes.get(&id) else {
            return;
        };
        if process.turn.is_none() && process.ready {
            let waiting = Waiting::IdleOver {
                process: id,
                turn: process.turns,
            };
            self.set_timer(self.config.idle_ms, waiting);
        }
    }

    pub(crate) fn idle_is_over(&mut self, id: ProcessId, turn: u64) {
        let Some(process) = self.processes.get_mut(&id) else {
            return;
        };
        if process.turn.is_none() && process.turns == turn && !process.stopping {
            process.stopping = true;
            self.out.push(Effect::StopProcess {
                process: id,
                stop: Stop::Gently,
            });
        }
    }

    pub(crate) fn kill(&mut self, id: ProcessId) {
        self.out.push(Effect::StopProcess {
            process: id,
            stop: Stop::Now,
        });
    }

    /// A process ended: its job does not wait for it any longer, and a crash delays the next start.
    pub(crate) fn process_ended(&mut self, id: ProcessId, end: ProcessEnd) {
        let Some(process) = self.processes.get(&id) else {
            return;
        };
        let plugin = process.plugin.clone();
        let stopped = Failure::new(
            FailureKind::Interrupted,
            format!("`{plugin}` stopped before it finished"),
        );
        let (failure, crash) = match end {
            ProcessEnd::Stopped => (stopped.hint("retry"), None),
            ProcessEnd::Exited(how) => (
                stopped
                    .hint("retry")
                    .because(format!("its process ended: {how}")),
                Some(how),
            ),
            ProcessEnd::Unruly(how) => {
                let failure = Failure::new(
                    FailureKind::Plugin,
                    format!("`{plugin}` was stopped because {how}"),
                );
                (
                    failure.hint("retry, or tell the plugin's author"),
                    Some(how),
                )
            }
            ProcessEnd::OverLimit(how) => {
                let message = format!("`{plugin}` was stopped because {how}");
                let failure = Failure::new(FailureKind::Limit, message)
                    .hint("ask it for less at once, or raise the limit in its plugin.toml");
                (failure, Some(how))
            }
            ProcessEnd::NotStarted(failure) => {
                let how = failure.message.clone();
                (failure, Some(how))
            }
        };
        match crash {
            Some(how) => self.process_lost(id, failure, &how, Vec::new()),
            None => self.remove_process(id, failure),
        }
    }

    /// A process crashed, or was killed for what it did; `seen` says what it was doing, where that was looked up.
    pub(crate) fn process_lost(
        &mut self,
        id: ProcessId,
        mut failure: Failure,
        how: &str,
        seen: Vec<String>,
    ) {
        let Some(process) = self.processes.get(&id) else {
            return;
        };
        let (plugin, never_ready) = (process.plugin.clone(), !process.ready);
        let now = self.now;
        // What earlier code did is not held against what is there now.
        let is_current = self.is_current(process);
        if let Some(entry) = self.catalog.plugin_mut(&plugin) {
            entry.health.crashes += 1;
        }
        if let Some(entry) = self.catalog.plugin_mut(&plugin).filter(|_| is_current) {
            let health = &mut entry.health;
            health.crashes_in_a_row += 1;
            let doublings = (health.crashes_in_a_row - 1).min(10);
            let mut pause = (self.config.restart_ms << doublings).min(60_000);
            health.quarantined = health.crashes_in_a_row >= self.config.quarantine_crashes;
            if health.quarantined {
                pause = self.config.quarantine_ms;
            }
            let timer_is_set = health.not_before > now;
            health.not_before = now + pause;
            let mut problem =
                Failure::new(FailureKind::Plugin, format!("`{plugin}` crashed: {how}"));
            problem.causes.clone_from(&seen);
            health.problem = Some(problem);
            if !timer_is_set {
                self.set_timer(pause, Waiting::RestartDue(plugin.clone()));
            }
        }
        failure.causes.extend(seen);
        if never_ready {
            self.fail_head_of_queue(&plugin, &failure);
        }
        self.remove_process(id, failure);
    }

    /// A process that never said hello was started for the first job of the queue: that job has failed.
    fn fail_head_of_queue(&mut self, plugin: &PluginId, failure: &Failure) {
        let Some(entry) = self.catalog.plugin_mut(plugin) else {
            return;
        };
        if !entry.changes.is_empty() {
            return self.refuse_changes(plugin, failure);
        }
        if let Some(job) = entry.queue.pop_front() {
            self.turn_failed(&job, failure.clone());
        }
    }

    fn remove_process(&mut self, id: ProcessId, failure: Failure) {
        let Some(process) = self.processes.remove(&id) else {
            return;
        };
        self.out.push(Effect::CatalogChanged);
        self.child_gone(id);
        if let Some(turn) = process.turn {
            self.abandon_services(id, turn.number);
            match turn.change {
                Some(number) => self.change_ended(&turn, number, Err(failure)),
                None => self.turn_failed(&turn.job, failure),
            }
        }
        self.pump(&process.plugin);
        self.tend_children();
    }

    pub(crate) fn restart_is_due(&mut self, plugin: &PluginId) {
        let now = self.now;
        let Some(entry) = self.catalog.plugin_mut(plugin) else {
            return;
        };
        if entry.health.not_before > now {
            // It crashed again since, or the timer was early.
            let rest = entry.health.not_before - now;
            return self.set_timer(rest, Waiting::RestartDue(plugin.clone()));
        }
        // On probation: one more crash in a row and it is quarantined again.
        entry.health.quarantined = false;
        self.pump(plugin);
        self.tend_children();
    }

    /// A turn ended without an outcome. What was handed over goes on; everything else waits for a retry.
    pub(crate) fn turn_failed(&mut self, id: &JobId, failure: Failure) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        if job.handing_over {
            job.turn_lost = Some(failure);
            return;
        }
        if job.owes_report() {
            self.change_job(id, JobState::Working, "");
            return self.advance(id);
        }
        let is_report = job.run.is_some();
        if is_report && job.report_turns < REPORT_TURNS && !job.cancelling {
            return self.queue_report(id);
        }
        if is_report {
            return self.rest_without_report(id, failure);
        }
        let failure = if job.cancelling {
            Failure::new(FailureKind::Cancelled, "it was cancelled")
        } else {
            failure
        };
        self.rest_job(id, Rest::Failed(failure));
    }

    /// Cancels a job, wherever it stands. What was sent to the server already is not taken back.
    pub(crate) fn cancel_job(&mut self, id: &JobId) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        let cancelled = Failure::new(FailureKind::Cancelled, "it was cancelled");
        let state = job.summary.state;
        self.cancel_children(id);
        self.drop_change(id);
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        match state {
            JobState::Running => {
                job.cancelling = true;
                self.cancel_turn(id);
                self.cancel_steps(id);
            }
            JobState::Working => {
                job.cancelling = true;
                self.cancel_steps(id);
            }
            _ => {
                let plugin = job.summary.action.plugin();
                let is_done = job.summary.state == JobState::Queued
                    && job.run.as_ref().is_some_and(StepsRun::has_ended);
                if let Some(entry) = self.catalog.plugin_mut(&plugin) {
                    entry.queue.retain(|queued| queued != id);
                }
                if is_done {
                    // Only the telling is cancelled: what was done is done.
                    return self.rest_without_report(id, cancelled);
                }
                self.cancel_steps(id);
                self.rest_job(id, Rest::Failed(cancelled));
            }
        }
    }

    fn cancel_turn(&mut self, id: &JobId) {
        if self.drop_row_of(id) {
            // Hooks cannot be told to stop; what they still answer is not heard.
            let cancelled = Failure::new(FailureKind::Cancelled, "it was cancelled");
            return self.turn_failed(id, cancelled);
        }
        let running = self.processes.iter().find_map(|(process, state)| {
            state
                .turn
                .as_ref()
                .filter(|turn| turn.job == *id && turn.change.is_none())
                .map(|turn| (*process, turn.number))
        });
        let Some((process, turn)) = running else {
            return;
        };
        let message = Message::Notification {
            method: PluginMethod::Cancel.name().to_owned(),
            params: serde_json::json!({}),
        };
        self.out.push(Effect::Send { process, message });
        self.wake_listener(process);
        self.set_timer(self.config.cancel_ms, Waiting::CancelOver { process, turn });
    }
}
