//! The launcher: a context, the actions that apply there, and what becomes of the one that is run.

mod actions;
mod fuzzy;
mod places;
mod remote;

use callboard_protocol::{EntityRow, WindowNews, WindowSize};
use egui::{Frame, Margin, RichText, Ui};

use crate::bus::Bus;
use crate::tokens::{Tokens, space};
use crate::windows::{JobPanel, Page, Wish, points};
use actions::{Actions, Offer};
pub use fuzzy::{Findable, Typed, find};
use places::Places;
use remote::RemotePanel;

/// What fills the window `launcher`.
pub(crate) struct LauncherPage {
    places: Places,
    context: Option<EntityRow>,
    actions: Actions,
    running: Option<Running>,
}

/// An action that was run.
enum Running {
    Here(Box<JobPanel>),
    Elsewhere(Box<RemotePanel>),
}

impl LauncherPage {
    pub(crate) fn new(bus: &Bus) -> Self {
        Self {
            places: Places::new(bus),
            context: None,
            actions: Actions::new(bus),
            running: None,
        }
    }

    fn choose(&mut self, bus: &Bus, context: Option<EntityRow>) {
        let entity = context.as_ref().map(|row| row.entity.clone());
        self.context = context;
        self.running = None;
        self.actions.ask(bus, entity);
    }

    /// Draws what the actions are for.
    fn context_ui(&mut self, ui: &mut Ui, bus: &Bus) {
        let tokens = Tokens::of(ui);
        let mut is_left = false;
        ui.horizontal(|ui| match &self.context {
            None => {
                ui.label(RichText::new("Actions without a selection").strong());
            }
            Some(row) => {
                if !row.below.is_empty() {
                    ui.label(RichText::new(row.below.join(" / ")).color(tokens.quiet));
                }
                ui.label(RichText::new(&row.name).strong());
                let clear = ui.small_button("Clear");
                is_left = clear.on_hover_text("Actions without a selection").clicked();
            }
        });
        if is_left {
            self.choose(bus, None);
        }
    }

    fn main_ui(&mut self, ui: &mut Ui, bus: &Bus) {
        self.context_ui(ui, bus);
        ui.add_space(space::TIGHT);
        let Some(running) = &mut self.running else {
            match self.actions.ui(ui, bus) {
                Some(Offer::Here(job)) => {
                    self.running = Some(Running::Here(Box::new(JobPanel::new(job, bus))));
                }
                Some(Offer::Elsewhere(item, selection)) => {
                    let panel = RemotePanel::new(item, selection, bus);
                    self.running = Some(Running::Elsewhere(Box::new(panel)));
                }
                None => {}
            }
            return;
        };
        let mut is_left = ui.button("Back to the actions").clicked();
        ui.add_space(space::SMALL);
        let wish = match running {
            Running::Here(panel) => panel.ui(ui, bus),
            Running::Elsewhere(panel) => panel.ui(ui, bus),
        };
        is_left |= wish == Wish::Close;
        if is_left {
            self.running = None;
            self.actions.begin_anew();
        }
    }
}

impl Page for LauncherPage {
    fn title(&self) -> String {
        "Callboard".to_owned()
    }

    fn usual_size(&self) -> WindowSize {
        points(860, 560)
    }

    fn news(&mut self, bus: &Bus, news: &WindowNews) {
        if let Some(Running::Here(panel)) = &mut self.running {
            panel.news(bus, news);
        }
        match news {
            WindowNews::Catalog => self.actions.ask_again(bus),
            WindowNews::Hub | WindowNews::Everything => {
                self.actions.ask_again(bus);
                self.places.ask(bus);
            }
            _ => {}
        }
    }

    fn ui(&mut self, ui: &mut Ui, bus: &Bus) -> Wish {
        let margin = Margin {
            right: 16,
            ..Margin::ZERO
        };
        let chosen = egui::Panel::left("places")
            .frame(Frame::new().inner_margin(margin))
            .default_size(280.0)
            .min_size(200.0)
            .show(ui, |ui| self.places.ui(ui, bus, self.context.as_ref()))
            .inner;
        if let Some(row) = chosen {
            self.choose(bus, Some(row));
        }
        let margin = Margin {
            left: 16,
            ..Margin::ZERO
        };
        egui::CentralPanel::default()
            .frame(Frame::new().inner_margin(margin))
            .show(ui, |ui| self.main_ui(ui, bus));
        Wish::Stay
    }

    fn closing(&mut self, bus: &Bus) {
        if let Some(Running::Here(panel)) = &mut self.running {
            panel.closing(bus);
        }
    }
}
