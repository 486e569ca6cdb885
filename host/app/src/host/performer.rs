//! Does the engine's effects: each goes to the one part of the host that does such things, and none is waited for.

use std::sync::Arc;
use std::time::Instant;

use callboard_protocol::JobId;
use engine::{Effect, Event, Row, Token};
use tokio::sync::watch;

use super::plugin_logs::PluginLogs;

use crate::connect::ConnectChildren;
use crate::engine_thread::{Announcement, EngineHandle, Perform};
use crate::hearing::Hearing;
use crate::ledger::Ledger;
use crate::service::{
    Server, Services, call, describe, events, facts, look_up, query, settings, store,
};
use crate::settings::PluginLayers;
use crate::supervisor::Supervisor;
use crate::surface::bus::Applications;

/// The parts of the host that do things.
pub(super) struct Performer {
    pub(super) engine: EngineHandle,
    pub(super) ledger: Ledger,
    pub(super) supervisor: Supervisor,
    pub(super) connect: ConnectChildren,
    pub(super) server: Server,
    pub(super) applications: Applications,
    pub(super) services: Services,
    pub(super) logs: PluginLogs,
    pub(super) plugin_settings: PluginLayers,
    /// What plugins want to hear.
    pub(super) hearing: watch::Sender<Hearing>,
}

impl Perform for Performer {
    fn perform(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Reply { request, reply } => self.engine.reply(request, reply),
            Effect::Keep { token, rows } => return self.keep(token, rows),
            Effect::StartProcess { process, plugin } => {
                return self.supervisor.start_process(process, plugin);
            }
            Effect::StartChild { process, child } => {
                self.connect.start(&self.supervisor, process, *child);
            }
            Effect::Send { process, message } => self.supervisor.send(process, message),
            Effect::Examine { token, process } => self.supervisor.examine(process, token),
            Effect::Store {
                token,
                plugin,
                request,
            } => return store::store(&self.ledger, &self.engine, token, plugin, request),
            Effect::StopProcess { process, stop } => {
                if let Some(end) = self.connect.give_up(process) {
                    return Some(end);
                }
                self.supervisor.stop_process(process, stop);
            }
            Effect::Serve {
                token,
                asker,
                request,
            } => self.services.begin(token, asker, request),
            Effect::Abandon { token } => self.services.abandon(token),
            Effect::Hear { hub, bus } => {
                self.hearing.send_replace(Hearing { hub, bus });
            }
            Effect::GiveJobId { token } => {
                let job = JobId::from(uuid::Uuid::new_v4().to_string());
                return Some(Event::JobIdGiven { token, job });
            }
            Effect::Notify { plugin, notify } => {
                self.announce(Announcement::Notify { plugin, notify });
            }
            Effect::Log { plugin, log } => self.logs.write(&plugin, &log),
            Effect::JobChanged(summary) => {
                self.announce(Announcement::JobChanged(Arc::new(*summary)));
            }
            Effect::JobRested(detail) => self.announce(Announcement::JobRested(Arc::new(*detail))),
            Effect::JobSettled { job, audience } => self.announce(Announcement::JobSettled {
                job: Arc::new(*job),
                audience,
            }),
            Effect::CatalogChanged => self.announce(Announcement::CatalogChanged),
            Effect::StatusChanged => self.announce(Announcement::StatusChanged),
            // The engine's thread keeps its timers itself.
            Effect::SetTimer { .. } => {}
            other => self.ask(other),
        }
        None
    }
}

impl Performer {
    fn announce(&self, announcement: Announcement) {
        self.engine.announce(announcement);
    }

    fn keep(&self, token: Token, rows: Vec<Row>) -> Option<Event> {
        let engine = self.engine.clone();
        let answer = Box::new(move |result| engine.tell_blocking(Event::Kept { token, result }));
        let result = self.ledger.keep(rows, answer);
        let failure = result.err()?;
        Some(Event::Kept {
            token,
            result: Err(failure),
        })
    }

    /// Does what takes its time in a task of its own, and tells the engine what came of it.
    fn ask(&self, effect: Effect) {
        let plugin_settings = self.plugin_settings.clone();
        let server = self.server.clone();
        let hub = self.services.outside.hub.clone();
        let applications = self.applications.clone();
        let engine = self.engine.clone();
        self.engine.runtime().spawn(async move {
            let event = match effect {
                Effect::AskFacts { token, entities } => Event::Facts {
                    token,
                    result: facts::facts(&server, &entities).await,
                },
                Effect::Query { token, expressions } => Event::Queried {
                    token,
                    result: query::query(&server, &expressions).await,
                },
                Effect::Describe {
                    token,
                    session,
                    describe: page,
                } => Event::Described {
                    token,
                    result: describe::describe(&applications, session, &page).await,
                },
                Effect::Call { token, operations } => {
                    let started = Instant::now();
                    let result = call::call(&server, &operations).await;
                    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
                    Event::Called {
                        token,
                        result,
                        took_ms,
                    }
                }
                Effect::Publish { token, event } => Event::Published {
                    token,
                    result: events::publish_step(&hub, event).await,
                },
                Effect::LookUp { token, entities } => Event::LookedUp {
                    token,
                    result: look_up::look_up(&server, &entities).await,
                },
                Effect::WriteSettings {
                    token,
                    ask,
                    secret_names,
                } => Event::SettingsWritten {
                    token,
                    result: settings::write(plugin_settings, ask, secret_names).await,
                },
                // Everything else was done before, without a task.
                _ => return,
            };
            engine.tell(event).await;
        });
    }
}
