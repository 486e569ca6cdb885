//! An action that runs elsewhere: what it answers, and the forms that it asks for.

use callboard_protocol::{
    BusMethod, Entity, Failure, FailureKind, RemoteItem, RemoteLaunch, RemoteReply,
};
use egui::{RichText, Ui};
use serde_json::{Map, Value};

use crate::bus::{Bus, Query};
use crate::form::{Form, FormEvent, problem_ui};
use crate::tokens::{Tokens, size, space};
use crate::windows::Wish;

pub(super) struct RemotePanel {
    item: RemoteItem,
    selection: Vec<Entity>,
    reply: Query<RemoteReply>,
    form: Option<Form>,
}

impl RemotePanel {
    pub(super) fn new(item: RemoteItem, selection: Vec<Entity>, bus: &Bus) -> Self {
        let mut panel = Self {
            item,
            selection,
            reply: Query::default(),
            form: None,
        };
        panel.launch(bus, None);
        panel
    }

    fn launch(&mut self, bus: &Bus, values: Option<Map<String, Value>>) {
        let launch = RemoteLaunch {
            item: self.item.item.clone(),
            selection: self.selection.clone(),
            values,
        };
        self.reply.take();
        self.reply.ask(bus, BusMethod::ActionsLaunchRemote, &launch);
    }

    fn poll(&mut self, bus: &Bus) {
        if !self.reply.poll(bus) {
            return;
        }
        match self.reply.value() {
            Some(reply) => self.form = reply.view.clone().map(Form::new),
            // What was typed stays, to be sent again.
            None => {
                if let (Some(form), Some(failure)) = (&mut self.form, self.reply.take_failure()) {
                    form.refuse(failure);
                }
            }
        }
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, bus: &Bus) -> Wish {
        self.poll(bus);
        let tokens = Tokens::of(ui);
        let title = match &self.form {
            Some(form) => form.title(),
            None => &self.item.label,
        };
        ui.label(RichText::new(title).size(size::TITLE).strong());
        if !self.item.place.is_empty() {
            let place = format!("Runs elsewhere: {}", self.item.place);
            ui.label(RichText::new(place).color(tokens.quiet));
        }
        ui.add_space(space::SMALL);
        if let Some(form) = &mut self.form {
            let mut values = None;
            for event in form.ui(ui) {
                match event {
                    FormEvent::Submitted(submitted) => values = Some(submitted),
                    FormEvent::Cancelled => return Wish::Close,
                    _ => {}
                }
            }
            if values.is_some() {
                self.launch(bus, values);
            }
            return Wish::Stay;
        }
        match (self.reply.value(), self.reply.failure()) {
            (_, Some(failure)) => {
                problem_ui(ui, failure);
                ui.add_space(space::SMALL);
                if ui.button("Try again").clicked() {
                    self.launch(bus, None);
                }
            }
            (Some(reply), _) => reply_ui(ui, reply),
            (None, None) => {
                ui.horizontal(|ui| {
                    ui.spinner();
                    ui.label("Waiting for its answer…");
                });
            }
        }
        Wish::Stay
    }
}

fn reply_ui(ui: &mut Ui, reply: &RemoteReply) {
    let tokens = Tokens::of(ui);
    if reply.success {
        ui.label(RichText::new(&reply.message).color(tokens.good).strong());
    } else {
        problem_ui(
            ui,
            &Failure::new(FailureKind::Plugin, reply.message.clone()),
        );
    }
    if let Some(url) = &reply.url {
        ui.horizontal_wrapped(|ui| {
            ui.label("It wants to show a page:");
            ui.hyperlink(url);
        });
    }
}
