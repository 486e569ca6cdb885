//! Where actions may be launched: the person's tasks, the tree of projects, and a search by name.

use callboard_protocol::{BusMethod, EntitiesList, EntitiesOf, EntityRow, Items};
use egui::{RichText, ScrollArea, Ui};

use super::fuzzy::{Findable, Typed, find};
use crate::bus::{Bus, Query};
use crate::form::problem_ui;
use crate::icon::Icon;
use crate::tokens::{Tokens, space};
use crate::windows::{Row, TWO_LINES, find_ui};

/// How many letters must be typed before the server is asked for a name.
const SEARCHED: usize = 2;

/// What the list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tab {
    Mine,
    Browse,
}

pub(super) struct Places {
    tab: Tab,
    rows: Query<Items<EntityRow>>,
    /// What is open in the tree, the project first.
    open: Vec<EntityRow>,
    text: String,
    /// The text that the rows were searched with.
    searched: String,
    findable: Vec<Findable>,
    shown: Vec<usize>,
}

impl Places {
    pub(super) fn new(bus: &Bus) -> Self {
        let mut places = Self {
            tab: Tab::Mine,
            rows: Query::default(),
            open: Vec::new(),
            text: String::new(),
            searched: String::new(),
            findable: Vec::new(),
            shown: Vec::new(),
        };
        places.ask(bus);
        places
    }

    /// Asks for what is shown.
    pub(super) fn ask(&mut self, bus: &Bus) {
        let text = self.text.trim();
        let is_search = self.tab == Tab::Browse && text.chars().count() >= SEARCHED;
        self.searched.clear();
        let of = match (self.tab, self.open.last()) {
            (Tab::Mine, _) => EntitiesOf::Mine,
            (Tab::Browse, _) if is_search => {
                self.searched = text.to_owned();
                EntitiesOf::Search {
                    text: text.to_owned(),
                }
            }
            (Tab::Browse, None) => EntitiesOf::Projects,
            (Tab::Browse, Some(above)) => EntitiesOf::Children {
                parent: above.entity.clone(),
            },
        };
        let list = EntitiesList { of, limit: None };
        self.rows.ask(bus, BusMethod::EntitiesList, &list);
    }

    fn poll(&mut self, bus: &Bus) {
        if self.rows.poll(bus) {
            let rows = self.rows.value().map_or(&[][..], |rows| &rows.items);
            let texts = rows
                .iter()
                .map(|row| format!("{} {}", row.name, row.below.join(" ")));
            self.findable = texts.map(|text| Findable::new(&text)).collect();
            self.filter();
        }
    }

    fn filter(&mut self) {
        // What the server has found by the text fits it, however it is matched there.
        let typed = if self.searched.is_empty() {
            self.text.as_str()
        } else {
            ""
        };
        self.shown = find(&self.findable, &Typed::new(typed));
    }

    /// Draws the list; returns what was chosen.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        bus: &Bus,
        context: Option<&EntityRow>,
    ) -> Option<EntityRow> {
        self.poll(bus);
        ui.horizontal(|ui| {
            for (tab, label) in [(Tab::Mine, "My tasks"), (Tab::Browse, "Browse")] {
                if ui.selectable_label(self.tab == tab, label).clicked() && self.tab != tab {
                    self.tab = tab;
                    self.text.clear();
                    self.ask(bus);
                }
            }
        });
        let hint = match self.tab {
            Tab::Mine => "Find one of your tasks",
            Tab::Browse => "Find by name in all projects",
        };
        if find_ui(ui, &mut self.text, hint).changed() {
            if self.tab == Tab::Browse {
                self.ask(bus);
            }
            self.filter();
        }
        if self.tab == Tab::Browse && self.searched.is_empty() {
            self.way_ui(ui, bus);
        }
        ui.add_space(space::TIGHT);
        self.rows_ui(ui, bus, context)
    }

    /// Draws what is open in the tree, each of which leads back to itself.
    fn way_ui(&mut self, ui: &mut Ui, bus: &Bus) {
        let mut back_to = None;
        ui.horizontal_wrapped(|ui| {
            if ui.link("All projects").clicked() {
                back_to = Some(0);
            }
            for (place, row) in self.open.iter().enumerate() {
                ui.label("/");
                if ui.link(&row.name).clicked() {
                    back_to = Some(place + 1);
                }
            }
        });
        if let Some(length) = back_to {
            self.open.truncate(length);
            self.ask(bus);
        }
    }

    fn rows_ui(
        &mut self,
        ui: &mut Ui,
        bus: &Bus,
        context: Option<&EntityRow>,
    ) -> Option<EntityRow> {
        if let Some(failure) = self.rows.failure() {
            problem_ui(ui, failure);
            return None;
        }
        let Some(rows) = self.rows.value() else {
            ui.spinner();
            return None;
        };
        let tokens = Tokens::of(ui);
        if self.shown.is_empty() && !self.rows.is_waiting() {
            let text = match self.tab {
                Tab::Mine if self.text.is_empty() => "No task is assigned to you.",
                _ => "Nothing fits.",
            };
            ui.label(RichText::new(text).color(tokens.quiet));
        }
        let (mut chosen, mut entered) = (None, None);
        let can_enter = self.tab == Tab::Browse;
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .show_rows(ui, TWO_LINES, self.shown.len(), |ui, range| {
                for place in &self.shown[range] {
                    let row = &rows.items[*place];
                    let is_chosen = context.is_some_and(|context| context.entity == row.entity);
                    ui.horizontal(|ui| {
                        if row_ui(ui, row, is_chosen, can_enter) {
                            chosen = Some(row.clone());
                        }
                        if can_enter && row.entity.kind != "Task" {
                            let name = format!("Open {}", row.name);
                            if Icon::Right.button(ui, &name).on_hover_text(&name).clicked() {
                                entered = Some(row.clone());
                            }
                        }
                    });
                }
            });
        if let Some(row) = entered {
            if !self.searched.is_empty() {
                self.open.clear();
            }
            self.text.clear();
            self.open.push(row);
            self.ask(bus);
        }
        chosen
    }
}

/// Draws one entity; tells whether it was chosen.
fn row_ui(ui: &mut Ui, row: &EntityRow, is_chosen: bool, leaves_room: bool) -> bool {
    let tokens = Tokens::of(ui);
    let room = if leaves_room { 44.0 } else { 0.0 };
    let below = row.below.join(" / ");
    let drawn = Row {
        first: &[(&row.name, tokens.text), (&row.type_name, tokens.quiet)],
        second: &[(&below, tokens.quiet), (&row.status, tokens.quiet)],
        name: &row.name,
        is_chosen,
    };
    let width = (ui.available_width() - room).max(60.0);
    drawn.ui(ui, width).on_hover_text(below).clicked()
}
