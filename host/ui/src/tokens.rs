//! Every colour, distance and type size of the windows, for light and for dark.
//!
//! Nothing else in this crate names a colour: a window that wants one asks [`Tokens::of`] for what it means.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the one place that names colours"
)]

use egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, Style, TextStyle,
    Theme, Ui, Visuals, style::WidgetVisuals,
};

/// Distances between things, in points.
pub mod space {
    /// Between things that are one.
    pub const TIGHT: f32 = 4.0;
    /// Between things that belong together.
    pub const SMALL: f32 = 8.0;
    /// Between one field and the next.
    pub const MEDIUM: f32 = 16.0;
    /// Around a window's content, and between its sections.
    pub const LARGE: f32 = 24.0;
    /// The height of a row in a table or list.
    pub const ROW: f32 = 28.0;
    /// The height of what is pressed or typed into.
    pub const CONTROL: f32 = 30.0;
    /// The widest that a line of text or a field gets.
    pub const MEASURE: f32 = 640.0;
    /// The roundness of corners.
    pub const CORNER: u8 = 6;
}

/// Type sizes, in points.
pub mod size {
    /// What explains.
    pub const SMALL: f32 = 12.0;
    /// What is read and typed.
    pub const BODY: f32 = 14.0;
    /// A section.
    pub const SECTION: f32 = 16.0;
    /// A window's title.
    pub const TITLE: f32 = 20.0;
    /// A running time.
    pub const CLOCK: f32 = 34.0;
}

/// The colours of the program's icon, as red, green, blue and opacity: its writing, and what that stands on.
pub const ICON: [[u8; 4]; 2] = [[0x2b, 0x2b, 0x33, 0xff], [0xf2, 0xb1, 0x34, 0xff]];

/// What colours mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tokens {
    /// Behind everything.
    pub ground: Color32,
    /// Behind what stands out: headers, footers, cards.
    pub raised: Color32,
    /// Behind what is typed into.
    pub field: Color32,
    /// Behind every second row.
    pub stripe: Color32,
    /// Behind what the pointer is over.
    pub hover: Color32,
    /// Behind what is held down or open.
    pub pressed: Color32,
    /// Around fields and between sections.
    pub line: Color32,
    /// Text.
    pub text: Color32,
    /// Text that explains.
    pub quiet: Color32,
    /// What is chosen, focused, or does the main thing.
    pub accent: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// Behind what is selected.
    pub selected: Color32,
    /// What went right, or is new.
    pub good: Color32,
    /// What wants a look, or is changed.
    pub warning: Color32,
    /// What is wrong.
    pub bad: Color32,
    /// Behind a sentence about what is wrong.
    pub bad_ground: Color32,
    /// The series of a chart, first to last.
    pub series: [Color32; 6],
}

const LIGHT: Tokens = Tokens {
    ground: Color32::from_rgb(250, 250, 251),
    raised: Color32::from_rgb(241, 242, 245),
    field: Color32::from_rgb(255, 255, 255),
    stripe: Color32::from_rgb(245, 246, 248),
    hover: Color32::from_rgb(230, 233, 239),
    pressed: Color32::from_rgb(214, 219, 228),
    line: Color32::from_rgb(196, 201, 211),
    text: Color32::from_rgb(27, 31, 40),
    quiet: Color32::from_rgb(90, 97, 112),
    accent: Color32::from_rgb(22, 93, 190),
    on_accent: Color32::from_rgb(255, 255, 255),
    selected: Color32::from_rgb(207, 224, 250),
    good: Color32::from_rgb(17, 112, 64),
    warning: Color32::from_rgb(138, 78, 0),
    bad: Color32::from_rgb(184, 31, 45),
    bad_ground: Color32::from_rgb(253, 235, 236),
    series: [
        Color32::from_rgb(22, 93, 190),
        Color32::from_rgb(201, 108, 10),
        Color32::from_rgb(17, 128, 106),
        Color32::from_rgb(137, 66, 173),
        Color32::from_rgb(196, 48, 90),
        Color32::from_rgb(104, 112, 128),
    ],
};

const DARK: Tokens = Tokens {
    ground: Color32::from_rgb(29, 31, 36),
    raised: Color32::from_rgb(38, 41, 48),
    field: Color32::from_rgb(20, 22, 26),
    stripe: Color32::from_rgb(34, 36, 42),
    hover: Color32::from_rgb(52, 57, 67),
    pressed: Color32::from_rgb(66, 72, 85),
    line: Color32::from_rgb(74, 80, 93),
    text: Color32::from_rgb(228, 231, 237),
    quiet: Color32::from_rgb(162, 169, 183),
    accent: Color32::from_rgb(122, 174, 250),
    on_accent: Color32::from_rgb(13, 24, 42),
    selected: Color32::from_rgb(37, 62, 101),
    good: Color32::from_rgb(104, 202, 146),
    warning: Color32::from_rgb(236, 180, 92),
    bad: Color32::from_rgb(255, 138, 140),
    bad_ground: Color32::from_rgb(64, 32, 36),
    series: [
        Color32::from_rgb(122, 174, 250),
        Color32::from_rgb(242, 164, 85),
        Color32::from_rgb(95, 205, 180),
        Color32::from_rgb(201, 150, 236),
        Color32::from_rgb(245, 130, 165),
        Color32::from_rgb(160, 168, 184),
    ],
};

impl Tokens {
    /// Returns the colours of the theme that a window is drawn in.
    pub fn of(ui: &Ui) -> &'static Self {
        if ui.visuals().dark_mode {
            &DARK
        } else {
            &LIGHT
        }
    }

    /// Gives windows these colours, distances and type sizes, light or dark after the system.
    pub fn apply(ctx: &Context) {
        for (theme, tokens) in [(Theme::Light, &LIGHT), (Theme::Dark, &DARK)] {
            ctx.style_mut_of(theme, |style| tokens.dress(style, theme));
        }
    }

    fn dress(&self, style: &mut Style, theme: Theme) {
        style.visuals = self.visuals(theme);
        style.text_styles = [
            (TextStyle::Small, size::SMALL, FontFamily::Proportional),
            (TextStyle::Body, size::BODY, FontFamily::Proportional),
            (TextStyle::Button, size::BODY, FontFamily::Proportional),
            (TextStyle::Heading, size::TITLE, FontFamily::Proportional),
            (
                TextStyle::Monospace,
                size::BODY - 1.0,
                FontFamily::Monospace,
            ),
        ]
        .map(|(style, size, family)| (style, FontId::new(size, family)))
        .into();
        let spacing = &mut style.spacing;
        spacing.item_spacing = egui::vec2(space::SMALL, space::TIGHT);
        spacing.button_padding = egui::vec2(12.0, 5.0);
        spacing.interact_size = egui::vec2(space::CONTROL, space::CONTROL);
        spacing.window_margin = Margin::same(16);
        spacing.menu_margin = Margin::same(6);
        spacing.icon_width = 18.0;
        spacing.icon_width_inner = 10.0;
        spacing.combo_height = 320.0;
        spacing.scroll.floating = true;
        spacing.scroll.bar_width = 8.0;
    }

    fn visuals(&self, theme: Theme) -> Visuals {
        let corner = CornerRadius::same(space::CORNER);
        let widget = |fill: Color32, stroke: Color32, text: Color32| WidgetVisuals {
            bg_fill: fill,
            weak_bg_fill: fill,
            bg_stroke: Stroke::new(1.0, stroke),
            corner_radius: corner,
            fg_stroke: Stroke::new(1.5, text),
            expansion: 0.0,
        };
        let mut visuals = theme.default_visuals();
        visuals.widgets.noninteractive = widget(self.ground, self.line, self.text);
        visuals.widgets.inactive = widget(self.raised, self.line, self.text);
        visuals.widgets.hovered = widget(self.hover, self.quiet, self.text);
        visuals.widgets.active = widget(self.pressed, self.accent, self.text);
        visuals.widgets.open = widget(self.pressed, self.accent, self.text);
        visuals.selection.bg_fill = self.selected;
        visuals.selection.stroke = Stroke::new(2.0, self.accent);
        visuals.hyperlink_color = self.accent;
        visuals.faint_bg_color = self.stripe;
        visuals.extreme_bg_color = self.field;
        visuals.text_edit_bg_color = Some(self.field);
        visuals.code_bg_color = self.raised;
        visuals.warn_fg_color = self.warning;
        visuals.error_fg_color = self.bad;
        visuals.weak_text_color = Some(self.quiet);
        visuals.panel_fill = self.ground;
        visuals.window_fill = self.ground;
        visuals.window_stroke = Stroke::new(1.0, self.line);
        visuals.window_corner_radius = corner;
        visuals.menu_corner_radius = corner;
        visuals.popup_shadow = Shadow {
            offset: [0, 4],
            blur: 16,
            spread: 0,
            color: Color32::from_black_alpha(60),
        };
        visuals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contrast of two colours as WCAG 2 reckons it: from 1 to 21.
    fn contrast(one: Color32, other: Color32) -> f32 {
        let light = |colour: Color32| {
            let channel = |value: u8| {
                let value = f32::from(value) / 255.0;
                if value <= 0.04045 {
                    value / 12.92
                } else {
                    ((value + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * channel(colour.r())
                + 0.7152 * channel(colour.g())
                + 0.0722 * channel(colour.b())
        };
        let (one, other) = (light(one) + 0.05, light(other) + 0.05);
        one.max(other) / one.min(other)
    }

    #[test]
    fn text_can_be_read_on_whatever_it_stands_on() {
        for tokens in [LIGHT, DARK] {
            let grounds = [
                tokens.ground,
                tokens.raised,
                tokens.field,
                tokens.stripe,
                tokens.hover,
                tokens.selected,
            ];
            for ground in grounds {
                for text in [
                    tokens.text,
                    tokens.quiet,
                    tokens.good,
                    tokens.warning,
                    tokens.bad,
                ] {
                    let seen = contrast(text, ground);
                    assert!(seen >= 4.5, "{text:?} on {ground:?}: {seen:.1}");
                }
            }
            assert!(contrast(tokens.on_accent, tokens.accent) >= 4.5);
            assert!(contrast(tokens.bad, tokens.bad_ground) >= 4.5);
            assert!(contrast(tokens.accent, tokens.ground) >= 4.5);
        }
    }
}
