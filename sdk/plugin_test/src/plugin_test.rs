//! A plugin under test.

use std::fs;
use std::mem;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use callboard_plugin_sdk::{Plugin, Typed, serve_connection};
use callboard_protocol::{
    ActionId, Change, Changed, Context, DescribeRow, EventInput, Failure, HostHello, HostMethod,
    HttpAnswer, HttpRequest, JobId, Launch, MAX_STATE_BYTES, Manifest, Message, MessageId, Outcome,
    PluginHello, SUPPORTED_VERSIONS, StepsReport, View,
};
use callboard_wire::{Connection, ReceiveError, Sender};
use serde_json::{Map, Value, json};

use crate::fake_host::{FakeHost, Record};
use crate::report;

/// How long a turn may take in a test.
const TURN: Duration = Duration::from_secs(30);

type Received = Result<Option<Message>, ReceiveError>;

/// A plugin, served on a thread of its own, and a fake host at the other end of its wire.
pub struct PluginTest {
    host: FakeHost,
    sender: Sender,
    received: Receiver<Received>,
    cancel_at: Option<HostMethod>,
    turns: MessageId,
    launch: Launch,
    asked: Option<Outcome>,
}

impl PluginTest {
    /// Starts `plugin`, whose `plugin.toml` lies in `folder`: `PluginTest::new(env!("CARGO_MANIFEST_DIR"), my_plugin::plugin())`.
    ///
    /// # Panics
    ///
    /// The manifest cannot be used, or the plugin does not say hello.
    pub fn new(folder: impl AsRef<Path>, plugin: impl Plugin + 'static) -> Self {
        let manifest = manifest_from_folder(folder.as_ref());
        let (mut host_end, plugin_end) = Connection::memory();
        thread::Builder::new()
            .name(format!("plugin-{}", manifest.id))
            .spawn(move || serve_connection(plugin_end, &mut Typed(plugin)))
            .expect("a test may start a thread");
        let hello = HostHello {
            versions: SUPPORTED_VERSIONS.to_vec(),
            plugin: manifest.id.as_str().to_owned(),
            ..HostHello::default()
        };
        host_end
            .hello::<PluginHello>(&hello)
            .unwrap_or_else(|error| panic!("the plugin did not say hello: {error}"));
        let (mut receiver, sender) = host_end.split();
        let (forward, received) = mpsc::sync_channel(16);
        thread::Builder::new()
            .name("fake-host-reader".to_owned())
            .spawn(move || {
                loop {
                    let message = receiver.receive();
                    let ended = matches!(message, Ok(None) | Err(_));
                    if forward.send(message).is_err() || ended {
                        return;
                    }
                }
            })
            .expect("a test may start a thread");
        Self {
            host: FakeHost::new(manifest),
            sender,
            received,
            cancel_at: None,
            turns: 0,
            launch: Launch::default(),
            asked: None,
        }
    }

    /// Sets what ftrack answers: a query's expression in, entities out.
    #[must_use]
    pub fn ftrack(
        mut self,
        answer: impl FnMut(&str) -> Result<Vec<Map<String, Value>>, Failure> + 'static,
    ) -> Self {
        self.host.ftrack = Box::new(answer);
        self
    }

    /// Sets the rows of the selection that the application describes, a few at a time and now and then none.
    #[must_use]
    pub fn selection(mut self, rows: Vec<DescribeRow>) -> Self {
        self.host.selection = rows;
        self
    }

    /// Lets the next turn that listens hear an event.
    #[must_use]
    pub fn heard(mut self, event: Value) -> Self {
        self.host.heard.push(event);
        self
    }

    /// Sets a setting that the manifest declares; all others have their defaults.
    ///
    /// # Panics
    ///
    /// The manifest does not declare it, or does not accept the value.
    #[must_use]
    pub fn setting(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        match self.host.manifest.settings.get(name) {
            None => panic!("`plugin.toml` declares no setting `{name}`"),
            Some(setting) => {
                if let Err(expected) = setting.accepts(&value) {
                    panic!("the setting `{name}` must be {expected}");
                }
            }
        }
        self.host.settings.insert(name.to_owned(), value);
        self
    }

    /// Puts a value into the plugin's store.
    #[must_use]
    pub fn stored(mut self, key: &str, value: Value) -> Self {
        self.host.record.store.insert(key.to_owned(), value);
        self
    }

    /// Sets what web servers answer.
    #[must_use]
    pub fn web(
        mut self,
        answer: impl FnMut(&HttpRequest) -> Result<HttpAnswer, Failure> + 'static,
    ) -> Self {
        self.host.web = Box::new(answer);
        self
    }

    /// Gives ftrack the file of a component, to be downloaded.
    #[must_use]
    pub fn file(mut self, component_id: &str, content: impl Into<Vec<u8>>) -> Self {
        let files = &mut self.host.files;
        files.insert(component_id.to_owned(), content.into());
        self
    }

    /// Gives the plugin a secret that it kept earlier.
    #[must_use]
    pub fn secret(mut self, key: &str, secret: &str) -> Self {
        let secrets = &mut self.host.record.secrets;
        secrets.insert(key.to_owned(), secret.to_owned());
        self
    }

    /// Makes the next request of `method` fail.
    pub fn fail_next(&mut self, method: HostMethod, failure: Failure) {
        self.host.failures.push((method, failure));
    }

    /// Cancels the job at the next request of `method`, before it is answered.
    pub fn cancel_at(&mut self, method: HostMethod) {
        self.cancel_at = Some(method);
    }

    /// Launches an action, `create_shots`, in a new job, and returns how its first turn ended.
    ///
    /// # Errors
    ///
    /// The turn failed.
    ///
    /// # Panics
    ///
    /// The manifest has no such action, the plugin used what it does not declare, or broke the protocol.
    pub fn launch(
        &mut self,
        action: &str,
        context: Context,
        values: Value,
    ) -> Result<Outcome, Failure> {
        let manifest = &self.host.manifest;
        let action = ActionId::new(&manifest.id, action);
        assert!(
            manifest.action_ids().any(|declared| declared == action),
            "`plugin.toml` declares no action `{action}`"
        );
        self.host.record.hand_overs.clear();
        self.host.folder = None;
        self.launch = Launch {
            job: JobId::from(format!("job-{}", self.turns + 1)),
            action,
            context,
            values: object(values),
            settings: self.host.launched_settings(),
            ..Launch::default()
        };
        self.turn()
    }

    /// Launches the action of a subscription with these events, as the host does.
    ///
    /// # Errors
    ///
    /// The turn failed.
    ///
    /// # Panics
    ///
    /// The manifest declares no such subscription, or as [`launch`](Self::launch).
    pub fn launch_events(
        &mut self,
        subscription: &str,
        events: Vec<Value>,
    ) -> Result<Outcome, Failure> {
        let mut declared = self.host.manifest.subscriptions.iter();
        let Some(declared) = declared.find(|one| one.id == subscription) else {
            panic!("`plugin.toml` declares no subscription `{subscription}`");
        };
        let event = EventInput {
            subscription: subscription.to_owned(),
            on: declared.on,
            events,
            ..EventInput::default()
        };
        self.launch = Launch {
            job: JobId::from(format!("job-{}", self.turns + 1)),
            action: ActionId::new(&self.host.manifest.id, &declared.action),
            event: Some(event),
            settings: self.host.launched_settings(),
            ..Launch::default()
        };
        self.turn()
    }

    /// Answers the view that the last turn asked with, and returns how the next turn ended.
    ///
    /// Fields that `values` does not have are submitted as the view showed them.
    ///
    /// # Errors
    ///
    /// The turn failed.
    ///
    /// # Panics
    ///
    /// The last turn asked nothing, or as [`launch`](Self::launch).
    pub fn answer(&mut self, values: Value) -> Result<Outcome, Failure> {
        let Some(Outcome::Asks { view, state }) = self.asked.take() else {
            panic!("the last turn asked nothing");
        };
        self.launch.values = view.initial_values();
        self.launch.values.extend(object(values));
        self.launch.state = state;
        self.launch.steps = None;
        self.turn()
    }

    /// Changes the live field `name` of the view that the last turn asked with, and returns the view with the patches done.
    ///
    /// Fields that `values` does not have are as the view shows them; the view can still be answered.
    ///
    /// # Errors
    ///
    /// The plugin refused the change.
    ///
    /// # Panics
    ///
    /// The last turn asked nothing, the view has no such live field, the plugin patched what is not in the view, or broke the protocol.
    pub fn change(&mut self, name: &str, values: Value) -> Result<View, Failure> {
        let Some(Outcome::Asks { mut view, state }) = self.asked.clone() else {
            panic!("the last turn asked nothing");
        };
        let is_live = |item: &callboard_protocol::Item| item.live && item.name == name;
        assert!(
            view.items.iter().any(is_live),
            "no live field is called `{name}`"
        );
        let mut filled = view.initial_values();
        filled.extend(object(values));
        let change = Change {
            job: self.launch.job.clone(),
            action: self.launch.action.clone(),
            context: self.launch.context.clone(),
            name: name.to_owned(),
            values: filled,
            state: state.clone(),
            settings: self.launch.settings.clone(),
        };
        let params = serde_json::to_value(change).expect("a change always serialises");
        self.host.is_changing = true;
        let changed = self.ask("change", params);
        self.host.is_changing = false;
        let changed: Changed =
            serde_json::from_value(changed?).unwrap_or_else(|error| panic!("no patches: {error}"));
        for patch in &changed.patches {
            assert!(view.patch(patch), "the view has no item `{}`", patch.name);
        }
        self.asked = Some(Outcome::Asks {
            view: view.clone(),
            state,
        });
        Ok(view)
    }

    /// Ends the steps of the last hand-over as `report` says, and returns how the next turn ended.
    ///
    /// # Errors
    ///
    /// The turn failed.
    ///
    /// # Panics
    ///
    /// Nothing was handed over, or as [`launch`](Self::launch).
    pub fn after_steps(&mut self, report: StepsReport) -> Result<Outcome, Failure> {
        self.launch.state = self.last_hand_over().state.clone();
        self.launch.steps = Some(report);
        self.turn()
    }

    /// Returns a report on the last hand-over in which everything was done.
    ///
    /// # Panics
    ///
    /// Nothing was handed over.
    pub fn steps_done(&self) -> StepsReport {
        self.steps_ended(|_| None)
    }

    /// Returns a report on the last hand-over in which those units failed for which `failure_of` gives a reason by their key.
    ///
    /// # Panics
    ///
    /// Nothing was handed over.
    pub fn steps_ended(&self, failure_of: impl Fn(&str) -> Option<Failure>) -> StepsReport {
        report::ended(self.last_hand_over(), failure_of)
    }

    /// Returns what the plugin asked and told so far.
    pub fn record(&self) -> &Record {
        &self.host.record
    }

    /// Returns the manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.host.manifest
    }

    fn last_hand_over(&self) -> &callboard_protocol::HandOver {
        let handed_over = self.host.record.hand_overs.last();
        handed_over.expect("the plugin handed steps over")
    }

    /// Asks the plugin, and answers what it asks meanwhile.
    fn ask(&mut self, method: &str, params: Value) -> Result<Value, Failure> {
        self.turns += 1;
        let id = self.turns;
        self.send(&Message::Request {
            id,
            method: method.to_owned(),
            params,
        });
        let ended = self.until_answered(id);
        let undeclared = mem::take(&mut self.host.undeclared);
        assert!(
            undeclared.is_empty(),
            "the plugin used what `plugin.toml` does not declare: {undeclared:?}"
        );
        ended
    }

    fn turn(&mut self) -> Result<Outcome, Failure> {
        let params = serde_json::to_value(&self.launch).expect("a launch always serialises");
        let ended = self.ask("launch", params);
        let outcome = ended.map(|value| {
            serde_json::from_value(value.clone())
                .unwrap_or_else(|error| panic!("no outcome: {error}: {value}"))
        });
        if let Ok(Outcome::Asks { state, .. }) = &outcome {
            let bytes = state.to_string().len();
            assert!(bytes <= MAX_STATE_BYTES, "the state has {bytes} bytes");
        }
        if matches!(outcome, Ok(Outcome::Waits)) {
            assert!(
                !self.host.record.hand_overs.is_empty(),
                "the turn waits for steps, and none were handed over"
            );
        }
        self.asked = outcome.as_ref().ok().cloned();
        outcome
    }

    fn until_answered(&mut self, turn: MessageId) -> Result<Value, Failure> {
        let give_up = Instant::now() + TURN;
        loop {
            let left = give_up.saturating_duration_since(Instant::now());
            let received = self
                .received
                .recv_timeout(left)
                .unwrap_or_else(|_| panic!("the turn took longer than {} s", TURN.as_secs()));
            match received {
                Ok(Some(Message::Answer { id, result })) => {
                    assert_eq!(id, Some(turn), "the plugin answered what was not asked");
                    return result;
                }
                Ok(Some(Message::Request { id, method, params })) => {
                    if self.cancel_at.is_some_and(|at| at.name() == method) {
                        self.cancel_at = None;
                        self.send(&Message::Notification {
                            method: "cancel".to_owned(),
                            params: json!({}),
                        });
                    }
                    let result = self.host.answer(&method, params);
                    self.send(&Message::Answer {
                        id: Some(id),
                        result,
                    });
                }
                Ok(Some(Message::Notification { method, params })) => {
                    if let Err(failure) = self.host.take(&method, params) {
                        // What is not declared is told at the end of the turn.
                        assert!(!self.host.undeclared.is_empty(), "`{method}`: {failure}");
                    }
                }
                Ok(None) => panic!("the plugin ended before its turn"),
                Err(error) => panic!("the plugin broke the protocol: {error}"),
            }
        }
    }

    fn send(&self, message: &Message) {
        self.sender
            .send(message)
            .unwrap_or_else(|error| panic!("the plugin does not listen any more: {error}"));
    }
}

fn manifest_from_folder(folder: &Path) -> Manifest {
    let path = folder.join("plugin.toml");
    let text = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("could not read `{}`: {error}", path.display()));
    let manifest: Manifest = toml::from_str(&text)
        .unwrap_or_else(|error| panic!("could not understand `{}`: {error}", path.display()));
    if let Err(error) = manifest.check() {
        panic!("`{}` cannot be used: {error}", path.display());
    }
    manifest
}

fn object(values: Value) -> Map<String, Value> {
    match values {
        Value::Object(values) => values,
        other => panic!("values are an object: {other}"),
    }
}
