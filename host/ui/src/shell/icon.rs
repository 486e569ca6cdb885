//! The icon of windows: a board with three lines of writing, as in the tray.

use std::sync::Arc;

use egui::IconData;

use crate::tokens::ICON;

/// The icon's side, in pixels.
const SIDE: u32 = 64;

pub(super) fn icon() -> Arc<IconData> {
    let [ink, paper] = ICON;
    let mut rgba = Vec::with_capacity((SIDE * SIDE * 4) as usize);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let is_board = (6..58).contains(&x) && (6..58).contains(&y);
            let is_line = [18..22, 30..34, 42..46]
                .iter()
                .any(|line| line.contains(&y));
            let is_writing = is_line && (16..48).contains(&x) && (y < 40 || x < 34);
            rgba.extend(match (is_board, is_writing) {
                (true, true) => ink,
                (true, false) => paper,
                (false, _) => [0; 4],
            });
        }
    }
    Arc::new(IconData {
        rgba,
        width: SIDE,
        height: SIDE,
    })
}
