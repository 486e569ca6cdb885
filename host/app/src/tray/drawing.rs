//! Draws the icon and turns menus into the system's own.

use anyhow::Context as _;
use tray_icon::menu::{IsMenuItem, Menu as SystemMenu, MenuItem, PredefinedMenuItem, Submenu};
use tray_icon::{Icon, TrayIcon, TrayIconBuilder};

use super::picture::{SIDE, pixels};
use crate::surface::tray::{Entry, Look, Menu};

/// Builds the icon with its menu.
///
/// # Errors
///
/// When the system shows none.
pub(super) fn build_icon(menu: &Menu) -> anyhow::Result<TrayIcon> {
    TrayIconBuilder::new()
        .with_id("callboard")
        .with_title("Callboard")
        .with_tooltip(&menu.tooltip)
        .with_icon(icon(menu.look)?)
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

/// Shows the icon with another look.
///
/// # Errors
///
/// When the system refuses it.
pub(super) fn show_look(icon: &TrayIcon, look: Look) -> anyhow::Result<()> {
    icon.set_icon(Some(self::icon(look)?))
        .context("could not change the tray icon")
}

fn icon(look: Look) -> anyhow::Result<Icon> {
    Icon::from_rgba(pixels(look), SIDE, SIDE).context("could not draw the tray icon")
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
        assert!(icon(Look::Connected).is_ok());
    }
}
