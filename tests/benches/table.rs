//! A form with a table of 10,000 rows: what each frame costs, scrolled, typed into and changed at once.

use std::time::Instant;

use anyhow::Result;
use callboard_protocol::{Choice, Item, View};
use egui::{Context, Event, Key, Modifiers, Pos2, RawInput, Rect, vec2};
use serde_json::{Value, json};
use ui::Tokens;
use ui::form::Form;

use crate::figures::{Aim, Figures, percentile};

const ROWS: usize = 10_000;

/// A frame at 60 a second.
const FRAME_MS: f64 = 16.0;

pub(crate) fn measure(figures: &mut Figures) -> Result<()> {
    let mut window = Window::new();
    for _ in 0..5 {
        window.frame(Vec::new());
    }
    let mut paged: Vec<f64> = (0..200)
        .map(|_| window.frame(key(Key::PageDown, Modifiers::NONE)))
        .collect();
    let at_most = Aim::AtMost(FRAME_MS);
    figures.add_with_aim(
        "a frame of a table of 10,000 rows, scrolled, p50",
        percentile(&mut paged, 50.0),
        "ms",
        at_most,
    );
    figures.add_with_aim(
        "a frame of a table of 10,000 rows, scrolled, p99",
        percentile(&mut paged, 99.0),
        "ms",
        at_most,
    );
    let mut idle: Vec<f64> = (0..200).map(|_| window.frame(Vec::new())).collect();
    figures.add(
        "a frame of a table of 10,000 rows, nothing new, p50",
        percentile(&mut idle, 50.0),
        "ms",
    );
    window.frame(key(Key::A, Modifiers::COMMAND));
    let filled = window.frame(vec![Event::Paste("same".to_owned())]);
    figures.add(
        "one cell pasted over 10,000 rows and four columns",
        filled,
        "ms",
    );
    let sorted = window.frame(key(Key::S, Modifiers::ALT)) + window.frame(Vec::new());
    figures.add("10,000 rows sorted", sorted, "ms");
    Ok(())
}

fn key(key: Key, modifiers: Modifiers) -> Vec<Event> {
    let pressed = Event::Key {
        key,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers,
    };
    vec![
        Event::ModifiersChanged(modifiers),
        pressed,
        Event::ModifiersChanged(Modifiers::NONE),
    ]
}

/// A window without a screen.
struct Window {
    ctx: Context,
    form: Form,
    time: f64,
}

impl Window {
    fn new() -> Self {
        let statuses = ["Not started", "In progress", "Done"].map(|name| Choice::new(name, name));
        let columns = vec![
            Item::text("shot", "Shot").required(),
            Item::text("sequence", "Sequence"),
            Item::one_of("status", "Status", statuses.into()),
            Item::number("first", "First frame"),
            Item::number("last", "Last frame"),
            Item::boolean("plates", "Plates"),
            Item::text("description", "Description"),
            Item::text("folder", "Folder").read_only(),
        ];
        let rows: Value = (0..ROWS).map(row).collect();
        let table = Item::table("shots", "Shots", columns).value(rows);
        let ctx = Context::default();
        Tokens::apply(&ctx);
        Self {
            ctx,
            form: Form::new(View::new("Shots").with(table)),
            time: 0.0,
        }
    }

    /// Draws a frame, up to the triangles that a graphics card is given; returns how many milliseconds it took.
    fn frame(&mut self, events: Vec<Event>) -> f64 {
        self.time += 1.0 / 60.0;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1600.0, 1000.0))),
            time: Some(self.time),
            events,
            ..RawInput::default()
        };
        let began = Instant::now();
        let mut output = self.ctx.run_ui(input, |ui| {
            self.form.ui(ui);
        });
        let shapes = std::mem::take(&mut output.shapes);
        let triangles = self.ctx.tessellate(shapes, output.pixels_per_point);
        let took = began.elapsed().as_secs_f64() * 1000.0;
        drop(triangles);
        output.drop_without_applying_deltas();
        took
    }
}

fn row(number: usize) -> Value {
    json!({
        "id": format!("r{number}"), "shot": format!("sh{number:05}"), "sequence": format!("SEQ{:03}", number / 50),
        "status": "In progress", "first": 1001, "last": 1001 + number % 200, "plates": number.is_multiple_of(3),
        "description": "rain over the harbour, camera follows the boat", "folder": format!("/shots/sh{number:05}"),
    })
}
