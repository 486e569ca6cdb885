//! What a process says while it runs a turn: how the turn ended, and what it asks of the host.

use callboard_protocol::{
    Describe, Failure, FailureKind, HandOver, HostMethod, JobState, Log, LogLevel, MAX_STATE_BYTES,
    Message, MessageId, Outcome, Query, QueryResults, Work,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Engine;
use crate::event::{Effect, ProcessId, Row};
use crate::job::Rest;
use crate::process::Turn;
use crate::waiting::{AfterKept, Service, Waiting, is_the_same_selection};
use crate::{permission, steps};

/// How many requests of one process may wait for an answer.
const MAX_IN_FLIGHT: usize = 64;

impl Engine {
    pub(crate) fn process_said(&mut self, id: ProcessId, message: Message) {
        match message {
            Message::Answer {
                id: answered,
                result,
            } => self.process_answered(id, answered, result),
            Message::Notification { method, params } => self.process_told(id, &method, params),
            Message::Request {
                id: message,
                method,
                params,
            } => {
                if let Err(failure) = self.process_asked(id, message, &method, params) {
                    self.answer_process(id, message, Err(failure));
                }
            }
        }
    }

    fn process_answered(
        &mut self,
        id: ProcessId,
        answered: Option<MessageId>,
        result: Result<Value, Failure>,
    ) {
        if self.child_answered(id, answered, &result) {
            return;
        }
        let Some(process) = self.processes.get_mut(&id) else {
            return;
        };
        let plugin = process.plugin.clone();
        let Some(turn) = process.turn.take_if(|turn| Some(turn.message) == answered) else {
            let log = Log {
                level: LogLevel::Warning,
                message: "it answered a question that nobody asked".to_owned(),
            };
            return self.out.push(Effect::Log { plugin, log });
        };
        self.abandon_services(id, turn.number);
        if let Some(entry) = self.catalog.plugin_mut(&plugin) {
            entry.health.crashes_in_a_row = 0;
            entry.health.quarantined = false;
        }
        if let Some(number) = turn.change {
            self.change_ended(&turn, number, result);
            self.pump(&plugin);
            return self.let_idle(id);
        }
        let outcome = result.and_then(|value| {
            serde_json::from_value::<Outcome>(value).map_err(|error| {
                Failure::new(
                    FailureKind::Plugin,
                    format!("`{plugin}` ended its turn with something that is no outcome"),
                )
                .because(error.to_string())
            })
        });
        self.turn_ended(&turn, outcome);
        self.pump(&plugin);
        self.let_idle(id);
    }

    fn turn_ended(&mut self, turn: &Turn, outcome: Result<Outcome, Failure>) {
        let id = &turn.job;
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        let plugin = job.summary.action.plugin();
        match outcome {
            // Whatever it says, what it handed over is done first; the turn after that has the last word.
            _ if job.handing_over || job.owes_report() => {
                self.change_job(id, JobState::Working, "");
                self.advance(id);
            }
            Err(failure) => self.rest_job(id, Rest::Failed(failure)),
            Ok(Outcome::Waits) => {
                let failure = Failure::new(
                    FailureKind::Plugin,
                    format!("`{plugin}` waits for steps that it did not hand over"),
                );
                self.rest_job(id, Rest::Failed(failure));
            }
            Ok(Outcome::Unknown) => {
                let failure = Failure::new(
                    FailureKind::Unsupported,
                    format!("`{plugin}` ended its turn in a way that this version does not know"),
                )
                .hint("update Callboard");
                self.turn_failed(id, failure);
            }
            Ok(Outcome::Asks { state, .. }) if json_bytes(&state) > MAX_STATE_BYTES => {
                self.turn_failed(id, too_much_state(&plugin));
            }
            Ok(outcome) => self.rest_job(id, Rest::Ended(outcome)),
        }
    }

    fn process_asked(
        &mut self,
        id: ProcessId,
        message: MessageId,
        method: &str,
        params: Value,
    ) -> Result<(), Failure> {
        if self.child_asked(id, message, method, &params)? {
            return Ok(());
        }
        let known = HostMethod::from_name(method).ok_or_else(|| unknown_method(method))?;
        self.check_permission(id, known)?;
        let turn = self
            .processes
            .get_mut(&id)
            .and_then(|process| process.turn.as_mut())
            .ok_or_else(|| Failure::invalid("no turn is running").hint("ask while a turn runs"))?;
        if turn.change.is_some() && !known.only_reads() {
            let message = format!("`{}` cannot be asked while a form changes", known.name());
            return Err(Failure::denied(message).hint("ask it in a turn, once the form is sent"));
        }
        if turn.in_flight >= MAX_IN_FLIGHT {
            return Err(Failure::new(
                FailureKind::Limit,
                format!("more than {MAX_IN_FLIGHT} requests wait for an answer"),
            ));
        }
        let service = Service {
            process: id,
            turn: turn.number,
            id: message,
        };
        turn.in_flight += 1;
        let turn = turn.clone();
        let asked = self.ask_known(&turn, service, known, params);
        if asked.is_err()
            && let Some(turn) = self
                .processes
                .get_mut(&id)
                .and_then(|process| process.turn.as_mut())
        {
            turn.in_flight = turn.in_flight.saturating_sub(1);
        }
        asked
    }

    /// Does what a turn asks; its answer is given by [`serve`](Self::serve), at once or later.
    fn ask_known(
        &mut self,
        turn: &Turn,
        service: Service,
        known: HostMethod,
        params: Value,
    ) -> Result<(), Failure> {
        let (id, method) = (service.process, known.name());
        match known {
            HostMethod::Query => {
                let query: Query = read(method, params)?;
                let token = self.token(Waiting::Service(service));
                self.out.push(Effect::Query {
                    token,
                    expressions: query.expressions,
                });
            }
            HostMethod::Describe => self.describe(turn, service, read(method, params)?)?,
            HostMethod::JobsLaunch => self.launch_child(turn, service, read(method, params)?)?,
            HostMethod::JobsAttach => self.attach(turn, service, read(method, params)?)?,
            HostMethod::SettingsGet => {
                let settings = self.all_settings_of(&self.plugin_of(id));
                self.serve(&service, Ok(as_json(&settings)));
            }
            HostMethod::StatusSet => {
                let plugin = self.plugin_of(id);
                self.set_status(&plugin, read(method, params)?)?;
                self.serve(&service, Ok(json!({})));
            }
            HostMethod::HandOver => self.hand_over(turn, service, read(method, params)?)?,
            HostMethod::EventsSubscribe
            | HostMethod::EventsUnsubscribe
            | HostMethod::EventsNext
            | HostMethod::EventsPublish => self.ask_events(turn, service, known, params)?,
            _ => self.ask_service(turn, service, known, params)?,
        }
        Ok(())
    }

    pub(crate) fn plugin_of(&self, id: ProcessId) -> callboard_protocol::PluginId {
        self.processes
            .get(&id)
            .map(|process| process.plugin.clone())
            .unwrap_or_default()
    }

    pub(crate) fn check_permission(
        &self,
        id: ProcessId,
        method: HostMethod,
    ) -> Result<(), Failure> {
        let plugin = self
            .catalog
            .plugin(&self.plugin_of(id))
            .ok_or_else(|| Failure::denied("the plugin is not installed any more"))?;
        permission::check_method(&plugin.manifest, method)
    }

    fn describe(
        &mut self,
        turn: &Turn,
        service: Service,
        describe: Describe,
    ) -> Result<(), Failure> {
        let dcc = self
            .jobs
            .get(&turn.job)
            .and_then(|job| job.launch.context.dcc.as_ref());
        let dcc =
            dcc.filter(|dcc| is_the_same_selection(&describe.selection_id, &dcc.selection_id));
        let Some(session) = dcc.and_then(|dcc| dcc.session) else {
            return Err(Failure::invalid(
                "the job was not launched from an application with that selection",
            ));
        };
        let token = self.token(Waiting::Service(service));
        self.out.push(Effect::Describe {
            token,
            session,
            describe,
        });
        Ok(())
    }

    fn hand_over(
        &mut self,
        turn: &Turn,
        service: Service,
        mut hand_over: HandOver,
    ) -> Result<(), Failure> {
        let plugin = self.plugin_of(service.process);
        let job = self
            .jobs
            .get_mut(&turn.job)
            .ok_or_else(|| Failure::new(FailureKind::Internal, "the job is gone"))?;
        if job.run.as_ref().is_some_and(|run| run.key == hand_over.key) {
            self.serve(&service, Ok(json!({})));
            return Ok(());
        }
        if job.handing_over || job.owes_report() {
            return Err(Failure::new(
                FailureKind::Conflict,
                "the job has handed over other work that is not done yet",
            ));
        }
        if job.cancelling {
            return Err(Failure::new(
                FailureKind::Cancelled,
                "the job was cancelled",
            ));
        }
        if json_bytes(&hand_over.state) > MAX_STATE_BYTES {
            return Err(too_much_state(&plugin));
        }
        steps::check(&hand_over, self.config.batch_operations)?;
        let manifest = self.catalog.plugin(&plugin).map(|plugin| &plugin.manifest);
        manifest.map_or(Ok(()), |manifest| {
            permission::check_hand_over(manifest, &hand_over)
        })?;
        for step in &mut hand_over.steps {
            if let Work::Event { event, .. } = &mut step.work {
                *event = self.checked_event(service.process, event.take())?;
            }
        }
        if let Some(job) = self.jobs.get_mut(&turn.job) {
            job.handing_over = true;
        }
        let hand_over = Box::new(hand_over);
        let rows = vec![Row::HandOver {
            job: turn.job.clone(),
            hand_over: hand_over.clone(),
        }];
        self.keep(
            rows,
            AfterKept::HandedOver {
                job: turn.job.clone(),
                service,
                hand_over,
            },
        );
        Ok(())
    }

    /// A hand-over is on disk, or could not be written. From here on the plugin may die.
    pub(crate) fn hand_over_kept(
        &mut self,
        id: &callboard_protocol::JobId,
        service: &Service,
        hand_over: HandOver,
        result: Result<(), Failure>,
    ) {
        let Some(job) = self.jobs.get_mut(id) else {
            return;
        };
        job.handing_over = false;
        let lost = job.turn_lost.take();
        let is_kept = result.is_ok();
        if is_kept {
            job.launch.state = hand_over.state.clone();
            // What is handed over is done: nobody goes back before it.
            job.earlier.clear();
            job.report_turns = 0;
            job.run = Some(steps::StepsRun::new(hand_over));
        }
        self.serve(service, result.map(|()| json!({})));
        match lost {
            Some(failure) => self.turn_failed(id, failure),
            None if !is_kept
                && self
                    .jobs
                    .get(id)
                    .is_some_and(|job| job.summary.state == JobState::Working) =>
            {
                // Its turn ended with `waits` before the write failed.
                let failure = Failure::new(
                    FailureKind::Internal,
                    "what was handed over could not be written",
                )
                .hint("retry");
                self.rest_job(id, Rest::Failed(failure));
            }
            None if self.jobs.get(id).is_some_and(|job| job.cancelling) => self.cancel_steps(id),
            None => self.advance(id),
        }
    }

    /// Gives a process the answer to what it asked, if the turn that asked still runs.
    pub(crate) fn serve(&mut self, service: &Service, result: Result<Value, Failure>) {
        let turn = self
            .processes
            .get_mut(&service.process)
            .and_then(|process| process.turn.as_mut());
        if let Some(turn) = turn.filter(|turn| turn.number == service.turn) {
            turn.in_flight = turn.in_flight.saturating_sub(1);
            self.answer_process(service.process, service.id, result);
        }
    }

    pub(crate) fn serve_query(
        &mut self,
        service: &Service,
        result: Result<Vec<Vec<serde_json::Map<String, Value>>>, Failure>,
    ) {
        self.serve(
            service,
            result.map(|results| as_json(&QueryResults { results })),
        );
    }

    pub(crate) fn serve_description(
        &mut self,
        service: &Service,
        result: Result<callboard_protocol::Description, Failure>,
    ) {
        self.serve(service, result.map(|description| as_json(&description)));
    }

    fn answer_process(
        &mut self,
        process: ProcessId,
        message: MessageId,
        result: Result<Value, Failure>,
    ) {
        self.out.push(Effect::Send {
            process,
            message: Message::Answer {
                id: Some(message),
                result,
            },
        });
    }
}

pub(crate) fn read<T: DeserializeOwned>(method: &str, params: Value) -> Result<T, Failure> {
    serde_json::from_value(params).map_err(|error| {
        Failure::invalid(format!("could not read the parameters of `{method}`"))
            .because(error.to_string())
    })
}

pub(crate) fn as_json(result: &impl serde::Serialize) -> Value {
    serde_json::to_value(result).expect("results are made of JSON values and strings")
}

pub(crate) fn json_bytes(value: &Value) -> usize {
    value.to_string().len()
}

fn too_much_state(plugin: &callboard_protocol::PluginId) -> Failure {
    Failure::new(
        FailureKind::Limit,
        format!("`{plugin}` leaves more than {MAX_STATE_BYTES} bytes of state behind"),
    )
}

pub(crate) fn unknown_method(method: &str) -> Failure {
    Failure::new(
        FailureKind::Unsupported,
        format!("there is no method `{method}`"),
    )
}
