//! The actions that apply, from here and from elsewhere, found by typing.

use callboard_protocol::{
    ActionItems, ActionsDiscover, ActionsLaunch, BusMethod, Context, Entity, Items, JobId,
    Launched, RemoteDiscover, RemoteItem,
};
use egui::{Key, Modifiers, RichText, ScrollArea, Ui};

use super::fuzzy::{Findable, Typed, find};
use crate::bus::{Bus, Query};
use crate::form::problem_ui;
use crate::tokens::{Tokens, size, space};
use crate::windows::{Row, TWO_LINES, find_ui};

/// The height of an action's row.
const ROW: f32 = TWO_LINES;

/// What the actions of this machine are grouped under.
const HERE: &str = "On this machine";

/// An action that was run.
pub(super) enum Offer {
    /// It is a job of this host.
    Here(JobId),
    /// It runs elsewhere.
    Elsewhere(RemoteItem, Vec<Entity>),
}

/// The actions for one context.
pub(super) struct Actions {
    selection: Vec<Entity>,
    here: Query<ActionItems>,
    elsewhere: Query<Items<RemoteItem>>,
    launched: Query<Launched>,
    found: Found,
    text: String,
    /// Which of the shown rows is chosen.
    cursor: usize,
    wants_focus: bool,
}

impl Actions {
    pub(super) fn new(bus: &Bus) -> Self {
        let mut actions = Self {
            selection: Vec::new(),
            here: Query::default(),
            elsewhere: Query::default(),
            launched: Query::default(),
            found: Found::default(),
            text: String::new(),
            cursor: 0,
            wants_focus: true,
        };
        actions.ask_again(bus);
        actions
    }

    /// Asks for the actions of a context; nothing selected where there is none.
    pub(super) fn ask(&mut self, bus: &Bus, context: Option<Entity>) {
        self.selection = context.into_iter().collect();
        self.text.clear();
        self.found = Found::default();
        self.here.take();
        self.elsewhere.take();
        self.wants_focus = true;
        self.ask_again(bus);
    }

    /// Asks again for the same.
    pub(super) fn ask_again(&mut self, bus: &Bus) {
        let selection = self.selection.clone();
        let context = Context {
            selection: selection.clone(),
            ..Context::default()
        };
        self.here.ask(
            bus,
            BusMethod::ActionsDiscover,
            &ActionsDiscover { context },
        );
        self.elsewhere
            .ask(bus, BusMethod::ActionsRemote, &RemoteDiscover { selection });
    }

    /// Shows all of them again, ready to be typed at.
    pub(super) fn begin_anew(&mut self) {
        self.wants_focus = true;
        self.text.clear();
        self.cursor = 0;
        self.found.find("");
    }

    fn poll(&mut self, bus: &Bus) {
        let has_come = self.here.poll(bus) | self.elsewhere.poll(bus);
        if has_come {
            let here = self.here.value().map_or(&[][..], |menu| &menu.items);
            let elsewhere = self.elsewhere.value().map_or(&[][..], |list| &list.items);
            self.found = Found::new(here, elsewhere);
            self.found.find(&self.text);
        }
        self.launched.poll(bus);
    }

    /// Draws the actions; returns the one that was run.
    pub(super) fn ui(&mut self, ui: &mut Ui, bus: &Bus) -> Option<Offer> {
        self.poll(bus);
        if let Some(launched) = self.launched.take() {
            return Some(Offer::Here(launched.job));
        }
        let is_entered = self.typing_ui(ui);
        if let Some(failure) = self.launched.failure().or(self.here.failure()) {
            problem_ui(ui, failure);
        }
        let clicked = self.rows_ui(ui);
        if self.elsewhere.is_waiting() {
            let tokens = Tokens::of(ui);
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(RichText::new("Asking other machines…").color(tokens.quiet));
            });
        } else if let Some(failure) = self.elsewhere.failure() {
            let tokens = Tokens::of(ui);
            let text = format!("Others could not be asked: {}", failure.message);
            ui.label(RichText::new(text).size(size::SMALL).color(tokens.quiet));
        }
        let entered = is_entered.then(|| self.found.shown.get(self.cursor).copied());
        self.run(bus, clicked.or(entered.flatten())?)
    }

    /// Draws what is typed into, which has the keys; tells whether the chosen action is to be run.
    fn typing_ui(&mut self, ui: &mut Ui) -> bool {
        let keys = ui.input_mut(|input| {
            let mut pressed = |key| input.consume_key(Modifiers::NONE, key);
            (pressed(Key::ArrowDown), pressed(Key::ArrowUp))
        });
        let hint = "Type to find an action";
        let edit = find_ui(ui, &mut self.text, hint);
        if self.wants_focus {
            edit.request_focus();
            self.wants_focus = false;
        }
        if edit.changed() {
            self.found.find(&self.text);
            self.cursor = 0;
        }
        let last = self.found.shown.len().saturating_sub(1);
        match keys {
            (true, _) => self.cursor = (self.cursor + 1).min(last),
            (_, true) => self.cursor = self.cursor.saturating_sub(1),
            _ => {}
        }
        let is_entered = edit.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if is_entered {
            self.wants_focus = true;
        }
        is_entered && !self.launched.is_waiting()
    }

    fn rows_ui(&mut self, ui: &mut Ui) -> Option<usize> {
        let tokens = Tokens::of(ui);
        let is_whole = !self.here.is_waiting() && !self.elsewhere.is_waiting();
        if self.found.shown.is_empty() && is_whole && self.here.failure().is_none() {
            let text = if self.text.trim().is_empty() {
                "No action applies here."
            } else {
                "No action fits what you typed."
            };
            ui.label(RichText::new(text).color(tokens.quiet));
        }
        let lines = self.found.lines();
        let mut clicked = None;
        let room = if is_whole { 0.0 } else { space::CONTROL };
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .max_height((ui.available_height() - room).max(ROW))
            .show_rows(ui, ROW, lines.len(), |ui, range| {
                for line in &lines[range] {
                    match line {
                        Line::Group(name) => {
                            ui.allocate_ui(egui::vec2(ui.available_width(), ROW), |ui| {
                                ui.add_space(space::MEDIUM);
                                let name = RichText::new(*name).size(size::SMALL);
                                ui.label(name.color(tokens.quiet).strong());
                            });
                        }
                        Line::Row(place) => {
                            let row = &self.found.rows[self.found.shown[*place]];
                            let is_chosen = *place == self.cursor;
                            if row_ui(ui, row, is_chosen) {
                                clicked = Some(self.found.shown[*place]);
                            }
                        }
                    }
                }
            });
        clicked
    }

    fn run(&mut self, bus: &Bus, place: usize) -> Option<Offer> {
        match &self.found.rows.get(place)?.source {
            Source::Here(action) => {
                let launch = ActionsLaunch {
                    action: action.clone(),
                    context: Context {
                        selection: self.selection.clone(),
                        ..Context::default()
                    },
                    ..ActionsLaunch::default()
                };
                self.launched.ask(bus, BusMethod::ActionsLaunch, &launch);
                None
            }
            Source::Elsewhere(item) => Some(Offer::Elsewhere(
                item.as_ref().clone(),
                self.selection.clone(),
            )),
        }
    }
}

/// All actions, and those that fit what is typed.
#[derive(Default)]
pub(crate) struct Found {
    rows: Vec<Entry>,
    findable: Vec<Findable>,
    /// The rows that fit, best first; group by group while nothing is typed.
    shown: Vec<usize>,
    is_typed: bool,
}

struct Entry {
    label: String,
    variant: String,
    description: String,
    group: String,
    source: Source,
}

enum Source {
    Here(callboard_protocol::ActionId),
    Elsewhere(Box<RemoteItem>),
}

/// One line of the list.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Group(&'a str),
    /// The place among what is shown.
    Row(usize),
}

impl Found {
    pub(crate) fn new(here: &[callboard_protocol::MenuItem], elsewhere: &[RemoteItem]) -> Self {
        let here = here.iter().map(|item| Entry {
            label: item.label.clone(),
            variant: item.variant.clone().unwrap_or_default(),
            description: item.description.clone().unwrap_or_default(),
            group: HERE.to_owned(),
            source: Source::Here(item.action_identifier.clone()),
        });
        let mut others: Vec<Entry> = elsewhere
            .iter()
            .map(|item| Entry {
                label: item.label.clone(),
                variant: item.variant.clone().unwrap_or_default(),
                description: item.description.clone().unwrap_or_default(),
                group: match item.place.as_str() {
                    "" => "Elsewhere".to_owned(),
                    place => format!("Elsewhere: {place}"),
                },
                source: Source::Elsewhere(Box::new(item.clone())),
            })
            .collect();
        others.sort_by(|one, other| one.group.cmp(&other.group));
        let rows: Vec<Entry> = here.chain(others).collect();
        let findable = rows
            .iter()
            .map(|row| Findable::new(&format!("{} {}", row.label, row.variant)))
            .collect();
        let mut found = Self {
            rows,
            findable,
            ..Self::default()
        };
        found.find("");
        found
    }

    /// Shows what fits.
    pub(crate) fn find(&mut self, text: &str) {
        self.is_typed = !text.trim().is_empty();
        self.shown = find(&self.findable, &Typed::new(text));
    }

    /// Returns the lines of the list: under the names of their groups, or best first where something is typed.
    fn lines(&self) -> Vec<Line<'_>> {
        let mut lines = Vec::with_capacity(self.shown.len() + 2);
        let mut group = "";
        for (place, row) in self.shown.iter().enumerate() {
            let row = &self.rows[*row];
            if !self.is_typed && row.group != group {
                group = &row.group;
                lines.push(Line::Group(group));
            }
            lines.push(Line::Row(place));
        }
        lines
    }
}

/// Draws an action; tells whether it was clicked.
fn row_ui(ui: &mut Ui, row: &Entry, is_chosen: bool) -> bool {
    let tokens = Tokens::of(ui);
    let place = if row.group == HERE { "" } else { &row.group };
    let name = format!("{} {}", row.label, row.variant);
    let drawn = Row {
        first: &[(&row.label, tokens.text), (&row.variant, tokens.quiet)],
        second: &[
            (&row.description, tokens.quiet),
            (place, tokens.quiet),
            (" ", tokens.quiet),
        ],
        name: name.trim(),
        is_chosen,
    };
    drawn.ui(ui, ui.available_width()).clicked()
}

#[cfg(test)]
mod tests {
    use callboard_protocol::{ActionId, MenuItem};

    use super::*;

    fn here(label: &str) -> MenuItem {
        MenuItem {
            label: label.to_owned(),
            variant: None,
            description: None,
            icon: None,
            action_identifier: ActionId::from(label),
            callboard_host: String::new(),
        }
    }

    #[test]
    fn actions_stand_under_where_they_run_until_something_is_typed() {
        let elsewhere = RemoteItem {
            label: "Submit".to_owned(),
            place: "farm".to_owned(),
            ..RemoteItem::default()
        };
        let mut found = Found::new(&[here("Create shots")], &[elsewhere]);
        let groups = [
            Line::Group(HERE),
            Line::Row(0),
            Line::Group("Elsewhere: farm"),
            Line::Row(1),
        ];
        assert_eq!(found.lines(), groups);
        found.find("sub");
        assert_eq!(found.lines(), [Line::Row(0)]);
        assert_eq!(found.rows[found.shown[0]].label, "Submit");
    }
}
