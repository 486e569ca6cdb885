//! What goes into the engine and what comes out: a closed set of events and effects.

use std::collections::BTreeSet;

use callboard_protocol::{
    Describe, Description, Entity, EventPlace, Failure, JobDetail, JobId, JobSummary, Log, Message,
    Notify, Operation, PluginId, PluginSettingsAsk, Progress, Surface,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::catalogued::Catalogued;
pub use crate::draft::{DraftChange, DraftRow};
pub use crate::request::{Ask, AskLaunch, Reply};
pub use crate::row::{Earlier, JobRow, KeptJob, Row, UnitRow};
use crate::service::{Asker, ServiceRequest, StoreRequest};
use crate::settings::SettingsLayer;

/// A moment of the wall clock, in milliseconds since 1970 UTC.
pub type Millis = u64;

/// Ties a surface's request to its reply. Given out by whoever asks; never used twice while the host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// One process of a plugin. Given out by the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u64);

/// Ties an effect to the event that tells what came of it. Given out by the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// Everything that can happen to the engine.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "events are moved once, from the queue into the engine"
)]
pub enum Event {
    /// The ledger was read: what is kept of earlier jobs. Comes once, first.
    Restored(Vec<KeptJob>),
    /// The plugin folders were read. Replaces what was known of plugins before.
    Catalogued(Vec<Catalogued>),
    /// The files with settings of plugins were read. Replaces what was known of them before.
    SettingsRead(Vec<SettingsLayer>),
    /// The server accepted the credentials.
    SignedIn(Identity),
    /// There are no credentials that the server accepts.
    SignedOut(Failure),
    /// The event hub is up: requests that wait for the server are tried at once.
    HubConnected,
    /// The event hub is down: changes may be missed, so entity facts are forgotten.
    HubLost,
    /// Somebody asks something.
    Asked {
        /// Ties the reply to it.
        request: RequestId,
        /// What is asked.
        ask: Ask,
    },
    /// Whoever made a request is gone; its reply is not wanted any more.
    Withdrawn(RequestId),
    /// Answers [`Effect::AskFacts`]. Entities that do not exist are missing from the list.
    Facts {
        /// The effect's token.
        token: Token,
        /// What the server knows of the entities.
        result: Result<Vec<EntityFacts>, Failure>,
    },
    /// Somebody published an event that a plugin wants to hear.
    Happened {
        /// Where.
        on: EventPlace,
        /// The event.
        event: Box<callboard_event::Event>,
    },
    /// Answers [`Effect::GiveJobId`].
    JobIdGiven {
        /// The effect's token.
        token: Token,
        /// A fresh id.
        job: JobId,
    },
    /// Entities changed on the server.
    EntitiesChanged {
        /// Their ids.
        ids: Vec<String>,
    },
    /// A process was started.
    ProcessStarted {
        /// The process.
        process: ProcessId,
        /// Its id in the operating system.
        pid: u32,
    },
    /// A process said hello, in a version that the host speaks.
    ProcessReady(ProcessId),
    /// A process sent a message.
    ProcessSaid {
        /// The process.
        process: ProcessId,
        /// The message.
        message: Message,
    },
    /// A process ended or could not be started. Nothing comes from it any more.
    ProcessEnded {
        /// The process.
        process: ProcessId,
        /// How it ended.
        end: ProcessEnd,
    },
    /// Answers [`Effect::Keep`].
    Kept {
        /// The effect's token.
        token: Token,
        /// Whether it is on disk.
        result: Result<(), Failure>,
    },
    /// Answers [`Effect::Serve`] and [`Effect::Store`].
    Served {
        /// The effect's token.
        token: Token,
        /// What the plugin is answered.
        result: Result<Value, Failure>,
    },
    /// What [`Effect::Serve`] asked for goes on, and is this far.
    ServiceAdvanced {
        /// The effect's token.
        token: Token,
        /// How far.
        progress: Progress,
    },
    /// Answers [`Effect::Query`].
    Queried {
        /// The effect's token.
        token: Token,
        /// One list of entities for each expression.
        result: Result<Vec<Vec<Map<String, Value>>>, Failure>,
    },
    /// Answers [`Effect::Describe`].
    Described {
        /// The effect's token.
        token: Token,
        /// One page.
        result: Result<Description, Failure>,
    },
    /// Answers [`Effect::WriteSettings`].
    SettingsWritten {
        /// The effect's token.
        token: Token,
        /// Every layer as it is now.
        result: Result<Vec<SettingsLayer>, Failure>,
    },
    /// Answers [`Effect::Call`].
    Called {
        /// The effect's token.
        token: Token,
        /// What came of it.
        result: CallResult,
        /// How long the server took, in milliseconds.
        took_ms: u64,
    },
    /// Answers [`Effect::Publish`].
    Published {
        /// The effect's token.
        token: Token,
        /// What came of it.
        result: CallResult,
    },
    /// Answers [`Effect::LookUp`].
    LookedUp {
        /// The effect's token.
        token: Token,
        /// For each entity asked about, in order: its attributes, or none where it does not exist.
        result: Result<Vec<Option<Map<String, Value>>>, Failure>,
    },
    /// Answers [`Effect::Examine`].
    Examined {
        /// The effect's token.
        token: Token,
        /// What the process is doing, in a few sentences; none where nobody can tell.
        sentences: Vec<String>,
    },
    /// A timer ran out. The engine ignores one it no longer waits for.
    TimerFired(Token),
}

/// Everything that the engine can want done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Answer a request.
    Reply {
        /// The request.
        request: RequestId,
        /// The answer.
        reply: Reply,
    },
    /// Write rows in one transaction; answered with [`Event::Kept`].
    Keep {
        /// Ties the answer to it.
        token: Token,
        /// The rows.
        rows: Vec<Row>,
    },
    /// Start a process of a plugin; answered with [`Event::ProcessStarted`] and [`Event::ProcessReady`], or [`Event::ProcessEnded`].
    StartProcess {
        /// The process.
        process: ProcessId,
        /// Its plugin.
        plugin: PluginId,
    },
    /// Start the child that serves a Connect plugin's hooks; answered as [`Effect::StartProcess`] is.
    StartChild {
        /// The process.
        process: ProcessId,
        /// What it is made of.
        child: Box<NewChild>,
    },
    /// Send a message to a process.
    Send {
        /// The process.
        process: ProcessId,
        /// The message.
        message: Message,
    },
    /// Look what a process that does not answer is doing, and put all of it into its plugin's log; answered with [`Event::Examined`].
    Examine {
        /// Ties the answer to it.
        token: Token,
        /// The process.
        process: ProcessId,
    },
    /// End a process; answered with [`Event::ProcessEnded`].
    StopProcess {
        /// The process.
        process: ProcessId,
        /// How.
        stop: Stop,
    },
    /// Ask the server for facts about entities, in one request; answered with [`Event::Facts`].
    AskFacts {
        /// Ties the answer to it.
        token: Token,
        /// The entities; kinds may be coarse.
        entities: Vec<Entity>,
    },
    /// Do something for a plugin; answered with [`Event::Served`].
    Serve {
        /// Ties the answer to it.
        token: Token,
        /// Who asks.
        asker: Asker,
        /// For what.
        request: ServiceRequest,
    },
    /// Do something with a plugin's store, in the order of these effects; answered with [`Event::Served`].
    Store {
        /// Ties the answer to it.
        token: Token,
        /// The plugin.
        plugin: PluginId,
        /// What.
        request: StoreRequest,
    },
    /// Give up what [`Effect::Serve`] asked for: nobody waits for it any more.
    Abandon {
        /// That effect's token.
        token: Token,
    },
    /// Query the server for a plugin; answered with [`Event::Queried`].
    Query {
        /// Ties the answer to it.
        token: Token,
        /// Expressions, for one request.
        expressions: Vec<String>,
    },
    /// Ask an application for a page of a selection; answered with [`Event::Described`].
    Describe {
        /// Ties the answer to it.
        token: Token,
        /// The bus connection of the application.
        session: u64,
        /// The page.
        describe: Describe,
    },
    /// What plugins want to hear, from now on.
    Hear {
        /// Expressions, on the hub.
        hub: BTreeSet<String>,
        /// Whether events of the bus are wanted.
        bus: bool,
    },
    /// Make a fresh id for a job; answered with [`Event::JobIdGiven`].
    GiveJobId {
        /// Ties the answer to it.
        token: Token,
    },
    /// Write settings of a plugin, for this person; answered with [`Event::SettingsWritten`].
    WriteSettings {
        /// Ties the answer to it.
        token: Token,
        /// What to set, which was checked, and what to reset.
        ask: PluginSettingsAsk,
        /// The names of settings that are secrets.
        secret_names: Vec<String>,
    },
    /// Send a batch of operations to the server, in one transaction; answered with [`Event::Called`].
    Call {
        /// Ties the answer to it.
        token: Token,
        /// The operations.
        operations: Vec<Operation>,
    },
    /// Publish an event on the hub, under its own id, and have it confirmed; answered with [`Event::Published`].
    Publish {
        /// Ties the answer to it.
        token: Token,
        /// The event, whole.
        event: Value,
    },
    /// Look up entities on the server, in one request; answered with [`Event::LookedUp`].
    LookUp {
        /// Ties the answer to it.
        token: Token,
        /// The entities.
        entities: Vec<Lookup>,
    },
    /// Wake the engine later; answered with [`Event::TimerFired`].
    SetTimer {
        /// The timer.
        token: Token,
        /// How much later, in milliseconds.
        after_ms: u64,
    },
    /// Tell the person something, where they are.
    Notify {
        /// The plugin that tells it.
        plugin: PluginId,
        /// What.
        notify: Notify,
    },
    /// Write a line to a plugin's log.
    Log {
        /// The plugin.
        plugin: PluginId,
        /// The line.
        log: Log,
    },
    /// A job changed: menus and lists that show it are out of date.
    JobChanged(Box<JobSummary>),
    /// A job came to rest after its surface was told that it had started: tell the surface how it ended.
    JobRested(Box<JobDetail>),
    /// A job came to rest: whoever tells the person of it decides whether they know already.
    JobSettled {
        /// The job.
        job: Box<JobDetail>,
        /// Whether anybody was waiting for it.
        audience: Audience,
    },
    /// The list of actions or the state of a plugin changed.
    CatalogChanged,
    /// What plugins say in the tray changed.
    StatusChanged,
}

/// Whether anybody was waiting for a job when it came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Somebody waited, and was answered.
    Waits,
    /// Nobody waited, or whoever did has been told before that the job goes on.
    Gone,
}

/// What the child of a Connect plugin is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChild {
    /// The plugin.
    pub plugin: PluginId,
    /// The folder of its hooks.
    pub hooks: HookFolder,
    /// Those of the other Connect plugins, whose locations every session has.
    pub others: Vec<HookFolder>,
    /// Who is signed in.
    pub user: String,
}

/// Where the hooks of a Connect plugin lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookFolder {
    /// The plugin's folder.
    pub plugin: String,
    /// The folder of its hooks within it: `hook`, or `.`.
    pub hooks: String,
}

/// How a process is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Its input ends; it may finish, for a few seconds.
    Gently,
    /// It and everything it started is killed.
    Now,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessEnd {
    /// It was asked to.
    Stopped,
    /// It ended by itself, or something killed it: `signal 9`, `exit code 3`.
    Exited(String),
    /// It could not be started.
    NotStarted(Failure),
    /// It broke the protocol and was killed: the sentence says how.
    Unruly(String),
    /// It took or sent more than it may and was killed: the sentence says what, and names the limit.
    OverLimit(String),
}

/// Who is signed in, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The server's address.
    pub server: String,
    /// The user name.
    pub user: String,
    /// The user's id.
    pub user_id: String,
    /// The names of the user's security roles.
    pub roles: Vec<String>,
}

/// What the engine knows of an entity, to decide where actions apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityFacts {
    /// The entity's id.
    pub id: String,
    /// Its concrete type: `Shot`, `Project`, `AssetVersion`.
    pub kind: String,
    /// The name of its object type, where it has one.
    pub object_type: Option<String>,
    /// The name of its status, where it has one.
    pub status: Option<String>,
    /// The name of its task type, where it has one.
    pub task_type: Option<String>,
    /// The name of its project.
    pub project: Option<String>,
}

/// What came of a batch of operations.
#[derive(Clone, Debug, PartialEq)]
pub enum CallResult {
    /// The server did all of it.
    Done,
    /// The server refused, and did none of it.
    Refused {
        /// Why.
        failure: Failure,
        /// Whether the refusal may come from an earlier sending of the same batch: it names a duplicate.
        duplicate: bool,
    },
    /// The server did none of it: it was not reached, or did not take the request.
    NotSent {
        /// Why.
        failure: Failure,
        /// When to try again, in milliseconds, where the server said so.
        retry_after_ms: Option<u64>,
    },
    /// Nobody knows: the answer was lost.
    Unknown {
        /// What was seen.
        failure: Failure,
    },
}

/// An entity to look up, with the attributes that are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The entity's type.
    pub entity_type: String,
    /// The values of its primary key, in the schema's order.
    pub key: Vec<String>,
    /// The attributes; none where only its existence is asked.
    pub attributes: Vec<String>,
}

/// Where a request comes from decides how a discovery may wait: only the web may, and only this long, in milliseconds.
pub const WEB_FACTS_WAIT_MS: u64 = 250;

/// Tells how long a discovery on `surface` may wait for facts, in milliseconds.
pub(crate) fn facts_wait_ms(surface: Surface) -> Option<u64> {
    (surface == Surface::Web).then_some(WEB_FACTS_WAIT_MS)
}
