//! Jobs: what is kept of each, how one comes to rest, and who waits for that.

use std::collections::BTreeSet;

use callboard_protocol::{
    AttachedFile, Failure, FailureKind, JobDetail, JobId, JobState, JobSummary, Launch, Outcome,
    StepsReport, Surface, View,
};
use serde_json::Value;

use crate::Engine;
use crate::change::LiveChange;
use crate::draft::{Draft, DraftChange};
use crate::event::{Audience, Earlier, Effect, JobRow, Millis, Reply, RequestId, Row};
use crate::steps::StepsRun;
use crate::waiting::{AfterKept, Waiting};

/// One job, as long as the host remembers it.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) summary: JobSummary,
    pub(crate) server: String,
    pub(crate) event_id: Option<String>,
    /// The inputs of the turn that is due, running or was last run. Holds passwords, which [`Job::row`] leaves out.
    pub(crate) launch: Launch,
    /// The names of values that are never kept.
    pub(crate) secrets: BTreeSet<String>,
    pub(crate) view: Option<View>,
    /// How often it has asked.
    pub(crate) question: u64,
    /// What was changed of the form since it asked.
    pub(crate) draft: Draft,
    /// What the ledger is to forget of a draft, with the job's next row.
    forgotten_draft: Option<DraftChange>,
    /// What was answered and can be gone back to.
    pub(crate) earlier: Vec<Earlier>,
    /// The change of a live field that its plugin is asked about.
    pub(crate) change: Option<LiveChange>,
    pub(crate) output: Value,
    pub(crate) failure: Option<Failure>,
    /// The job that launched it, and its key there.
    pub(crate) parent: Option<(JobId, String)>,
    pub(crate) files: Vec<AttachedFile>,
    pub(crate) run: Option<StepsRun>,
    /// How the steps ended, once nothing of them can be tried again.
    pub(crate) report: Option<StepsReport>,
    /// The key of a hand-over that is being written.
    pub(crate) handing_over: bool,
    /// Why the running turn ended while a hand-over was being written.
    pub(crate) turn_lost: Option<Failure>,
    pub(crate) cancelling: bool,
    /// How often the turn after the steps was started.
    pub(crate) report_turns: u32,
    /// When surfaces were last told of its progress.
    pub(crate) progress_told_ms: Millis,
    /// Whether something came since that they are still to be told.
    pub(crate) owes_progress: bool,
    pub(crate) waiters: Vec<RequestId>,
    /// Whether its surface was told that it had started, and waits to hear how it ended.
    pub(crate) report_later: bool,
}

impl Job {
    pub(crate) fn new(
        launch: Launch,
        label: String,
        server: String,
        event_id: Option<String>,
        now: Millis,
    ) -> Self {
        let summary = JobSummary {
            id: launch.job.clone(),
            action: launch.action.clone(),
            label,
            state: JobState::Queued,
            surface: launch.context.surface,
            user: launch.context.user.clone(),
            created_ms: now,
            changed_ms: now,
            message: String::new(),
            progress: None,
        };
        Self {
            summary,
            server,
            event_id,
            launch,
            secrets: BTreeSet::new(),
            view: None,
            question: 0,
            draft: Draft::default(),
            forgotten_draft: None,
            earlier: Vec::new(),
            change: None,
            output: Value::Null,
            failure: None,
            parent: None,
            files: Vec::new(),
            run: None,
            report: None,
            handing_over: false,
            turn_lost: None,
            cancelling: false,
            report_turns: 0,
            progress_told_ms: 0,
            owes_progress: false,
            waiters: Vec::new(),
            report_later: false,
        }
    }

    pub(crate) fn from_row(row: JobRow) -> Self {
        let JobRow {
            detail,
            server,
            event_id,
            launch,
            reported,
            child_key,
            earlier,
            ..
        } = row;
        let mut job = Self::new(
            launch,
            detail.summary.label.clone(),
            server,
            event_id,
            detail.summary.created_ms,
        );
        job.summary = detail.summary;
        job.secrets.extend(
            detail
                .view
                .iter()
                .flat_map(View::password_names)
                .map(str::to_owned),
        );
        job.view = detail.view;
        job.question = detail.question;
        job.earlier = earlier;
        job.report = detail.steps;
        job.report_turns = u32::from(reported);
        job.output = detail.output;
        job.failure = detail.failure;
        job.parent = detail.parent.map(|parent| (parent, child_key));
        job.files = detail.files;
        job
    }

    pub(crate) fn detail(&self) -> JobDetail {
        JobDetail {
            summary: self.summary.clone(),
            context: self.launch.context.clone(),
            values: self.kept_values(),
            view: self.view.clone(),
            question: self.question,
            draft: self.draft.edits(),
            output: self.output.clone(),
            failure: self.failure.clone(),
            steps: self.steps_report(),
            parent: self.parent.as_ref().map(|(parent, _)| parent.clone()),
            children: Vec::new(),
            files: self.files.clone(),
        }
    }

    pub(crate) fn steps_report(&self) -> Option<StepsReport> {
        self.run
            .as_ref()
            .map(StepsRun::report)
            .or_else(|| self.report.clone())
    }

    /// Returns what the ledger keeps: no passwords, and no report of steps that go on, which the ledger knows unit by unit.
    pub(crate) fn row(&self) -> JobRow {
        let mut launch = self.launch.clone();
        launch.values = self.kept_values();
        launch.steps = None;
        let mut detail = self.detail();
        // The ledger keeps it edit by edit.
        detail.draft = Vec::new();
        if !self.summary.state.has_ended() {
            detail.steps = None;
        }
        JobRow {
            detail,
            state: self.launch.state.clone(),
            server: self.server.clone(),
            event_id: self.event_id.clone(),
            reported: self.report_turns > 0,
            earlier: self.earlier.clone(),
            child_key: self
                .parent
                .as_ref()
                .map_or_else(String::new, |(_, key)| key.clone()),
            launch,
        }
    }

    /// Begins with an empty draft; what is kept of the one before is forgotten with the job's next row.
    pub(crate) fn forget_draft(&mut self) {
        if let Some(change) = self.draft.clear() {
            self.forgotten_draft = Some(change);
        }
    }

    /// Forgets what was changed of an item, and has the ledger forget it with the job's next row.
    pub(crate) fn forget_draft_of(&mut self, name: &str) {
        let change = self.draft.forget(name);
        let forgotten = self.forgotten_draft.get_or_insert_default();
        forgotten.forget.extend(change.forget);
    }

    fn kept_values(&self) -> serde_json::Map<String, Value> {
        let kept = self
            .launch
            .values
            .iter()
            .filter(|(name, _)| !self.secrets.contains(*name));
        kept.map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    pub(crate) fn steps_are_unfinished(&self) -> bool {
        self.run.as_ref().is_some_and(|run| !run.has_ended())
    }

    /// Tells whether work was handed over whose end no turn has heard of yet.
    pub(crate) fn owes_report(&self) -> bool {
        self.run.is_some() && self.report_turns == 0
    }
}

/// How a job comes to rest.
#[derive(Debug)]
pub(crate) enum Rest {
    Ended(Outcome),
    Failed(Failure),
}

impl Engine {
    /// Returns what is written of a job: with its row goes the draft of a question that is not asked any more.
    pub(crate) fn job_row(&mut self, id: &JobId) -> Vec<Row> {
        let Some(job) = self.jobs.get_mut(id) else {
            return Vec::new();
        };
        let mut rows = vec![Row::Job(Box::new(job.row()))];
        let forgotten = job.forgotten_draft.take();
        rows.extend(forgotten.map(|change| Row::Draft {
            job: id.clone(),
            change: Box::new(change),
        }));
        rows
    }

    /// Moves a job on, tells whoever shows it, and returns it.
    pub(crate) fn change_job(
        &mut self,
        id: &JobId,
        state: JobState,
        message: impl Into<String>,
    ) -> Option<&mut Job> {
        let now = self.now;
        let job = self.jobs.get_mut(id)?;
        job.summary.state = state;
        job.summary.message = message.into();
        job.summary.changed_ms = now;
        job.owes_progress = false;
        if state != JobState::Running {
            job.summary.progress = None;
        }
        if state != JobState::Asks {
            job.view = None;
            job.forget_draft();
        }
        self.out
            .push(Effect::JobChanged(Box::new(job.summary.clone())));
        self.jobs.get_mut(id)
    }

    /// Brings a job to rest: it is written, and then everybody who waits is answered.
    pub(crate) fn rest_job(&mut self, id: &JobId, rest: Rest) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        job.cancelling = false;
        job.turn_lost = None;
        let (state, message) = match rest {
            Rest::Failed(failure) => {
                let state = match (
                    failure.kind,
                    job.run.as_ref().is_some_and(StepsRun::has_done_units),
                ) {
                    (FailureKind::Cancelled, _) => JobState::Cancelled,
                    (_, true) => JobState::Partly,
                    (_, false) => JobState::Failed,
                };
                let message = failure.message.clone();
                job.failure = Some(failure);
                (state, message)
            }
            Rest::Ended(outcome) => {
                job.failure = None;
                match outcome {
                    Outcome::Done { message, output } => {
                        job.output = output;
                        (JobState::Done, message)
                    }
                    Outcome::Partly { message, output } => {
                        job.output = output;
                        (JobState::Partly, message)
                    }
                    Outcome::Asks { view, state } => {
                        job.launch.state = state;
                        job.ask(view);
                        (JobState::Asks, "waits for an answer".to_owned())
                    }
                    _ => (JobState::Cancelled, "it was cancelled".to_owned()),
                }
            }
        };
        let view = job.view.take();
        if let Some(job) = self.change_job(id, state, message) {
            job.view = view;
        }
        if let Some(job) = self.jobs.get_mut(id)
            && job.summary.state.has_ended()
            && !job.run.as_ref().is_some_and(StepsRun::has_failed_units)
            && let Some(run) = job.run.take()
        {
            // Nothing of it can be tried again: the operations themselves need not be remembered.
            job.report = Some(run.report());
        }
        let rows = self.job_row(id);
        self.keep(rows, AfterKept::Rested(id.clone()));
    }

    /// Answers everybody who waits for a job to rest. Its row is on disk, or could not be written, which `status` shows.
    pub(crate) fn announce_rest(&mut self, id: &JobId) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        if job.summary.state.is_moving() {
            return;
        }
        let waiters = std::mem::take(&mut job.waiters);
        let report_later = std::mem::take(&mut job.report_later);
        let detail = job.detail();
        let audience = if waiters.is_empty() {
            Audience::Gone
        } else {
            Audience::Waits
        };
        for request in waiters {
            self.reply(request, Reply::Job(Box::new(detail.clone())));
        }
        if report_later {
            self.out.push(Effect::JobRested(Box::new(detail.clone())));
        }
        self.out.push(Effect::JobSettled {
            job: Box::new(detail),
            audience,
        });
        self.events_may_go_on(id);
        self.forget_old_jobs();
    }

    /// Answers `request` with the job when it rests, or as it is after `wait_ms`.
    pub(crate) fn wait_for_job(&mut self, request: RequestId, id: &JobId, wait_ms: u64) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        if !job.summary.state.is_moving() {
            let detail = job.detail();
            return self.reply(request, Reply::Job(Box::new(detail)));
        }
        job.waiters.push(request);
        self.set_timer(
            wait_ms,
            Waiting::WaitOver {
                request,
                job: id.clone(),
            },
        );
    }

    /// The waiting of `request` is over: the job is shown as it is, and its surface hears later how it ended.
    pub(crate) fn wait_is_over(&mut self, request: RequestId, id: &JobId) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        let Some(place) = job.waiters.iter().position(|waiter| *waiter == request) else {
            return;
        };
        job.waiters.swap_remove(place);
        // On the command line the person goes on waiting, or looks at the jobs.
        job.report_later |= job.summary.surface != Surface::Cli;
        let detail = job.detail();
        self.reply(request, Reply::Job(Box::new(detail)));
    }

    /// Keeps the memory of ended jobs bounded; the ledger keeps all of them.
    fn forget_old_jobs(&mut self) {
        let mut ended: Vec<(Millis, JobId)> = self
            .jobs
            .values()
            .filter(|job| job.summary.state.has_ended() && job.waiters.is_empty())
            .map(|job| (job.summary.changed_ms, job.summary.id.clone()))
            .collect();
        if ended.len() <= self.config.ended_jobs {
            return;
        }
        ended.sort();
        let surplus = ended.len() - self.config.ended_jobs;
        for (_, id) in ended.into_iter().take(surplus) {
            if let Some(job) = self.jobs.remove(&id)
                && let Some(event_id) = job.event_id
            {
                self.event_ids.remove(&event_id);
            }
        }
    }
}
