//! The windows, one file each.

mod about;
mod declared;
mod facts;
mod job;
mod job_panel;
mod jobs;
mod missing;
mod plugins;
mod row;
#[cfg(test)]
mod tests;
mod words;

use callboard_protocol::{WindowHeld, WindowNews, WindowRef, WindowSize};
use egui::Ui;

use crate::bus::Bus;
use crate::launcher::LauncherPage;

pub(crate) use job_panel::JobPanel;
pub(crate) use row::{Row, TWO_LINES, find_ui};

/// What a page wants of its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To stay as it is.
    Stay,
    /// To be closed.
    Close,
}

/// What fills a window.
pub(crate) trait Page {
    /// Returns the window's title.
    fn title(&self) -> String;

    /// Returns how large the window opens where nobody has made it larger or smaller.
    fn usual_size(&self) -> WindowSize;

    /// Something has changed.
    fn news(&mut self, bus: &Bus, news: &WindowNews);

    /// Draws the page.
    fn ui(&mut self, ui: &mut Ui, bus: &Bus) -> Wish;

    /// The window is about to close.
    fn closing(&mut self, _bus: &Bus) {}
}

/// Returns what fills a window.
pub(crate) fn page(window: &WindowRef, held: &WindowHeld, bus: &Bus) -> Box<dyn Page> {
    if let Some(declared) = &held.declared {
        return Box::new(declared::DeclaredPage::new(declared.clone(), bus));
    }
    match (window.window.as_str(), &window.job) {
        ("job", Some(job)) => Box::new(job::JobPage::new(job.clone(), bus)),
        ("launcher", _) => Box::new(LauncherPage::new(bus)),
        ("jobs", _) => Box::new(jobs::JobsPage::new(bus)),
        ("plugins", _) => Box::new(plugins::PluginsPage::new(bus)),
        ("about", _) => Box::new(about::AboutPage::new(bus)),
        (name, _) => Box::new(missing::MissingPage::new(name)),
    }
}

/// Returns a size.
pub(crate) fn points(width: u32, height: u32) -> WindowSize {
    WindowSize { width, height }
}
