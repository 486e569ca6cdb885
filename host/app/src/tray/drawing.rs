//! Draws the icon and turns menus into the system's own.

use anyhow::Context as _;
use tray_icon::menu::{IsMenuItem, Menu as SystemMenu, MenuItem, PredefinedMenuItem, Submenu};
use tray_icon::{Icon, TrayIcon, TrayIconBuilder};

use crate::surface::tray::{Entry, Menu};

/// The icon's width and height.
const SIDE: u32 = 32;

/// The board's paper and the writing on it, as red, green, blue and opacity.
const PAPER: [u8; 4] = [0xf2, 0xb1, 0x34, 0xff];
const INK: [u8; 4] = [0x2b, 0x2b, 0x33, 0xff];

/// Builds the icon with its menu.
///
/// # Errors
///
/// When the system shows none.
pub(super) fn build_icon(menu: &Menu) -> anyhow::Result<TrayIcon> {
    let icon = Icon::from_rgba(board(), SIDE, SIDE).context("could not draw the tray icon")?;
    TrayIconBuilder::new()
        .with_id("callboard")
        .with_title("Callboard")
        .with_tooltip(&menu.tooltip)
        .with_icon(icon)
        .with_menu(Box::new(system_menu(menu)?))
        .build()
        .context("could not show the tray icon")
}

/// Shows another menu.
///
/// # Errors
///
/// When the system refuses an entry.
pub(super) fn show_menu(icon: &TrayIcon, menu: &Menu) -> anyhow::Result<()> {
    icon.set_menu(Some(Box::new(system_menu(menu)?)));
    icon.set_tooltip(Some(&menu.tooltip))
        .context("could not set the tooltip")
}

fn system_menu(menu: &Menu) -> anyhow::Result<SystemMenu> {
    let system = SystemMenu::new();
    for entry in &menu.entries {
        system.append(system_entry(entry)?.as_ref())?;
    }
    Ok(system)
}

fn system_entry(entry: &Entry) -> anyhow::Result<Box<dyn IsMenuItem>> {
    Ok(match entry {
        Entry::Line(text) => Box::new(MenuItem::new(escaped(text), false, None)),
        Entry::Do { label, command } => {
            Box::new(MenuItem::with_id(command.id(), escaped(label), true, None))
        }
        Entry::Group { label, entries } => {
            let group = Submenu::new(escaped(label), true);
            for entry in entries {
                group.append(system_entry(entry)?.as_ref())?;
            }
            Box::new(group)
        }
        Entry::Separator => Box::new(PredefinedMenuItem::separator()),
    })
}

/// Doubles `&`, which would mark the next letter as a shortcut.
fn escaped(text: &str) -> String {
    text.replace('&', "&&")
}

/// Returns the icon's pixels: a board with three lines of writing.
fn board() -> Vec<u8> {
    let mut pixels = Vec::with_capacity((SIDE * SIDE * 4) as usize);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let is_board = (3..29).contains(&x) && (3..29).contains(&y);
            let is_writing =
                (8..24).contains(&x) && [9, 10, 15, 16, 21, 22].contains(&y) && (y < 20 || x < 17);
            pixels.extend(match (is_board, is_writing) {
                (true, true) => INK,
                (true, false) => PAPER,
                (false, _) => [0; 4],
            });
        }
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_their_ampersands() {
        assert_eq!(escaped("A & B"), "A && B");
        assert_eq!(escaped("sh_010"), "sh_010");
    }

    #[test]
    fn the_icon_has_as_many_pixels_as_it_says() {
        assert!(Icon::from_rgba(board(), SIDE, SIDE).is_ok());
    }
}
