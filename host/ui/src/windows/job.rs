//! One job: what it asks, how far it is, and what came of it.

use callboard_protocol::{JobId, WindowNews, WindowSize};
use egui::Ui;

use super::job_panel::JobPanel;
use super::{Page, Wish, points};
use crate::bus::Bus;

pub(super) struct JobPage {
    panel: JobPanel,
}

impl JobPage {
    pub(super) fn new(job: JobId, bus: &Bus) -> Self {
        Self {
            panel: JobPanel::new(job, bus),
        }
    }
}

impl Page for JobPage {
    fn title(&self) -> String {
        self.panel.title()
    }

    fn usual_size(&self) -> WindowSize {
        points(560, 520)
    }

    fn news(&mut self, bus: &Bus, news: &WindowNews) {
        self.panel.news(bus, news);
    }

    fn ui(&mut self, ui: &mut Ui, bus: &Bus) -> Wish {
        self.panel.ui(ui, bus)
    }

    fn closing(&mut self, bus: &Bus) {
        self.panel.closing(bus);
    }
}
