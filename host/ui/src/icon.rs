//! Small pictures drawn with lines, so that no font needs to have them.

use egui::{
    Color32, Painter, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2,
};

use crate::tokens::{Tokens, space};

/// What a picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Icon {
    /// An arrow head upwards.
    Up,
    /// An arrow head downwards.
    Down,
    /// An arrow head to the left.
    Left,
    /// An arrow head to the right.
    Right,
    /// Done, or chosen.
    Tick,
    /// Away with it.
    Cross,
    /// One more.
    Plus,
    /// Something is wrong.
    Warning,
    /// A month.
    Calendar,
    /// A folder.
    Folder,
    /// A file.
    File,
    /// A magnifying glass.
    Search,
    /// Kept at hand.
    Star,
}

impl Icon {
    /// Paints it into a square.
    pub fn paint(self, painter: &Painter, rect: Rect, color: Color32) {
        let stroke = Stroke::new((rect.width() / 9.0).clamp(1.2, 2.5), color);
        let at = |x: f32, y: f32| rect.lerp_inside(vec2(x, y));
        let line = |points: &[(f32, f32)]| {
            let points: Vec<Pos2> = points.iter().map(|(x, y)| at(*x, *y)).collect();
            painter.line(points, stroke);
        };
        match self {
            Self::Up => line(&[(0.2, 0.65), (0.5, 0.35), (0.8, 0.65)]),
            Self::Down => line(&[(0.2, 0.35), (0.5, 0.65), (0.8, 0.35)]),
            Self::Left => line(&[(0.65, 0.2), (0.35, 0.5), (0.65, 0.8)]),
            Self::Right => line(&[(0.35, 0.2), (0.65, 0.5), (0.35, 0.8)]),
            Self::Tick => line(&[(0.15, 0.55), (0.4, 0.8), (0.85, 0.25)]),
            Self::Cross => {
                line(&[(0.2, 0.2), (0.8, 0.8)]);
                line(&[(0.2, 0.8), (0.8, 0.2)]);
            }
            Self::Plus => {
                line(&[(0.5, 0.15), (0.5, 0.85)]);
                line(&[(0.15, 0.5), (0.85, 0.5)]);
            }
            Self::Warning => {
                line(&[(0.5, 0.1), (0.95, 0.88), (0.05, 0.88), (0.5, 0.1)]);
                line(&[(0.5, 0.4), (0.5, 0.62)]);
                painter.circle_filled(at(0.5, 0.75), stroke.width * 0.6, color);
            }
            Self::Calendar => {
                let page = Rect::from_min_max(at(0.1, 0.2), at(0.9, 0.9));
                painter.rect_stroke(page, 2.0, stroke, StrokeKind::Middle);
                line(&[(0.1, 0.42), (0.9, 0.42)]);
                line(&[(0.32, 0.08), (0.32, 0.28)]);
                line(&[(0.68, 0.08), (0.68, 0.28)]);
            }
            Self::Folder => line(&[
                (0.08, 0.82),
                (0.08, 0.2),
                (0.4, 0.2),
                (0.5, 0.34),
                (0.92, 0.34),
                (0.92, 0.82),
                (0.08, 0.82),
            ]),
            Self::File => {
                let outline = [
                    (0.2, 0.08),
                    (0.6, 0.08),
                    (0.82, 0.3),
                    (0.82, 0.92),
                    (0.2, 0.92),
                    (0.2, 0.08),
                ];
                line(&outline);
                line(&[(0.58, 0.08), (0.58, 0.32), (0.82, 0.32)]);
            }
            Self::Search => {
                painter.circle_stroke(at(0.42, 0.42), rect.width() * 0.3, stroke);
                line(&[(0.64, 0.64), (0.9, 0.9)]);
            }
            Self::Star => {
                let points: Vec<(f32, f32)> = (0..=10_u8).map(star_point).collect();
                line(&points);
            }
        }
    }

    /// Draws it as a button that is called `name`.
    pub fn button(self, ui: &mut Ui, name: &str) -> Response {
        let size = vec2(space::CONTROL, space::CONTROL);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let is_enabled = ui.is_enabled();
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, is_enabled, name));
        if ui.is_rect_visible(rect) {
            let visuals = *ui.style().interact(&response);
            if response.hovered() || response.has_focus() {
                ui.painter().rect(
                    rect,
                    visuals.corner_radius,
                    visuals.bg_fill,
                    visuals.bg_stroke,
                    StrokeKind::Inside,
                );
            }
            let picture = Rect::from_center_size(rect.center(), vec2(14.0, 14.0));
            let color = if is_enabled {
                visuals.text_color()
            } else {
                Tokens::of(ui).line
            };
            self.paint(ui.painter(), picture, color);
        }
        response.on_hover_text(name)
    }

    /// Draws it as a picture beside a text.
    pub fn ui(self, ui: &mut Ui, color: Color32) -> Response {
        let (rect, response) = ui.allocate_exact_size(vec2(14.0, 14.0), Sense::hover());
        self.paint(ui.painter(), rect, color);
        response
    }
}

fn star_point(number: u8) -> (f32, f32) {
    let radius = if number.is_multiple_of(2) { 0.48 } else { 0.2 };
    let angle = f32::from(number) * std::f32::consts::TAU / 10.0;
    (0.5 + radius * angle.sin(), 0.52 - radius * angle.cos())
}
