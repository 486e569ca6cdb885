//! Draws every item of a view, light and dark, as pictures: `cargo xtask screenshots` writes them to `docs/images/`.

mod paint;
mod views;

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use callboard_protocol::View;
use egui::{CentralPanel, Context, Frame, Margin, RawInput, Rect, Theme, Vec2};
use ui::Tokens;
use ui::form::Form;

use paint::Canvas;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or("name the folder that the pictures are written to")?;
    for (name, size, view) in views::all() {
        for (theme, suffix) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
            draw(
                &folder.join(format!("{name}_{suffix}.png")),
                size,
                &view,
                theme,
            )?;
        }
    }
    Ok(())
}

fn draw(path: &Path, size: Vec2, view: &View, theme: Theme) -> Result<(), Box<dyn Error>> {
    let ctx = Context::default();
    ctx.set_theme(theme);
    Tokens::apply(&ctx);
    let mut form = Form::new(view.clone());
    let mut canvas = Canvas::new(size, 1.0);
    // What is laid out by its neighbours' sizes stands still after a few frames.
    for frame in 0..4_u8 {
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(egui::Pos2::ZERO, size)),
            time: Some(f64::from(frame)),
            ..RawInput::default()
        };
        let output = ctx.run_ui(input, |ui| {
            let frame = Frame::central_panel(ui.style()).inner_margin(Margin::same(24));
            CentralPanel::default()
                .frame(frame)
                .show(ui, |ui| form.ui(ui));
        });
        canvas.take_textures(output.textures_delta);
        canvas.paint(&ctx.tessellate(output.shapes, output.pixels_per_point));
    }
    canvas.write_png(BufWriter::new(File::create(path)?))?;
    Ok(())
}
