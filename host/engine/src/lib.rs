//! The brain of the host: events in, effects out, no I/O.
//!
//! [`Engine::handle`] is the whole interface: whatever happens to the host arrives as an [`Event`], whatever is to be done leaves as [`Effect`]s.
//! It must never know files, sockets, threads, the clock or windows: time and answers arrive with events, and tests tell whole stories without waiting.
//!
//! Read first: [`Event`] and [`Effect`] (the closed sets), then [`Engine`].

mod event;

pub use event::{
    Ask, AskLaunch, CallResult, Catalogued, Effect, EntityFacts, Event, Identity, JobRow, KeptJob,
    Lookup, Millis, ProcessEnd, ProcessId, Reply, RequestId, Row, Stop, Token, UnitRow,
    WEB_FACTS_WAIT_MS,
};

/// What the engine is told once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The host's id: one for each machine and profile.
    pub host: String,
    /// How long a process may take to say hello, in milliseconds.
    pub hello_ms: u64,
    /// How long a turn may take, in milliseconds.
    pub turn_ms: u64,
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
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: String::new(),
            hello_ms: 10_000,
            turn_ms: 600_000,
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
        }
    }
}

/// The brain of the host.
#[derive(Debug, Default)]
pub struct Engine {
    config: Config,
}

impl Engine {
    /// Makes an engine that knows nothing yet.
    pub fn new(config: Config) -> Self {
        Self { config }
    }

    /// Takes one event that happened at `now` and returns what is to be done about it, in order.
    pub fn handle(&mut self, now: Millis, event: Event) -> Vec<Effect> {
        let _ = (now, event, &self.config);
        Vec::new()
    }
}
