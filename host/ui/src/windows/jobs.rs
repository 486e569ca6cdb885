//! The history of jobs, and one of them beside it.

mod steps;

use callboard_protocol::{
    BusMethod, Items, JobId, JobState, JobSummary, JobsList, WindowNews, WindowSize,
};
use egui::{Frame, Margin, RichText, ScrollArea, Ui};

use super::job_panel::JobPanel;
use super::{Page, Row, TWO_LINES, Wish, find_ui, points, words};
use crate::bus::{Bus, Query};
use crate::form::problem_ui;
use crate::tokens::Tokens;

/// How many jobs are listed.
const LISTED: u32 = 1_000;

/// Which jobs are listed.
const SHOWN: [(&str, &[JobState]); 4] = [
    ("All", &[]),
    (
        "Under way",
        &[
            JobState::Queued,
            JobState::Running,
            JobState::Asks,
            JobState::Working,
        ],
    ),
    ("Ended well", &[JobState::Done]),
    (
        "Not done",
        &[JobState::Partly, JobState::Failed, JobState::Cancelled],
    ),
];

pub(super) struct JobsPage {
    jobs: Query<Items<JobSummary>>,
    list: Vec<JobSummary>,
    shown: usize,
    text: String,
    panel: Option<JobPanel>,
}

impl JobsPage {
    pub(super) fn new(bus: &Bus) -> Self {
        let mut page = Self {
            jobs: Query::default(),
            list: Vec::new(),
            shown: 0,
            text: String::new(),
            panel: None,
        };
        page.ask(bus);
        page
    }

    fn ask(&mut self, bus: &Bus) {
        let list = JobsList {
            states: Vec::new(),
            limit: Some(LISTED),
        };
        self.jobs.ask(bus, BusMethod::JobsList, &list);
    }

    /// Takes what is new of a job into the list.
    fn take(&mut self, job: &JobSummary) {
        match self.list.iter_mut().find(|known| known.id == job.id) {
            Some(known) => known.clone_from(job),
            None => self.list.insert(0, job.clone()),
        }
    }

    fn fitting(&self) -> Vec<&JobSummary> {
        let states = SHOWN[self.shown].1;
        let text = self.text.trim().to_lowercase();
        let fits = |job: &&JobSummary| {
            (states.is_empty() || states.contains(&job.state))
                && (text.is_empty()
                    || job.label.to_lowercase().contains(&text)
                    || job.message.to_lowercase().contains(&text)
                    || job.id.as_str().starts_with(&text))
        };
        self.list.iter().filter(fits).collect()
    }

    fn list_ui(&mut self, ui: &mut Ui) -> Option<JobId> {
        ui.horizontal_wrapped(|ui| {
            for (place, (label, _)) in SHOWN.iter().enumerate() {
                ui.selectable_value(&mut self.shown, place, *label);
            }
        });
        find_ui(ui, &mut self.text, "Find a job");
        if let Some(failure) = self.jobs.failure() {
            problem_ui(ui, failure);
        }
        let fitting = self.fitting();
        if fitting.is_empty() && !self.jobs.is_waiting() {
            let quiet = Tokens::of(ui).quiet;
            let text = if self.list.is_empty() {
                "Nothing was launched yet."
            } else {
                "No job fits."
            };
            ui.label(RichText::new(text).color(quiet));
        }
        let chosen_now = self.panel.as_ref().map(|panel| panel.job().clone());
        let mut chosen = None;
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .show_rows(ui, TWO_LINES, fitting.len(), |ui, range| {
                for job in &fitting[range] {
                    if row_ui(ui, job, chosen_now.as_ref() == Some(&job.id)) {
                        chosen = Some(job.id.clone());
                    }
                }
            });
        chosen
    }
}

impl Page for JobsPage {
    fn title(&self) -> String {
        "Jobs".to_owned()
    }

    fn usual_size(&self) -> WindowSize {
        points(960, 600)
    }

    fn news(&mut self, bus: &Bus, news: &WindowNews) {
        match news {
            WindowNews::Job { job } => self.take(job),
            WindowNews::Everything => self.ask(bus),
            _ => {}
        }
        if let Some(panel) = &mut self.panel {
            panel.news(bus, news);
        }
    }

    fn ui(&mut self, ui: &mut Ui, bus: &Bus) -> Wish {
        if self.jobs.poll(bus)
            && let Some(jobs) = self.jobs.take()
        {
            self.list = jobs.items;
        }
        let margin = Margin {
            right: 16,
            ..Margin::ZERO
        };
        let chosen = egui::Panel::left("jobs")
            .frame(Frame::new().inner_margin(margin))
            .default_size(360.0)
            .min_size(240.0)
            .show(ui, |ui| self.list_ui(ui))
            .inner;
        if let Some(job) = chosen {
            self.panel = Some(JobPanel::new(job, bus));
        }
        let margin = Margin {
            left: 16,
            ..Margin::ZERO
        };
        egui::CentralPanel::default()
            .frame(Frame::new().inner_margin(margin))
            .show(ui, |ui| match &mut self.panel {
                Some(panel) => {
                    if let Some(steps) = panel.detail().and_then(|detail| detail.steps.as_ref()) {
                        egui::Panel::bottom("steps")
                            .resizable(true)
                            .default_size(180.0)
                            .frame(Frame::new().inner_margin(Margin::symmetric(0, 8)))
                            .show(ui, |ui| steps::steps_ui(ui, steps));
                    }
                    if panel.ui(ui, bus) == Wish::Close {
                        self.panel = None;
                    }
                }
                None => {
                    let quiet = Tokens::of(ui).quiet;
                    ui.label(RichText::new("Choose a job to see what became of it.").color(quiet));
                }
            });
        Wish::Stay
    }

    fn closing(&mut self, bus: &Bus) {
        if let Some(panel) = &mut self.panel {
            panel.closing(bus);
        }
    }
}

/// Draws a job; tells whether it was chosen.
fn row_ui(ui: &mut Ui, job: &JobSummary, is_chosen: bool) -> bool {
    let tokens = Tokens::of(ui);
    let state = words::state(job.state);
    let when = words::ago(job.created_ms);
    let drawn = Row {
        first: &[(&job.label, tokens.text), (&when, tokens.quiet)],
        second: &[
            (state, words::state_colour(job.state, tokens)),
            (&job.message, tokens.quiet),
        ],
        name: &format!("{}: {state}", job.label),
        is_chosen,
    };
    drawn.ui(ui, ui.available_width()).clicked()
}
