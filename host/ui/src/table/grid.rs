//! The cells of a table: drawn where they are seen, and nowhere else.

use callboard_protocol::{Control, Item, ROW_ERROR, RowState};
use egui::{
    Align2, EventFilter, FontId, Id, Modifiers, Pos2, Rect, Role, ScrollArea, Sense, Stroke,
    StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};
use serde_json::Value;

use super::keys::{Command, Extend};
use super::order::Direction;
use super::rows::{Row, row, rows};
use super::{Parts, Place, Table, cell};
use crate::icon::Icon;
use crate::tokens::{Tokens, size, space};

/// How wide the column is that says how a row stands.
const GUTTER: f32 = 104.0;

/// What came of drawing the cells.
pub(super) struct Grid {
    pub(super) id: Id,
    pub(super) has_focus: bool,
    pub(super) commands: Vec<Command>,
}

impl Table {
    pub(super) fn grid_ui(
        &mut self,
        ui: &mut Ui,
        parts: &Parts<'_>,
        label: Option<Id>,
        name: &str,
    ) -> Grid {
        let id = ui.scope_id().with("grid");
        let outer = ui.available_rect_before_wrap();
        let width = outer.width();
        if self.widths.len() != parts.columns.len() {
            self.widths = widths(parts.columns, rows(parts.value), width - GUTTER);
        }
        let has_focus = ui.memory(|memory| memory.has_focus(id));
        let mut commands = Vec::new();
        ui.spacing_mut().item_spacing.y = 0.0;
        let (header, _) = ui.allocate_exact_size(vec2(width, space::ROW), Sense::hover());
        #[expect(
            clippy::cast_precision_loss,
            reason = "a table has far less than 2^23 rows"
        )]
        let content = vec2(
            GUTTER + self.widths.iter().sum::<f32>(),
            self.order.len() as f32 * space::ROW,
        );
        let window = ui.ctx().content_rect().height();
        let most = (window - 330.0).max(6.0 * space::ROW);
        let body = Rect::from_min_size(
            pos2(outer.left(), header.bottom()),
            vec2(width, content.y.clamp(space::ROW, most)),
        );
        // The grid lies below its cells, which take the pointer first; the focus is its own.
        let response = ui.interact(body, id, Sense::click());
        let role = || WidgetInfo::labeled(Role::Grid, true, name);
        response.widget_info(role);
        if let Some(label) = label {
            response.labelled_by(label);
        }
        if has_focus {
            let keeps_arrows = EventFilter {
                horizontal_arrows: true,
                vertical_arrows: true,
                ..EventFilter::default()
            };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(id, keeps_arrows));
        }
        let scrolled = ScrollArea::both()
            .id_salt("cells")
            .max_height(most)
            .auto_shrink([false, true])
            .show_viewport(ui, |ui, viewport| {
                ui.set_min_size(content);
                commands.extend(self.cells_ui(ui, parts, viewport, has_focus));
            });
        commands.extend(self.header_ui(ui, parts, header, scrolled.state.clamped_offset().x));
        let tokens = Tokens::of(ui);
        let frame = header.union(scrolled.inner_rect);
        let line = if has_focus {
            Stroke::new(2.0, tokens.accent)
        } else {
            Stroke::new(1.0, tokens.line)
        };
        ui.painter()
            .rect_stroke(frame, 2.0, line, StrokeKind::Outside);
        Grid {
            id,
            has_focus,
            commands,
        }
    }

    fn cells_ui(
        &mut self,
        ui: &mut Ui,
        parts: &Parts<'_>,
        viewport: Rect,
        has_focus: bool,
    ) -> Vec<Command> {
        let origin = ui.min_rect().min;
        let seen = rows_seen(viewport, self.order.len());
        let mut commands = Vec::new();
        for shown in seen {
            let Some((place, cells)) = self
                .order
                .get(shown)
                .and_then(|place| Some((*place, row(parts.value, *place)?)))
            else {
                continue;
            };
            #[expect(
                clippy::cast_precision_loss,
                reason = "a table has far less than 2^23 rows"
            )]
            let top = origin.y + shown as f32 * space::ROW;
            commands.extend(self.gutter_ui(ui, shown, place, cells, pos2(origin.x, top)));
            let mut left = origin.x + GUTTER;
            for (number, column) in parts.columns.iter().enumerate() {
                let rect =
                    Rect::from_min_size(pos2(left, top), vec2(self.widths[number], space::ROW));
                left = rect.right();
                if rect.right() < ui.clip_rect().left() || rect.left() > ui.clip_rect().right() {
                    continue;
                }
                let at = Place {
                    row: shown,
                    column: number,
                };
                let is_shaded = shown % 2 == 1;
                commands.extend(self.cell_ui(ui, rect, at, column, cells, is_shaded, place));
            }
        }
        self.cursor_ui(ui, parts, origin, has_focus, &mut commands);
        commands
    }

    /// Draws the cursor, what is typed under it, and brings it into sight.
    fn cursor_ui(
        &mut self,
        ui: &mut Ui,
        parts: &Parts<'_>,
        origin: Pos2,
        has_focus: bool,
        commands: &mut Vec<Command>,
    ) {
        let Some(column) = parts.columns.get(self.cursor.column) else {
            return;
        };
        let Some(place) = self.order.get(self.cursor.row).copied() else {
            return;
        };
        let left: f32 = self.widths[..self.cursor.column].iter().sum();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a table has far less than 2^23 rows"
        )]
        let top = self.cursor.row as f32 * space::ROW;
        let rect = Rect::from_min_size(
            origin + vec2(GUTTER + left, top),
            vec2(self.widths[self.cursor.column], space::ROW),
        );
        if std::mem::take(&mut self.scrolls_to_cursor) {
            ui.scroll_to_rect_animation(rect, None, egui::style::ScrollAnimation::none());
        }
        let tokens = Tokens::of(ui);
        if let (Some(typing), Some(cells)) = (&mut self.typing, row(parts.value, place)) {
            commands.extend(typing.ui(ui, rect, column, cell::cell(cells, column)));
        } else {
            let color = if has_focus {
                tokens.accent
            } else {
                tokens.line
            };
            ui.painter()
                .rect_stroke(rect, 2.0, Stroke::new(2.0, color), StrokeKind::Inside);
        }
    }

    fn gutter_ui(
        &self,
        ui: &mut Ui,
        shown: usize,
        place: usize,
        cells: &Row,
        corner: Pos2,
    ) -> Option<Command> {
        let rect = Rect::from_min_size(corner, vec2(GUTTER, space::ROW));
        let tokens = Tokens::of(ui);
        let response = ui.interact(rect, ui.scope_id().with(("row", place)), Sense::CLICK);
        let error = cells.get(ROW_ERROR).and_then(Value::as_str);
        let state = RowState::of(cells).map(|state| state_word(state, tokens));
        let is_selected = self.is_row_selected(shown, place);
        response.widget_info(|| {
            let word = state.map_or("", |(word, _)| word);
            let label = format!("Row {} {word} {}", shown + 1, error.unwrap_or_default());
            WidgetInfo::selected(Role::RowHeader, true, is_selected, label.trim_end())
        });
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        painter.rect_filled(
            rect,
            0.0,
            if is_selected {
                tokens.selected
            } else {
                tokens.raised
            },
        );
        let font = FontId::proportional(size::SMALL);
        let number = (shown + 1).to_string();
        painter.text(
            rect.left_center() + vec2(32.0, 0.0),
            Align2::RIGHT_CENTER,
            number,
            font.clone(),
            tokens.quiet,
        );
        if error.is_some() {
            let picture =
                Rect::from_center_size(rect.left_center() + vec2(44.0, 0.0), Vec2::splat(12.0));
            Icon::Warning.paint(&painter, picture, tokens.bad);
        }
        if let Some((word, color)) = state {
            painter.text(
                rect.left_center() + vec2(54.0, 0.0),
                Align2::LEFT_CENTER,
                word,
                font,
                color,
            );
        }
        let response = match error {
            Some(error) => response.on_hover_text(error),
            None => response,
        };
        if !response.clicked() {
            return None;
        }
        let modifiers = ui.input(|input| input.modifiers);
        Some(if modifiers.command {
            Command::PickRow(place)
        } else {
            go(
                Place {
                    row: shown,
                    column: 0,
                },
                modifiers,
            )
        })
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a cell is drawn from all of these, and called in one place"
    )]
    fn cell_ui(
        &self,
        ui: &mut Ui,
        rect: Rect,
        at: Place,
        column: &Item,
        cells: &Row,
        is_shaded: bool,
        place: usize,
    ) -> Option<Command> {
        let tokens = Tokens::of(ui);
        let value = cell::cell(cells, column);
        let text = cell::text_from_value(column, value);
        let problem = column.problem(value, false);
        let id = ui.scope_id().with(("cell", place, at.column));
        let response = ui.interact(rect, id, Sense::CLICK | Sense::DRAG);
        response.widget_info(|| WidgetInfo {
            label: Some(format!("{}, row {}", column.label, at.row + 1)),
            current_text_value: Some(text.clone()),
            ..WidgetInfo::new(Role::GridCell)
        });
        let fill = if self.is_selected(at, place) {
            tokens.selected
        } else if problem.is_some() {
            tokens.bad_ground
        } else if is_shaded {
            tokens.stripe
        } else {
            tokens.field
        };
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        painter.rect_filled(rect, 0.0, fill);
        painter.vline(rect.right(), rect.y_range(), Stroke::new(0.5, tokens.line));
        let color = match (&problem, column.read_only) {
            (Some(_), _) => tokens.bad,
            (None, true) => tokens.quiet,
            (None, false) => tokens.text,
        };
        match (&column.control, value) {
            (Control::Boolean, Value::Bool(is_on)) => {
                let square = Rect::from_center_size(rect.center(), Vec2::splat(16.0));
                painter.rect_stroke(
                    square,
                    3.0,
                    Stroke::new(1.0, tokens.line),
                    StrokeKind::Inside,
                );
                if *is_on {
                    Icon::Tick.paint(&painter, square.shrink(2.0), tokens.accent);
                }
            }
            _ => {
                let (text, color) = match (&problem, text.is_empty()) {
                    (Some(_), true) => ("required".to_owned(), tokens.bad),
                    _ => (text, color),
                };
                let is_number = matches!(column.control, Control::Number);
                let font = FontId::proportional(size::BODY - 1.0);
                if is_number {
                    painter.text(
                        rect.right_center() - vec2(8.0, 0.0),
                        Align2::RIGHT_CENTER,
                        text,
                        font,
                        color,
                    );
                } else {
                    painter.text(
                        rect.left_center() + vec2(8.0, 0.0),
                        Align2::LEFT_CENTER,
                        text,
                        font,
                        color,
                    );
                }
            }
        }
        let response = match problem {
            Some(problem) => response.on_hover_text(crate::form::sentence_from_message(&problem)),
            None => response,
        };
        let modifiers = ui.input(|input| input.modifiers);
        if response.double_clicked() {
            return Some(Command::Edit(None));
        }
        if response.clicked() && modifiers.command {
            return Some(Command::PickRow(place));
        }
        if response.clicked() || response.drag_started() {
            return Some(go(at, modifiers));
        }
        let is_dragged_over = ui.input(|input| input.pointer.is_decidedly_dragging())
            && response.contains_pointer()
            && self.cursor != at
            && ui.memory(|memory| memory.focused()).is_some();
        is_dragged_over.then_some(Command::Go {
            place: at,
            extend: Extend::Yes,
        })
    }

    fn is_selected(&self, at: Place, place: usize) -> bool {
        if self.picked.contains(&place) {
            return true;
        }
        let (first, last) = super::ordered(self.anchor.row, self.cursor.row);
        let is_one = self.anchor == self.cursor;
        !is_one && (first..=last).contains(&at.row) && self.selected_columns().contains(&at.column)
    }

    fn is_row_selected(&self, shown: usize, place: usize) -> bool {
        let (first, last) = super::ordered(self.anchor.row, self.cursor.row);
        self.picked.contains(&place) || (first..=last).contains(&shown)
    }

    fn header_ui(
        &self,
        ui: &mut Ui,
        parts: &Parts<'_>,
        header: Rect,
        scrolled: f32,
    ) -> Vec<Command> {
        let tokens = Tokens::of(ui);
        let clip = header.intersect(ui.clip_rect());
        let painter = ui.painter().with_clip_rect(clip);
        painter.rect_filled(header, 0.0, tokens.raised);
        let mut commands = Vec::new();
        let mut left = header.left() + GUTTER - scrolled;
        for (number, column) in parts.columns.iter().enumerate() {
            let rect = Rect::from_min_size(
                pos2(left, header.top()),
                vec2(self.widths[number], space::ROW),
            );
            left = rect.right();
            let id = ui.scope_id().with(("header", number));
            let response = ui.interact(rect.intersect(clip), id, Sense::CLICK);
            response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, &column.label));
            if response.hovered() {
                painter.rect_filled(rect, 0.0, tokens.hover);
            }
            let font = FontId::proportional(size::BODY - 1.0);
            let is_number = matches!(column.control, Control::Number);
            let text = if column.required {
                format!("{} *", column.label)
            } else {
                column.label.clone()
            };
            if is_number {
                painter.text(
                    rect.right_center() - vec2(8.0, 0.0),
                    Align2::RIGHT_CENTER,
                    text,
                    font,
                    tokens.text,
                );
            } else {
                painter.text(
                    rect.left_center() + vec2(8.0, 0.0),
                    Align2::LEFT_CENTER,
                    text,
                    font,
                    tokens.text,
                );
            }
            painter.vline(rect.right(), rect.y_range(), Stroke::new(0.5, tokens.line));
            if let Some((sorted, direction)) = self.wanted.sort
                && sorted == number
            {
                let icon = if direction == Direction::Up {
                    Icon::Up
                } else {
                    Icon::Down
                };
                let side = if is_number {
                    rect.left() + 10.0
                } else {
                    rect.right() - 12.0
                };
                let picture =
                    Rect::from_center_size(pos2(side, rect.center().y), Vec2::splat(10.0));
                icon.paint(&painter, picture, tokens.accent);
            }
            if response.on_hover_text("Sort (Alt+S)").clicked() {
                commands.push(Command::Sort(number));
            }
        }
        painter.hline(
            header.x_range(),
            header.bottom(),
            Stroke::new(1.0, tokens.line),
        );
        commands
    }
}

fn go(place: Place, modifiers: Modifiers) -> Command {
    let extend = if modifiers.shift {
        Extend::Yes
    } else {
        Extend::No
    };
    Command::Go { place, extend }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a table has far less than 2^23 rows"
)]
fn rows_seen(viewport: Rect, count: usize) -> std::ops::Range<usize> {
    let first = (viewport.top() / space::ROW).floor().max(0.0) as usize;
    let last = (viewport.bottom() / space::ROW).ceil().max(0.0) as usize;
    first.min(count)..last.min(count)
}

/// Returns how wide columns are: as wide as what stands in their first rows, and the text columns share what is left.
fn widths(columns: &[Item], rows: &[Value], available: f32) -> Vec<f32> {
    const LETTER: f32 = 7.4;
    let mut widths: Vec<f32> = Vec::with_capacity(columns.len());
    for column in columns {
        let texts = rows.iter().take(200).filter_map(Value::as_object);
        let longest = texts
            .map(|row| {
                cell::text_from_value(column, cell::cell(row, column))
                    .chars()
                    .count()
            })
            .chain([column.label.chars().count() + 3])
            .max()
            .unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "a text of a cell")]
        widths.push((longest as f32 * LETTER + 20.0).clamp(64.0, 340.0));
    }
    let wide = |column: &&Item| {
        matches!(
            column.control,
            Control::Text { .. } | Control::TextArea { .. }
        )
    };
    let shares = columns.iter().filter(wide).count();
    let left = available - widths.iter().sum::<f32>();
    if shares > 0 && left > 0.0 {
        #[expect(clippy::cast_precision_loss, reason = "a table's columns")]
        let share = left / shares as f32;
        for (column, width) in columns.iter().zip(&mut widths) {
            if wide(&column) {
                *width += share;
            }
        }
    }
    widths
}

fn state_word(state: RowState, tokens: &Tokens) -> (&'static str, egui::Color32) {
    match state {
        RowState::New => ("new", tokens.good),
        RowState::Changed => ("changed", tokens.warning),
        RowState::Unchanged => ("same", tokens.quiet),
        RowState::LeftOut => ("left out", tokens.quiet),
        RowState::Conflict => ("conflict", tokens.bad),
        RowState::Running => ("running", tokens.accent),
        RowState::Done => ("done", tokens.good),
        RowState::Failed => ("failed", tokens.bad),
        _ => ("?", tokens.quiet),
    }
}
