//! Markdown as labels need it: headings, paragraphs, lists, rules, code, bold, italic and links.

use egui::text::{LayoutJob, TextFormat};
use egui::{FontId, RichText, Stroke, Ui};

use crate::tokens::{Tokens, size, space};

/// Draws markdown. What it does not know is shown as it is written.
pub fn markdown_ui(ui: &mut Ui, text: &str) {
    for block in blocks(text) {
        match block {
            Block::Heading(level, line) => {
                let size = if level == 1 {
                    size::TITLE
                } else {
                    size::SECTION
                };
                let heading = RichText::new(plain(line)).size(size).strong();
                let response = ui.label(heading);
                ui.ctx().accesskit_node_builder(response.id, |node| {
                    node.set_role(egui::accesskit::Role::Heading);
                });
            }
            Block::Rule => {
                ui.separator();
            }
            Block::Item(depth, mark, line) => {
                ui.horizontal_top(|ui| {
                    ui.add_space(f32::from(depth) * space::MEDIUM + space::TIGHT);
                    ui.label(mark);
                    ui.vertical(|ui| spans_ui(ui, line));
                });
            }
            Block::Code(lines) => {
                let tokens = Tokens::of(ui);
                egui::Frame::new()
                    .fill(tokens.raised)
                    .inner_margin(egui::Margin::same(8))
                    .show(ui, |ui| {
                        ui.label(RichText::new(lines.join("\n")).monospace())
                    });
            }
            Block::Paragraph(lines) => spans_ui(ui, &lines.join(" ")),
        }
    }
}

#[derive(Debug, PartialEq)]
enum Block<'a> {
    Heading(usize, &'a str),
    Rule,
    /// Depth, bullet or number, text.
    Item(u8, &'a str, &'a str),
    Code(Vec<&'a str>),
    Paragraph(Vec<&'a str>),
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut lines = text.lines();
    let mut is_paragraph_open = false;
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if trimmed.starts_with("```") {
            let code = lines
                .by_ref()
                .take_while(|line| !line.trim().starts_with("```"));
            blocks.push(Block::Code(code.collect()));
            is_paragraph_open = false;
            continue;
        }
        let block = block_from_line(line, trimmed);
        match (block, blocks.last_mut()) {
            (None, _) if trimmed.is_empty() => is_paragraph_open = false,
            (None, Some(Block::Paragraph(open))) if is_paragraph_open => open.push(trimmed),
            (None, _) => {
                blocks.push(Block::Paragraph(vec![trimmed]));
                is_paragraph_open = true;
            }
            (Some(block), _) => {
                blocks.push(block);
                is_paragraph_open = false;
            }
        }
    }
    blocks
}

fn block_from_line<'a>(line: &'a str, trimmed: &'a str) -> Option<Block<'a>> {
    let hashes = trimmed.len() - trimmed.trim_start_matches('#').len();
    if (1..=6).contains(&hashes)
        && let Some(title) = trimmed[hashes..].strip_prefix(' ')
    {
        return Some(Block::Heading(hashes, title.trim()));
    }
    if matches!(trimmed, "---" | "***" | "___") {
        return Some(Block::Rule);
    }
    let depth = u8::try_from((line.len() - line.trim_start().len()) / 2)
        .unwrap_or(u8::MAX)
        .min(6);
    if let Some(rest) = ["- ", "* ", "+ "]
        .iter()
        .find_map(|mark| trimmed.strip_prefix(mark))
    {
        return Some(Block::Item(depth, "•", rest));
    }
    let digits = trimmed.len()
        - trimmed
            .trim_start_matches(|letter: char| letter.is_ascii_digit())
            .len();
    if (1..=4).contains(&digits) && trimmed[digits..].starts_with(". ") {
        return Some(Block::Item(
            depth,
            &trimmed[..=digits],
            &trimmed[digits + 2..],
        ));
    }
    None
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Span<'a> {
    Plain(&'a str),
    Bold(&'a str),
    Italic(&'a str),
    Code(&'a str),
    Link(&'a str, &'a str),
}

fn spans(text: &str) -> Vec<Span<'_>> {
    let mut spans = Vec::new();
    let mut plain_from = 0;
    let mut at = 0;
    while at < text.len() {
        let Some((span, length)) = span_at(text, at) else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
            continue;
        };
        if plain_from < at {
            spans.push(Span::Plain(&text[plain_from..at]));
        }
        spans.push(span);
        at += length;
        plain_from = at;
    }
    if plain_from < text.len() {
        spans.push(Span::Plain(&text[plain_from..]));
    }
    spans
}

/// Returns the span that begins here and how long it is with its marks.
fn span_at(text: &str, at: usize) -> Option<(Span<'_>, usize)> {
    let rest = &text[at..];
    let between = |open: &str, close: &str| {
        let inside = rest.strip_prefix(open)?;
        let end = inside.find(close)?;
        let is_word = end > 0 && !inside.starts_with(' ');
        is_word.then(|| (&inside[..end], open.len() + end + close.len()))
    };
    // An underscore within a word, as in a file's name, is no mark.
    let is_within_word = text[..at].ends_with(|letter: char| letter.is_alphanumeric());
    if let Some((inside, length)) = between("`", "`") {
        return Some((Span::Code(inside), length));
    }
    if let Some((inside, length)) = between("**", "**") {
        return Some((Span::Bold(inside), length));
    }
    if let Some((inside, length)) = between("*", "*") {
        return Some((Span::Italic(inside), length));
    }
    if !is_within_word && let Some((inside, length)) = between("_", "_") {
        return Some((Span::Italic(inside), length));
    }
    let (label, length) = between("[", "](")?;
    let end = rest[length..].find(')')?;
    let url = &rest[length..length + end];
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    is_web.then_some((Span::Link(label, url), length + end + 1))
}

fn plain(text: &str) -> String {
    spans(text)
        .into_iter()
        .map(|span| match span {
            Span::Plain(text) | Span::Bold(text) | Span::Italic(text) | Span::Code(text) => text,
            Span::Link(label, _) => label,
        })
        .collect()
}

fn spans_ui(ui: &mut Ui, text: &str) {
    let spans = spans(text);
    if !spans.iter().any(|span| matches!(span, Span::Link(..))) {
        ui.label(job(ui, &spans));
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.spacing_mut().interact_size.y = size::BODY;
        for part in spans
            .chunk_by(|one, next| !matches!(one, Span::Link(..)) && !matches!(next, Span::Link(..)))
        {
            if let [Span::Link(label, url)] = part {
                ui.hyperlink_to(*label, *url);
            } else {
                ui.label(job(ui, part));
            }
        }
    });
}

fn job(ui: &Ui, spans: &[Span<'_>]) -> LayoutJob {
    let tokens = Tokens::of(ui);
    let body = FontId::proportional(size::BODY);
    let format = TextFormat::simple(body, tokens.text);
    let mut job = LayoutJob::default();
    for span in spans {
        let (text, format) = match span {
            Span::Plain(text) | Span::Link(text, _) => (text, format.clone()),
            Span::Bold(text) => {
                let color = ui.visuals().strong_text_color();
                (
                    text,
                    TextFormat {
                        color,
                        underline: Stroke::NONE,
                        ..format.clone()
                    },
                )
            }
            Span::Italic(text) => (
                text,
                TextFormat {
                    italics: true,
                    ..format.clone()
                },
            ),
            Span::Code(text) => {
                let font_id = FontId::monospace(size::BODY - 1.0);
                let background = tokens.raised;
                (
                    text,
                    TextFormat {
                        font_id,
                        background,
                        ..format.clone()
                    },
                )
            }
        };
        job.append(text, 0.0, format);
    }
    job
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_into_blocks() {
        let text = "# Shots\nOne\ntwo\n\nthree\n- a\n  - b\n2. c\n---\n```\nx = 1\n```\nend";
        assert_eq!(
            blocks(text),
            [
                Block::Heading(1, "Shots"),
                Block::Paragraph(vec!["One", "two"]),
                Block::Paragraph(vec!["three"]),
                Block::Item(0, "•", "a"),
                Block::Item(1, "•", "b"),
                Block::Item(0, "2.", "c"),
                Block::Rule,
                Block::Code(vec!["x = 1"]),
                Block::Paragraph(vec!["end"]),
            ]
        );
    }

    #[test]
    fn lines_are_cut_into_spans() {
        let check = |text, expected: &[Span<'_>]| assert_eq!(spans(text), expected, "{text}");
        check("plain", &[Span::Plain("plain")]);
        check(
            "a **b** c",
            &[Span::Plain("a "), Span::Bold("b"), Span::Plain(" c")],
        );
        check(
            "`x` *y*",
            &[Span::Code("x"), Span::Plain(" "), Span::Italic("y")],
        );
        check("vfx_01_comp", &[Span::Plain("vfx_01_comp")]);
        check("2 * 3 * 4", &[Span::Plain("2 * 3 * 4")]);
        check(
            "[ftrack](https://ftrack.com)",
            &[Span::Link("ftrack", "https://ftrack.com")],
        );
        check("[bad](file:///etc)", &[Span::Plain("[bad](file:///etc)")]);
        check("é **ü**", &[Span::Plain("é "), Span::Bold("ü")]);
    }
}
