//! Launches: from what was asked to a job that is on disk.

use callboard_protocol::{Context, Entity, Failure, FailureKind, JobId, JobState, Launch};

use serde_json::Value;

use crate::Engine;
use crate::catalog::Plugin;
use crate::event::{AskLaunch, Effect, Reply, RequestId, Token};
use crate::facts::Applies;
use crate::job::Job;
use crate::waiting::{AfterKept, Waiting};

/// How long after the start a launch waits for the first sign-in, in milliseconds.
const EARLY_WAIT_MS: u64 = 3_000;

/// How long a launch waits for facts about its selection, in milliseconds.
const LAUNCH_FACTS_WAIT_MS: u64 = 10_000;

/// A launch that waits until enough is known to decide it.
#[derive(Debug)]
pub(crate) struct PendingLaunch {
    pub(crate) launch: AskLaunch,
    /// Whoever asked for it; more than one when an event came twice.
    requests: Vec<(RequestId, Option<u64>)>,
}

impl PendingLaunch {
    /// Tells whether this event has brought it.
    pub(crate) fn is_of_event(&self, event_id: &str) -> bool {
        self.launch.event_id.as_deref() == Some(event_id)
    }

    /// Returns the job that launches it, where one does, and its key there.
    pub(crate) fn parent(&self) -> Option<&(JobId, String)> {
        self.launch.parent.as_ref()
    }
}

impl Engine {
    pub(crate) fn launch(&mut self, request: RequestId, launch: AskLaunch) {
        let requests = vec![(request, launch.wait_ms)];
        if let Some(event_id) = &launch.event_id {
            if let Some(job) = self.event_ids.get(event_id).cloned() {
                self.reconnect_application(&job, &launch.context);
                let being_kept = self.waiting.values_mut().find_map(|waiting| match waiting {
                    Waiting::Kept(AfterKept::Launched {
                        job: kept,
                        requests,
                    }) if *kept == job => Some(requests),
                    _ => None,
                });
                return match being_kept {
                    Some(waiting) => waiting.extend(requests),
                    None => self.launched(&job, requests),
                };
            }
            let waiting = self.waiting.values_mut();
            let for_facts = waiting.filter_map(|waiting| match waiting {
                Waiting::LaunchFacts(pending) => Some(pending.as_mut()),
                _ => None,
            });
            let for_hooks = self.connect.pending_launches();
            let pending = for_facts
                .chain(for_hooks)
                .find(|pending| pending.is_of_event(event_id));
            if let Some(pending) = pending {
                return pending.requests.extend(requests);
            }
        }
        if self.is_early() {
            // The host is up before the server has answered: what is asked then waits a moment for it.
            let timer = self.token(Waiting::EarlyLaunch(Box::new((request, launch))));
            return self.out.push(Effect::SetTimer {
                token: timer,
                after_ms: (self.begun_ms + EARLY_WAIT_MS).saturating_sub(self.now),
            });
        }
        if let Err(failure) = self.check_launch(&launch) {
            return self.refuse(request, failure);
        }
        let pending = PendingLaunch { launch, requests };
        if let Some(pending) = self.ask_hooks_before(pending) {
            self.launch_known(pending);
        }
    }

    /// Goes on with a launch whose action is known, or will not be.
    pub(crate) fn launch_known(&mut self, pending: PendingLaunch) {
        let unknown: Vec<Entity> = self
            .facts
            .unknown(&pending.launch.context.selection)
            .into_iter()
            .cloned()
            .collect();
        if unknown.is_empty() {
            return self.decide_launch(pending);
        }
        let facts = self.ask_facts(unknown, Waiting::LaunchFacts(Box::new(pending)));
        self.set_timer(LAUNCH_FACTS_WAIT_MS, Waiting::LaunchOver { facts });
    }

    /// An application that comes again with a launch of its own has a new connection: its selection is asked for there.
    fn reconnect_application(&mut self, id: &JobId, context: &Context) {
        let came = context.dcc.as_ref().and_then(|dcc| dcc.session);
        let kept = self
            .jobs
            .get_mut(id)
            .and_then(|job| job.launch.context.dcc.as_mut());
        if let (Some(session), Some(dcc)) = (came, kept) {
            dcc.session = Some(session);
        }
    }

    /// Tells whether the first sign-in is still to come, or to fail.
    fn is_early(&self) -> bool {
        self.identity.is_none() && !self.settled && self.now < self.begun_ms + EARLY_WAIT_MS
    }

    /// Takes the launches that waited for the first sign-in, which came, failed, or takes too long.
    pub(crate) fn take_early_launches(&mut self) {
        self.settled = true;
        let early = |waiting: &Waiting| matches!(waiting, Waiting::EarlyLaunch(_));
        let mut tokens: Vec<Token> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| early(waiting))
            .map(|(token, _)| *token)
            .collect();
        tokens.sort();
        for token in tokens {
            if let Some(Waiting::EarlyLaunch(early)) = self.waiting.remove(&token) {
                self.launch(early.0, early.1);
            }
        }
    }

    fn check_launch(&self, launch: &AskLaunch) -> Result<(), Failure> {
        if let Err(signed_out) = self.signed_in() {
            return Err(signed_out.clone());
        }
        // What hooks offer is known when they were asked.
        let plugin = launch.action.plugin();
        let is_offered = |plugin| self.catalog.plugin(plugin).is_some_and(Plugin::is_offered);
        if !(self.is_connect(&plugin) && is_offered(&plugin)) {
            self.catalog.require_action(&launch.action)?;
        }
        if launch.context.selection.len() > self.config.facts {
            return Err(
                Failure::new(FailureKind::Limit, "too many entities are selected")
                    .hint(format!("select at most {}", self.config.facts)),
            );
        }
        if self.jobs.contains_key(&launch.job) {
            return Err(Failure::new(
                FailureKind::Internal,
                format!("there is a job `{}` already", launch.job),
            ));
        }
        Ok(())
    }

    /// Facts came for a launch, or did not.
    pub(crate) fn launch_facts(&mut self, pending: PendingLaunch, result: Result<(), Failure>) {
        match result {
            Ok(()) => self.decide_launch(pending),
            Err(failure) => self.refuse_all(&pending.requests, &failure),
        }
    }

    /// The facts of a launch did not come in time.
    pub(crate) fn launch_is_over(&mut self, facts: Token) {
        if let Some(Waiting::LaunchFacts(pending)) = self.waiting.remove(&facts) {
            let failure = Failure::new(
                FailureKind::TimedOut,
                "the server did not say in time what is selected",
            )
            .hint("try again");
            self.refuse_all(&pending.requests, &failure);
        }
    }

    fn refuse_all(&mut self, requests: &[(RequestId, Option<u64>)], failure: &Failure) {
        for (request, _) in requests {
            self.refuse(*request, failure.clone());
        }
    }

    /// Decides `when` again, now that everything is known, and makes the job.
    fn decide_launch(&mut self, pending: PendingLaunch) {
        let PendingLaunch { launch, requests } = pending;
        let (context, label, state) = match self.resolve(&launch) {
            Ok(resolved) => resolved,
            Err(failure) => return self.refuse_all(&requests, &failure),
        };
        if let Some((parent, _)) = &launch.parent
            && !self
                .jobs
                .get(parent)
                .is_some_and(|job| !job.cancelling && !job.summary.state.has_ended())
        {
            let failure =
                Failure::new(FailureKind::Cancelled, "the job that launches it has ended");
            return self.refuse_all(&requests, &failure);
        }
        let id = launch.job.clone();
        let identity = self.identity.clone().unwrap_or_default();
        let due = Launch {
            job: id.clone(),
            action: launch.action,
            context,
            values: launch.values,
            state,
            event: launch.event,
            ..Launch::default()
        };
        let mut job = Job::new(
            due,
            label,
            identity.server,
            launch.event_id.clone(),
            self.now,
        );
        job.parent = launch.parent;
        self.jobs.insert(id.clone(), job);
        if let Some(event_id) = launch.event_id {
            self.event_ids.insert(event_id, id.clone());
        }
        let rows = self.job_row(&id);
        self.keep(rows, AfterKept::Launched { job: id, requests });
    }

    /// Returns the context with what is known of its selection, the action's label, and what its first turn is given.
    fn resolve(&self, launch: &AskLaunch) -> Result<(Context, String, Value), Failure> {
        let identity = self.signed_in().map_err(Clone::clone)?;
        let offered = self.hook_launch(&launch.action, &launch.context.selection);
        let action = self.catalog.action(&launch.action);
        if action.is_none() && offered.is_none() {
            self.catalog.require_action(&launch.action)?;
        }
        let mut context = launch.context.clone();
        context.user.clone_from(&identity.user);
        for entity in &mut context.selection {
            let facts = self.facts.get(&entity.id).ok_or_else(|| {
                Failure::not_found(format!(
                    "there is no {} with the id `{}`",
                    entity.kind, entity.id
                ))
                .hint("choose something that exists and that you may see")
            })?;
            entity.kind.clone_from(&facts.kind);
        }
        if let Some(action) = action {
            let (surface, selection) = (context.surface, &context.selection);
            return match self.facts.applies(action, surface, selection, self.roles()) {
                Applies::No(reason) => Err(Failure::invalid(reason).hint("select something else")),
                Applies::Yes | Applies::Unknown => Ok((context, action.label.clone(), Value::Null)),
            };
        }
        let (label, state) = offered.unwrap_or_default();
        Ok((context, label, state))
    }

    /// A job is on disk, or could not be written.
    pub(crate) fn launch_kept(
        &mut self,
        id: &JobId,
        requests: Vec<(RequestId, Option<u64>)>,
        result: Result<(), Failure>,
    ) {
        if let Err(failure) = result {
            if let Some(event_id) = self.jobs.remove(id).and_then(|job| job.event_id) {
                self.event_ids.remove(&event_id);
            }
            return self.refuse_all(&requests, &failure);
        }
        self.launched(id, requests);
        self.go_on(id);
    }

    /// Starts what is due of a job that is on disk, unless it was cancelled meanwhile.
    pub(crate) fn go_on(&mut self, id: &JobId) {
        let Some(job) = self.jobs.get(id) else {
            return;
        };
        match (job.summary.state, job.owes_report()) {
            (JobState::Queued, true) => {
                self.change_job(id, JobState::Working, "");
                self.advance(id);
            }
            (JobState::Queued, false) => self.queue_turn(id),
            _ => {}
        }
    }

    fn launched(&mut self, id: &JobId, requests: Vec<(RequestId, Option<u64>)>) {
        for (request, wait_ms) in requests {
            match wait_ms {
                Some(wait_ms) => self.wait_for_job(request, id, wait_ms),
                None => self.reply(request, Reply::Launched(id.clone())),
            }
        }
    }
}
