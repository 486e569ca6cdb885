//! A form in a window without a screen, and what was done in it.

use std::path::{Path, PathBuf};

use callboard_protocol::View;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use ui::Tokens;
use ui::form::{Form, FormEvent};

pub(crate) struct Window {
    pub(crate) form: Form,
    pub(crate) events: Vec<FormEvent>,
}

pub(crate) fn window(view: View) -> Harness<'static, Window> {
    let state = Window {
        form: Form::new(view),
        events: Vec::new(),
    };
    let mut harness = Harness::builder()
        .with_size(egui::vec2(1000.0, 1000.0))
        .build_ui_state(
            |ui, window: &mut Window| {
                Tokens::apply(ui.ctx());
                let events = window.form.ui(ui);
                window.events.extend(events);
            },
            state,
        );
    harness.run();
    harness
}

pub(crate) fn click(window: &mut Harness<'_, Window>, label: &str) {
    window.get_by_label(label).click();
    window.run();
}

/// A file as the window system drops it.
#[derive(Debug)]
pub(crate) struct Dropped(pub(crate) PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}
