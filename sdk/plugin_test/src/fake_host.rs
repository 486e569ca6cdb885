//! The host's side of a test: answers as it was told to, and writes down what was asked.

mod events;
mod files;
mod ftrack;
mod http;
mod jobs;
mod store;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use callboard_protocol::{
    AttachedFile, Describe, DescribeRow, Description, EventsPublish, EventsSubscribe, Failure,
    FailureKind, HandOver, HostMethod, HttpAnswer, HttpRequest, JobsLaunch, Log, MAX_STATE_BYTES,
    MAX_STATUS_CHARACTERS, Manifest, Notify, Operation, Permission, Progress, SecretGet,
    SecretKept, SecretPlace, SecretPut, SecretText, SecretValue, SettingKind, SettingsValues,
    StatusSet, Step, StoredEntry, Verb, Work,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// How many rows the fake application tells at once, so that plugins meet pages.
const PAGE_ROWS: usize = 3;

/// What a plugin asked and told, in order.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Record {
    /// The ftrack expressions it queried.
    pub queries: Vec<String>,
    /// The operations it had carried out at once, call by call.
    pub calls: Vec<Vec<Operation>>,
    /// What it asked web servers.
    pub web_requests: Vec<HttpRequest>,
    /// What it had opened.
    pub opened: Vec<String>,
    /// What it handed over; the same key twice is there once.
    pub hand_overs: Vec<HandOver>,
    /// What it told the person.
    pub notifications: Vec<Notify>,
    /// What it wrote to its log.
    pub logs: Vec<Log>,
    /// How far it said to be.
    pub progress: Vec<Progress>,
    /// The children that it launched; the same key twice is there once.
    pub children: Vec<JobsLaunch>,
    /// The files that it attached.
    pub attached: Vec<AttachedFile>,
    /// What it subscribed to.
    pub subscriptions: Vec<EventsSubscribe>,
    /// What it published.
    pub published: Vec<EventsPublish>,
    /// What its status lines say.
    pub status: BTreeMap<String, StatusSet>,
    /// The secrets that it keeps.
    pub secrets: BTreeMap<String, String>,
    /// What is stored.
    pub store: Map<String, Value>,
    /// The entries of its logs, by name.
    pub store_logs: BTreeMap<String, Vec<StoredEntry>>,
}

type Entities = Vec<Map<String, Value>>;
pub(crate) type Web = Box<dyn FnMut(&HttpRequest) -> Result<HttpAnswer, Failure>>;
pub(crate) type Ftrack = Box<dyn FnMut(&str) -> Result<Entities, Failure>>;

pub(crate) struct FakeHost {
    pub(crate) manifest: Manifest,
    pub(crate) ftrack: Ftrack,
    pub(crate) web: Web,
    pub(crate) selection: Vec<DescribeRow>,
    pub(crate) failures: Vec<(HostMethod, Failure)>,
    /// The files that ftrack has, by component.
    pub(crate) files: HashMap<String, Vec<u8>>,
    /// The number of the last entry of each log.
    logs: HashMap<String, u64>,
    /// The job's folder, once it was asked for.
    pub(crate) folder: Option<TempDir>,
    /// The events that the turn will hear.
    pub(crate) heard: Vec<Value>,
    /// What is set for the plugin.
    pub(crate) settings: Map<String, Value>,
    pub(crate) record: Record,
    /// Whether a form changes, so that nothing durable may come of what is asked.
    pub(crate) is_changing: bool,
    /// Permissions that were used and are not declared.
    pub(crate) undeclared: BTreeSet<String>,
    /// Whether the application was busy when it was asked last.
    busy: bool,
}

impl FakeHost {
    pub(crate) fn new(manifest: Manifest) -> Self {
        let defaults = manifest
            .settings
            .iter()
            .filter(|(_, setting)| !setting.default.is_null());
        let settings = defaults.map(|(name, setting)| (name.to_owned(), setting.default.clone()));
        Self {
            heard: Vec::new(),
            settings: settings.collect(),
            manifest,
            ftrack: Box::new(|expression| {
                let message = format!("the test has no ftrack to ask: `{expression}`");
                Err(Failure::new(FailureKind::Unavailable, message)
                    .hint("give it one with `PluginTest::ftrack`"))
            }),
            web: Box::new(http::no_web),
            selection: Vec::new(),
            failures: Vec::new(),
            files: HashMap::new(),
            logs: HashMap::new(),
            folder: None,
            record: Record::default(),
            is_changing: false,
            undeclared: BTreeSet::new(),
            busy: false,
        }
    }

    /// Returns what is set for the plugin, without secrets.
    pub(crate) fn launched_settings(&self) -> Map<String, Value> {
        let mut settings = self.settings.clone();
        for (name, setting) in self.manifest.settings.iter() {
            if setting.kind == SettingKind::Password {
                settings.shift_remove(name);
            }
        }
        settings
    }

    /// Answers a request.
    pub(crate) fn answer(&mut self, method: &str, params: Value) -> Result<Value, Failure> {
        let Some(method) = HostMethod::from_name(method) else {
            let message = format!("the host has no method `{method}`");
            return Err(Failure::new(FailureKind::Unsupported, message));
        };
        if self.is_changing && !method.only_reads() {
            let message = format!("`{}` cannot be asked while a form changes", method.name());
            return Err(Failure::denied(message).hint("ask it in a turn, once the form is sent"));
        }
        if let Some(index) = self.failures.iter().position(|(at, _)| *at == method) {
            return Err(self.failures.remove(index).1);
        }
        match method {
            HostMethod::Query => self.query(read(params)?),
            HostMethod::QueryPage => self.query_page(&read(params)?),
            HostMethod::FtrackCall => self.call(read(params)?),
            HostMethod::FtrackDownload => self.download(&read(params)?),
            HostMethod::JobFolder => self.job_folder(),
            HostMethod::HttpRequest => self.http(read(params)?),
            HostMethod::Open => self.open(read(params)?),
            HostMethod::SecretGet => {
                self.need(&Permission::Secret)?;
                let SecretGet { key } = read(params)?;
                let value = self.record.secrets.get(&key).cloned().map(SecretText);
                write(&SecretValue { value })
            }
            HostMethod::SecretPut => {
                self.need(&Permission::Secret)?;
                let SecretPut { key, value } = read(params)?;
                match value {
                    Some(SecretText(text)) => self.record.secrets.insert(key, text),
                    None => self.record.secrets.remove(&key),
                };
                let place = SecretPlace::Keyring;
                write(&SecretKept { place })
            }
            HostMethod::HandOver => self.hand_over(read(params)?),
            HostMethod::Describe => self.describe(&read(params)?),
            HostMethod::EventsSubscribe
            | HostMethod::EventsUnsubscribe
            | HostMethod::EventsNext
            | HostMethod::EventsPublish => self.events(method, params),
            HostMethod::JobsLaunch => self.launch_child(read(params)?),
            HostMethod::JobsAttach => self.attach(read(params)?),
            HostMethod::SettingsGet => write(&SettingsValues {
                values: self.settings.clone(),
            }),
            HostMethod::StatusSet => self.set_status(read(params)?),
            other => self.store(other, &params).unwrap_or_else(|| {
                let message = format!("`{}` is told, not asked", other.name());
                Err(Failure::invalid(message))
            }),
        }
    }

    /// Takes a notification.
    pub(crate) fn take(&mut self, method: &str, params: Value) -> Result<(), Failure> {
        match HostMethod::from_name(method) {
            Some(HostMethod::Notify) => {
                let notify = read(params)?;
                self.need(&Permission::Notify)?;
                self.record.notifications.push(notify);
            }
            Some(HostMethod::Log) => self.record.logs.push(read(params)?),
            Some(HostMethod::Progress) => self.record.progress.push(read(params)?),
            _ => return Err(Failure::invalid(format!("`{method}` is no notification"))),
        }
        Ok(())
    }

    fn set_status(&mut self, set: StatusSet) -> Result<Value, Failure> {
        let is_declared = self.manifest.status.iter().any(|line| line.id == set.id);
        if !is_declared {
            let message = format!("`plugin.toml` declares no status line `{}`", set.id);
            return Err(Failure::not_found(message));
        }
        let is_long = |text: &String| text.chars().count() > MAX_STATUS_CHARACTERS;
        if set.text.as_ref().is_some_and(is_long) {
            let message = format!("a status line has at most {MAX_STATUS_CHARACTERS} characters");
            return Err(Failure::new(FailureKind::Limit, message));
        }
        self.record.status.insert(set.id.clone(), set);
        Ok(json!({}))
    }

    /// Tells three rows at once, and nothing at every other time, as a busy application does.
    fn describe(&mut self, describe: &Describe) -> Result<Value, Failure> {
        self.need(&Permission::Dcc)?;
        self.busy = !self.busy;
        let offset = usize::try_from(describe.offset).unwrap_or(usize::MAX);
        let limit = usize::try_from(describe.limit).unwrap_or(usize::MAX);
        let told = if self.busy { 0 } else { PAGE_ROWS.min(limit) };
        let rows: Vec<DescribeRow> = self
            .selection
            .iter()
            .skip(offset)
            .take(told)
            .cloned()
            .collect();
        let complete = offset.saturating_add(rows.len()) >= self.selection.len();
        let total = Some(self.selection.len() as u64);
        write(&Description {
            rows,
            total,
            complete,
        })
    }

    fn hand_over(&mut self, hand_over: HandOver) -> Result<Value, Failure> {
        check_shape(&hand_over)?;
        for permission in permissions_of(&hand_over) {
            self.need(&permission)?;
        }
        let taken = &mut self.record.hand_overs;
        if !taken.iter().any(|earlier| earlier.key == hand_over.key) {
            taken.push(hand_over);
        }
        Ok(json!({}))
    }

    fn need(&mut self, needed: &Permission) -> Result<(), Failure> {
        let every_type = match needed {
            Permission::Ftrack { verb, .. } => Some(Permission::Ftrack {
                verb: *verb,
                entity_type: "*".to_owned(),
            }),
            _ => None,
        };
        let declared = &self.manifest.permissions;
        if declared.contains(needed) || every_type.is_some_and(|every| declared.contains(&every)) {
            return Ok(());
        }
        self.undeclared.insert(needed.to_string());
        let message = format!("`{}` may not use `{needed}`", self.manifest.id);
        Err(Failure::denied(message).hint("declare it in `plugin.toml`"))
    }
}

fn permissions_of(hand_over: &HandOver) -> Vec<Permission> {
    let of_step = |step: &Step| match &step.work {
        Work::Call { units } => {
            let operations = units.iter().flat_map(|unit| &unit.operations);
            operations.filter_map(permission_of).collect()
        }
        Work::Event { .. } => vec![Permission::Events],
        _ => Vec::new(),
    };
    hand_over.steps.iter().flat_map(of_step).collect()
}

fn permission_of(operation: &Operation) -> Option<Permission> {
    let verb = match operation {
        Operation::Create { .. } => Verb::Create,
        Operation::Update { .. } => Verb::Update,
        Operation::Delete { .. } => Verb::Delete,
        _ => return None,
    };
    let entity_type = operation.entity_type().to_owned();
    Some(Permission::Ftrack { verb, entity_type })
}

/// Refuses what no host would take over.
fn check_shape(hand_over: &HandOver) -> Result<(), Failure> {
    let state_bytes = hand_over.state.to_string().len();
    if state_bytes > MAX_STATE_BYTES {
        let message = format!("the state has {state_bytes} bytes, more than {MAX_STATE_BYTES}");
        return Err(Failure::new(FailureKind::Limit, message).hint("keep less in it"));
    }
    let mut steps = BTreeSet::new();
    let mut units = BTreeSet::new();
    for step in &hand_over.steps {
        if let Some(need) = step.needs.iter().find(|need| !steps.contains(*need)) {
            return Err(Failure::invalid(format!(
                "no earlier step has the id `{need}`"
            )));
        }
        if !steps.insert(&step.id) {
            return Err(Failure::invalid(format!(
                "two steps have the id `{}`",
                step.id
            )));
        }
        let own = match &step.work {
            Work::Call { units } => units.as_slice(),
            Work::Event { event, .. } => {
                check_event(step, event)?;
                &[]
            }
            _ => {
                let message = format!("this host does not carry out the step `{}`", step.id);
                return Err(Failure::new(FailureKind::Unsupported, message));
            }
        };
        for unit in own {
            if let Some(need) = unit.needs.iter().find(|need| !units.contains(*need)) {
                return Err(Failure::invalid(format!(
                    "no earlier unit has the key `{need}`"
                )));
            }
            if !units.insert(&unit.key) {
                return Err(Failure::invalid(format!(
                    "two units have the key `{}`",
                    unit.key
                )));
            }
        }
    }
    Ok(())
}

fn check_event(step: &Step, event: &Value) -> Result<(), Failure> {
    let has = |key: &str| event[key].as_str().is_some_and(|text| !text.is_empty());
    match (has("topic"), has("id")) {
        (true, true) => Ok(()),
        (false, _) => Err(Failure::invalid("the event has no topic")),
        (_, false) => Err(
            Failure::invalid(format!("the event of step `{}` has no id", step.id))
                .hint("make an `id` for it before it is handed over"),
        ),
    }
}

fn read<T: DeserializeOwned>(params: Value) -> Result<T, Failure> {
    serde_json::from_value(params)
        .map_err(|error| Failure::invalid("could not read the parameters").caused_by(&error))
}

fn write(result: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(result).map_err(|error| {
        Failure::new(FailureKind::Internal, "could not write the answer").caused_by(&error)
    })
}
