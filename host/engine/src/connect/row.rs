//! Rows of handlers: one event, the hooks of all children that want it, one after the other.

use callboard_event::Event;
use callboard_protocol::{
    ConnectHandle, ConnectHandled, ConnectPublished, Failure, FailureKind, JobId, LogLevel,
    MessageId, Notify, NotifyLevel,
};
use serde_json::{Value, json};

use super::ROWS;
use crate::Engine;
use crate::event::{Effect, ProcessId, RequestId};
use crate::launch::PendingLaunch;
use crate::waiting::Waiting;

/// One row, as long as it is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RowId(pub(crate) u64);

/// One event on its way along the hooks that want it.
#[derive(Debug)]
pub(super) struct EventRow {
    pub(super) purpose: Purpose,
    /// The event, as the last hook left it.
    pub(super) event: Value,
    /// Who is still to be asked, the next one last.
    left: Vec<(ProcessId, String)>,
    /// Who is asked just now.
    asked: Option<(ProcessId, MessageId)>,
    /// What hooks returned, nothing apart.
    pub(super) results: Vec<(ProcessId, Value)>,
    pub(super) failure: Option<Failure>,
    /// Whether anybody wanted it.
    pub(super) is_wanted: bool,
    stopped: bool,
    handle_ms: u64,
}

/// What a row is for, and so where its results go.
#[derive(Debug)]
pub(super) enum Purpose {
    /// A hook waits for it.
    Publish {
        process: ProcessId,
        message: MessageId,
    },
    /// A menu waits for it.
    Menu {
        request: RequestId,
        process: ProcessId,
        selection: String,
    },
    /// The next menu will have it.
    Refresh {
        process: ProcessId,
        selection: String,
    },
    /// A launch names what is not known yet.
    Launch {
        pending: Box<PendingLaunch>,
        process: ProcessId,
        selection: String,
    },
    /// A job is carried out by it.
    Job(JobId),
    /// What the plugin has to say at its start.
    Startup { process: ProcessId },
    /// What the plugin says of itself.
    DebugInformation { process: ProcessId },
}

impl Engine {
    /// Starts a row: over one child's hooks, or over those of all.
    pub(super) fn begin_row(
        &mut self,
        event: Value,
        only: Option<ProcessId>,
        purpose: Purpose,
        handle_ms: u64,
    ) -> Result<RowId, Failure> {
        if self.connect.rows.len() >= ROWS {
            return Err(Failure::new(
                FailureKind::Limit,
                format!("more than {ROWS} events wait for hooks"),
            ));
        }
        let read: Event = serde_json::from_value(event.clone())
            .map_err(|error| Failure::invalid("that is no event").because(error.to_string()))?;
        let mut wanting: Vec<_> = self
            .connect
            .children
            .iter()
            .filter(|(process, _)| only.is_none_or(|only| only == **process))
            .flat_map(|(process, child)| {
                child
                    .subscriptions
                    .iter()
                    .filter(|(_, subscription)| subscription.expression.matches(&read))
                    .map(|(id, subscription)| {
                        // Children load at once, in no order: of equals, the plugin's id decides, then who came first.
                        let plugin = child.plugin.clone();
                        let place = (subscription.priority, plugin, subscription.order);
                        (place, *process, id.clone())
                    })
            })
            .collect();
        wanting.sort_by(|(a, ..), (b, ..)| b.cmp(a));
        let left: Vec<_> = wanting
            .into_iter()
            .map(|(_, process, id)| (process, id))
            .collect();
        self.connect.last_row += 1;
        let id = RowId(self.connect.last_row);
        let row = EventRow {
            purpose,
            event,
            is_wanted: !left.is_empty(),
            left,
            asked: None,
            results: Vec::new(),
            failure: None,
            stopped: false,
            handle_ms,
        };
        self.connect.rows.insert(id, row);
        self.advance_row(id);
        Ok(id)
    }

    /// Asks the next hook of a row, or ends the row.
    fn advance_row(&mut self, id: RowId) {
        loop {
            let Some(row) = self.connect.rows.get_mut(&id) else {
                return;
            };
            let next = if row.stopped { None } else { row.left.pop() };
            let Some((process, subscription)) = next else {
                return self.end_row(id);
            };
            let handle_ms = row.handle_ms;
            let handle = ConnectHandle {
                subscription,
                event: row.event.clone(),
            };
            if let Some(failure) = self.unable(process) {
                if let Some(row) = self.connect.rows.get_mut(&id) {
                    row.failure.get_or_insert(failure);
                }
                continue;
            }
            let params = serde_json::to_value(&handle).unwrap_or_default();
            let Some(message) = self.ask_child(process, params) else {
                continue;
            };
            if let Some(row) = self.connect.rows.get_mut(&id) {
                row.asked = Some((process, message));
            }
            self.connect.asked.insert((process, message), id);
            let over = Waiting::HandleOver { process, message };
            return self.set_timer(handle_ms, over);
        }
    }

    /// Returns why a child cannot be asked just now.
    fn unable(&self, process: ProcessId) -> Option<Failure> {
        let child = self.connect.children.get(&process)?;
        (!child.late.is_empty()).then(|| hung(child.plugin.as_str()))
    }

    /// A hook has answered, or will not.
    pub(super) fn handled(&mut self, id: RowId, handled: Result<ConnectHandled, Failure>) {
        let Some(row) = self.connect.rows.get_mut(&id) else {
            return;
        };
        let Some((process, _)) = row.asked.take() else {
            return;
        };
        match handled {
            Ok(handled) => {
                if !handled.result.is_null() {
                    row.results.push((process, handled.result));
                }
                if handled.event.is_object() {
                    row.event = handled.event;
                }
                row.stopped |= handled.stopped;
            }
            Err(failure) => {
                row.failure.get_or_insert(failure);
            }
        }
        self.advance_row(id);
    }

    /// A hook took too long: the row goes on without it, and its plugin is named.
    pub(crate) fn handle_is_over(&mut self, process: ProcessId, message: MessageId) {
        let Some(row) = self.connect.asked.remove(&(process, message)) else {
            return;
        };
        let Some(child) = self.connect.children.get_mut(&process) else {
            return;
        };
        child.late.insert(message);
        let plugin = child.plugin.clone();
        let topic = self.connect.rows.get(&row).and_then(|row| {
            let topic = row.event.get("topic")?.as_str()?;
            Some(topic.to_owned())
        });
        let topic = topic.unwrap_or_default();
        let message = format!("it did not answer `{topic}` in time");
        self.say(&plugin, LogLevel::Warning, message);
        self.handled(row, Err(hung(plugin.as_str())));
    }

    /// Forgets the row that carries out a job, which was cancelled; returns whether there was one.
    pub(crate) fn drop_row_of(&mut self, job: &JobId) -> bool {
        let found = self
            .connect
            .rows
            .iter()
            .find(|(_, row)| matches!(&row.purpose, Purpose::Job(of) if of == job))
            .map(|(id, row)| (*id, row.asked));
        let Some((id, asked)) = found else {
            return false;
        };
        self.connect.rows.remove(&id);
        if let Some((process, message)) = asked {
            self.connect.asked.remove(&(process, message));
            if let Some(child) = self.connect.children.get_mut(&process) {
                child.late.insert(message);
            }
        }
        true
    }

    /// Takes the results of a row to where they belong.
    fn end_row(&mut self, id: RowId) {
        let Some(row) = self.connect.rows.remove(&id) else {
            return;
        };
        match row.purpose {
            Purpose::Publish { process, message } => {
                let mut results: Vec<Value> =
                    row.results.into_iter().map(|(_, result)| result).collect();
                if is_for_connect_itself(&row.event) && !row.stopped {
                    results.push(Value::Bool(true));
                }
                let published = ConnectPublished {
                    results,
                    event: row.event,
                    stopped: row.stopped,
                };
                let published = serde_json::to_value(published).unwrap_or_default();
                self.answer_child(process, message, published);
            }
            Purpose::Menu {
                request,
                process,
                selection,
            } => {
                self.remember(process, selection, row.results, row.failure.is_none());
                self.menu_row_ended(request);
            }
            Purpose::Refresh { process, selection } => {
                self.remember(process, selection, row.results, row.failure.is_none());
            }
            Purpose::Launch {
                pending,
                process,
                selection,
            } => {
                self.remember(process, selection, row.results, row.failure.is_none());
                self.launch_known(*pending);
            }
            Purpose::Job(job) => self.job_row_ended(&job, row.results, row.failure, row.is_wanted),
            Purpose::Startup { process } => {
                let messages = row.results.iter().filter_map(|(_, result)| {
                    let text = result.as_str()?.trim();
                    (!text.is_empty()).then(|| text.to_owned())
                });
                let messages: Vec<String> = messages.collect();
                self.startup_said(process, messages);
            }
            Purpose::DebugInformation { process } => {
                let flat = row
                    .results
                    .into_iter()
                    .flat_map(|(_, result)| match result {
                        Value::Array(several) => several,
                        one => vec![one],
                    });
                let debug_information: Vec<Value> = flat.collect();
                if let Some(summary) = self.summary_of(process) {
                    summary.debug_information = debug_information;
                }
            }
        }
    }

    /// A plugin has said whether all is well on this machine: what it says anew, the person is told.
    fn startup_said(&mut self, process: ProcessId, messages: Vec<String>) {
        let Some(summary) = self.summary_of(process) else {
            return;
        };
        let before = std::mem::replace(&mut summary.messages, messages.clone());
        let Some(child) = self.connect.children.get(&process) else {
            return;
        };
        let plugin = child.plugin.clone();
        for message in messages {
            if before.contains(&message) {
                continue;
            }
            let notify = Notify {
                level: NotifyLevel::Warning,
                title: format!("{plugin} says"),
                message,
            };
            let plugin = plugin.clone();
            self.out.push(Effect::Notify { plugin, notify });
        }
    }

    fn summary_of(
        &mut self,
        process: ProcessId,
    ) -> Option<&mut callboard_protocol::ConnectSummary> {
        let plugin = &self.connect.children.get(&process)?.plugin;
        self.connect.summaries.get_mut(plugin)
    }

    pub(super) fn selection_data(&self, selection: &[callboard_protocol::Entity]) -> Value {
        let entities = selection.iter().map(|entity| {
            json!({"entityId": entity.id, "entityType": super::item::entity_type_from_kind(&entity.kind)})
        });
        Value::Array(entities.collect())
    }
}

/// Tells whether an event asks whether Connect is here, which Connect answers after its plugins.
fn is_for_connect_itself(event: &Value) -> bool {
    event.get("topic").and_then(Value::as_str) == Some("ftrack.connect.discover")
}

fn hung(plugin: &str) -> Failure {
    Failure::new(
        FailureKind::TimedOut,
        format!("`{plugin}` does not answer: one of its hooks is busy or hangs"),
    )
    .hint(format!("see `callboard plugins logs {plugin}`"))
}
