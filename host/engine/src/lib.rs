//! The brain of the host: events in, effects out, no I/O.
//!
//! [`Engine::handle`] is the whole interface: whatever happens to the host arrives as an [`Event`], whatever is to be done leaves as [`Effect`]s.
//! It must never know files, sockets, threads, the clock or windows: time and answers arrive with events, and tests tell whole stories without waiting.
//!
//! Read first: [`Event`] and [`Effect`] (the closed sets), then [`Engine`].

mod ask;
mod catalog;
mod catalogued;
mod change;
mod child_job;
mod connect;
mod declared;
mod draft;
mod event;
mod facts;
mod job;
mod launch;
mod listening;
mod overdue;
mod own_request;
mod permission;
mod plugin_list;
mod process;
mod question;
mod request;
mod retire;
mod row;
mod service;
mod settings;
mod status;
mod steps;
mod subscription;
mod telling;
mod turn;
mod waiting;
mod work;

use std::collections::{BTreeMap, HashMap};

use callboard_protocol::{Failure, FailureKind, JobId, PluginId};

use crate::waiting::{AfterKept, Overdue, Waiting};

pub use catalogued::{Catalogued, Standing};
pub use connect::{HOST_APPLICATION, entity_type_from_kind};
pub use event::{
    Ask, AskLaunch, Audience, CallResult, DraftChange, DraftRow, Earlier, Effect, EntityFacts,
    Event, HookFolder, Identity, JobRow, KeptJob, Lookup, Millis, NewChild, ProcessEnd, ProcessId,
    Reply, RequestId, Row, Stop, Token, UnitRow, WEB_FACTS_WAIT_MS,
};
pub use service::{Asker, ServiceRequest, StoreRequest};
pub use settings::SettingsLayer;

/// What the engine is told once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The host's id: one for each machine and profile.
    pub host: String,
    /// How long a process may take to say hello, in milliseconds.
    pub hello_ms: u64,
    /// How long a turn may take, in milliseconds.
    pub turn_ms: u64,
    /// How long a plugin may take to answer the change of a live field, in milliseconds.
    pub change_ms: u64,
    /// How long a turn may go on after it was cancelled, in milliseconds.
    pub cancel_ms: u64,
    /// How long a process may idle before it is stopped, in milliseconds.
    pub idle_ms: u64,
    /// How long to wait before a crashed plugin is started again, in milliseconds; doubled with each further crash.
    pub restart_ms: u64,
    /// How many crashes in a row put a plugin into quarantine.
    pub quarantine_crashes: u32,
    /// How long a quarantine lasts before one more start is tried, in milliseconds.
    pub quarantine_ms: u64,
    /// How long to wait before a call that did not reach the server is tried again, in milliseconds; doubled with each further try.
    pub retry_ms: u64,
    /// The longest such wait, in milliseconds.
    pub retry_max_ms: u64,
    /// How many operations one call may carry.
    pub batch_operations: usize,
    /// How many calls may be under way at once.
    pub call_lanes: usize,
    /// How many entities' facts are remembered.
    pub facts: usize,
    /// How many ended jobs are remembered for lists.
    pub ended_jobs: usize,
    /// The program's own commands, which no plugin can have.
    pub own_commands: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: String::new(),
            hello_ms: 10_000,
            turn_ms: 600_000,
            change_ms: 10_000,
            cancel_ms: 5_000,
            idle_ms: 60_000,
            restart_ms: 500,
            quarantine_crashes: 5,
            quarantine_ms: 300_000,
            retry_ms: 1_000,
            retry_max_ms: 60_000,
            batch_operations: 2_000,
            call_lanes: 2,
            facts: 10_000,
            ended_jobs: 500,
            own_commands: Vec::new(),
        }
    }
}

/// The brain of the host.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    now: Millis,
    out: Vec<Effect>,
    identity: Option<Identity>,
    signed_out: Failure,
    /// When the first event came.
    begun_ms: Millis,
    /// Whether it is known that somebody is signed in, or that nobody will be.
    settled: bool,
    catalog: catalog::Catalog,
    facts: facts::FactsCache,
    menus: HashMap<RequestId, waiting::PendingMenu>,
    jobs: BTreeMap<JobId, job::Job>,
    event_ids: HashMap<String, JobId>,
    processes: BTreeMap<ProcessId, process::Process>,
    waiting: HashMap<Token, waiting::Waiting>,
    /// What plugins made their status lines say.
    status: BTreeMap<(PluginId, String), status::Said>,
    status_changes: u64,
    /// Who hears which event.
    listening: listening::Listening,
    /// The events that wait for subscriptions that plugins declare.
    gathered: BTreeMap<(PluginId, String), subscription::Gathered>,
    own_requests: HashMap<RequestId, own_request::OwnRequest>,
    last_own_request: u64,
    hub_was_lost: bool,
    /// What plugins have shown to the person lately.
    notices: telling::Notices,
    /// What is set for plugins, the last layer over all others.
    settings_layers: Vec<SettingsLayer>,
    connect: connect::Connect,
    last_token: u64,
    last_process: u64,
    last_change: u64,
    /// How many operations a call may carry just now, with this server.
    batch_operations: usize,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl Engine {
    /// Makes an engine that knows nothing yet.
    pub fn new(config: Config) -> Self {
        Self {
            now: 0,
            out: Vec::new(),
            identity: None,
            begun_ms: 0,
            settled: false,
            signed_out: Failure::new(FailureKind::NotSignedIn, "nobody is signed in")
                .hint("sign in with `callboard login`"),
            catalog: catalog::Catalog::default(),
            facts: facts::FactsCache::new(config.facts),
            menus: HashMap::new(),
            jobs: BTreeMap::new(),
            event_ids: HashMap::new(),
            processes: BTreeMap::new(),
            waiting: HashMap::new(),
            status: BTreeMap::new(),
            status_changes: 0,
            listening: listening::Listening::default(),
            gathered: BTreeMap::new(),
            own_requests: HashMap::new(),
            last_own_request: 0,
            hub_was_lost: false,
            notices: telling::Notices::default(),
            settings_layers: Vec::new(),
            connect: connect::Connect::default(),
            last_token: 0,
            last_process: 0,
            last_change: 0,
            batch_operations: config.batch_operations,
            config,
        }
    }

    /// Takes one event that happened at `now` and returns what is to be done about it, in order.
    pub fn handle(&mut self, now: Millis, event: Event) -> Vec<Effect> {
        self.now = now;
        if self.begun_ms == 0 {
            self.begun_ms = now;
        }
        match event {
            Event::Restored(jobs) => self.restored(jobs),
            Event::Catalogued(folders) => {
                self.catalog.replace(folders);
                self.retire_processes();
                self.out.push(Effect::CatalogChanged);
                self.forget_status();
                self.tend_children();
                self.listen_as_declared();
                self.resume_jobs();
                self.pump_all();
            }
            Event::SettingsRead(layers) => self.settings_layers = layers,
            Event::SignedIn(identity) => {
                let before = self.identity.replace(identity.clone());
                if before.is_some_and(|before| {
                    (before.server, before.user) != (identity.server, identity.user)
                }) {
                    self.end_children();
                }
                self.tend_children();
                self.resume_jobs();
                self.wake_steps();
                self.take_early_launches();
            }
            Event::SignedOut(failure) => {
                self.identity = None;
                // That the server has not been reached yet says nothing of who may sign in there.
                let is_settled = failure.kind != FailureKind::Unavailable;
                self.signed_out = failure;
                self.tend_children();
                if is_settled {
                    self.take_early_launches();
                }
            }
            Event::HubConnected => {
                // What changed while the hub was away was not heard of.
                self.facts.forget_all();
                if std::mem::take(&mut self.hub_was_lost) {
                    self.events_were_missed();
                }
                self.wake_steps();
            }
            Event::HubLost => {
                self.facts.forget_all();
                self.hub_was_lost = true;
            }
            Event::Happened { on, event } => self.happened(on, &event),
            Event::EntitiesChanged { ids } => self.facts.forget(&ids),
            Event::Asked { request, ask } => self.asked(request, ask),
            Event::Withdrawn(request) => self.withdrawn(request),
            Event::ProcessStarted { process, pid } => {
                if let Some(process) = self.processes.get_mut(&process) {
                    process.pid = Some(pid);
                }
                self.child_started(process);
            }
            Event::ProcessReady(process) => self.process_ready(process),
            Event::ProcessSaid { process, message } => self.process_said(process, message),
            Event::ProcessEnded { process, end } => self.process_ended(process, end),
            Event::ServiceAdvanced { token, progress } => self.service_advanced(token, progress),
            Event::Examined { token, sentences } => self.examined(token, sentences),
            Event::TimerFired(token) => self.timer_fired(token),
            answer => self.answered(answer),
        }
        std::mem::take(&mut self.out)
    }

    fn signed_in(&self) -> Result<&Identity, &Failure> {
        self.identity.as_ref().ok_or(&self.signed_out)
    }

    /// Takes the answer to an effect to whoever waits for it. One that nobody waits for any more is dropped.
    fn answered(&mut self, answer: Event) {
        match answer {
            Event::Facts { token, result } => {
                let known = result.map(|facts| self.learn(facts));
                match self.waiting.remove(&token) {
                    Some(Waiting::DiscoverFacts { request }) => self.finish_menu(request),
                    Some(Waiting::LaunchFacts(pending)) => self.launch_facts(*pending, known),
                    _ => {}
                }
            }
            Event::Kept { token, result } => {
                if let Some(Waiting::Kept(after)) = self.waiting.remove(&token) {
                    self.kept(after, result);
                }
            }
            Event::Queried { token, result } => {
                if let Some(Waiting::Service(service)) = self.waiting.remove(&token) {
                    self.serve_query(&service, result);
                }
            }
            Event::Served { token, result } => {
                if let Some(Waiting::Attaching { .. }) = self.waiting.get(&token)
                    && let Some(Waiting::Attaching { job, service }) = self.waiting.remove(&token)
                {
                    return self.attached(&job, service, result);
                }
                if let Some(Waiting::Service(service) | Waiting::Abandonable(service)) =
                    self.waiting.remove(&token)
                {
                    self.serve(&service, result);
                }
            }
            Event::Described { token, result } => {
                if let Some(Waiting::Service(service)) = self.waiting.remove(&token) {
                    self.serve_description(&service, result);
                }
            }
            Event::JobIdGiven { token, job } => {
                if let Some(Waiting::JobId(own)) = self.waiting.remove(&token) {
                    self.job_id_given(*own, job);
                }
            }
            Event::SettingsWritten { token, result } => {
                if let Some(Waiting::SettingsWritten { request, plugin }) =
                    self.waiting.remove(&token)
                {
                    self.settings_written(request, &plugin, result);
                }
            }
            Event::Called {
                token,
                result,
                took_ms,
            } => {
                if let Some(Waiting::Call { job, step }) = self.waiting.remove(&token) {
                    self.adapt(took_ms);
                    self.called(&job, step, result);
                }
            }
            Event::Published { token, result } => {
                if let Some(Waiting::Call { job, step }) = self.waiting.remove(&token) {
                    self.called(&job, step, result);
                }
            }
            Event::LookedUp { token, result } => {
                if let Some(Waiting::LookUp { job, step }) = self.waiting.remove(&token) {
                    self.looked_up(&job, step, result);
                }
            }
            _ => unreachable!("every other event is handled where it arrives"),
        }
    }

    fn kept(&mut self, after: AfterKept, result: Result<(), Failure>) {
        match after {
            AfterKept::Nothing => {}
            AfterKept::Launched { job, requests } => self.launch_kept(&job, requests, result),
            AfterKept::Resumed {
                job,
                request,
                wait_ms,
            } => self.resume_kept(&job, request, wait_ms, result),
            AfterKept::Drafted { job, request, kept } => {
                self.draft_kept(&job, request, kept, result);
            }
            AfterKept::WentBack { job, request } => self.went_back(&job, request, result),
            AfterKept::Rested(job) => self.announce_rest(&job),
            AfterKept::HandedOver {
                job,
                service,
                hand_over,
            } => self.hand_over_kept(&job, &service, *hand_over, result),
            AfterKept::Attached { service, file } => {
                self.serve(&service, result.map(|()| turn::as_json(&file)));
            }
            AfterKept::Marked { job, step } => self.marked(&job, step, result),
        }
    }

    fn timer_fired(&mut self, token: Token) {
        match self.waiting.remove(&token) {
            Some(Waiting::DiscoverOver { request }) => self.finish_menu(request),
            Some(Waiting::LaunchOver { facts }) => self.launch_is_over(facts),
            Some(early @ Waiting::EarlyLaunch(_)) => {
                self.waiting.insert(token, early);
                self.take_early_launches();
            }
            Some(Waiting::WaitOver { request, job }) => self.wait_is_over(request, &job),
            Some(Waiting::HelloOver(process)) => self.examine(Overdue::Hello(process)),
            Some(Waiting::TurnOver { process, turn }) => {
                self.examine(Overdue::Turn { process, turn });
            }
            Some(Waiting::CancelOver { process, turn }) => {
                self.examine(Overdue::Cancel { process, turn });
            }
            Some(Waiting::ExamineOver(examined)) => self.examined(examined, Vec::new()),
            Some(Waiting::IdleOver { process, turn }) => self.idle_is_over(process, turn),
            Some(Waiting::RestartDue(plugin)) => self.restart_is_due(&plugin),
            Some(Waiting::GatheringOver(subscription)) => self.gathering_is_over(&subscription),
            Some(Waiting::EventsOver { process, wait }) => {
                self.wait_for_events_is_over(process, wait);
            }
            Some(Waiting::ProgressOver { job }) => self.progress_pause_is_over(&job),
            Some(Waiting::ChangeOver { job, change }) => self.change_is_over(&job, change),
            Some(Waiting::StatusOver { line, change }) => self.status_is_over(&line, change),
            Some(Waiting::HandleOver { process, message }) => self.handle_is_over(process, message),
            Some(Waiting::StepDue { job, step, tries }) => self.step_is_due(&job, step, tries),
            _ => {}
        }
    }
}
