//! What surfaces and clients ask: menus, launches, and everything about jobs.

use callboard_protocol::{
    Action, ActionId, Context, Entity, Failure, FailureKind, JobId, JobState, Launch, MenuItem,
    PluginState, PluginSummary,
};
use serde_json::{Map, Value};

use crate::Engine;
use crate::event::{
    Ask, AskLaunch, Effect, EntityFacts, Reply, RequestId, Row, Token, facts_wait_ms,
};
use crate::facts::Applies;
use crate::job::Job;
use crate::waiting::{AfterKept, PendingMenu, Waiting};

/// How long a launch waits for facts about its selection, in milliseconds.
const LAUNCH_FACTS_WAIT_MS: u64 = 10_000;

/// A launch that waits for facts about its selection.
#[derive(Debug)]
pub(crate) struct PendingLaunch {
    launch: AskLaunch,
    /// Whoever asked for it; more than one when an event came twice.
    requests: Vec<(RequestId, Option<u64>)>,
}

impl Engine {
    pub(crate) fn asked(&mut self, request: RequestId, ask: Ask) {
        match ask {
            Ask::Discover { context } => self.discover(request, context),
            Ask::Launch(launch) => self.launch(request, launch),
            Ask::Answer {
                job,
                values,
                wait_ms,
            } => self.answer(request, &job, values, wait_ms),
            Ask::Wait { job, wait_ms } => {
                if self.require_job(request, &job).is_some() {
                    self.wait_for_job(request, &job, wait_ms);
                }
            }
            Ask::Show(job) => {
                if let Some(job) = self.require_job(request, &job) {
                    let detail = job.detail();
                    self.reply(request, Reply::Job(Box::new(detail)));
                }
            }
            Ask::List { states, limit } => self.list(request, &states, limit),
            Ask::Cancel(job) => self.cancel(request, &job),
            Ask::Retry(job) => self.retry(request, &job),
            Ask::Plugins => {
                let plugins = self.plugin_summaries();
                self.reply(request, Reply::Plugins(plugins));
            }
        }
    }

    pub(crate) fn reply(&mut self, request: RequestId, reply: Reply) {
        self.out.push(Effect::Reply { request, reply });
    }

    pub(crate) fn refuse(&mut self, request: RequestId, failure: Failure) {
        self.reply(request, Reply::Failed(failure));
    }

    /// Whoever asked is gone: nobody waits for it any more.
    pub(crate) fn withdrawn(&mut self, request: RequestId) {
        self.menus.remove(&request);
        for job in self.jobs.values_mut() {
            job.waiters.retain(|waiter| *waiter != request);
        }
    }

    fn require_job(&mut self, request: RequestId, id: &JobId) -> Option<&mut Job> {
        if !self.jobs.contains_key(id) {
            self.refuse(request, no_such_job(id));
        }
        self.jobs.get_mut(id)
    }

    /// Returns a job that may go on: it belongs to who is signed in, and where.
    fn require_own_job(&mut self, request: RequestId, id: &JobId) -> Option<&mut Job> {
        let job = self.require_job(request, id)?;
        let (server, user) = (job.server.clone(), job.summary.user.clone());
        let refusal = match self.signed_in() {
            Ok(identity) if identity.server == server && identity.user == user => None,
            Ok(_) => Some(
                Failure::denied(format!("the job belongs to `{user}` at `{server}`"))
                    .hint(format!("sign in as `{user}` there")),
            ),
            Err(signed_out) => Some(signed_out.clone()),
        };
        if let Some(failure) = refusal {
            self.refuse(request, failure);
            return None;
        }
        self.jobs.get_mut(id)
    }

    fn discover(&mut self, request: RequestId, context: Context) {
        let unknown: Vec<Entity> = self
            .facts
            .unknown(&context.selection)
            .into_iter()
            .cloned()
            .collect();
        let undecided = self.menu(&context).1;
        if !undecided || unknown.is_empty() || self.identity.is_none() {
            return self.show_menu(request, &context);
        }
        let Some(wait_ms) = facts_wait_ms(context.surface) else {
            self.ask_facts(unknown, Waiting::WarmFacts);
            return self.show_menu(request, &context);
        };
        self.menus.insert(request, PendingMenu { context });
        self.ask_facts(unknown, Waiting::DiscoverFacts { request });
        self.set_timer(wait_ms, Waiting::DiscoverOver { request });
    }

    /// Answers a menu that waited for facts, whether they came or not.
    pub(crate) fn finish_menu(&mut self, request: RequestId) {
        if let Some(menu) = self.menus.remove(&request) {
            self.show_menu(request, &menu.context);
        }
    }

    fn show_menu(&mut self, request: RequestId, context: &Context) {
        let items = self.menu(context).0;
        self.reply(request, Reply::Menu(items));
    }

    /// Returns the menu's entries, and whether more facts might change them.
    fn menu(&self, context: &Context) -> (Vec<MenuItem>, bool) {
        let mut undecided = false;
        let items = self.catalog.actions().filter_map(|(id, action)| {
            let applies =
                self.facts
                    .applies(action, context.surface, &context.selection, self.roles());
            undecided |= applies == Applies::Unknown;
            (!matches!(applies, Applies::No(_))).then(|| menu_item(id, action, &self.config.host))
        });
        let items = items.collect();
        (items, undecided)
    }

    fn roles(&self) -> &[String] {
        self.identity
            .as_ref()
            .map_or(&[], |identity| &identity.roles)
    }

    fn launch(&mut self, request: RequestId, launch: AskLaunch) {
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
            let pending = self.waiting.values_mut().find_map(|waiting| match waiting {
                Waiting::LaunchFacts(pending)
                    if pending.launch.event_id.as_ref() == Some(event_id) =>
                {
                    Some(pending)
                }
                _ => None,
            });
            if let Some(pending) = pending {
                return pending.requests.extend(requests);
            }
        }
        if let Err(failure) = self.check_launch(&launch) {
            return self.refuse(request, failure);
        }
        let unknown: Vec<Entity> = self
            .facts
            .unknown(&launch.context.selection)
            .into_iter()
            .cloned()
            .collect();
        let pending = PendingLaunch { launch, requests };
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

    fn check_launch(&self, launch: &AskLaunch) -> Result<(), Failure> {
        if let Err(signed_out) = self.signed_in() {
            return Err(signed_out.clone());
        }
        if self.catalog.action(&launch.action).is_none() {
            return Err(
                Failure::not_found(format!("there is no action `{}`", launch.action))
                    .hint("list the actions with `callboard actions`"),
            );
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
        let (context, label) = match self.resolve(&launch) {
            Ok(resolved) => resolved,
            Err(failure) => return self.refuse_all(&requests, &failure),
        };
        let id = launch.job.clone();
        let identity = self.identity.clone().unwrap_or_default();
        let due = Launch {
            job: id.clone(),
            action: launch.action,
            context,
            values: launch.values,
            ..Launch::default()
        };
        let job = Job::new(
            due,
            label,
            identity.server,
            launch.event_id.clone(),
            self.now,
        );
        self.jobs.insert(id.clone(), job);
        if let Some(event_id) = launch.event_id {
            self.event_ids.insert(event_id, id.clone());
        }
        let rows = self.job_row(&id);
        self.keep(rows, AfterKept::Launched { job: id, requests });
    }

    fn resolve(&self, launch: &AskLaunch) -> Result<(Context, String), Failure> {
        let identity = self.signed_in().map_err(Clone::clone)?;
        let action = self
            .catalog
            .action(&launch.action)
            .ok_or_else(|| Failure::not_found(format!("there is no action `{}`", launch.action)))?;
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
        match self
            .facts
            .applies(action, context.surface, &context.selection, self.roles())
        {
            Applies::No(reason) => Err(Failure::invalid(reason).hint("select something else")),
            Applies::Yes | Applies::Unknown => Ok((context, action.label.clone())),
        }
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
    fn go_on(&mut self, id: &JobId) {
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

    fn answer(
        &mut self,
        request: RequestId,
        id: &JobId,
        values: Map<String, Value>,
        wait_ms: Option<u64>,
    ) {
        let Some(job) = self.require_own_job(request, id) else {
            return;
        };
        if job.summary.state != JobState::Asks {
            let failure = Failure::new(
                FailureKind::Conflict,
                format!(
                    "`{}` asks nothing: it is {}",
                    job.summary.label,
                    said(job.summary.state)
                ),
            )
            .hint(format!("see `callboard jobs show {id}`"));
            return self.refuse(request, failure);
        }
        if let Some(view) = &job.view {
            // A field that was not answered keeps the value that was shown.
            let mut answered = view.initial_values();
            answered.extend(values);
            job.launch.values = answered;
        }
        self.resume(request, id, wait_ms);
    }

    fn resume(&mut self, request: RequestId, id: &JobId, wait_ms: Option<u64>) {
        self.change_job(id, JobState::Queued, "");
        let rows = self.job_row(id);
        self.keep(
            rows,
            AfterKept::Resumed {
                job: id.clone(),
                request,
                wait_ms,
            },
        );
    }

    /// An answer or a retry is on disk, or could not be written.
    pub(crate) fn resume_kept(
        &mut self,
        id: &JobId,
        request: RequestId,
        wait_ms: Option<u64>,
        result: Result<(), Failure>,
    ) {
        if let Err(failure) = result {
            self.refuse(request, failure.clone());
            return self.rest_job(id, crate::job::Rest::Failed(failure));
        }
        match wait_ms {
            Some(wait_ms) => self.wait_for_job(request, id, wait_ms),
            None => self.reply(request, Reply::Done),
        }
        self.go_on(id);
    }

    fn retry(&mut self, request: RequestId, id: &JobId) {
        let Some(job) = self.require_own_job(request, id) else {
            return;
        };
        let state = job.summary.state;
        let has_failed_units = job
            .run
            .as_ref()
            .is_some_and(crate::steps::StepsRun::has_failed_units);
        if !(state.has_ended() && (state != JobState::Done || has_failed_units)) {
            let failure = Failure::new(
                FailureKind::Conflict,
                format!("`{}` is {}", job.summary.label, said(state)),
            )
            .hint("retry a job that failed, was done partly or was cancelled");
            return self.refuse(request, failure);
        }
        job.failure = None;
        job.report_turns = 0;
        let (key, units) = match &mut job.run {
            Some(run) => (run.key.clone(), run.retry_failed()),
            None => (String::new(), Vec::new()),
        };
        if !units.is_empty() {
            self.keep(
                vec![Row::Units {
                    job: id.clone(),
                    hand_over: key,
                    units,
                }],
                AfterKept::Nothing,
            );
        }
        self.resume(request, id, None);
    }

    fn cancel(&mut self, request: RequestId, id: &JobId) {
        let Some(job) = self.require_job(request, id) else {
            return;
        };
        let state = job.summary.state;
        if state.has_ended() {
            let failure = Failure::new(
                FailureKind::Conflict,
                format!("`{}` is {}", job.summary.label, said(state)),
            );
            return self.refuse(request, failure);
        }
        self.reply(request, Reply::Done);
        self.cancel_job(id);
    }

    fn list(&mut self, request: RequestId, states: &[JobState], limit: usize) {
        let mut jobs: Vec<_> = self
            .jobs
            .values()
            .map(|job| &job.summary)
            .filter(|summary| states.is_empty() || states.contains(&summary.state))
            .cloned()
            .collect();
        jobs.sort_by(|a, b| (b.created_ms, &b.id).cmp(&(a.created_ms, &a.id)));
        jobs.truncate(limit);
        self.reply(request, Reply::Jobs(jobs));
    }

    /// Remembers facts that came from the server.
    pub(crate) fn learn(&mut self, facts: Vec<EntityFacts>) {
        for fact in facts {
            self.facts.insert(fact);
        }
    }

    fn plugin_summaries(&self) -> Vec<PluginSummary> {
        let usable = self
            .catalog
            .plugins()
            .filter(|plugin| plugin.present)
            .map(|plugin| {
                let processes = self
                    .processes
                    .values()
                    .filter(|process| process.plugin == plugin.manifest.id);
                let pids: Vec<u32> = processes.filter_map(|process| process.pid).collect();
                let health = &plugin.health;
                let state = match (
                    health.quarantined,
                    health.not_before > self.now,
                    pids.is_empty(),
                ) {
                    (true, _, _) => PluginState::Quarantined,
                    (false, true, _) => PluginState::BackingOff,
                    (false, false, false) => PluginState::Running,
                    (false, false, true) => PluginState::Idle,
                };
                PluginSummary {
                    id: plugin.manifest.id.clone(),
                    version: plugin.manifest.version.clone(),
                    state,
                    path: plugin.path.clone(),
                    pids,
                    starts: health.starts,
                    crashes: health.crashes,
                    problem: health.problem.clone(),
                    actions: plugin.manifest.action_ids().collect(),
                }
            });
        let broken = self.catalog.broken().iter().map(|plugin| PluginSummary {
            id: plugin
                .path
                .rsplit(['/', '\\'])
                .next()
                .unwrap_or_default()
                .into(),
            version: String::new(),
            state: PluginState::Broken,
            path: plugin.path.clone(),
            pids: Vec::new(),
            starts: 0,
            crashes: 0,
            problem: Some(plugin.problem.clone()),
            actions: Vec::new(),
        });
        usable.chain(broken).collect()
    }
}

fn menu_item(id: ActionId, action: &Action, host: &str) -> MenuItem {
    // ftrack's page can load an address or one of its own names; a file of the plugin's folder it cannot.
    let icon = action
        .icon
        .clone()
        .filter(|icon| icon.starts_with("http") || !icon.contains('.'));
    MenuItem {
        label: action.label.clone(),
        variant: action.variant.clone(),
        description: action.description.clone(),
        icon,
        action_identifier: id,
        callboard_host: host.to_owned(),
    }
}

pub(crate) fn no_such_job(id: &JobId) -> Failure {
    Failure::not_found(format!("there is no job `{id}`"))
        .hint("list the jobs with `callboard jobs list`")
}

/// Says a state in a sentence: "it is done".
fn said(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "about to start",
        JobState::Running => "running",
        JobState::Asks => "waiting for an answer",
        JobState::Working => "being done",
        JobState::Done => "done",
        JobState::Partly => "partly done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
        _ => "in a state that this version does not know",
    }
}
