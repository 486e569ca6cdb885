//! The icon's pixels: a board with three lines of writing, and a dot in its corner when something is to be known.

use crate::surface::tray::Look;

/// The icon's width and height. Desktops make it smaller, which looks better than making it larger.
pub(super) const SIDE: u32 = 64;

/// Red, green and blue.
type Colour = [u8; 3];

const PAPER: Colour = [0xf2, 0xb1, 0x34];
const INK: Colour = [0x2b, 0x2b, 0x33];
/// The paper while nobody can be reached.
const PALE: Colour = [0xa8, 0xa8, 0xae];
const RED: Colour = [0xe0, 0x43, 0x3a];
const GREEN: Colour = [0x3f, 0xb2, 0x6b];
const BLUE: Colour = [0x3b, 0x82, 0xf6];
const WHITE: Colour = [0xff, 0xff, 0xff];

/// The board and its writing, in 64ths of the side: left, top, right, bottom, and the radius of the corners.
const BOARD: [f32; 5] = [5.0, 5.0, 59.0, 59.0, 11.0];
const WRITING: [[f32; 5]; 3] = [
    [16.0, 18.0, 48.0, 23.0, 2.5],
    [16.0, 29.5, 48.0, 34.5, 2.5],
    [16.0, 41.0, 34.0, 46.0, 2.5],
];

/// The dot's middle and radius, and that of the rim that keeps it apart from the board.
const DOT: [f32; 2] = [48.0, 48.0];
const DOT_RADIUS: f32 = 13.0;
const RIM_RADIUS: f32 = 15.5;

/// Draws the icon, as red, green, blue and opacity, row by row.
pub(super) fn pixels(look: Look) -> Vec<u8> {
    let paper = match look {
        Look::SignedOut | Look::Away => PALE,
        _ => PAPER,
    };
    let dot = match look {
        Look::SignedOut => Some(RED),
        Look::Working => Some(GREEN),
        Look::Asks => Some(BLUE),
        Look::Away | Look::Connected => None,
    };
    let mut pixels = Vec::with_capacity((SIDE * SIDE * 4) as usize);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let at = [middle(x), middle(y)];
            let mut pixel = Pixel::default();
            pixel.lay(paper, cover(rounded_distance(at, BOARD)));
            for line in WRITING {
                pixel.lay(INK, cover(rounded_distance(at, line)));
            }
            if let Some(dot) = dot {
                let distance = (at[0] - DOT[0]).hypot(at[1] - DOT[1]);
                pixel.lay(WHITE, cover(distance - RIM_RADIUS));
                pixel.lay(dot, cover(distance - DOT_RADIUS));
            }
            pixels.extend(pixel.bytes());
        }
    }
    pixels
}

/// Returns the middle of a row or column of pixels.
fn middle(index: u32) -> f32 {
    f32::from(u8::try_from(index).unwrap_or(u8::MAX)) + 0.5
}

/// Returns how far a point is from a rectangle with round corners; less than 0 within it.
fn rounded_distance([x, y]: [f32; 2], [left, top, right, bottom, radius]: [f32; 5]) -> f32 {
    let across = (x - f32::midpoint(left, right)).abs() - (right - left) / 2.0 + radius;
    let down = (y - f32::midpoint(top, bottom)).abs() - (bottom - top) / 2.0 + radius;
    let outside = across.max(0.0).hypot(down.max(0.0));
    outside + across.max(down).min(0.0) - radius
}

/// Returns how much of a pixel is covered by a shape whose edge is this far away.
fn cover(distance: f32) -> f32 {
    (0.5 - distance).clamp(0.0, 1.0)
}

/// A pixel while things are laid over each other.
#[derive(Clone, Copy, Default)]
struct Pixel {
    colour: [f32; 3],
    opacity: f32,
}

impl Pixel {
    fn lay(&mut self, colour: Colour, cover: f32) {
        let below = self.opacity * (1.0 - cover);
        let opacity = cover + below;
        if opacity <= 0.0 {
            return;
        }
        for (own, laid) in self.colour.iter_mut().zip(colour) {
            *own = (f32::from(laid) * cover + *own * below) / opacity;
        }
        self.opacity = opacity;
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "each is between 0 and 255"
    )]
    fn bytes(self) -> [u8; 4] {
        let [red, green, blue] = self.colour.map(|part| part.round() as u8);
        [red, green, blue, (self.opacity * 255.0).round() as u8]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOKS: [Look; 5] = [
        Look::SignedOut,
        Look::Away,
        Look::Connected,
        Look::Working,
        Look::Asks,
    ];

    #[test]
    fn each_look_is_a_picture_of_its_own() {
        for (index, look) in LOOKS.into_iter().enumerate() {
            let drawn = pixels(look);
            assert_eq!(drawn.len(), (SIDE * SIDE * 4) as usize);
            for other in &LOOKS[..index] {
                assert!(drawn != pixels(*other), "{look:?} looks like {other:?}");
            }
        }
    }

    #[test]
    fn the_board_is_paper_with_writing_and_round_corners() {
        let drawn = pixels(Look::Connected);
        let at = |x: usize, y: usize| drawn[(y * 64 + x) * 4..][..4].to_vec();
        assert_eq!(at(0, 0)[3], 0, "the corner is see-through");
        assert_eq!(at(10, 32), [0xf2, 0xb1, 0x34, 0xff]);
        assert_eq!(at(32, 20), [0x2b, 0x2b, 0x33, 0xff]);
    }
}
