//! One plugin: how it fares, its settings and its log.

use callboard_protocol::{
    BusMethod, PluginId, PluginLogLines, PluginLogs, PluginSettings, PluginSettingsAsk,
    PluginState, PluginSummary,
};
use egui::{RichText, ScrollArea, Ui};

use crate::bus::{Bus, Query};
use crate::form::{Form, FormEvent, problem_ui};
use crate::tokens::{Tokens, size, space};
use crate::windows::facts::facts_ui;

/// How many lines of the log are shown.
const LINES: u32 = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tab {
    State,
    Settings,
    Log,
}

pub(super) struct Detail {
    plugin: PluginSummary,
    tab: Tab,
    settings: Query<PluginSettings>,
    form: Option<Form>,
    lines: Query<PluginLogLines>,
}

impl Detail {
    pub(super) fn new(plugin: PluginSummary, bus: &Bus) -> Self {
        let mut detail = Self {
            plugin,
            tab: Tab::State,
            settings: Query::default(),
            form: None,
            lines: Query::default(),
        };
        detail.ask(bus, PluginSettingsAsk::default());
        detail.ask_lines(bus);
        detail
    }

    /// Returns which plugin it is: two may have one name, in different places.
    pub(super) fn place(&self) -> (&PluginId, &str) {
        (&self.plugin.id, &self.plugin.path)
    }

    /// Takes what is new of it.
    pub(super) fn take(&mut self, plugins: &[PluginSummary]) {
        let mut plugins = plugins.iter();
        let found = plugins.find(|plugin| (&plugin.id, plugin.path.as_str()) == self.place());
        if let Some(plugin) = found {
            self.plugin = plugin.clone();
        }
    }

    fn ask(&mut self, bus: &Bus, ask: PluginSettingsAsk) {
        let ask = PluginSettingsAsk {
            plugin: self.plugin.id.clone(),
            ..ask
        };
        self.settings.ask(bus, BusMethod::PluginsSettings, &ask);
    }

    fn ask_lines(&mut self, bus: &Bus) {
        let logs = PluginLogs {
            plugin: self.plugin.id.clone(),
            last: Some(LINES),
            ..PluginLogs::default()
        };
        self.lines.ask(bus, BusMethod::PluginsLogs, &logs);
    }

    fn poll(&mut self, bus: &Bus) {
        self.lines.poll(bus);
        if !self.settings.poll(bus) {
            return;
        }
        match (self.settings.take_failure(), &mut self.form) {
            (Some(failure), Some(form)) => form.refuse(failure),
            _ => {
                let view = self.settings.value().map(|settings| settings.view.clone());
                self.form = view.filter(|view| !view.items.is_empty()).map(Form::new);
            }
        }
    }

    /// Draws the plugin; returns whether it is to be switched on or off.
    pub(super) fn ui(&mut self, ui: &mut Ui, bus: &Bus, is_ordered: bool) -> Option<bool> {
        self.poll(bus);
        let tokens = Tokens::of(ui);
        let mut order = None;
        ui.horizontal(|ui| {
            let name = RichText::new(self.plugin.id.as_str())
                .size(size::TITLE)
                .strong();
            ui.label(name);
            ui.label(RichText::new(&self.plugin.version).color(tokens.quiet));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let is_off = self.plugin.state == PluginState::Disabled;
                let label = if is_off { "Switch on" } else { "Switch off" };
                let is_used = self.plugin.state != PluginState::NotUsed;
                let switch = ui.add_enabled(!is_ordered && is_used, egui::Button::new(label));
                order = switch.clicked().then_some(is_off);
            });
        });
        ui.horizontal(|ui| {
            let tabs = [
                (Tab::State, "How it fares"),
                (Tab::Settings, "Settings"),
                (Tab::Log, "Log"),
            ];
            for (tab, label) in tabs {
                if ui.selectable_label(self.tab == tab, label).clicked() {
                    self.tab = tab;
                    if tab == Tab::Log {
                        self.ask_lines(bus);
                    }
                }
            }
        });
        ui.add_space(space::SMALL);
        match self.tab {
            Tab::State => self.state_ui(ui),
            Tab::Settings => self.settings_ui(ui, bus),
            Tab::Log => self.log_ui(ui, bus),
        }
        order
    }

    fn state_ui(&self, ui: &mut Ui) {
        let tokens = Tokens::of(ui);
        let plugin = &self.plugin;
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .show(ui, |ui| {
                for failure in plugin.problem.iter().chain(&plugin.warnings) {
                    problem_ui(ui, failure);
                    ui.add_space(space::SMALL);
                }
                let (word, _) = super::state(plugin.state, tokens);
                let actions: Vec<&str> = plugin
                    .actions
                    .iter()
                    .map(|action| action.as_str())
                    .collect();
                let memory = plugin
                    .memory_bytes
                    .map(|bytes| format!("{} MB", bytes / (1024 * 1024)));
                let facts = [
                    ("State", word.to_owned()),
                    ("Lies in", plugin.path.clone()),
                    ("Why this one", plugin.why.clone()),
                    ("Actions", actions.join("\n")),
                    ("Processes", plugin.pids.len().to_string()),
                    ("Memory", memory.unwrap_or_default()),
                    ("Starts", plugin.starts.to_string()),
                    ("Crashes", plugin.crashes.to_string()),
                ];
                let facts = facts.map(|(name, value)| (name.to_owned(), value));
                facts_ui(ui, &facts);
            });
    }

    fn settings_ui(&mut self, ui: &mut Ui, bus: &Bus) {
        if let Some(settings) = self.settings.value() {
            for problem in &settings.problems {
                problem_ui(ui, problem);
                ui.add_space(space::SMALL);
            }
        }
        let Some(form) = &mut self.form else {
            let tokens = Tokens::of(ui);
            if self.settings.is_waiting() {
                ui.spinner();
            } else {
                ui.label(RichText::new("It has no settings.").color(tokens.quiet));
            }
            return;
        };
        let mut ask = None;
        for event in form.ui(ui) {
            match event {
                FormEvent::Submitted(set) => {
                    ask = Some(PluginSettingsAsk {
                        set,
                        ..PluginSettingsAsk::default()
                    });
                }
                FormEvent::Cancelled => ask = Some(PluginSettingsAsk::default()),
                _ => {}
            }
        }
        if let Some(ask) = ask {
            self.ask(bus, ask);
        }
    }

    fn log_ui(&mut self, ui: &mut Ui, bus: &Bus) {
        let mut lines: &[String] = &[];
        if let Some(known) = self.lines.value() {
            lines = &known.lines;
        }
        let mut is_wanted = false;
        ui.horizontal(|ui| {
            is_wanted = ui.button("Read again").clicked();
            if ui.button("Copy all").clicked() {
                ui.ctx().copy_text(lines.join("\n"));
            }
        });
        let height = ui.text_style_height(&egui::TextStyle::Monospace);
        ScrollArea::both()
            .auto_shrink([false, false])
            .stick_to_bottom(true)
            .show_rows(ui, height, lines.len(), |ui, range| {
                for line in &lines[range] {
                    let line = RichText::new(line).monospace();
                    ui.add(egui::Label::new(line).extend());
                }
            });
        if is_wanted {
            self.ask_lines(bus);
        }
    }
}
