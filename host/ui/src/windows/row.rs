//! A row of a list that is chosen from, and the field that what is typed into finds it.

use egui::{
    Color32, FontId, Response, Role, Sense, TextEdit, TextStyle, Ui, WidgetInfo, pos2,
    text::{LayoutJob, TextFormat, TextWrapping},
    vec2,
};

use crate::tokens::{Tokens, size, space};

/// Pieces of text, each with its colour.
pub(crate) type Pieces<'a> = &'a [(&'a str, Color32)];

/// What a row says.
pub(crate) struct Row<'a> {
    /// The first line.
    pub(crate) first: Pieces<'a>,
    /// The second line, in small type; the row has one line where there is none.
    pub(crate) second: Pieces<'a>,
    /// What it is called where it cannot be seen.
    pub(crate) name: &'a str,
    /// Whether it is the chosen one.
    pub(crate) is_chosen: bool,
}

/// The height of a row with two lines, in points.
pub(crate) const TWO_LINES: f32 = 44.0;

impl Row<'_> {
    /// Draws the row this wide; a click on it chooses it.
    pub(crate) fn ui(&self, ui: &mut Ui, width: f32) -> Response {
        let height = if self.second.is_empty() {
            space::CONTROL
        } else {
            TWO_LINES
        };
        let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::click());
        let (is_chosen, name) = (self.is_chosen, self.name);
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_chosen, name));
        if !ui.is_rect_visible(rect) {
            return response;
        }
        let tokens = Tokens::of(ui);
        let fill = if self.is_chosen {
            tokens.selected
        } else if response.is_pointer_button_down_on() {
            tokens.pressed
        } else if response.hovered() {
            tokens.hover
        } else {
            Color32::TRANSPARENT
        };
        let painter = ui.painter_at(rect);
        painter.rect_filled(rect, f32::from(space::CORNER), fill);
        if response.has_focus() {
            let stroke = ui.visuals().selection.stroke;
            let corner = f32::from(space::CORNER);
            painter.rect_stroke(rect, corner, stroke, egui::StrokeKind::Inside);
        }
        let width = rect.width() - 2.0 * space::SMALL;
        let first = line(ui, self.first, size::BODY, width);
        let left = rect.left() + space::SMALL;
        if self.second.is_empty() {
            let top = rect.center().y - first.size().y / 2.0;
            painter.galley(pos2(left, top), first, tokens.text);
            return response;
        }
        let second = line(ui, self.second, size::SMALL, width);
        let both = first.size().y + second.size().y;
        let top = rect.center().y - both / 2.0;
        let middle = top + first.size().y;
        painter.galley(pos2(left, top), first, tokens.text);
        painter.galley(pos2(left, middle), second, tokens.text);
        response
    }
}

fn line(ui: &Ui, pieces: Pieces<'_>, size: f32, width: f32) -> std::sync::Arc<egui::Galley> {
    let family = TextStyle::Body.resolve(ui.style()).family;
    let mut job = LayoutJob {
        wrap: TextWrapping::truncate_at_width(width),
        ..LayoutJob::default()
    };
    for (text, color) in pieces.iter().filter(|(text, _)| !text.is_empty()) {
        let before = if job.text.is_empty() {
            0.0
        } else {
            space::SMALL
        };
        let format = TextFormat {
            font_id: FontId::new(size, family.clone()),
            color: *color,
            ..TextFormat::default()
        };
        job.append(text, before, format);
    }
    ui.fonts_mut(|fonts| fonts.layout_job(job))
}

/// Draws a field that something is found with; `hint` is also what it is called.
pub(crate) fn find_ui(ui: &mut Ui, text: &mut String, hint: &str) -> Response {
    let edit = TextEdit::singleline(text)
        .hint_text(hint)
        .align(egui::Align2::LEFT_CENTER)
        .desired_width(f32::INFINITY);
    let response = ui.add(edit);
    response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, hint));
    response
}
