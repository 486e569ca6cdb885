//! The plugins: which there are, how they fare, what they are set to, and what they log.

mod detail;

use callboard_protocol::{
    BusMethod, Items, PluginId, PluginRef, PluginState, PluginSummary, PluginsReloaded, WindowNews,
    WindowSize,
};
use egui::{Color32, Frame, Margin, RichText, ScrollArea, Ui};
use serde_json::{Value, json};

use super::{Page, Row, TWO_LINES, Wish, points};
use crate::bus::{Bus, Query};
use crate::form::problem_ui;
use crate::tokens::{Tokens, space};
use detail::Detail;

pub(super) struct PluginsPage {
    plugins: Query<Items<PluginSummary>>,
    reloaded: Query<PluginsReloaded>,
    order: Query<Value>,
    detail: Option<Detail>,
}

impl PluginsPage {
    pub(super) fn new(bus: &Bus) -> Self {
        let mut page = Self {
            plugins: Query::default(),
            reloaded: Query::default(),
            order: Query::default(),
            detail: None,
        };
        page.ask(bus);
        page
    }

    fn ask(&mut self, bus: &Bus) {
        self.plugins.ask(bus, BusMethod::PluginsList, &json!({}));
    }

    fn list_ui(&mut self, ui: &mut Ui, bus: &Bus) -> Option<PluginId> {
        ui.horizontal(|ui| {
            let look = ui.add_enabled(!self.reloaded.is_waiting(), egui::Button::new("Look again"));
            let look = look.on_hover_text("Reads the folders of plugins anew");
            if look.clicked() {
                self.reloaded.ask(bus, BusMethod::PluginsReload, &json!({}));
            }
        });
        if let Some(failure) = self.plugins.failure().or(self.reloaded.failure()) {
            problem_ui(ui, failure);
        }
        let problems = self
            .reloaded
            .value()
            .map_or(&[][..], |reloaded| &reloaded.problems);
        for problem in problems {
            problem_ui(ui, problem);
        }
        let plugins = self.plugins.value()?;
        let shown = self.detail.as_ref().map(Detail::place);
        let mut chosen = None;
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .show_rows(ui, TWO_LINES, plugins.items.len(), |ui, range| {
                for plugin in &plugins.items[range] {
                    let is_chosen = shown == Some((&plugin.id, plugin.path.as_str()));
                    if row_ui(ui, plugin, is_chosen) {
                        chosen = Some(plugin.clone());
                    }
                }
            });
        let plugin = chosen?;
        let id = plugin.id.clone();
        self.detail = Some(Detail::new(plugin, bus));
        Some(id)
    }

    fn detail_ui(&mut self, ui: &mut Ui, bus: &Bus) {
        let Some(detail) = &mut self.detail else {
            let quiet = Tokens::of(ui).quiet;
            ui.label(RichText::new("Choose a plugin to see how it fares.").color(quiet));
            return;
        };
        if let Some(failure) = self.order.failure() {
            problem_ui(ui, failure);
            ui.add_space(space::SMALL);
        }
        let Some(is_enabled) = detail.ui(ui, bus, self.order.is_waiting()) else {
            return;
        };
        let method = match is_enabled {
            true => BusMethod::PluginsEnable,
            false => BusMethod::PluginsDisable,
        };
        let plugin = detail.place().0.clone();
        self.order.ask(bus, method, &PluginRef { plugin });
    }
}

impl Page for PluginsPage {
    fn title(&self) -> String {
        "Plugins".to_owned()
    }

    fn usual_size(&self) -> WindowSize {
        points(960, 620)
    }

    fn news(&mut self, bus: &Bus, news: &WindowNews) {
        if matches!(news, WindowNews::Catalog | WindowNews::Everything) {
            self.ask(bus);
        }
    }

    fn ui(&mut self, ui: &mut Ui, bus: &Bus) -> Wish {
        if self.plugins.poll(bus)
            && let (Some(detail), Some(plugins)) = (&mut self.detail, self.plugins.value())
        {
            detail.take(&plugins.items);
        }
        if self.reloaded.poll(bus) | self.order.poll(bus) {
            self.ask(bus);
        }
        let margin = Margin {
            right: 16,
            ..Margin::ZERO
        };
        egui::Panel::left("plugins")
            .frame(Frame::new().inner_margin(margin))
            .default_size(320.0)
            .min_size(220.0)
            .show(ui, |ui| self.list_ui(ui, bus));
        let margin = Margin {
            left: 16,
            ..Margin::ZERO
        };
        egui::CentralPanel::default()
            .frame(Frame::new().inner_margin(margin))
            .show(ui, |ui| self.detail_ui(ui, bus));
        Wish::Stay
    }
}

/// Returns how a plugin fares, in a word and its colour.
fn state(state: PluginState, tokens: &Tokens) -> (&'static str, Color32) {
    match state {
        PluginState::Idle => ("Ready", tokens.good),
        PluginState::Starting => ("Starting", tokens.accent),
        PluginState::Running => ("Running", tokens.accent),
        PluginState::BackingOff => ("Crashed, starts again soon", tokens.warning),
        PluginState::Quarantined => ("Crashed too often", tokens.bad),
        PluginState::Disabled => ("Off", tokens.quiet),
        PluginState::Broken => ("Broken", tokens.bad),
        PluginState::NotUsed => ("Not used", tokens.quiet),
        _ => ("Unknown", tokens.quiet),
    }
}

fn row_ui(ui: &mut Ui, plugin: &PluginSummary, is_chosen: bool) -> bool {
    let tokens = Tokens::of(ui);
    let (word, colour) = state(plugin.state, tokens);
    let drawn = Row {
        first: &[
            (plugin.id.as_str(), tokens.text),
            (&plugin.version, tokens.quiet),
        ],
        second: &[(word, colour)],
        name: &format!("{} {}: {word}", plugin.id, plugin.version),
        is_chosen,
    };
    drawn.ui(ui, ui.available_width()).clicked()
}
