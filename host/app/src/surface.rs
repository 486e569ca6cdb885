//! The places with a menu, one dialect each. No surface knows another.

pub(crate) mod bus;
pub(crate) mod dialect;
pub(crate) mod submit;
pub(crate) mod tray;
pub(crate) mod web;

use callboard_protocol::{DeclaredWindow, Failure, FailureKind};

/// Says that a window cannot be opened: this version has none.
pub(crate) fn no_windows(window: &DeclaredWindow) -> Failure {
    Failure::new(
        FailureKind::Unsupported,
        format!(
            "`{}` cannot be opened: windows come with a later version",
            window.window.title
        ),
    )
    .hint(format!(
        "launch its action with `callboard launch {}`",
        window.launches
    ))
}
