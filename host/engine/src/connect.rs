//! ftrack Connect's plugins: one long-lived child each, and the events that cross between them.
//!
//! Other plugins run when a job needs them; a Connect plugin's hooks expect to be asked at any time. So its child starts
//! when somebody is signed in, stays, and says what its hooks have subscribed to. Web menus and all other events of the
//! hub reach it without the engine; here is what hooks of several plugins answer together.

mod item;
mod menu;
mod row;

pub use item::entity_type_from_kind;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use callboard_event::Expression;
use callboard_protocol::{
    ConnectLoaded, ConnectMethod, ConnectPublish, ConnectSubscribed, ConnectSummary,
    ConnectUnsubscribed, Failure, Log, LogLevel, Message, MessageId, PluginId, Run,
};
use serde_json::{Value, json};

use crate::Engine;
use crate::event::{Effect, HookFolder, NewChild, ProcessId, Stop};
use crate::launch::PendingLaunch;
use crate::waiting::Waiting;
use menu::Remembered;
use row::{EventRow, Purpose, RowId};

/// What the host calls itself in the events that it asks hooks with.
pub const HOST_APPLICATION: &str = "callboard";

/// How many subscriptions one child may have.
const SUBSCRIPTIONS: usize = 1_000;

/// How many rows of handlers may be under way at once.
const ROWS: usize = 256;

/// How long one handler may take with an event that others wait for, in milliseconds.
const HANDLE_MS: u64 = 10_000;

/// Everything about Connect children.
#[derive(Debug, Default)]
pub(crate) struct Connect {
    children: BTreeMap<ProcessId, Child>,
    rows: BTreeMap<RowId, EventRow>,
    /// Which row waits for which answer.
    asked: HashMap<(ProcessId, MessageId), RowId>,
    /// What the plugins said of themselves when they last ran.
    summaries: BTreeMap<PluginId, ConnectSummary>,
    remembered: VecDeque<Remembered>,
    last_row: u64,
    last_order: u64,
}

impl Connect {
    /// Returns the launches that wait until hooks have said what they offer.
    pub(crate) fn pending_launches(&mut self) -> impl Iterator<Item = &mut PendingLaunch> {
        self.rows
            .values_mut()
            .filter_map(|row| match &mut row.purpose {
                Purpose::Launch { pending, .. } => Some(pending.as_mut()),
                _ => None,
            })
    }
}

/// One child that said hello.
#[derive(Debug)]
struct Child {
    plugin: PluginId,
    subscriptions: BTreeMap<String, Subscription>,
    /// Questions whose time is over: until it has answered them, it is asked nothing that others wait for.
    late: HashSet<MessageId>,
}

/// What a hook of a child waits for.
#[derive(Debug)]
struct Subscription {
    expression: Expression,
    priority: i64,
    order: u64,
}

impl Engine {
    /// Tells whether a plugin is one of ftrack Connect's.
    pub(crate) fn is_connect(&self, plugin: &PluginId) -> bool {
        self.catalog
            .plugin(plugin)
            .is_some_and(|entry| matches!(entry.manifest.run, Run::ConnectHooks(_)))
    }

    /// Starts the children that should run, and ends those that should not.
    pub(crate) fn tend_children(&mut self) {
        let wanted: Vec<PluginId> = match self.identity {
            None => Vec::new(),
            Some(_) => self
                .catalog
                .plugins()
                .filter(|plugin| plugin.is_offered())
                .filter(|plugin| matches!(plugin.manifest.run, Run::ConnectHooks(_)))
                .map(|plugin| plugin.manifest.id.clone())
                .collect(),
        };
        for process in self.connect_processes() {
            let plugin = &self.processes[&process].plugin;
            if !wanted.contains(plugin) {
                self.end_child(process);
            }
        }
        for plugin in wanted {
            let is_due = self
                .catalog
                .plugin(&plugin)
                .is_some_and(|entry| entry.health.not_before <= self.now);
            let runs = self
                .processes
                .values()
                .any(|process| process.plugin == plugin && self.is_current(process));
            if is_due && !runs {
                self.start_process(&plugin);
            }
        }
    }

    /// Returns how a Connect plugin's child is started; none for other plugins.
    pub(crate) fn start_child(&self, process: ProcessId, plugin: &PluginId) -> Option<Effect> {
        let hooks_of = |entry: &crate::catalog::Plugin| match &entry.manifest.run {
            Run::ConnectHooks(hooks) => Some(HookFolder {
                plugin: entry.path.clone(),
                hooks: hooks.clone(),
            }),
            _ => None,
        };
        let others = self
            .catalog
            .plugins()
            .filter(|other| other.present && other.manifest.id != *plugin)
            .filter_map(hooks_of);
        let child = Box::new(NewChild {
            plugin: plugin.clone(),
            hooks: hooks_of(self.catalog.plugin(plugin)?)?,
            others: others.collect(),
            user: self.identity.as_ref()?.user.clone(),
        });
        Some(Effect::StartChild { process, child })
    }

    /// Ends every child: who signs in next is given children of their own.
    pub(crate) fn end_children(&mut self) {
        for process in self.connect_processes() {
            self.end_child(process);
        }
    }

    fn connect_processes(&self) -> Vec<ProcessId> {
        self.processes
            .iter()
            .filter(|(id, process)| {
                // The plugin of a child may be gone from the catalog.
                self.connect.children.contains_key(id) || self.is_connect(&process.plugin)
            })
            .map(|(id, _)| *id)
            .collect()
    }

    fn end_child(&mut self, process: ProcessId) {
        if self.begin_stopping(process) {
            self.out.push(Effect::StopProcess {
                process,
                stop: Stop::Gently,
            });
        }
    }

    /// A child's process runs: it has as long for its hello as others have from the start.
    pub(crate) fn child_started(&mut self, process: ProcessId) {
        let plugin = self.processes.get(&process).map(|known| &known.plugin);
        if plugin.is_some_and(|plugin| self.is_connect(plugin)) {
            self.set_timer(self.config.hello_ms, Waiting::HelloOver(process));
        }
    }

    /// A child said hello: its hooks are being loaded.
    pub(crate) fn child_ready(&mut self, process: ProcessId, plugin: PluginId) {
        let child = Child {
            plugin,
            subscriptions: BTreeMap::new(),
            late: HashSet::new(),
        };
        self.connect.children.insert(process, child);
    }

    /// A child is gone: nothing of it is waited for any more.
    pub(crate) fn child_gone(&mut self, process: ProcessId) {
        let Some(child) = self.connect.children.remove(&process) else {
            return;
        };
        self.forget_items(&child.plugin);
        let failure = Failure::new(
            callboard_protocol::FailureKind::Interrupted,
            format!("`{}` stopped before it answered", child.plugin),
        );
        let waiting: Vec<(MessageId, RowId)> = self
            .connect
            .asked
            .iter()
            .filter(|((asked, _), _)| *asked == process)
            .map(|((_, message), row)| (*message, *row))
            .collect();
        for (message, row) in waiting {
            self.connect.asked.remove(&(process, message));
            self.handled(row, Err(failure.clone()));
        }
        self.connect.rows.retain(
            |_, row| !matches!(row.purpose, Purpose::Publish { process: by, .. } if by == process),
        );
    }

    /// Takes what a child tells; returns whether it is about hooks.
    pub(crate) fn child_told(&mut self, process: ProcessId, method: &str, params: &Value) -> bool {
        let Some(method) = ConnectMethod::from_name(method) else {
            return false;
        };
        let Some(plugin) = self
            .connect
            .children
            .get(&process)
            .map(|child| child.plugin.clone())
        else {
            return false;
        };
        let told = match method {
            ConnectMethod::Loaded => self.loaded(process, &plugin, params),
            ConnectMethod::Subscribed => self.subscribed(process, params),
            ConnectMethod::Unsubscribed => {
                read::<ConnectUnsubscribed>(method, params).map(|told| {
                    if let Some(child) = self.connect.children.get_mut(&process) {
                        child.subscriptions.remove(&told.id);
                    }
                })
            }
            ConnectMethod::Publish | ConnectMethod::Handle | _ => Err(Failure::invalid(format!(
                "`{}` is asked, not told",
                method.name()
            ))),
        };
        if let Err(failure) = told {
            self.say(&plugin, LogLevel::Warning, failure.message);
        }
        true
    }

    fn loaded(
        &mut self,
        process: ProcessId,
        plugin: &PluginId,
        params: &Value,
    ) -> Result<(), Failure> {
        let loaded: ConnectLoaded = read(ConnectMethod::Loaded, params)?;
        let first = !self.connect.summaries.contains_key(plugin)
            || self.connect.summaries[plugin].loaded != loaded;
        for part in loaded.hooks.iter().chain(&loaded.widgets) {
            if let Some(problem) = &part.problem {
                let message = format!("`{}` does not work: {problem}", part.name);
                self.say(plugin, LogLevel::Warning, message);
            }
        }
        let summary = self.connect.summaries.entry(plugin.clone()).or_default();
        summary.loaded = loaded;
        self.out.push(Effect::CatalogChanged);
        if first {
            self.ask_about_itself(process);
        }
        Ok(())
    }

    /// Asks a child what Connect asks at its start: whether all is well, and what it is.
    fn ask_about_itself(&mut self, process: ProcessId) {
        for (topic, purpose) in [
            (
                "ftrack.connect.verify-startup",
                Purpose::Startup { process },
            ),
            (
                "ftrack.connect.plugin.debug-information",
                Purpose::DebugInformation { process },
            ),
        ] {
            let event = self.own_event(topic, json!({"storage_scenario": null}));
            // What cannot be asked just now is not asked again: it only shows less.
            drop(self.begin_row(event, Some(process), purpose, HANDLE_MS));
        }
    }

    fn subscribed(&mut self, process: ProcessId, params: &Value) -> Result<(), Failure> {
        let told: ConnectSubscribed = read(ConnectMethod::Subscribed, params)?;
        let expression = Expression::parse(&told.expression).map_err(|error| {
            Failure::invalid(format!(
                "a subscription cannot be read: `{}`",
                told.expression
            ))
            .because(error.to_string())
        })?;
        self.connect.last_order += 1;
        let order = self.connect.last_order;
        let Some(child) = self.connect.children.get_mut(&process) else {
            return Ok(());
        };
        if child.subscriptions.len() >= SUBSCRIPTIONS {
            return Err(Failure::invalid(format!(
                "it has more than {SUBSCRIPTIONS} subscriptions"
            )));
        }
        let subscription = Subscription {
            expression,
            priority: told.priority,
            order,
        };
        child.subscriptions.insert(told.id, subscription);
        Ok(())
    }

    /// Takes what a child asks; returns whether it is about hooks. The answer comes when the row is over.
    pub(crate) fn child_asked(
        &mut self,
        process: ProcessId,
        message: MessageId,
        method: &str,
        params: &Value,
    ) -> Result<bool, Failure> {
        let is_publish = ConnectMethod::from_name(method) == Some(ConnectMethod::Publish);
        if !is_publish || !self.connect.children.contains_key(&process) {
            return Ok(false);
        }
        let ConnectPublish { event } = read(ConnectMethod::Publish, params)?;
        let purpose = Purpose::Publish { process, message };
        self.begin_row(event, None, purpose, HANDLE_MS)?;
        Ok(true)
    }

    /// Takes a child's answer; returns whether somebody waited for it.
    pub(crate) fn child_answered(
        &mut self,
        process: ProcessId,
        answered: Option<MessageId>,
        result: &Result<Value, Failure>,
    ) -> bool {
        let Some(message) = answered else {
            return false;
        };
        let Some(child) = self.connect.children.get_mut(&process) else {
            return false;
        };
        if child.late.remove(&message) {
            // It was given up; that it answers at all says that it lives.
            return true;
        }
        let plugin = child.plugin.clone();
        let Some(row) = self.connect.asked.remove(&(process, message)) else {
            return false;
        };
        if let Some(entry) = self.catalog.plugin_mut(&plugin) {
            entry.health.crashes_in_a_row = 0;
            entry.health.quarantined = false;
        }
        let handled = result.clone().and_then(|value| {
            serde_json::from_value(value).map_err(|error| {
                Failure::new(
                    callboard_protocol::FailureKind::Plugin,
                    format!("`{plugin}` answered with something that is no answer"),
                )
                .because(error.to_string())
            })
        });
        self.handled(row, handled);
        true
    }

    /// Returns how a plugin's hooks stand, for lists.
    pub(crate) fn connect_summary(&self, plugin: &PluginId) -> Option<Box<ConnectSummary>> {
        let summary = self.connect.summaries.get(plugin)?;
        Some(Box::new(summary.clone()))
    }

    fn say(&mut self, plugin: &PluginId, level: LogLevel, message: String) {
        let plugin = plugin.clone();
        let log = Log { level, message };
        self.out.push(Effect::Log { plugin, log });
    }

    /// Sends a child a question; none where it cannot be asked.
    fn ask_child(&mut self, process: ProcessId, params: Value) -> Option<MessageId> {
        let id = self.next_message(process)?;
        let message = Message::Request {
            id,
            method: ConnectMethod::Handle.name().to_owned(),
            params,
        };
        self.out.push(Effect::Send { process, message });
        Some(id)
    }

    /// Makes an event in the name of who is signed in.
    fn own_event(&self, topic: &str, data: Value) -> Value {
        let identity = self.identity.clone().unwrap_or_default();
        json!({
            "topic": topic,
            "data": data,
            "id": format!("{}-{}", self.config.host, self.connect.last_row + 1),
            "sent": null,
            "source": {
                "id": self.config.host,
                "applicationId": HOST_APPLICATION,
                "user": {"username": identity.user, "id": identity.user_id},
            },
            "target": "",
            "inReplyToEvent": null,
        })
    }
}

fn read<T: serde::de::DeserializeOwned>(
    method: ConnectMethod,
    params: &Value,
) -> Result<T, Failure> {
    serde_json::from_value(params.clone()).map_err(|error| {
        Failure::invalid(format!(
            "the parameters of `{}` cannot be read",
            method.name()
        ))
        .because(error.to_string())
    })
}
