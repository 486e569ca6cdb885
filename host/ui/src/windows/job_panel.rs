//! A job as far as its person has to do with it: the form while it asks, progress while it goes on, then the outcome.

mod outcome;
mod progress;

use std::collections::VecDeque;

use callboard_protocol::{BusMethod, JobAnswer, JobDetail, JobId, JobRef, JobState, WindowNews};
use egui::{RichText, Ui};
use serde_json::Value;

use super::{Wish, words};
use crate::bus::{Bus, Query};
use crate::form::{Form, FormEvent, problem_ui};
use crate::tokens::{Tokens, size, space};
use outcome::Chosen;
use progress::Pace;

pub(crate) struct JobPanel {
    job: JobId,
    detail: Query<JobDetail>,
    /// The form, and the number of the question that it is for.
    form: Option<(u64, Form)>,
    answer: Query<Value>,
    /// A cancel or a retry.
    order: Query<Value>,
    pace: Pace,
    /// Whether the window is to close once the job was cancelled.
    closes: bool,
    /// The progress that news brought since the job was asked for.
    heard: VecDeque<callboard_protocol::JobSummary>,
}

impl JobPanel {
    pub(crate) fn new(job: JobId, bus: &Bus) -> Self {
        let mut panel = Self {
            job,
            detail: Query::default(),
            form: None,
            answer: Query::default(),
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
        match (&self.form, self.detail.value()) {
            (Some((_, form)), _) if !form.title().is_empty() => form.title().to_owned(),
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

    pub(crate) fn closing(&mut self, _bus: &Bus) {}

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
            && let Some((_, form)) = &mut self.form
        {
            form.refuse(failure);
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
                self.form = None;
                return;
            }
        };
        let is_same = |(question, _): &(u64, Form)| *question == detail.question;
        if self.form.as_ref().is_some_and(is_same) {
            return;
        }
        let mut form = Form::new(view.clone());
        form.restore(&detail.draft);
        self.form = Some((detail.question, form));
    }

    /// Draws the job.
    pub(crate) fn ui(&mut self, ui: &mut Ui, bus: &Bus) -> Wish {
        self.poll(bus);
        if self.form.is_some() {
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
        let Some((question, form)) = &mut self.form else {
            return Wish::Stay;
        };
        if !form.title().is_empty() {
            ui.label(RichText::new(form.title()).size(size::TITLE).strong());
            ui.add_space(space::SMALL);
        }
        let question = *question;
        for event in form.ui(ui) {
            match event {
                FormEvent::Submitted(values) => {
                    let answer = JobAnswer {
                        job: self.job.clone(),
                        values,
                        question: Some(question),
                    };
                    self.answer.ask(bus, BusMethod::JobsAnswer, &answer);
                }
                FormEvent::Cancelled => {
                    self.closes = true;
                    self.order(bus, BusMethod::JobsCancel);
                }
                _ => {}
            }
        }
        Wish::Stay
    }

    fn order(&mut self, bus: &Bus, method: BusMethod) {
        let job = self.job.clone();
        self.order.ask(bus, method, &JobRef { job });
    }
}

fn job_is_over(detail: Option<&JobDetail>) -> bool {
    detail.is_some_and(|detail| detail.summary.state.has_ended())
}
