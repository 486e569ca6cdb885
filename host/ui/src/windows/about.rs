//! About: versions, the server, who is signed in, and what helps whoever is asked for help.

use callboard_protocol::{
    BusMethod, ConnectionState, Items, PluginSummary, Status, WhoAmI, WindowNews, WindowSize,
};
use egui::{RichText, ScrollArea, Ui};
use serde_json::json;

use super::facts::facts_ui;
use super::{Page, Wish, points};
use crate::bus::{Bus, Query};
use crate::form::problem_ui;
use crate::tokens::{size, space};

pub(super) struct AboutPage {
    status: Query<Status>,
    who: Query<WhoAmI>,
    plugins: Query<Items<PluginSummary>>,
}

impl AboutPage {
    pub(super) fn new(bus: &Bus) -> Self {
        let mut page = Self {
            status: Query::default(),
            who: Query::default(),
            plugins: Query::default(),
        };
        page.ask(bus);
        page
    }

    fn ask(&mut self, bus: &Bus) {
        self.status.ask(bus, BusMethod::Status, &json!({}));
        self.who.ask(bus, BusMethod::WhoAmI, &json!({}));
        self.plugins.ask(bus, BusMethod::PluginsList, &json!({}));
    }

    /// Returns what is known, as lines of a name and a value.
    fn lines(&self) -> Vec<(String, String)> {
        let mut lines = vec![(
            "This window".to_owned(),
            env!("CARGO_PKG_VERSION").to_owned(),
        )];
        let mut line = |name: &str, value: String| {
            if !value.is_empty() {
                lines.push((name.to_owned(), value));
            }
        };
        if let Some(status) = self.status.value() {
            line("Callboard", status.callboard.clone());
            line("Server", status.server.clone());
            line("Connection", connection(status.hub.state).to_owned());
            line("Ledger", status.ledger.path.clone());
            line("Bus", status.bus.clone());
            line("Host", status.host.clone());
            line("Process", status.pid.to_string());
            line("Plugins are held by", status.confinement.join("\n"));
        }
        if let Some(who) = self.who.value() {
            line("Signed in as", who.user.clone());
            line("The key is from", who.source.clone());
            line("Roles", who.roles.join(", "));
        }
        lines
    }

    fn plugin_lines(&self) -> Vec<(String, String)> {
        let plugins = self.plugins.value().map(|plugins| plugins.items.iter());
        plugins
            .into_iter()
            .flatten()
            .map(|plugin| {
                let name = format!("{} {}", plugin.id, plugin.version);
                let mut told = vec![plugin.path.clone()];
                told.extend(plugin.problem.iter().map(ToString::to_string));
                told.extend(plugin.warnings.iter().map(ToString::to_string));
                (name, told.join("\n"))
            })
            .collect()
    }

    /// Returns all of it as text to paste.
    fn text(&self) -> String {
        let lines = self.lines().into_iter().chain(self.plugin_lines());
        let lines = lines.map(|(name, value)| format!("{name}: {}", value.replace('\n', "\n  ")));
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Page for AboutPage {
    fn title(&self) -> String {
        "About Callboard".to_owned()
    }

    fn usual_size(&self) -> WindowSize {
        points(640, 560)
    }

    fn news(&mut self, bus: &Bus, news: &WindowNews) {
        if !matches!(news, WindowNews::Job { .. }) {
            self.ask(bus);
        }
    }

    fn ui(&mut self, ui: &mut Ui, bus: &Bus) -> Wish {
        self.status.poll(bus);
        self.who.poll(bus);
        self.plugins.poll(bus);
        ui.horizontal(|ui| {
            ui.label(RichText::new("Callboard").size(size::TITLE).strong());
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if ui.button("Copy all").clicked() {
                    ui.ctx().copy_text(self.text());
                }
            });
        });
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .show(ui, |ui| {
                if let Some(failure) = self.status.failure() {
                    problem_ui(ui, failure);
                }
                facts_ui(ui, &self.lines());
                if let Some(status) = self.status.value() {
                    for problem in &status.problems {
                        ui.add_space(space::SMALL);
                        problem_ui(ui, problem);
                    }
                }
                let plugins = self.plugin_lines();
                if !plugins.is_empty() {
                    ui.add_space(space::MEDIUM);
                    ui.label(RichText::new("Plugins").size(size::SECTION).strong());
                    facts_ui(ui, &plugins);
                }
            });
        Wish::Stay
    }
}

fn connection(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::SignedOut => "nobody is signed in",
        ConnectionState::Connecting => "connecting",
        ConnectionState::Connected => "connected",
        ConnectionState::Refused => "the server refuses the key",
        _ => "unknown",
    }
}
