//! A window that a plugin declares: launches its action, or goes on with the job that it launched before.

use callboard_protocol::{
    ActionsLaunch, BusMethod, DeclaredWindow, Items, JobState, JobSummary, JobsList, Launched,
    WindowNews, WindowSize,
};
use egui::Ui;

use super::job_panel::JobPanel;
use super::{Page, Wish, points};
use crate::bus::{Bus, Query};
use crate::form::problem_ui;

pub(super) struct DeclaredPage {
    declared: DeclaredWindow,
    unfinished: Query<Items<JobSummary>>,
    launched: Query<Launched>,
    panel: Option<JobPanel>,
}

impl DeclaredPage {
    pub(super) fn new(declared: DeclaredWindow, bus: &Bus) -> Self {
        let mut unfinished = Query::default();
        let states = vec![
            JobState::Queued,
            JobState::Running,
            JobState::Asks,
            JobState::Working,
        ];
        let list = JobsList {
            states,
            limit: None,
        };
        unfinished.ask(bus, BusMethod::JobsList, &list);
        Self {
            declared,
            unfinished,
            launched: Query::default(),
            panel: None,
        }
    }

    /// Goes on with the newest job of the action that has not ended, or launches it.
    fn begin(&mut self, bus: &Bus) {
        if self.unfinished.poll(bus) {
            let jobs = self.unfinished.value().map(|jobs| jobs.items.iter());
            let job = jobs
                .into_iter()
                .flatten()
                .find(|job| job.action == self.declared.launches);
            match job {
                Some(job) => self.panel = Some(JobPanel::new(job.id.clone(), bus)),
                None => self.launch(bus),
            }
        }
        if self.launched.poll(bus)
            && let Some(launched) = self.launched.take()
        {
            self.panel = Some(JobPanel::new(launched.job, bus));
        }
    }

    fn launch(&mut self, bus: &Bus) {
        let launch = ActionsLaunch {
            action: self.declared.launches.clone(),
            ..ActionsLaunch::default()
        };
        self.launched.ask(bus, BusMethod::ActionsLaunch, &launch);
    }
}

impl Page for DeclaredPage {
    fn title(&self) -> String {
        self.declared.window.title.clone()
    }

    fn usual_size(&self) -> WindowSize {
        points(560, 520)
    }

    fn news(&mut self, bus: &Bus, news: &WindowNews) {
        if let Some(panel) = &mut self.panel {
            panel.news(bus, news);
        }
    }

    fn ui(&mut self, ui: &mut Ui, bus: &Bus) -> Wish {
        self.begin(bus);
        if let Some(panel) = &mut self.panel {
            return panel.ui(ui, bus);
        }
        let failure = self.launched.failure().or(self.unfinished.failure());
        match failure {
            Some(failure) => {
                problem_ui(ui, failure);
                if ui.button("Try again").clicked() {
                    self.launch(bus);
                }
            }
            None => {
                ui.spinner();
            }
        }
        Wish::Stay
    }

    fn closing(&mut self, bus: &Bus) {
        if let Some(panel) = &mut self.panel {
            panel.closing(bus);
        }
    }
}
