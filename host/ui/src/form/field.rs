//! One item of a form: its label, what is typed into it, and what is wrong with that.

use std::cell::OnceCell;

use callboard_protocol::{Control, Edit, Item, Patch, is_blank};
use egui::{EventFilter, Id, Key, Modifiers, Response, RichText, TextEdit, Ui};
use serde_json::Value;

use super::calendar::{self, Calendar};
use super::choice::Choosing;
use super::files::Files;
use super::shown::{self, Clock};
use super::{markdown_ui, problem};
use crate::table::Table;
use crate::tokens::{Tokens, size, space};

/// What a person does to a field in one frame.
#[derive(Debug, Default)]
pub(crate) struct Doing {
    /// The value is another one.
    pub(super) changed: bool,
    /// The value stands for now.
    pub(super) committed: bool,
    /// Enter was pressed where it means "submit".
    pub(super) entered: bool,
    /// What was done to the value, where that is less than another value.
    pub(super) edits: Vec<Edit>,
    /// What the button says that was pressed.
    pub(super) pressed: Option<Value>,
    /// What takes the focus when the field is to have it.
    pub(super) focus_here: Option<Id>,
}

/// One item and what is done to it.
#[derive(Debug)]
pub(crate) struct Field {
    item: Item,
    original: Value,
    draft: Draft,
    is_touched: bool,
    is_uncommitted: bool,
    is_changed: bool,
    /// What is wrong with the value, once it was looked at: a long table is not checked for every frame.
    found: OnceCell<Option<String>>,
}

/// What is typed or open where that is more than the value.
#[derive(Debug)]
enum Draft {
    None,
    Text(String),
    Date(String, Calendar),
    Choice(Choosing),
    Table(Box<Table>),
    Files(Files),
    Clock(Clock),
}

impl Field {
    pub(crate) fn new(item: Item) -> Self {
        let draft = draft_of(&item);
        Self {
            original: item.value.clone(),
            item,
            draft,
            is_touched: false,
            is_uncommitted: false,
            is_changed: false,
            found: OnceCell::new(),
        }
    }

    pub(crate) fn item(&self) -> &Item {
        &self.item
    }

    pub(super) fn takes_input(&self) -> bool {
        let is_filled_in = !matches!(self.item.control, Control::Hidden | Control::Unknown);
        is_filled_in && self.item.has_value() && self.item.visible && !self.item.read_only
    }

    pub(super) fn is_changed(&self) -> bool {
        self.item.has_value() && self.is_changed
    }

    /// Tells whether Escape and Ctrl+Enter belong to something that is open in the field.
    pub(super) fn holds_keys(&self) -> bool {
        match &self.draft {
            Draft::Table(table) => table.holds_keys(),
            Draft::Files(files) => files.is_open(),
            _ => false,
        }
    }

    pub(super) fn touch(&mut self) {
        self.is_touched = true;
    }

    /// Does what a plugin changes; a value that it brings does not count as changed by the person.
    pub(super) fn patch(&mut self, patch: &Patch) {
        let kind = std::mem::discriminant(&self.item.control);
        patch.apply(&mut self.item);
        self.found = OnceCell::new();
        let is_other_kind = std::mem::discriminant(&self.item.control) != kind;
        if patch.touches_value() || is_other_kind {
            self.redraft(is_other_kind);
            self.original = self.item.value.clone();
            self.is_changed = false;
        }
    }

    /// Takes note of a value that came from elsewhere.
    fn redraft(&mut self, is_other_kind: bool) {
        match &mut self.draft {
            Draft::Table(table) if !is_other_kind => table.refresh(),
            draft => *draft = draft_of(&self.item),
        }
    }

    /// Does what the person changed before.
    pub(super) fn restore(&mut self, edit: &Edit) {
        edit.apply(&mut self.item.value);
        self.found = OnceCell::new();
        self.redraft(false);
        self.is_touched = true;
        self.is_changed = self.item.value != self.original;
    }

    /// Says beside the field why it was not taken.
    pub(super) fn refuse(&mut self, sentence: &str) {
        self.item.error = Some(sentence.to_owned());
    }

    /// Returns what is wrong with the value.
    pub(crate) fn problem(&self) -> Option<String> {
        let find = || self.item.problem(&self.item.value, false);
        let found = self.found.get_or_init(find).clone();
        found.filter(|_| self.item.visible && self.item.has_value())
    }

    /// Returns what is wrong and worth saying now: that something is missing is not said before the field was left.
    pub(super) fn shown_problem(&self) -> Option<String> {
        let is_silent = !self.is_touched && is_blank(&self.item.value);
        let own = self.problem().filter(|_| !is_silent);
        own.or_else(|| self.item.error.clone())
    }

    /// Draws the field and the distance below it.
    pub(crate) fn ui(&mut self, ui: &mut Ui, place: usize) -> Doing {
        if matches!(self.item.control, Control::Hidden) || !self.item.visible {
            return Doing::default();
        }
        let tokens = Tokens::of(ui);
        let width = if matches!(self.item.control, Control::Table { .. }) {
            ui.available_width()
        } else {
            ui.available_width().min(space::MEASURE)
        };
        let salt = (place, self.item.name.clone());
        let doing = ui
            .push_id(salt, |ui| {
                ui.vertical(|ui| {
                    ui.set_width(width);
                    let label = self.label_ui(ui, tokens);
                    let is_table = matches!(self.draft, Draft::Table(_));
                    let takes_input = is_table || !self.item.read_only;
                    let drawn = ui.add_enabled_ui(takes_input, |ui| self.control_ui(ui, label));
                    let mut doing = drawn.inner;
                    self.commit(&mut doing);
                    self.problem_ui(ui, tokens, doing.focus_here);
                    doing
                })
                .inner
            })
            .inner;
        ui.add_space(space::MEDIUM);
        doing
    }

    /// Turns "left" into "committed" where something was changed, and remembers what was changed and not yet committed.
    fn commit(&mut self, doing: &mut Doing) {
        self.is_uncommitted |= doing.changed;
        if doing.changed {
            self.item.error = None;
            self.found = OnceCell::new();
            self.is_changed = self.item.value != self.original;
        }
        let is_left = std::mem::take(&mut doing.committed);
        if is_left {
            self.is_touched = true;
            doing.committed = std::mem::take(&mut self.is_uncommitted);
        }
    }

    /// Takes what was typed and not committed yet; nothing of a password.
    pub(super) fn leave(&mut self) -> Option<(String, Edit)> {
        let is_uncommitted = std::mem::take(&mut self.is_uncommitted);
        (is_uncommitted && self.item.control != Control::Password).then(|| {
            let value = self.item.value.clone();
            (self.item.name.clone(), Edit::Value { value })
        })
    }

    /// Draws the label above the control, where it has one there.
    fn label_ui(&self, ui: &mut Ui, tokens: &Tokens) -> Option<Id> {
        let is_beside = matches!(self.item.control, Control::Label | Control::Boolean);
        if is_beside || self.item.label.is_empty() {
            return None;
        }
        let row = ui.scope(|ui| {
            ui.spacing_mut().interact_size.y = size::BODY;
            ui.horizontal(|ui| {
                let id = ui.label(RichText::new(&self.item.label).strong()).id;
                if self.item.required {
                    ui.label(
                        RichText::new("required")
                            .size(size::SMALL)
                            .color(tokens.quiet),
                    );
                }
                id
            })
            .inner
        });
        Some(row.inner)
    }

    fn control_ui(&mut self, ui: &mut Ui, label: Option<Id>) -> Doing {
        match (&self.item.control, &mut self.draft) {
            (Control::Label, _) => {
                markdown_ui(ui, self.item.value.as_str().unwrap_or_default());
                Doing::default()
            }
            (
                Control::Text { .. } | Control::TextArea { .. } | Control::Password,
                Draft::Text(text),
            ) => text_ui(ui, &mut self.item, text, label),
            (Control::Number, Draft::Text(text)) => number_ui(ui, &mut self.item, text, label),
            (Control::Date, Draft::Date(text, calendar)) => {
                date_ui(ui, &mut self.item, text, calendar, label)
            }
            (Control::Boolean, _) => boolean_ui(ui, &mut self.item),
            (Control::Enumerator { .. }, Draft::Choice(choosing)) => {
                choosing.ui(ui, &mut self.item, label)
            }
            (Control::Table { .. }, Draft::Table(table)) => {
                let done = table.ui(ui, &mut self.item, label);
                Doing {
                    changed: !done.edits.is_empty(),
                    committed: !done.edits.is_empty(),
                    edits: done.edits,
                    focus_here: done.focus_here,
                    ..Doing::default()
                }
            }
            (
                Control::Files {
                    extensions,
                    multiple,
                },
                Draft::Files(files),
            ) => {
                let value = &mut self.item.value;
                let (focus, changed) = files.ui(ui, value, &self.item.label, extensions, *multiple);
                Doing {
                    changed,
                    committed: changed,
                    focus_here: Some(focus),
                    ..Doing::default()
                }
            }
            _ => self.shown_ui(ui),
        }
    }

    /// Draws what is looked at, and takes what is pressed there.
    fn shown_ui(&self, ui: &mut Ui) -> Doing {
        let Item {
            control,
            value,
            label,
            ..
        } = &self.item;
        let mut doing = Doing::default();
        match (control, &self.draft) {
            (Control::Progress { cancel }, _) => {
                let is_cancelled = shown::progress_ui(ui, value, label, *cancel);
                doing.pressed = is_cancelled.then_some(Value::from("cancel"));
            }
            (Control::Timer, Draft::Clock(clock)) => clock.ui(ui, value, label),
            (Control::Log, _) => shown::log_ui(ui, value, label),
            (Control::Chart, _) => shown::chart_ui(ui, value, label),
            (Control::Buttons { data }, _) => doing.pressed = shown::buttons_ui(ui, data),
            _ => unknown_ui(ui),
        }
        doing
    }

    fn problem_ui(&self, ui: &mut Ui, tokens: &Tokens, control: Option<Id>) {
        let problem = self.shown_problem();
        let is_required = self.item.required;
        if let Some(id) = control {
            ui.ctx().accesskit_node_builder(id, |node| {
                if is_required {
                    node.set_required();
                }
                if let Some(problem) = &problem {
                    node.set_invalid(egui::accesskit::Invalid::True);
                    node.set_description(problem.clone());
                }
            });
        }
        if let Some(problem) = problem {
            let sentence = problem::sentence_from_message(&problem);
            ui.label(RichText::new(sentence).size(size::SMALL).color(tokens.bad));
        }
    }
}

fn draft_of(item: &Item) -> Draft {
    let text = || match &item.value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match &item.control {
        Control::Text { .. } | Control::TextArea { .. } | Control::Password | Control::Number => {
            Draft::Text(text())
        }
        Control::Date => Draft::Date(text(), Calendar::default()),
        Control::Enumerator { .. } => Draft::Choice(Choosing::default()),
        Control::Table { .. } => Draft::Table(Box::new(Table::new())),
        Control::Files { .. } => Draft::Files(Files::default()),
        Control::Timer => Draft::Clock(Clock::default()),
        _ => Draft::None,
    }
}

fn text_ui(ui: &mut Ui, item: &mut Item, text: &mut String, label: Option<Id>) -> Doing {
    let hint = match &item.control {
        Control::Text { empty_text } | Control::TextArea { empty_text } => empty_text.clone(),
        _ => None,
    };
    let edit = match item.control {
        Control::TextArea { .. } => TextEdit::multiline(text).desired_rows(4),
        Control::Password => TextEdit::singleline(text).password(true),
        _ => TextEdit::singleline(text),
    };
    let edit = dressed(edit).hint_text(hint.unwrap_or_default());
    let response = named(ui.add(edit), label, &item.label);
    let doing = doing_in_line(ui, &response, is_one_line(&item.control));
    if doing.changed {
        item.value = Value::from(text.as_str());
    }
    doing
}

fn is_one_line(control: &Control) -> bool {
    !matches!(control, Control::TextArea { .. })
}

fn number_ui(ui: &mut Ui, item: &mut Item, text: &mut String, label: Option<Id>) -> Doing {
    let edit = dressed(TextEdit::singleline(text))
        .desired_width(160.0)
        .event_filter(with_vertical_arrows());
    let response = named(ui.add(edit), label, &item.label);
    let mut doing = doing_in_line(ui, &response, true);
    if let Some(step) = step_by_arrows(ui, &response) {
        let number = item.value.as_f64().unwrap_or(0.0) + f64::from(step);
        item.value = value_from_number(number);
        *text = item.value.to_string();
        doing.changed = true;
    } else if doing.changed {
        item.value = value_from_number_text(text);
    }
    doing
}

fn date_ui(
    ui: &mut Ui,
    item: &mut Item,
    text: &mut String,
    calendar: &mut Calendar,
    label: Option<Id>,
) -> Doing {
    ui.horizontal(|ui| {
        let edit = dressed(TextEdit::singleline(text))
            .desired_width(160.0)
            .hint_text("2026-11-20")
            .event_filter(with_vertical_arrows());
        let response = named(ui.add(edit), label, &item.label);
        let mut doing = doing_in_line(ui, &response, true);
        let day = calendar::day_from_text(text);
        let stepped = step_by_arrows(ui, &response)
            .and_then(|step| calendar::moved(day.unwrap_or_else(calendar::today), step));
        let picked = calendar.button_ui(ui, day, &item.label);
        if let Some(day) = stepped.or(picked) {
            *text = day.to_string();
            doing.changed = true;
            doing.committed |= picked.is_some();
        }
        if doing.changed {
            let text = text.trim();
            item.value = if text.is_empty() {
                Value::Null
            } else {
                Value::from(text)
            };
        }
        doing
    })
    .inner
}

fn boolean_ui(ui: &mut Ui, item: &mut Item) -> Doing {
    let mut is_on = item.value.as_bool().unwrap_or(false);
    let response = ui.checkbox(&mut is_on, item.label.as_str());
    if response.changed() {
        item.value = Value::Bool(is_on);
    }
    Doing {
        changed: response.changed(),
        committed: response.changed(),
        focus_here: Some(response.id),
        ..Doing::default()
    }
}

fn unknown_ui(ui: &mut Ui) {
    let tokens = Tokens::of(ui);
    let text = "This version cannot show this item. Update Callboard to fill it in.";
    ui.label(RichText::new(text).color(tokens.warning));
}

/// Gives a line of text the size that all controls have.
fn dressed(edit: TextEdit<'_>) -> TextEdit<'_> {
    edit.desired_width(f32::INFINITY)
        .margin(egui::Margin::symmetric(10, 6))
}

/// Ties a control to its label, or names it where there is none to see.
pub(super) fn named(response: Response, label: Option<Id>, name: &str) -> Response {
    match label {
        Some(label) => response.labelled_by(label),
        None => {
            let name = name.to_owned();
            response
                .ctx
                .accesskit_node_builder(response.id, |node| node.set_label(name));
            response
        }
    }
}

fn doing_in_line(ui: &Ui, response: &Response, is_one_line: bool) -> Doing {
    let is_left = response.lost_focus();
    Doing {
        changed: response.changed(),
        committed: is_left,
        entered: is_left && is_one_line && ui.input(|input| input.key_pressed(Key::Enter)),
        focus_here: Some(response.id),
        ..Doing::default()
    }
}

/// Keeps the arrow keys in the field, which uses them itself.
pub(super) fn with_vertical_arrows() -> EventFilter {
    EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        ..EventFilter::default()
    }
}

fn step_by_arrows(ui: &Ui, response: &Response) -> Option<i32> {
    if !response.has_focus() {
        return None;
    }
    ui.input_mut(|input| {
        let up = i32::from(input.consume_key(Modifiers::NONE, Key::ArrowUp));
        let down = i32::from(input.consume_key(Modifiers::NONE, Key::ArrowDown));
        Some(up - down).filter(|step| *step != 0)
    })
}

pub(crate) fn value_from_number_text(text: &str) -> Value {
    let text = text.trim();
    if text.is_empty() {
        return Value::Null;
    }
    // A comma is a decimal point to half of the world, and a thousand's mark is nothing that people type.
    let plain = text.replace(',', ".");
    match (plain.parse::<i64>(), plain.parse::<f64>()) {
        (Ok(whole), _) => Value::from(whole),
        (_, Ok(number)) if number.is_finite() => Value::from(number),
        _ => Value::from(text),
    }
}

fn value_from_number(number: f64) -> Value {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and far below what an i64 holds"
    )]
    if number.fract() == 0.0 && number.abs() < 1e15 {
        Value::from(number as i64)
    } else {
        Value::from(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_read_as_people_type_them() {
        let check = |text, expected: Value| assert_eq!(value_from_number_text(text), expected);
        check("12", json!(12));
        check(" -3 ", json!(-3));
        check("23.976", json!(23.976));
        check("23,976", json!(23.976));
        check("", Value::Null);
        check("many", json!("many"));
        check("inf", json!("inf"));
    }
}
