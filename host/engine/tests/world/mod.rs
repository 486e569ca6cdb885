//! The world around an engine under test: it keeps rows, starts processes that say hello, and lets a story answer the rest.

#![expect(dead_code, reason = "each test binary uses its own part of the world")]
#![expect(clippy::unwrap_used, reason = "a story that cannot be told fails")]

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use callboard_protocol::{
    Change, Context, DccContext, Entity, Failure, FailureKind, HandOver, JobDetail, JobId,
    JobState, Launch, Manifest, Message, Operation, Outcome, PluginId, PluginSummary, StepId,
    Surface,
};
use engine::{
    Ask, AskLaunch, Asker, Audience, CallResult, Catalogued, Config, DraftRow, Effect, Engine,
    EntityFacts, Event, Identity, JobRow, KeptJob, Lookup, ProcessId, Reply, RequestId, Row,
    ServiceRequest, Stop, Token, UnitRow,
};
use serde_json::{Map, Value, json};

pub(crate) struct World {
    pub(crate) engine: Engine,
    config: Config,
    now: u64,
    requests: u64,
    launches: u64,
    replies: HashMap<RequestId, Reply>,
    timers: Vec<(u64, Token)>,
    /// Everything that was written, in order.
    pub(crate) rows: Vec<Row>,
    held: Vec<(Token, Vec<Row>)>,
    pub(crate) hold_ledger: bool,
    pub(crate) ledger_failure: Option<Failure>,
    pub(crate) hold_hello: bool,
    started: Vec<(PluginId, ProcessId)>,
    turns: HashMap<ProcessId, (u64, Launch)>,
    answers: HashMap<(ProcessId, u64), Result<Value, Failure>>,
    next_message: u64,
    pub(crate) cancelled: HashSet<ProcessId>,
    pub(crate) stopped: Vec<(ProcessId, Stop)>,
    pub(crate) calls: VecDeque<Effect>,
    pub(crate) look_ups: VecDeque<(Token, Vec<Lookup>)>,
    /// What steps want published.
    pub(crate) published: VecDeque<(Token, Value)>,
    facts: VecDeque<Token>,
    /// What services were asked for.
    pub(crate) served: VecDeque<(Token, Asker, ServiceRequest)>,
    /// What services were told to give up.
    pub(crate) abandoned: Vec<Token>,
    pub(crate) rested: Vec<String>,
    pub(crate) settled: Vec<(String, Audience)>,
    /// What hooks are asked: the process, the message, the subscription, the event.
    pub(crate) handles: VecDeque<(ProcessId, u64, String, Value)>,
    /// What plugins tell the person.
    pub(crate) notices: Vec<String>,
    /// What was written to plugins' logs.
    pub(crate) logs: Vec<String>,
    /// What was told of a job, each time that it was: its message.
    pub(crate) changes: Vec<String>,
    /// What is wanted to be heard: expressions on the hub, and whether any on the bus.
    pub(crate) heard: Option<(Vec<String>, bool)>,
    /// The changes of live fields that processes were asked about.
    pub(crate) live: HashMap<ProcessId, (u64, Change)>,
    /// The connections that were asked what is selected.
    pub(crate) described: Vec<u64>,
}

impl World {
    /// A host with two plugins, somebody signed in and nothing to do.
    pub(crate) fn ready() -> Self {
        Self::with_config(Config {
            host: "host-1".into(),
            ..Config::default()
        })
    }

    pub(crate) fn with_batches_of(operations: usize) -> Self {
        Self::with_config(Config {
            host: "host-1".into(),
            batch_operations: operations,
            ..Config::default()
        })
    }

    /// A host whose `maker` may also read.
    pub(crate) fn reader() -> Self {
        let mut world = Self::ready();
        world.catalogue_maker(&json!(["ftrack.read", "ftrack.create.Shot"]));
        world
    }

    pub(crate) fn with_config(config: Config) -> Self {
        let mut world = Self::empty(config);
        world.event(Event::Restored(Vec::new()));
        world.begin();
        world.sign_in();
        world
    }

    /// A host that knows its plugins and has not heard of the server yet.
    pub(crate) fn before_sign_in() -> Self {
        let mut world = Self::empty(Config::default());
        world.event(Event::Restored(Vec::new()));
        world.begin();
        world
    }

    fn empty(config: Config) -> Self {
        Self {
            engine: Engine::new(config.clone()),
            config,
            now: 1_000_000,
            requests: 0,
            launches: 0,
            replies: HashMap::new(),
            timers: Vec::new(),
            rows: Vec::new(),
            held: Vec::new(),
            hold_ledger: false,
            ledger_failure: None,
            hold_hello: false,
            started: Vec::new(),
            turns: HashMap::new(),
            answers: HashMap::new(),
            next_message: 100,
            cancelled: HashSet::new(),
            stopped: Vec::new(),
            calls: VecDeque::new(),
            look_ups: VecDeque::new(),
            published: VecDeque::new(),
            facts: VecDeque::new(),
            served: VecDeque::new(),
            abandoned: Vec::new(),
            rested: Vec::new(),
            settled: Vec::new(),
            handles: VecDeque::new(),
            notices: Vec::new(),
            logs: Vec::new(),
            changes: Vec::new(),
            heard: None,
            live: HashMap::new(),
            described: Vec::new(),
        }
    }

    fn begin(&mut self) {
        self.event(Event::Catalogued(folders()));
    }

    /// Gives `maker` these permissions in place of its own.
    pub(crate) fn catalogue_maker(&mut self, permissions: &Value) {
        self.event(Event::Catalogued(folders_with(permissions)));
    }

    /// The plugin folders were read, and this is what they hold.
    pub(crate) fn catalogue(&mut self, manifests: &[Value]) {
        self.event(Event::Catalogued(folders_of(manifests)));
    }

    pub(crate) fn sign_in(&mut self) {
        self.event(Event::SignedIn(Identity {
            server: "https://demo".into(),
            user: "ada".into(),
            user_id: "u1".into(),
            roles: Vec::new(),
        }));
    }

    /// The host is killed: only what is in the ledger is there when it starts again.
    pub(crate) fn restart(self) -> Self {
        let mut world = Self::empty(self.config.clone());
        world.launches = self.launches;
        world.now = self.now;
        let kept = kept_jobs(&self.rows);
        world.rows = self.rows;
        world.event(Event::Restored(kept));
        world.begin();
        world.sign_in();
        world
    }

    pub(crate) fn event(&mut self, event: Event) {
        let mut effects: VecDeque<Effect> = self.engine.handle(self.now, event).into();
        while let Some(effect) = effects.pop_front() {
            for event in self.effect(effect) {
                effects.extend(self.engine.handle(self.now, event));
            }
        }
    }

    fn effect(&mut self, effect: Effect) -> Vec<Event> {
        match effect {
            Effect::Reply { request, reply } => {
                assert!(
                    self.replies.insert(request, reply).is_none(),
                    "{request:?} was answered twice"
                );
            }
            Effect::Keep { token, rows } if self.hold_ledger => self.held.push((token, rows)),
            Effect::Keep { token, rows } => return vec![self.write(token, rows)],
            Effect::StartChild { process, child } => {
                let plugin = child.plugin;
                return self.effect(Effect::StartProcess { process, plugin });
            }
            Effect::StartProcess { process, plugin } => {
                self.started.push((plugin, process));
                if !self.hold_hello {
                    return vec![
                        Event::ProcessStarted { process, pid: 42 },
                        Event::ProcessReady(process),
                    ];
                }
            }
            Effect::Send { process, message } => self.sent(process, message),
            Effect::Notify { notify, .. } => self.notices.push(notify.message),
            Effect::Log { plugin, log } => self.logs.push(format!("{plugin}: {}", log.message)),
            Effect::StopProcess { process, stop } => self.stopped.push((process, stop)),
            Effect::Examine { token, .. } => {
                let sentences = vec!["it sleeps".to_owned()];
                return vec![Event::Examined { token, sentences }];
            }
            Effect::JobChanged(job) => self.changes.push(job.message),
            Effect::Hear { hub, bus } => self.heard = Some((hub.into_iter().collect(), bus)),
            Effect::GiveJobId { token } => {
                self.launches += 1;
                let job = format!("job-{}", self.launches).into();
                return vec![Event::JobIdGiven { token, job }];
            }
            Effect::Describe { session, .. } => self.described.push(session),
            Effect::Serve {
                token,
                asker,
                request,
            } => self.served.push_back((token, asker, request)),
            Effect::Abandon { token } => self.abandoned.push(token),
            Effect::AskFacts { token, .. } => self.facts.push_back(token),
            Effect::Call { .. } => self.calls.push_back(effect),
            Effect::Publish { token, event } => self.published.push_back((token, event)),
            Effect::LookUp { token, entities } => self.look_ups.push_back((token, entities)),
            Effect::SetTimer { token, after_ms } => self.timers.push((self.now + after_ms, token)),
            Effect::JobRested(job) => self.rested.push(job.summary.id.to_string()),
            Effect::JobSettled { job, audience } => {
                self.settled.push((job.summary.id.to_string(), audience));
            }
            _ => {}
        }
        Vec::new()
    }

    fn write(&mut self, token: Token, rows: Vec<Row>) -> Event {
        let result = match &self.ledger_failure {
            Some(failure) => Err(failure.clone()),
            None => {
                self.rows.extend(rows);
                Ok(())
            }
        };
        Event::Kept { token, result }
    }

    pub(crate) fn release_ledger(&mut self) {
        self.hold_ledger = false;
        for (token, rows) in std::mem::take(&mut self.held) {
            let event = self.write(token, rows);
            self.event(event);
        }
    }

    /// Writes the oldest rows that are held; what follows from them is held as well.
    pub(crate) fn release_one(&mut self) {
        let (token, rows) = self.held.remove(0);
        let event = self.write(token, rows);
        self.event(event);
    }

    fn sent(&mut self, process: ProcessId, message: Message) {
        match message {
            Message::Request { id, method, params } if method == "connect.handle" => {
                let subscription = params["subscription"].as_str().unwrap().to_owned();
                let asked = (process, id, subscription, params["event"].clone());
                self.handles.push_back(asked);
            }
            Message::Request { id, method, params } if method == "change" => {
                let change = serde_json::from_value(params).unwrap();
                self.live.insert(process, (id, change));
            }
            Message::Request { id, params, .. } => {
                let launch = serde_json::from_value(params).unwrap();
                self.turns.insert(process, (id, launch));
            }
            Message::Notification { .. } => {
                self.cancelled.insert(process);
            }
            Message::Answer { id, result } => {
                self.answers.insert((process, id.unwrap()), result);
            }
        }
    }

    /// Lets time pass; timers fire in order.
    pub(crate) fn pass(&mut self, ms: u64) {
        let end = self.now + ms;
        loop {
            self.timers.sort();
            match self.timers.first() {
                Some((due, token)) if *due <= end => {
                    let (due, token) = (*due, *token);
                    self.timers.remove(0);
                    self.now = self.now.max(due);
                    self.event(Event::TimerFired(token));
                }
                _ => break,
            }
        }
        self.now = end;
    }

    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    pub(crate) fn ask(&mut self, ask: Ask) -> RequestId {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.event(Event::Asked { request, ask });
        request
    }

    pub(crate) fn reply(&self, request: RequestId) -> Option<Reply> {
        self.replies.get(&request).cloned()
    }

    fn ask_launch(&mut self, action: &str) -> AskLaunch {
        self.launches += 1;
        let context = Context {
            surface: Surface::Cli,
            ..Context::default()
        };
        AskLaunch {
            job: format!("job-{}", self.launches).into(),
            action: action.into(),
            context,
            ..AskLaunch::default()
        }
    }

    pub(crate) fn launch(&mut self, action: &str, values: &[(&str, &str)]) -> RequestId {
        let mut launch = self.ask_launch(action);
        launch.values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        self.ask(Ask::Launch(launch))
    }

    pub(crate) fn launch_event(&mut self, action: &str, event: &str) -> RequestId {
        let mut launch = self.ask_launch(action);
        launch.event_id = Some(event.to_owned());
        self.ask(Ask::Launch(launch))
    }

    pub(crate) fn launch_from_application(
        &mut self,
        action: &str,
        event: &str,
        session: u64,
    ) -> RequestId {
        let mut launch = self.ask_launch(action);
        launch.event_id = Some(event.to_owned());
        launch.context.surface = Surface::Flame;
        launch.context.dcc = Some(DccContext {
            selection_id: "sel".into(),
            session: Some(session),
            ..DccContext::default()
        });
        self.ask(Ask::Launch(launch))
    }

    pub(crate) fn launch_on(&mut self, action: &str, kind: &str, id: &str) -> RequestId {
        let mut launch = self.ask_launch(action);
        launch.context.selection = vec![Entity::new(kind, id)];
        self.ask(Ask::Launch(launch))
    }

    pub(crate) fn launch_and_wait(&mut self, action: &str, wait_ms: u64) -> RequestId {
        self.launch_from("web", action, wait_ms)
    }

    pub(crate) fn launch_from(&mut self, surface: &str, action: &str, wait_ms: u64) -> RequestId {
        let mut launch = self.ask_launch(action);
        launch.context.surface = serde_json::from_value(json!(surface)).unwrap();
        launch.wait_ms = Some(wait_ms);
        self.ask(Ask::Launch(launch))
    }

    /// Launches `maker.make` as the next job and returns the process that runs it.
    pub(crate) fn launched_maker(&mut self) -> ProcessId {
        self.launch("maker.make", &[]);
        self.started("maker")
    }

    pub(crate) fn discover(&mut self, surface: &str, kind: &str, id: &str) -> RequestId {
        let surface: Surface = serde_json::from_value(json!(surface)).unwrap();
        let context = Context {
            surface,
            selection: vec![Entity::new(kind, id)],
            ..Context::default()
        };
        self.ask(Ask::Discover { context })
    }

    pub(crate) fn menu(&self, request: RequestId) -> Vec<String> {
        let Some(Reply::Menu(items)) = self.reply(request) else {
            panic!("no menu")
        };
        items.into_iter().map(|item| item.label).collect()
    }

    pub(crate) fn answer_facts(&mut self, facts: &[(&str, &str)]) {
        let token = self.facts.pop_front().expect("facts were asked for");
        let facts = facts.iter().map(|(id, kind)| EntityFacts {
            id: (*id).to_owned(),
            kind: (*kind).to_owned(),
            object_type: (*kind != "Project").then(|| (*kind).to_owned()),
            ..EntityFacts::default()
        });
        self.event(Event::Facts {
            token,
            result: Ok(facts.collect()),
        });
    }

    pub(crate) fn started(&self, plugin: &str) -> ProcessId {
        let of_plugin = |(id, _): &&(PluginId, ProcessId)| id.as_str() == plugin;
        self.started
            .iter()
            .rev()
            .find(of_plugin)
            .unwrap_or_else(|| panic!("no process of {plugin} was started"))
            .1
    }

    pub(crate) fn started_for(&self, plugin: &str, job: &str) -> ProcessId {
        let runs = |(id, process): &&(PluginId, ProcessId)| {
            id.as_str() == plugin
                && self
                    .turns
                    .get(process)
                    .is_some_and(|(_, launch)| launch.job.as_str() == job)
        };
        self.started
            .iter()
            .find(runs)
            .expect("a process that runs the job")
            .1
    }

    pub(crate) fn latest_process(&self) -> Option<ProcessId> {
        self.started.last().map(|(_, process)| *process)
    }

    pub(crate) fn try_turn(&self, process: ProcessId) -> Option<Launch> {
        self.turns.get(&process).map(|(_, launch)| launch.clone())
    }

    pub(crate) fn count_started(&self, plugin: &str) -> usize {
        self.started
            .iter()
            .filter(|(id, _)| id.as_str() == plugin)
            .count()
    }

    /// Returns the launch that a process was sent last.
    pub(crate) fn turn(&self, process: ProcessId) -> Launch {
        self.turns
            .get(&process)
            .expect("a turn was started")
            .1
            .clone()
    }

    pub(crate) fn end_turn(&mut self, process: ProcessId, outcome: Result<Outcome, Failure>) {
        let (id, _) = self.turns.get(&process).expect("a turn was started");
        let message = Message::Answer {
            id: Some(*id),
            result: outcome.map(|outcome| serde_json::to_value(outcome).unwrap()),
        };
        self.event(Event::ProcessSaid { process, message });
    }

    /// Returns the change of a live field that a process was asked about last.
    pub(crate) fn change(&self, process: ProcessId) -> Change {
        let asked = self.live.get(&process);
        asked.expect("a change was asked about").1.clone()
    }

    pub(crate) fn answer_change(&mut self, process: ProcessId, result: Result<Value, Failure>) {
        let (id, _) = self
            .live
            .remove(&process)
            .expect("a change was asked about");
        let message = Message::Answer {
            id: Some(id),
            result,
        };
        self.event(Event::ProcessSaid { process, message });
    }

    pub(crate) fn ask_host(
        &mut self,
        process: ProcessId,
        method: &str,
        params: Value,
    ) -> Option<Result<Value, Failure>> {
        self.next_message += 1;
        let id = self.next_message;
        self.event(Event::ProcessSaid {
            process,
            message: Message::Request {
                id,
                method: method.to_owned(),
                params,
            },
        });
        self.answers.remove(&(process, id))
    }

    /// Has a process tell something that nobody answers.
    pub(crate) fn tell(&mut self, process: ProcessId, method: &str, params: Value) {
        let method = method.to_owned();
        let message = Message::Notification { method, params };
        self.event(Event::ProcessSaid { process, message });
    }

    /// Returns the answer to what a process asked last, where it came later.
    pub(crate) fn last_answer(&mut self, process: ProcessId) -> Option<Result<Value, Failure>> {
        self.answers.remove(&(process, self.next_message))
    }

    pub(crate) fn hand_over(&mut self, process: ProcessId, work: Value) {
        let answer = self.ask_host(process, "steps.hand_over", work);
        if !self.hold_ledger {
            assert_eq!(answer, Some(Ok(json!({}))));
        }
    }

    pub(crate) fn has_call(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Answers the oldest call and returns the ids of its operations.
    pub(crate) fn answer_call(&mut self, result: CallResult) -> Vec<String> {
        self.answer_call_with(|_| result)
    }

    pub(crate) fn answer_call_with(
        &mut self,
        answer: impl FnOnce(&[String]) -> CallResult,
    ) -> Vec<String> {
        let Some(Effect::Call { token, operations }) = self.calls.pop_front() else {
            panic!("no call")
        };
        let ids = ids_of(&operations);
        self.event(Event::Called {
            token,
            result: answer(&ids),
            took_ms: 10,
        });
        ids
    }

    /// Says what came of the oldest event that was to be published, and returns the event.
    pub(crate) fn answer_publish(&mut self, result: CallResult) -> Value {
        let (token, event) = self.published.pop_front().expect("an event");
        self.event(Event::Published { token, result });
        event
    }

    pub(crate) fn answer_look_up(&mut self, exists: bool) -> Vec<String> {
        self.answer_look_up_with(|entities| vec![exists.then(Map::new); entities.len()])
    }

    pub(crate) fn answer_look_up_with(
        &mut self,
        answer: impl FnOnce(&[Lookup]) -> Vec<Option<Map<String, Value>>>,
    ) -> Vec<String> {
        let (token, entities) = self.look_ups.pop_front().expect("a look-up");
        let found = answer(&entities);
        self.event(Event::LookedUp {
            token,
            result: Ok(found),
        });
        entities
            .iter()
            .map(|entity| entity.key[0].clone())
            .collect()
    }

    pub(crate) fn job(&mut self, id: &str) -> JobDetail {
        let request = self.ask(Ask::Show(id.into()));
        match self.reply(request) {
            Some(Reply::Job(job)) => *job,
            other => panic!("no job {id}: {other:?}"),
        }
    }

    pub(crate) fn job_state(&mut self, id: &str) -> Option<JobState> {
        let request = self.ask(Ask::Show(id.into()));
        match self.reply(request) {
            Some(Reply::Job(job)) => Some(job.summary.state),
            _ => None,
        }
    }

    pub(crate) fn plugin(&mut self, id: &str) -> PluginSummary {
        let request = self.ask(Ask::Plugins);
        let Some(Reply::Plugins(plugins)) = self.reply(request) else {
            panic!("no plugins")
        };
        plugins
            .into_iter()
            .find(|plugin| plugin.id.as_str() == id)
            .expect("the plugin")
    }
}

/// Reads jobs back as the ledger does.
fn kept_jobs(rows: &[Row]) -> Vec<KeptJob> {
    let mut jobs: BTreeMap<JobId, JobRow> = BTreeMap::new();
    let mut hand_overs: BTreeMap<JobId, Vec<HandOver>> = BTreeMap::new();
    let mut drafts: BTreeMap<JobId, BTreeMap<String, DraftRow>> = BTreeMap::new();
    let mut units: BTreeMap<JobId, BTreeMap<(String, StepId, String), UnitRow>> = BTreeMap::new();
    for row in rows {
        match row {
            Row::Job(job) => {
                // Through JSON, as on disk.
                let job: JobRow =
                    serde_json::from_str(&serde_json::to_string(job).unwrap()).unwrap();
                jobs.insert(job.detail.summary.id.clone(), job);
            }
            Row::Draft { job, change } => {
                let kept = drafts.entry(job.clone()).or_default();
                if change.clear {
                    kept.clear();
                }
                change.forget.iter().for_each(|key| drop(kept.remove(key)));
                kept.extend(change.put.iter().cloned());
            }
            Row::HandOver { job, hand_over } => hand_overs
                .entry(job.clone())
                .or_default()
                .push((**hand_over).clone()),
            Row::Units {
                job,
                hand_over,
                units: rows,
            } => {
                let known = units.entry(job.clone()).or_default();
                known.extend(rows.iter().map(|row| {
                    (
                        (hand_over.clone(), row.step.clone(), row.key.clone()),
                        row.clone(),
                    )
                }));
            }
        }
    }
    jobs.into_iter()
        .map(|(id, row)| {
            let hand_overs = hand_overs.remove(&id).unwrap_or_default();
            let last = hand_overs
                .last()
                .map(|hand_over| hand_over.key.clone())
                .unwrap_or_default();
            let draft = drafts.remove(&id).unwrap_or_default();
            let draft = draft.into_values().collect();
            let units = units.remove(&id).unwrap_or_default();
            let units = units
                .into_iter()
                .filter(|((key, _, _), _)| *key == last)
                .map(|(_, row)| row)
                .collect();
            KeptJob {
                row,
                hand_overs,
                draft,
                units,
            }
        })
        .collect()
}

/// The folders of the two plugins.
pub(crate) fn folders() -> Vec<Catalogued> {
    folders_with(&json!([
        "ftrack.create.Shot",
        "ftrack.update.Shot",
        "store",
        "dcc"
    ]))
}

/// The folders of the two plugins, where `maker` has these permissions.
fn folders_with(permissions: &Value) -> Vec<Catalogued> {
    let manifests = [
        json!({"id": "greeter", "version": "1.0.0", "run": {"library": "greeter"},
            "action": [{"id": "greet", "label": "Greet", "when": {"types": ["Shot"]}}]}),
        json!({"id": "maker", "version": "1.0.0", "run": {"library": "maker"}, "permissions": permissions,
            "action": [{"id": "make", "label": "Make", "when": {"types": ["Project", "Sequence"]}}]}),
    ];
    folders_of(&manifests)
}

fn folders_of(manifests: &[Value]) -> Vec<Catalogued> {
    let folders = manifests.iter().map(|manifest| {
        let manifest: Manifest = serde_json::from_value(manifest.clone()).unwrap();
        Catalogued::used(format!("/plugins/{}", manifest.id), Ok(manifest))
    });
    folders.collect()
}

pub(crate) fn ids_of(operations: &[Operation]) -> Vec<String> {
    let id = |operation: &Operation| match operation {
        Operation::Create { id, .. } => id.clone(),
        Operation::Update { key, .. } | Operation::Delete { key, .. } => key.join(","),
        _ => String::new(),
    };
    operations.iter().map(id).collect()
}

pub(crate) fn failure(message: &str) -> Failure {
    Failure::new(FailureKind::Unavailable, message)
}

pub(crate) fn create(id: &str) -> Value {
    json!({"action": "create", "entity_type": "Shot", "id": id, "data": {"name": id}})
}

/// A hand-over of one step with a unit for each id.
pub(crate) fn units(ids: &[&str]) -> Value {
    let units: Vec<Value> = ids
        .iter()
        .map(|id| json!({"key": id, "label": id, "operations": [create(id)]}))
        .collect();
    json!({"key": "plan", "state": "mine", "steps": [{"id": "make", "kind": "call", "units": units}]})
}
