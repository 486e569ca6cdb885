//! What a plugin may ask of the host.

mod events;
mod ftrack;
mod http;
mod jobs;
mod secret;
mod settings;
mod store;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use callboard_protocol::{
    DccContext, DescribeRow, Failure, FailureKind, HandOver, HostMethod, JobFolder, Log, LogLevel,
    Notify, NotifyLevel, Open, Progress, Step,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::describe::DescribePages;
use crate::link::Link;

pub use ftrack::{Ftrack, QueryPages};
pub use http::{Http, HttpReply};
pub use secret::Secret;
pub use store::{LogEntry, Store, StoreLog};

/// How long the host may take to answer. It has shorter deadlines of its own, and says then what was in the way.
const DEADLINE: Duration = Duration::from_secs(120);

/// How long a file may be on its way. The time that a turn may take ends it long before.
const TRANSFER_DEADLINE: Duration = Duration::from_secs(24 * 3600);

/// The host, as a plugin sees it during a turn.
///
/// Its methods block. Each needs a permission in `plugin.toml` where it says so.
/// After a cancel, what only reads fails at once with [`FailureKind::Cancelled`], so that a turn that passes failures on with `?` ends soon.
/// Clones are the same host, for threads of the plugin's own.
#[derive(Clone)]
pub struct Host {
    link: Arc<dyn Link>,
}

impl Host {
    pub(crate) fn new(link: Arc<dyn Link>) -> Self {
        Self { link }
    }

    pub(crate) fn link(&self) -> &dyn Link {
        self.link.as_ref()
    }

    /// Returns the `ftrack` service: queries, and calls that need no durability.
    pub fn ftrack(&self) -> Ftrack<'_> {
        Ftrack::new(self)
    }

    /// Asks ftrack: `Shot where name is "sh010"`. Values go through [`quote`](crate::quote). Needs `ftrack.read`.
    ///
    /// # Errors
    ///
    /// The server refused the expression or is away, or the turn was cancelled.
    pub fn query(&self, expression: &str) -> Result<Vec<Map<String, Value>>, Failure> {
        self.ftrack().query(expression)
    }

    /// Asks ftrack several things in one request, and returns one list for each. Needs `ftrack.read`.
    ///
    /// # Errors
    ///
    /// The server refused an expression or is away, or the turn was cancelled.
    pub fn query_many<E: AsRef<str>>(
        &self,
        expressions: &[E],
    ) -> Result<Vec<Vec<Map<String, Value>>>, Failure> {
        self.ftrack().query_many(expressions)
    }

    /// Hands work over to the host, and returns once it is on disk: from then on it will be done, exactly once, whatever becomes of the plugin.
    ///
    /// The same `key` twice within a job is the same work.
    /// End the turn with [`Outcome::Waits`](crate::Outcome::Waits); the next one comes when the steps have ended, with their report and with `state`.
    /// Needs a permission for each operation, such as `ftrack.create.Shot`.
    ///
    /// # Errors
    ///
    /// Nothing was taken over, unless the kind is [`FailureKind::TimedOut`] or [`FailureKind::Unavailable`], where it cannot be told: handing over again under the same key is safe.
    pub fn hand_over(
        &self,
        key: impl Into<String>,
        steps: Vec<Step>,
        state: impl Serialize,
    ) -> Result<(), Failure> {
        let state = serde_json::to_value(state)
            .map_err(|error| Failure::invalid("could not write the state").caused_by(&error))?;
        let key = key.into();
        let hand_over = HandOver { key, steps, state };
        self.ask::<Value>(HostMethod::HandOver, &hand_over)?;
        Ok(())
    }

    /// Asks the application, where the job was launched, for every row of its selection. Needs `dcc`.
    ///
    /// # Errors
    ///
    /// The application is gone or too busy to tell, or the turn was cancelled.
    pub fn describe(&self, dcc: &DccContext) -> Result<Vec<DescribeRow>, Failure> {
        let mut rows = Vec::new();
        for page in self.describe_pages(dcc) {
            rows.extend(page?);
        }
        Ok(rows)
    }

    /// Asks the application for its selection a page at a time. Needs `dcc`.
    pub fn describe_pages(&self, dcc: &DccContext) -> DescribePages<'_> {
        DescribePages::new(self, dcc)
    }

    /// Returns the `store` service: values of the plugin's own, and logs that it appends to.
    pub fn store(&self) -> Store<'_> {
        Store::new(self)
    }

    /// Returns the `http` service: web servers, through the host.
    pub fn http(&self) -> Http<'_> {
        Http::new(self)
    }

    /// Returns the `secret` service: the plugin's own secrets, in the keyring.
    pub fn secret(&self) -> Secret<'_> {
        Secret::new(self)
    }

    /// Opens a file, a folder or a link with the program that the person uses for it. Needs `open`.
    ///
    /// `target` is an absolute path, or begins with `https:`, `http:` or `mailto:`.
    ///
    /// # Errors
    ///
    /// It is not there, is a program, or nothing opens it.
    pub fn open(&self, target: impl Into<String>) -> Result<(), Failure> {
        let target = target.into();
        self.ask::<Value>(HostMethod::Open, &Open { target })
            .map(drop)
    }

    /// Returns the job's folder, for files of this job: the host fetches them to there and takes them from there, and the plugin may read and write in it.
    ///
    /// It is there as long as the job is remembered, for later turns too.
    ///
    /// # Errors
    ///
    /// It could not be made.
    pub fn folder(&self) -> Result<PathBuf, Failure> {
        let folder: JobFolder = self.ask(HostMethod::JobFolder, &json!({}))?;
        Ok(folder.path.into())
    }

    /// Tells the person something, where they are. Needs `notify`.
    pub fn notify(&self, title: impl Into<String>, message: impl Into<String>) {
        self.notify_at(NotifyLevel::Info, title, message);
    }

    /// Tells the person something that matters more or less than usual. Needs `notify`.
    pub fn notify_at(
        &self,
        level: NotifyLevel,
        title: impl Into<String>,
        message: impl Into<String>,
    ) {
        let (title, message) = (title.into(), message.into());
        let notify = Notify {
            level,
            title,
            message,
        };
        self.tell(HostMethod::Notify, &notify);
    }

    /// Writes a line to the plugin's log.
    pub fn log(&self, level: LogLevel, message: impl Into<String>) {
        let message = message.into();
        self.tell(HostMethod::Log, &Log { level, message });
    }

    /// Writes a line to the plugin's log, for whoever looks after the machine.
    pub fn info(&self, message: impl Into<String>) {
        self.log(LogLevel::Info, message);
    }

    /// Writes a line to the plugin's log about something odd that still worked.
    pub fn warn(&self, message: impl Into<String>) {
        self.log(LogLevel::Warning, message);
    }

    /// Says how far the turn is: a fraction between 0 and 1 where it can be told, and what is being done now.
    pub fn progress(&self, fraction: impl Into<Option<f64>>, text: impl Into<String>) {
        let (fraction, text) = (fraction.into(), text.into());
        let progress = Progress {
            fraction,
            text,
            ..Progress::default()
        };
        self.tell(HostMethod::Progress, &progress);
    }

    /// Says how far the turn is, and which part of the whole it is at: `2 of 3`, `rendering`.
    pub fn progress_at(
        &self,
        step: impl Into<String>,
        fraction: impl Into<Option<f64>>,
        text: impl Into<String>,
    ) {
        let progress = Progress {
            fraction: fraction.into(),
            step: Some(step.into()),
            text: text.into(),
        };
        self.tell(HostMethod::Progress, &progress);
    }

    /// Tells whether the running turn was cancelled and should end with [`Outcome::Cancelled`](crate::Outcome::Cancelled).
    pub fn cancelled(&self) -> bool {
        self.link.is_cancelled()
    }

    pub(crate) fn ask<R: DeserializeOwned>(
        &self,
        method: HostMethod,
        params: &impl Serialize,
    ) -> Result<R, Failure> {
        self.ask_within(method, params, DEADLINE)
    }

    fn ask_within<R: DeserializeOwned>(
        &self,
        method: HostMethod,
        params: &impl Serialize,
        deadline: Duration,
    ) -> Result<R, Failure> {
        let name = method.name();
        let params = serde_json::to_value(params).map_err(|error| {
            Failure::invalid(format!("could not write the request: `{name}`")).caused_by(&error)
        })?;
        let result = self.link.request(name, params, deadline)?;
        serde_json::from_value(result).map_err(|error| {
            let message = format!("could not read the host's answer to `{name}`");
            Failure::new(FailureKind::Internal, message).caused_by(&error)
        })
    }

    fn tell(&self, method: HostMethod, params: &impl Serialize) {
        let params = serde_json::to_value(params)
            .expect("what is told is strings and numbers, which always serialise");
        self.link.notify(method.name(), params);
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}
