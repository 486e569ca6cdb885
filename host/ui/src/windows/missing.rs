//! A window that this version of the program does not have, opened by another version of the host.

use callboard_protocol::{Failure, FailureKind, WindowNews, WindowSize};
use egui::Ui;

use super::{Page, Wish, points};
use crate::bus::Bus;
use crate::form::problem_ui;

pub(super) struct MissingPage {
    failure: Failure,
}

impl MissingPage {
    pub(super) fn new(name: &str) -> Self {
        let message = format!("this version has no window `{name}`");
        Self {
            failure: Failure::new(FailureKind::Unsupported, message)
                .hint("use the `callboard` of the same version as the running host"),
        }
    }
}

impl Page for MissingPage {
    fn title(&self) -> String {
        "Callboard".to_owned()
    }

    fn usual_size(&self) -> WindowSize {
        points(480, 240)
    }

    fn news(&mut self, _: &Bus, _: &WindowNews) {}

    fn ui(&mut self, ui: &mut Ui, _: &Bus) -> Wish {
        problem_ui(ui, &self.failure);
        Wish::Stay
    }
}
