//! A failure as a person reads it: a sentence, a hint, and details on demand that copy as text.

use callboard_protocol::Failure;
use egui::{CollapsingHeader, Frame, Margin, RichText, Stroke, Ui};

use crate::tokens::{Tokens, size, space};

/// Draws a failure.
pub fn problem_ui(ui: &mut Ui, failure: &Failure) {
    let tokens = Tokens::of(ui);
    Frame::new()
        .fill(tokens.bad_ground)
        .stroke(Stroke::new(1.0, tokens.bad))
        .corner_radius(f32::from(space::CORNER))
        .inner_margin(Margin::same(12))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            let sentence = sentence_from_message(&failure.message);
            ui.label(RichText::new(sentence).color(tokens.bad).strong());
            if let Some(hint) = &failure.hint {
                ui.label(sentence_from_message(hint));
            }
            if !failure.causes.is_empty() {
                details_ui(ui, failure, tokens);
            }
        });
}

fn details_ui(ui: &mut Ui, failure: &Failure, tokens: &Tokens) {
    let title = RichText::new("Details")
        .size(size::SMALL)
        .color(tokens.quiet);
    CollapsingHeader::new(title)
        .id_salt("details")
        .show(ui, |ui| {
            for cause in &failure.causes {
                ui.label(RichText::new(cause).monospace());
            }
            if ui.button("Copy details").clicked() {
                ui.ctx().copy_text(text_from_failure(failure));
            }
        });
}

/// Returns a failure as text to paste: the sentence, the hint and what led to it, a line each.
fn text_from_failure(failure: &Failure) -> String {
    let causes = failure.causes.iter().map(String::as_str);
    let lines: Vec<&str> = std::iter::once(failure.message.as_str())
        .chain(failure.hint.as_deref())
        .chain(causes)
        .collect();
    lines.join("\n")
}

/// Returns a message, which begins small and ends without a full stop, as a sentence.
pub(crate) fn sentence_from_message(message: &str) -> String {
    let mut letters = message.chars();
    let mut sentence: String = match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => return String::new(),
    };
    if !sentence.ends_with(['.', '!', '?', '…']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_become_sentences() {
        let check = |message, expected| assert_eq!(sentence_from_message(message), expected);
        check("no server", "No server.");
        check("is it on?", "Is it on?");
        check("", "");
        check("`sh010` is there already", "`sh010` is there already.");
    }

    #[test]
    fn details_copy_whole() {
        let mut failure = Failure::invalid("no project").hint("choose one");
        failure.causes = vec!["the list was empty".to_owned()];
        assert_eq!(
            text_from_failure(&failure),
            "no project\nchoose one\nthe list was empty"
        );
    }
}
