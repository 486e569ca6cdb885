//! Paints what egui draws into a picture in memory: no display, no graphics card, the same on every machine.

use std::collections::HashMap;
use std::io::Write;

use egui::TexturesDelta;
use egui::epaint::{ImageData, Mesh, Primitive, Vertex};
use egui::{ClippedPrimitive, Color32, ColorImage, Pos2, Rect, TextureId};

/// A picture and the textures that it is painted with.
pub(crate) struct Canvas {
    size: [usize; 2],
    scale: f32,
    pixels: Vec<Color32>,
    textures: HashMap<TextureId, ColorImage>,
}

impl Canvas {
    /// Makes an empty picture of so many points.
    pub(crate) fn new(points: egui::Vec2, scale: f32) -> Self {
        let pixels = points * scale;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a window's size"
        )]
        let size = [pixels.x as usize, pixels.y as usize];
        Self {
            size,
            scale,
            pixels: vec![Color32::TRANSPARENT; size[0] * size[1]],
            textures: HashMap::new(),
        }
    }

    /// Takes new textures and parts of them.
    pub(crate) fn take_textures(&mut self, mut delta: TexturesDelta) {
        for (id, parts) in delta.set.drain() {
            for part in parts {
                let ImageData::Color(image) = part.image;
                match part.pos {
                    None => {
                        self.textures.insert(id, image.as_ref().clone());
                    }
                    Some([left, top]) => {
                        if let Some(texture) = self.textures.get_mut(&id) {
                            lay(texture, &image, left, top);
                        }
                    }
                }
            }
        }
        delta.clear();
    }

    /// Paints everything of one frame.
    pub(crate) fn paint(&mut self, primitives: &[ClippedPrimitive]) {
        self.pixels.fill(Color32::TRANSPARENT);
        for primitive in primitives {
            if let Primitive::Mesh(mesh) = &primitive.primitive {
                self.paint_mesh(mesh, primitive.clip_rect);
            }
        }
    }

    fn paint_mesh(&mut self, mesh: &Mesh, clip: Rect) {
        let Some(texture) = self.textures.get(&mesh.texture_id) else {
            return;
        };
        let clip = clip * self.scale;
        for corners in mesh.indices.as_chunks::<3>().0 {
            let corners = corners.map(|index| {
                let mut vertex = mesh.vertices[index as usize];
                vertex.pos = (vertex.pos.to_vec2() * self.scale).to_pos2();
                vertex
            });
            paint_triangle(&mut self.pixels, self.size, texture, corners, clip);
        }
    }

    /// Writes the picture as PNG.
    pub(crate) fn write_png(&self, file: impl Write) -> Result<(), png::EncodingError> {
        let [width, height] = self
            .size
            .map(|side| u32::try_from(side).unwrap_or(u32::MAX));
        let mut encoder = png::Encoder::new(file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        let bytes: Vec<u8> = self
            .pixels
            .iter()
            .flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()])
            .collect();
        encoder.write_header()?.write_image_data(&bytes)
    }
}

fn lay(texture: &mut ColorImage, part: &ColorImage, left: usize, top: usize) {
    for row in 0..part.height() {
        let from = row * part.width();
        let to = (top + row) * texture.width() + left;
        texture.pixels[to..to + part.width()]
            .copy_from_slice(&part.pixels[from..from + part.width()]);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "places within a picture"
)]
fn paint_triangle(
    pixels: &mut [Color32],
    size: [usize; 2],
    texture: &ColorImage,
    [a, b, c]: [Vertex; 3],
    clip: Rect,
) {
    let area = cross(a.pos, b.pos, c.pos);
    if area.abs() < f32::EPSILON {
        return;
    }
    let bounds = Rect::from_points(&[a.pos, b.pos, c.pos])
        .intersect(clip)
        .intersect(Rect::from_min_max(
            Pos2::ZERO,
            Pos2::new(size[0] as f32, size[1] as f32),
        ));
    if bounds.is_negative() {
        return;
    }
    for y in bounds.top().floor() as usize..(bounds.bottom().ceil() as usize).min(size[1]) {
        for x in bounds.left().floor() as usize..(bounds.right().ceil() as usize).min(size[0]) {
            let point = Pos2::new(x as f32 + 0.5, y as f32 + 0.5);
            if !clip.contains(point) {
                continue;
            }
            let weights = [
                cross(b.pos, c.pos, point) / area,
                cross(c.pos, a.pos, point) / area,
                cross(a.pos, b.pos, point) / area,
            ];
            if weights.iter().any(|weight| *weight < 0.0) {
                continue;
            }
            let mixed = |values: [f32; 3]| -> f32 {
                values
                    .iter()
                    .zip(weights)
                    .map(|(value, weight)| value * weight)
                    .sum()
            };
            let uv = Pos2::new(
                mixed([a.uv.x, b.uv.x, c.uv.x]),
                mixed([a.uv.y, b.uv.y, c.uv.y]),
            );
            let texel = sample(texture, uv);
            let channels: [f32; 4] = std::array::from_fn(|channel| {
                let of = |vertex: &Vertex| f32::from(vertex.color.to_array()[channel]);
                mixed([of(&a), of(&b), of(&c)]) * texel[channel] / 255.0
            });
            let place = &mut pixels[y * size[0] + x];
            let behind = place.to_array();
            let left = 1.0 - channels[3] / 255.0;
            let seen: [u8; 4] = std::array::from_fn(|channel| {
                (channels[channel] + f32::from(behind[channel]) * left).round() as u8
            });
            let [red, green, blue, alpha] = seen;
            *place = premultiplied(red, green, blue, alpha);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a pixel that was painted, no colour of our own"
)]
fn premultiplied(red: u8, green: u8, blue: u8, alpha: u8) -> Color32 {
    Color32::from_rgba_premultiplied(red, green, blue, alpha)
}

fn cross(a: Pos2, b: Pos2, c: Pos2) -> f32 {
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
}

/// Returns the colour of a texture between its pixels.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "places within a picture"
)]
fn sample(texture: &ColorImage, uv: Pos2) -> [f32; 4] {
    let [width, height] = texture.size;
    let x = (uv.x * width as f32 - 0.5).clamp(0.0, (width - 1) as f32);
    let y = (uv.y * height as f32 - 0.5).clamp(0.0, (height - 1) as f32);
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
    let (across, down) = (x.fract(), y.fract());
    let at = |x: usize, y: usize| texture.pixels[y * width + x].to_array().map(f32::from);
    let (a, b, c, d) = (
        at(left, top),
        at(right, top),
        at(left, bottom),
        at(right, bottom),
    );
    std::array::from_fn(|channel| {
        let above = a[channel] + (b[channel] - a[channel]) * across;
        let below = c[channel] + (d[channel] - c[channel]) * across;
        above + (below - above) * down
    })
}
