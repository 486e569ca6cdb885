//! Doing steps: what `steps.rs` decides becomes effects here, and what came of them goes back.

use callboard_protocol::{Failure, FailureKind, JobId, JobState, Outcome, UnitState};
use serde_json::{Map, Value};

use crate::Engine;
use crate::draft::Draft;
use crate::event::{CallResult, Effect, Row, UnitRow};
use crate::job::{Job, Rest};
use crate::steps::{Doubt, Lane, Next, Phase, StepRun, StepsRun};
use crate::waiting::{AfterKept, Waiting};

/// A call that takes longer than this, in milliseconds, makes the next ones smaller.
const SLOW_CALL_MS: u64 = 20_000;

/// A call that takes less than this, in milliseconds, lets the next ones grow again.
const QUICK_CALL_MS: u64 = 5_000;

/// How many events may be on their way to the hub at once.
const EVENT_LANES: usize = 4;

/// The fewest operations that a slow server brings a call down to.
const MIN_BATCH_OPERATIONS: usize = 50;

impl Engine {
    /// Starts whatever of a job's steps may be started now. When all have ended, the turn after them is due.
    pub(crate) fn advance(&mut self, id: &JobId) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        if !matches!(job.summary.state, JobState::Working | JobState::Running)
            || !is_of(job, self.identity.as_ref())
        {
            return;
        }
        // While other work is being handed over, the earlier one has ended and was heard of.
        let Some(run) = job.run.as_mut().filter(|_| !job.handing_over) else {
            return;
        };
        let rows = run.fail_dependents();
        let (ended, ready) = (run.has_ended(), run.ready());
        self.keep_units(id, rows);
        if ended {
            // A turn that still runs ends first; the one after the steps follows it.
            if self
                .jobs
                .get(id)
                .is_some_and(|job| job.summary.state == JobState::Working)
            {
                self.queue_report(id);
            }
            return;
        }
        for step in ready {
            if self.has_free_lane(id, step) {
                self.start_batch(id, step);
            }
        }
    }

    /// Starts whatever of any job's steps may be started: a lane is free, or the server is back.
    pub(crate) fn advance_all(&mut self) {
        let working: Vec<JobId> = self
            .jobs
            .values()
            .filter(|job| job.steps_are_unfinished())
            .map(|job| job.summary.id.clone())
            .collect();
        for id in working {
            self.advance(&id);
        }
    }

    /// The server can be reached again: what rested goes on at once.
    pub(crate) fn wake_steps(&mut self) {
        for job in self.jobs.values_mut() {
            for step in job.run.iter_mut().flat_map(|run| &mut run.steps) {
                if step.phase == Phase::Resting {
                    step.phase = Phase::Idle;
                }
            }
        }
        self.advance_all();
    }

    /// Tells whether what carries a step out has room for it.
    fn has_free_lane(&mut self, id: &JobId, index: usize) -> bool {
        let Some(step) = self.step(id, index) else {
            return false;
        };
        let calls = step.lane == Lane::Calls;
        let lanes = if calls {
            self.config.call_lanes
        } else {
            EVENT_LANES
        };
        let runs = self.jobs.values().filter_map(|job| job.run.as_ref());
        let busy = runs
            .flat_map(|run| &run.steps)
            .filter(|step| (step.lane == Lane::Calls) == calls)
            .filter(|step| !matches!(step.phase, Phase::Idle | Phase::Resting));
        busy.count() < lanes
    }

    fn step(&mut self, id: &JobId, step: usize) -> Option<&mut StepRun> {
        self.jobs.get_mut(id)?.run.as_mut()?.steps.get_mut(step)
    }

    fn keep_units(&mut self, id: &JobId, units: Vec<UnitRow>) {
        self.keep_units_then(id, units, AfterKept::Nothing);
    }

    fn keep_units_then(&mut self, id: &JobId, units: Vec<UnitRow>, after: AfterKept) {
        if units.is_empty() {
            return;
        }
        let Some(key) = self
            .jobs
            .get(id)
            .and_then(|job| job.run.as_ref())
            .map(|run| run.key.clone())
        else {
            return;
        };
        self.keep(
            vec![Row::Units {
                job: id.clone(),
                hand_over: key,
                units,
            }],
            after,
        );
    }

    fn start_batch(&mut self, id: &JobId, index: usize) {
        let batch_operations = self.batch_operations;
        let Some(step) = self.step(id, index) else {
            return;
        };
        match step.next(batch_operations) {
            Next::Ended => {}
            Next::LookUp(batch) => self.look_up(id, index, batch, None),
            Next::GiveUp(unit) => {
                let rows = step.given_up(unit);
                self.step_goes_on(id, index, rows);
            }
            Next::Send(batch) => {
                // The ledger knows of a batch before the server does: after a crash it is looked up, not sent blindly.
                let rows = step.mark_sent(&batch);
                step.phase = Phase::Marking(batch);
                self.keep_units_then(
                    id,
                    rows,
                    AfterKept::Marked {
                        job: id.clone(),
                        step: index,
                    },
                );
            }
        }
    }

    /// A batch is marked as sent, or could not be.
    pub(crate) fn marked(&mut self, id: &JobId, index: usize, result: Result<(), Failure>) {
        let Some(step) = self.step(id, index) else {
            return;
        };
        let Phase::Marking(batch) = step.phase.clone() else {
            return;
        };
        if let Err(failure) = result.and_then(|()| self.may_call(id)) {
            return self.rest_step(id, index, &batch, failure, Doubt::NotDone, None);
        }
        let Some(step) = self.step(id, index) else {
            return;
        };
        let operations = step.operations(&batch);
        let lane = step.lane.clone();
        step.calls += 1;
        step.phase = Phase::Calling(batch);
        let token = self.token(Waiting::Call {
            job: id.clone(),
            step: index,
        });
        self.out.push(match lane {
            Lane::Calls => Effect::Call { token, operations },
            Lane::Hub { event, .. } => Effect::Publish { token, event },
        });
    }

    /// Work belongs to a server and a user: nobody else's credentials send it.
    fn may_call(&self, id: &JobId) -> Result<(), Failure> {
        self.signed_in().map_err(Clone::clone)?;
        let is_own = self
            .jobs
            .get(id)
            .is_some_and(|job| is_of(job, self.identity.as_ref()));
        if is_own {
            Ok(())
        } else {
            Err(Failure::denied("the job belongs to somebody else"))
        }
    }

    /// A batch was sent, or an event published; or not, or nobody knows.
    pub(crate) fn called(&mut self, id: &JobId, index: usize, result: CallResult) {
        let Some(step) = self.step(id, index) else {
            return;
        };
        let Phase::Calling(batch) = step.phase.clone() else {
            return;
        };
        match result {
            CallResult::Done => {
                let rows = step.done(&batch);
                self.step_goes_on(id, index, rows);
            }
            // An earlier sending of the same batch may have got through: its ids are there then.
            CallResult::Refused {
                failure,
                duplicate: true,
            } => self.look_up(id, index, batch, Some(failure)),
            CallResult::Refused {
                failure,
                duplicate: false,
            } => {
                let rows = step.refused(&batch, &failure);
                self.step_goes_on(id, index, rows);
            }
            CallResult::NotSent {
                failure,
                retry_after_ms,
            } => self.rest_step(id, index, &batch, failure, Doubt::NotDone, retry_after_ms),
            CallResult::Unknown { failure } => {
                self.rest_step(id, index, &batch, failure, Doubt::MayBeDone, None)
            }
        }
    }

    fn look_up(&mut self, id: &JobId, index: usize, batch: Vec<usize>, refusal: Option<Failure>) {
        if let Err(failure) = self.may_call(id) {
            return self.rest_step(id, index, &batch, failure, Doubt::MayBeDone, None);
        }
        let Some(step) = self.step(id, index) else {
            return;
        };
        let entities = step.look_up(&batch);
        step.phase = Phase::LookingUp { batch, refusal };
        let token = self.token(Waiting::LookUp {
            job: id.clone(),
            step: index,
        });
        self.out.push(Effect::LookUp { token, entities });
    }

    pub(crate) fn looked_up(
        &mut self,
        id: &JobId,
        index: usize,
        result: Result<Vec<Option<Map<String, Value>>>, Failure>,
    ) {
        let Some(step) = self.step(id, index) else {
            return;
        };
        let Phase::LookingUp { batch, refusal } = step.phase.clone() else {
            return;
        };
        let found = match result {
            Ok(found) => found,
            Err(failure) => {
                return self.rest_step(id, index, &batch, failure, Doubt::MayBeDone, None);
            }
        };
        let verdicts = step.verdicts(&batch, &found);
        let rows = step.looked_up(&batch, &verdicts, refusal.as_ref());
        self.step_goes_on(id, index, rows);
    }

    fn step_goes_on(&mut self, id: &JobId, index: usize, rows: Vec<UnitRow>) {
        if let Some(step) = self.step(id, index) {
            step.phase = Phase::Idle;
        }
        self.keep_units(id, rows);
        self.tell_progress(id);
        self.advance(id);
        self.advance_all();
    }

    /// Something is in the way of a batch: it is tried again later, and the job says why it waits.
    fn rest_step(
        &mut self,
        id: &JobId,
        index: usize,
        batch: &[usize],
        failure: Failure,
        doubt: Doubt,
        after_ms: Option<u64>,
    ) {
        let (first, longest) = (self.config.retry_ms, self.config.retry_max_ms);
        let message = failure.message.clone();
        let Some(step) = self.step(id, index) else {
            return;
        };
        step.phase = Phase::Resting;
        step.held_up(batch, failure, doubt);
        let tries = step.tries;
        let back_off = first.saturating_mul(1 << (tries - 1).min(16)).min(longest);
        let waiting = Waiting::StepDue {
            job: id.clone(),
            step: index,
            tries,
        };
        self.set_timer(
            after_ms.unwrap_or(back_off).min(longest.max(first)),
            waiting,
        );
        if self
            .jobs
            .get(id)
            .is_some_and(|job| job.summary.state == JobState::Working)
        {
            self.change_job(id, JobState::Working, message);
        }
        self.advance_all();
    }

    pub(crate) fn step_is_due(&mut self, id: &JobId, index: usize, tries: u32) {
        let Some(step) = self.step(id, index) else {
            return;
        };
        if step.phase == Phase::Resting && step.tries == tries {
            step.phase = Phase::Idle;
            self.advance(id);
        }
    }

    /// Makes calls smaller for a slow server, and lets them grow again for a quick one.
    pub(crate) fn adapt(&mut self, took_ms: u64) {
        if took_ms > SLOW_CALL_MS {
            self.batch_operations = (self.batch_operations / 2)
                .max(MIN_BATCH_OPERATIONS.min(self.config.batch_operations));
        } else if took_ms < QUICK_CALL_MS {
            self.batch_operations = (self.batch_operations * 2).min(self.config.batch_operations);
        }
    }

    fn tell_progress(&mut self, id: &JobId) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        if job.summary.state != JobState::Working {
            return;
        }
        let Some(report) = job.steps_report() else {
            return;
        };
        let all = report.units().count();
        let ended = report
            .units()
            .filter(|unit| matches!(unit.state, UnitState::Done | UnitState::Failed))
            .count();
        let fraction = if all == 0 {
            1.0
        } else {
            ended as f64 / all as f64
        };
        job.summary.message = format!("{ended} of {all}");
        job.summary.progress = Some(callboard_protocol::Progress {
            fraction: Some(fraction),
            text: job.summary.message.clone(),
            ..callboard_protocol::Progress::default()
        });
        job.summary.changed_ms = self.now;
        self.out
            .push(Effect::JobChanged(Box::new(job.summary.clone())));
    }

    pub(crate) fn cancel_steps(&mut self, id: &JobId) {
        let Some(run) = self.jobs.get_mut(id).and_then(|job| job.run.as_mut()) else {
            return;
        };
        let rows = run.cancel_unsent();
        self.keep_units(id, rows);
        self.advance(id);
    }

    /// The steps have ended: the plugin has the last word, in a turn of its own.
    pub(crate) fn queue_report(&mut self, id: &JobId) {
        if let Some(job) = self.jobs.get_mut(id) {
            job.report_turns += 1;
        }
        self.queue_turn(id);
    }

    /// The plugin could not say how its steps ended: the host says it.
    pub(crate) fn rest_without_report(&mut self, id: &JobId, failure: Failure) {
        let Some(run) = self.jobs.get(id).and_then(|job| job.run.as_ref()) else {
            return;
        };
        let rest = match (run.has_failed_units(), run.has_done_units()) {
            (false, _) => Rest::Ended(Outcome::done(
                "everything was done, but the plugin could not say what",
            )),
            (true, true) => Rest::Failed(failure),
            (true, false) => Rest::Failed(
                Failure::new(FailureKind::Ftrack, "nothing could be done").because(failure.message),
            ),
        };
        self.rest_job(id, rest);
    }

    /// Takes back the jobs that the ledger kept: questions go on waiting, hand-overs go on, and what was interrupted says so.
    pub(crate) fn restored(&mut self, kept: Vec<crate::event::KeptJob>) {
        for kept in kept {
            let mut job = Job::from_row(kept.row);
            job.draft = Draft::from_rows(kept.draft);
            if let Some(event_id) = &job.event_id {
                self.event_ids
                    .insert(event_id.clone(), job.summary.id.clone());
            }
            if let Some(hand_over) = kept.hand_overs.into_iter().next_back() {
                let mut run = StepsRun::new(hand_over);
                run.restore(kept.units);
                if job.report_turns == 0 {
                    job.launch.state = run.state.clone();
                }
                job.run = Some(run);
            }
            let id = job.summary.id.clone();
            let state = job.summary.state;
            let (handed_over, owes_report) = (job.run.is_some(), job.owes_report());
            let dcc = job.launch.context.dcc.as_ref();
            let asks_application = dcc.is_some_and(|dcc| dcc.session.is_some());
            self.jobs.insert(id.clone(), job);
            match state {
                _ if !state.is_moving() => {}
                _ if owes_report => {
                    self.change_job(&id, JobState::Working, "");
                }
                // The turn that tells how the steps ended is run again; it makes nothing.
                _ if handed_over => {
                    self.change_job(&id, JobState::Queued, "");
                }
                // An application's connection ended with the host: its selection cannot be asked for until it is back.
                _ if state == JobState::Running || asks_application => {
                    let failure = Failure::new(
                        FailureKind::Interrupted,
                        "Callboard stopped before it finished",
                    )
                    .hint("retry");
                    self.rest_job(&id, Rest::Failed(failure));
                }
                _ => {}
            }
        }
    }

    /// Goes on with everything that the person who signed in left unfinished.
    pub(crate) fn resume_jobs(&mut self) {
        let mine = self
            .jobs
            .values()
            .filter(|job| is_of(job, self.identity.as_ref()));
        let unfinished = mine
            .filter(|job| job.summary.state.is_moving())
            .map(|job| (job.summary.id.clone(), job.summary.state));
        let unfinished: Vec<_> = unfinished.collect();
        for (id, state) in unfinished {
            match state {
                JobState::Queued if !self.is_queued(&id) => self.queue_turn(&id),
                JobState::Working => self.advance(&id),
                _ => {}
            }
        }
    }
}

impl Engine {
    /// Tells whether a job is in its plugin's queue, or will be once it is on disk.
    fn is_queued(&self, id: &JobId) -> bool {
        let in_queue = self
            .catalog
            .plugins()
            .any(|plugin| plugin.queue.contains(id));
        in_queue
            || self.waiting.values().any(|waiting| {
                matches!(waiting, Waiting::Kept(AfterKept::Launched { job, .. } | AfterKept::Resumed { job, .. }) if job == id)
            })
    }
}

/// Tells whether a job belongs to who is signed in, and where.
fn is_of(job: &Job, identity: Option<&crate::event::Identity>) -> bool {
    identity
        .is_some_and(|identity| identity.server == job.server && identity.user == job.summary.user)
}
