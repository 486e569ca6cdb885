//! A view drawn and filled in.
//!
//! A form holds what the person has typed and nothing else: its window hands what [`Form::ui`] returns to the host, and
//! gives the form what the host says.

mod calendar;
mod choice;
mod field;
mod files;
mod footer;
mod markdown;
mod problem;
mod shown;

pub use markdown::markdown_ui;
pub use problem::problem_ui;

use callboard_protocol::{Control, Edit, Failure, FieldEdit, Patch, View};
use egui::{Key, Modifiers, Popup, ScrollArea, Ui};
use serde_json::{Map, Value};

use crate::tokens::space;
pub(crate) use choice::{Choosing, toggle};
use field::Doing;
pub(crate) use field::{Field, value_from_number_text};
pub(crate) use problem::sentence_from_message;

/// What a person did in a form.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FormEvent {
    /// A value is another one; while a text is typed, with every key.
    Changed {
        /// The item's name.
        name: String,
    },
    /// A changed value stands for now: the field was left, or a choice was made. Not said of passwords.
    Committed {
        /// The item's name.
        name: String,
        /// What was done to it, for the draft.
        edits: Vec<Edit>,
        /// Whether the plugin is to be asked for patches.
        live: bool,
    },
    /// The form is filled in and goes to the host; it takes no further input until it is refused or replaced.
    Submitted(Map<String, Value>),
    /// The person wants the view before this one.
    Back,
    /// The person wants none of it.
    Cancelled,
    /// A button among the items was pressed.
    Pressed {
        /// The item's name.
        name: String,
        /// What the button stands for.
        value: Value,
    },
}

/// A view that is being filled in.
#[derive(Debug)]
pub struct Form {
    title: String,
    submit_label: String,
    fields: Vec<Field>,
    refusal: Option<Failure>,
    stage: Stage,
    can_go_back: bool,
    wants_focus: Option<usize>,
}

/// Where a form stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It is filled in.
    Open,
    /// It is with the host.
    Sent,
}

impl Form {
    /// Starts to fill in a view.
    pub fn new(view: View) -> Self {
        let fields: Vec<Field> = view.items.into_iter().map(Field::new).collect();
        let wants_focus = fields.iter().position(Field::takes_input);
        Self {
            title: view.title,
            submit_label: view.submit_label.unwrap_or_else(|| "Submit".to_owned()),
            fields,
            refusal: None,
            stage: Stage::Open,
            can_go_back: view.back,
            wants_focus,
        }
    }

    /// Returns the view's title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns what is filled in now, also what is not right yet.
    pub fn values(&self) -> Map<String, Value> {
        let fields = self.fields.iter().filter(|field| field.item().has_value());
        fields
            .map(|field| (field.item().name.clone(), field.item().value.clone()))
            .collect()
    }

    /// Tells whether the person changed something that would be lost.
    pub fn is_changed(&self) -> bool {
        self.fields.iter().any(Field::is_changed)
    }

    /// Tells whether the form is with the host and takes no input.
    pub fn is_sent(&self) -> bool {
        self.stage == Stage::Sent
    }

    /// Does what a plugin changes in the form; an item that the form does not have is left out.
    pub fn patch(&mut self, patch: &Patch) {
        if let Some(field) = self.field_mut(&patch.name) {
            field.patch(patch);
        }
    }

    /// Does what a draft says that the person changed before.
    pub fn restore<'a>(&mut self, draft: impl IntoIterator<Item = &'a FieldEdit>) {
        for edit in draft {
            if let Some(field) = self.field_mut(&edit.name) {
                field.restore(&edit.edit);
            }
        }
    }

    /// Takes what was typed and not committed yet, as if every field were left; nothing of passwords.
    pub fn leave(&mut self) -> Vec<(String, Edit)> {
        let fields = self.fields.iter_mut();
        fields.filter_map(Field::leave).collect()
    }

    /// Shows why the form was not taken, each sentence beside its field, and opens it again.
    pub fn refuse(&mut self, failure: Failure) {
        self.stage = Stage::Open;
        for (name, sentence) in &failure.fields {
            if let Some(field) = self.field_mut(name) {
                field.refuse(sentence);
            }
        }
        let first_wrong = |field: &Field| failure.fields.contains_key(&field.item().name);
        self.wants_focus = self.fields.iter().position(first_wrong);
        self.refusal = Some(failure);
    }

    fn field_mut(&mut self, name: &str) -> Option<&mut Field> {
        let mut fields = self.fields.iter_mut();
        fields.find(|field| !name.is_empty() && field.item().name == name)
    }

    /// Draws the form into all of the room that `ui` has, and returns what the person did.
    pub fn ui(&mut self, ui: &mut Ui) -> Vec<FormEvent> {
        let mut events = Vec::new();
        let wants_submit = self.shortcuts(ui, &mut events);
        let pressed = footer::footer_ui(ui, self);
        match pressed {
            Some(footer::Pressed::Back) => events.push(FormEvent::Back),
            Some(footer::Pressed::Cancel) => events.push(FormEvent::Cancelled),
            Some(footer::Pressed::Submit) | None => {}
        }
        let entered = egui::CentralPanel::no_frame()
            .show(ui, |ui| self.items_ui(ui, &mut events))
            .inner;
        let asked = wants_submit || entered || pressed == Some(footer::Pressed::Submit);
        if asked && self.stage == Stage::Open {
            self.submit(&mut events);
        }
        events
    }

    /// Takes the keys that belong to the form as a whole; tells whether it is to be submitted.
    fn shortcuts(&self, ui: &Ui, events: &mut Vec<FormEvent>) -> bool {
        let is_busy_elsewhere =
            Popup::is_any_open(ui.ctx()) || self.fields.iter().any(Field::holds_keys);
        if !is_busy_elsewhere && ui.input(|input| input.key_pressed(Key::Escape)) {
            events.push(FormEvent::Cancelled);
        }
        let wants_submit =
            |input: &mut egui::InputState| input.consume_key(Modifiers::COMMAND, Key::Enter);
        !is_busy_elsewhere && ui.input_mut(wants_submit)
    }

    /// Draws the items; tells whether Enter was pressed in a line of text.
    fn items_ui(&mut self, ui: &mut Ui, events: &mut Vec<FormEvent>) -> bool {
        let mut entered = false;
        let is_open = self.stage == Stage::Open;
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .show(ui, |ui| {
                if let Some(failure) = &self.refusal {
                    problem_ui(ui, failure);
                    ui.add_space(space::MEDIUM);
                }
                ui.add_enabled_ui(is_open, |ui| {
                    for (place, field) in self.fields.iter_mut().enumerate() {
                        let doing = field.ui(ui, place);
                        if let Some(id) =
                            doing.focus_here.filter(|_| self.wants_focus == Some(place))
                        {
                            ui.memory_mut(|memory| memory.request_focus(id));
                            self.wants_focus = None;
                        }
                        entered |= doing.entered;
                        note(field, doing, events);
                    }
                });
                ui.add_space(space::SMALL);
            });
        entered
    }

    fn submit(&mut self, events: &mut Vec<FormEvent>) {
        for field in &mut self.fields {
            field.touch();
        }
        if let Some(place) = self
            .fields
            .iter()
            .position(|field| field.problem().is_some())
        {
            self.wants_focus = Some(place);
            return;
        }
        self.refusal = None;
        self.stage = Stage::Sent;
        events.push(FormEvent::Submitted(self.values()));
    }
}

fn note(field: &Field, mut doing: Doing, events: &mut Vec<FormEvent>) {
    let name = || field.item().name.clone();
    if let Some(value) = doing.pressed.take() {
        events.push(FormEvent::Pressed {
            name: name(),
            value,
        });
    }
    if doing.changed {
        events.push(FormEvent::Changed { name: name() });
    }
    if doing.committed && field.item().control != Control::Password {
        let edits = if doing.edits.is_empty() {
            let value = field.item().value.clone();
            vec![Edit::Value { value }]
        } else {
            std::mem::take(&mut doing.edits)
        };
        events.push(FormEvent::Committed {
            name: name(),
            edits,
            live: field.item().live,
        });
    }
}
