//! What surfaces and clients ask: menus, and everything about jobs.

use callboard_protocol::{
    Action, ActionId, Context, Entity, Failure, FailureKind, JobId, JobState, MenuItem,
};
use serde_json::{Map, Value};

use crate::Engine;
use crate::event::{Ask, Effect, EntityFacts, Reply, RequestId, Row, facts_wait_ms};
use crate::facts::Applies;
use crate::job::Job;
use crate::waiting::{AfterKept, PendingMenu, Waiting};

impl Engine {
    pub(crate) fn asked(&mut self, request: RequestId, ask: Ask) {
        match ask {
            Ask::Discover { context } => self.discover(request, context),
            Ask::Launch(launch) => self.launch(request, launch),
            Ask::Answer {
                job,
                values,
                question,
                wait_ms,
            } => self.answer(request, &job, question, values, wait_ms),
            Ask::Draft(draft) => self.take_draft(request, &draft),
            Ask::Change(change) => self.ask_change(request, change),
            Ask::Back(back) => self.go_back(request, &back),
            Ask::Wait { job, wait_ms } => {
                if self.require_job(request, &job).is_some() {
                    self.wait_for_job(request, &job, wait_ms);
                }
            }
            Ask::Show(job) => {
                if let Some(job) = self.require_job(request, &job) {
                    let mut detail = job.detail();
                    detail.children = self.children_of(&detail.summary.id);
                    self.reply(request, Reply::Job(Box::new(detail)));
                }
            }
            Ask::List { states, limit } => self.list(request, &states, limit),
            Ask::Cancel(job) => self.cancel(request, &job),
            Ask::Retry(job) => self.retry(request, &job),
            Ask::Forgive(plugin) => {
                self.forgive(&plugin);
                self.reply(request, Reply::Done);
            }
            Ask::Plugins => {
                let plugins = self.plugin_summaries();
                self.reply(request, Reply::Plugins(plugins));
            }
            Ask::Commands => {
                let commands = self.commands();
                self.reply(request, Reply::Commands(commands));
            }
            Ask::Windows => {
                let windows = self.windows();
                self.reply(request, Reply::Windows(windows));
            }
            Ask::Settings(ask) => self.ask_settings(request, ask),
            Ask::StatusLines => {
                let lines = self.status_lines();
                self.reply(request, Reply::StatusLines(lines));
            }
        }
    }

    pub(crate) fn reply(&mut self, request: RequestId, reply: Reply) {
        if let Some(own) = self.own_requests.remove(&request) {
            return self.answer_own(own, reply);
        }
        self.out.push(Effect::Reply { request, reply });
    }

    pub(crate) fn refuse(&mut self, request: RequestId, failure: Failure) {
        self.reply(request, Reply::Failed(failure));
    }

    /// Whoever asked is gone: nobody waits for it any more.
    pub(crate) fn withdrawn(&mut self, request: RequestId) {
        self.menus.remove(&request);
        self.waiting.retain(
            |_, waiting| !matches!(waiting, Waiting::EarlyLaunch(early) if early.0 == request),
        );
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
    pub(crate) fn require_own_job(&mut self, request: RequestId, id: &JobId) -> Option<&mut Job> {
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
            return self.show_menu_with_hooks(request, &context);
        }
        let Some(wait_ms) = facts_wait_ms(context.surface) else {
            self.ask_facts(unknown, Waiting::WarmFacts);
            return self.show_menu_with_hooks(request, &context);
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

    fn show_menu_with_hooks(&mut self, request: RequestId, context: &Context) {
        if !self.ask_hooks(request, context) {
            self.show_menu(request, context);
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
        let mut items: Vec<MenuItem> = items.collect();
        items.extend(self.hook_items(context));
        (items, undecided)
    }

    pub(crate) fn roles(&self) -> &[String] {
        self.identity
            .as_ref()
            .map_or(&[], |identity| &identity.roles)
    }

    fn answer(
        &mut self,
        request: RequestId,
        id: &JobId,
        question: Option<u64>,
        values: Map<String, Value>,
        wait_ms: Option<u64>,
    ) {
        let plugin = self.jobs.get(id).map(|job| job.summary.action.plugin());
        let is_connect = plugin.is_some_and(|plugin| self.is_connect(&plugin));
        let Some(job) = self.require_own_job(request, id) else {
            return;
        };
        // A field that was not answered keeps what was filled in, or what was shown.
        let mut answered = job.drafted_values();
        answered.extend(values);
        let checked = match job.check_question(question) {
            // Hooks of ftrack Connect's have always been given what was typed.
            Ok(_) if is_connect => Ok(()),
            Ok(view) => view.check_values(&answered),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = checked {
            return self.refuse(request, failure);
        }
        job.remember_question(&answered);
        job.launch.values = answered;
        self.drop_change(id);
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

    pub(crate) fn retry(&mut self, request: RequestId, id: &JobId) {
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
pub(crate) fn said(state: JobState) -> &'static str {
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
