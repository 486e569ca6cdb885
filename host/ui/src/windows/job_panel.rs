//! A job as far as its person has to do with it: the form while it asks, progress while it goes on, then the outcome.

mod draft;
mod outcome;
mod progress;

use std::collections::VecDeque;
use std::time::Duration;

use callboard_protocol::{
    BusMethod, JobAnswer, JobBack, JobChange, JobChanged, JobDetail, JobId, JobRef, JobState,
    WindowNews,
};
use egui::{RichText, Ui};
use serde_json::{Map, Value};

use super::{Wish, words};
use crate::bus::{Bus, Query};
use crate::form::{Form, FormEvent, problem_ui};
use crate::tokens::{Tokens, size, space};
use draft::Draft;
use outcome::Chosen;
use progress::Pace;

/// How long a window that closes waits for the host to keep what was filled in.
const LAST_DRAFT: Duration = Duration::from_secs(2);

pub(crate) struct JobPanel {
    job: JobId,
    detail: Query<JobDetail>,
    asked: Option<Asked>,
    answer: Query<Value>,
    /// What a plugin says to the change of a live item.
    change: Query<JobChanged>,
    /// A cancel or a retry.
    order: Query<Value>,
    pace: Pace,
    /// Whether the window is to close once the job was cancelled.
    closes: bool,
    /// The progress that news brought since the job was asked for.
    heard: VecDeque<callboard_protocol::JobSummary>,
}

/// A question, as far as it is filled in.
struct Asked {
    question: u64,
    form: Form,
    draft: Draft,
}

impl JobPanel {
    pub(crate) fn new(job: JobId, bus: &Bus) -> Self {
        let mut panel = Self {
            job,
            detail: Query::default(),
            asked: None,
            answer: Query::default(),
            change: Query::default(),
            order: Query::default(),
            pace: Pace::default(),
            closes: false,
            heard: VecDeque::new(),
        };
        panel.show(bus);
        panel
    }

    /// Returns what the job is called.
    pub(crate) fn title(&self) -> String {
        match (&self.asked, self.detail.value()) {
            (Some(asked), _) if !asked.form.title().is_empty() => asked.form.title().to_owned(),
            (_, Some(detail)) => detail.summary.label.clone(),
            _ => "Callboard".to_owned(),
        }
    }

    /// Returns the job.
    pub(crate) fn job(&self) -> &JobId {
        &self.job
    }

    /// Returns the job as it was asked for last.
    pub(crate) fn detail(&self) -> Option<&JobDetail> {
        self.detail.value()
    }

    pub(crate) fn news(&mut self, bus: &Bus, news: &WindowNews) {
        match news {
            WindowNews::Job { job } if job.id == self.job => {
                let before = self.detail.value().map(|detail| detail.summary.state);
                if before == Some(job.state) && job.state.is_moving() {
                    // Only how far it is can have changed.
                    self.heard.clear();
                    self.heard.push_back(job.as_ref().clone());
                } else {
                    self.show(bus);
                }
            }
            WindowNews::Everything => self.show(bus),
            _ => {}
        }
    }

    /// Keeps what is typed and not committed yet: the form is the same when it is opened again.
    pub(crate) fn closing(&mut self, bus: &Bus) {
        let Some(Asked { form, draft, .. }) = &mut self.asked else {
            return;
        };
        for (name, edit) in form.leave() {
            draft.commit(bus, &name, vec![edit]);
        }
        draft.send(bus);
        bus.settle(LAST_DRAFT);
    }

    fn show(&mut self, bus: &Bus) {
        let job = self.job.clone();
        self.detail.ask(bus, BusMethod::JobsShow, &JobRef { job });
    }

    fn poll(&mut self, bus: &Bus) {
        if self.detail.poll(bus) {
            self.heard.clear();
            self.take_question();
        }
        if let Some(job) = self.heard.back() {
            self.pace.note(job);
        } else if let Some(detail) = self.detail.value() {
            self.pace.note(&detail.summary);
        }
        if self.answer.poll(bus)
            && let Some(failure) = self.answer.take_failure()
            && let Some(asked) = &mut self.asked
        {
            asked.form.refuse(failure);
        }
        if let Some(asked) = &mut self.asked {
            asked.draft.poll(bus);
            if self.change.poll(bus) {
                asked.changed(&mut self.change);
            }
        }
        if self.order.poll(bus) {
            self.show(bus);
        }
    }

    /// Draws a new question, filled in as far as its draft goes; one that is being filled in stays.
    fn take_question(&mut self) {
        let Some(detail) = self.detail.value() else {
            return;
        };
        let view = match (&detail.view, detail.summary.state) {
            (Some(view), JobState::Asks) => view,
            _ => {
                self.asked = None;
                return;
            }
        };
        let is_same = |asked: &Asked| asked.question == detail.question;
        if self.asked.as_ref().is_some_and(is_same) {
            return;
        }
        let mut form = Form::new(view.clone());
        form.restore(&detail.draft);
        self.change = Query::default();
        self.asked = Some(Asked {
            question: detail.question,
            form,
            draft: Draft::new(self.job.clone(), detail.question),
        });
    }

    /// Draws the job.
    pub(crate) fn ui(&mut self, ui: &mut Ui, bus: &Bus) -> Wish {
        self.poll(bus);
        if self.asked.is_some() {
            return self.form_ui(ui, bus);
        }
        let Some(detail) = self.detail.value() else {
            match self.detail.failure() {
                Some(failure) => problem_ui(ui, failure),
                None => {
                    ui.spinner();
                }
            }
            return Wish::Stay;
        };
        let tokens = Tokens::of(ui);
        let job = self.heard.back().unwrap_or(&detail.summary);
        ui.label(RichText::new(&job.label).size(size::TITLE).strong());
        ui.horizontal(|ui| {
            let state = job.state;
            let colour = words::state_colour(state, tokens);
            ui.label(RichText::new(words::state(state)).color(colour).strong());
            ui.label(RichText::new(words::ago(job.created_ms)).color(tokens.quiet));
        });
        ui.add_space(space::SMALL);
        if let Some(failure) = self.order.failure() {
            problem_ui(ui, failure);
        }
        let chosen = if job.state.is_moving() {
            progress::progress_ui(ui, job, &self.pace, self.order.is_waiting())
        } else {
            outcome::outcome_ui(ui, detail, self.order.is_waiting())
        };
        match chosen {
            Some(Chosen::Cancel) => self.order(bus, BusMethod::JobsCancel),
            Some(Chosen::Retry) => self.order(bus, BusMethod::JobsRetry),
            Some(Chosen::Close) => return Wish::Close,
            None => {}
        }
        let is_over = job_is_over(self.detail.value());
        if self.closes && is_over {
            return Wish::Close;
        }
        Wish::Stay
    }

    fn form_ui(&mut self, ui: &mut Ui, bus: &Bus) -> Wish {
        let Some(asked) = &mut self.asked else {
            return Wish::Stay;
        };
        if !asked.form.title().is_empty() {
            ui.label(RichText::new(asked.form.title()).size(size::TITLE).strong());
            ui.add_space(space::SMALL);
        }
        let said = [asked.draft.refusal(), self.change.failure()];
        for failure in said.into_iter().flatten() {
            problem_ui(ui, failure);
            ui.add_space(space::SMALL);
        }
        let question = Some(asked.question);
        for event in asked.form.ui(ui) {
            let job = self.job.clone();
            match event {
                FormEvent::Committed { name, edits, live } => {
                    asked.draft.commit(bus, &name, edits);
                    if live {
                        // The question goes the same way after the draft, which has all that may be kept.
                        asked.draft.send(bus);
                        let change = JobChange {
                            job,
                            question,
                            name,
                            values: Map::new(),
                        };
                        self.change.ask(bus, BusMethod::JobsChange, &change);
                    }
                }
                FormEvent::Submitted(values) => {
                    let answer = JobAnswer {
                        job,
                        values,
                        question,
                    };
                    self.answer.ask(bus, BusMethod::JobsAnswer, &answer);
                }
                FormEvent::Back => {
                    self.order
                        .ask(bus, BusMethod::JobsBack, &JobBack { job, question });
                }
                FormEvent::Cancelled => {
                    self.closes = true;
                    self.order.ask(bus, BusMethod::JobsCancel, &JobRef { job });
                }
                FormEvent::Changed { .. } | FormEvent::Pressed { .. } => {}
            }
        }
        Wish::Stay
    }

    fn order(&mut self, bus: &Bus, method: BusMethod) {
        let job = self.job.clone();
        self.order.ask(bus, method, &JobRef { job });
    }
}

impl Asked {
    /// Does what a plugin says to a change. What was changed since is the person's.
    fn changed(&mut self, change: &mut Query<JobChanged>) {
        let Some(answer) = change.take() else {
            return;
        };
        let newer = self.draft.unkept_items();
        for mut patch in answer.patches {
            if newer.contains(patch.name.as_str()) {
                patch.item = None;
                patch.value = None;
                patch.rows.clear();
            }
            self.form.patch(&patch);
        }
    }
}

fn job_is_over(detail: Option<&JobDetail>) -> bool {
    detail.is_some_and(|detail| detail.summary.state.has_ended())
}
