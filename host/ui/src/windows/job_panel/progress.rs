//! How far a job is: step, share done, rate and time left.

use std::time::{Duration, Instant};

use callboard_protocol::{JobState, JobSummary};
use egui::{ProgressBar, RichText, Ui};

use super::Chosen;
use crate::tokens::{Tokens, space};
use crate::windows::words;

/// How often what is measured by the clock is drawn anew.
const TICK: Duration = Duration::from_secs(1);

/// How much must be done before the time left is said.
const TELLING: f64 = 0.02;

/// How fast a job goes, as far as this window has seen.
#[derive(Debug, Default)]
pub(super) struct Pace {
    began: Option<(Instant, f64)>,
    now: Option<(Instant, f64)>,
    step: Option<String>,
}

impl Pace {
    /// Notes how far the job is. A new step begins anew.
    pub(super) fn note(&mut self, job: &JobSummary) {
        let progress = job.progress.as_ref();
        let Some(fraction) = progress.and_then(|progress| progress.fraction) else {
            *self = Self::default();
            return;
        };
        let step = progress.and_then(|progress| progress.step.clone());
        let is_back = self.now.is_some_and(|(_, before)| fraction < before);
        if is_back || step != self.step {
            *self = Self {
                step,
                ..Self::default()
            };
        }
        let is_same = self
            .now
            .is_some_and(|(_, before)| before.total_cmp(&fraction).is_eq());
        if !is_same {
            let now = (Instant::now(), fraction);
            self.began.get_or_insert(now);
            self.now = Some(now);
        }
    }

    /// Returns how much is done in a minute, and how long the rest takes.
    fn rate(&self) -> Option<(f64, Duration)> {
        let (began, before) = self.began?;
        let (now, done) = self.now?;
        let (secs, share) = ((now - began).as_secs_f64(), done - before);
        if share < TELLING || secs <= 0.0 {
            return None;
        }
        let rate = share / secs;
        let left = Duration::try_from_secs_f64((1.0 - done).max(0.0) / rate).ok()?;
        Some((rate * 60.0, left.saturating_sub(now.elapsed())))
    }
}

pub(super) fn progress_ui(
    ui: &mut Ui,
    job: &JobSummary,
    pace: &Pace,
    is_ordered: bool,
) -> Option<Chosen> {
    let tokens = Tokens::of(ui);
    let progress = job.progress.clone().unwrap_or_default();
    match progress.fraction {
        #[expect(clippy::cast_possible_truncation, reason = "a share between 0 and 1")]
        Some(fraction) => {
            let bar = ProgressBar::new(fraction.clamp(0.0, 1.0) as f32)
                .fill(tokens.accent)
                .desired_height(space::SMALL);
            ui.add(bar);
        }
        None if job.state == JobState::Queued => {}
        None => {
            ui.spinner();
        }
    }
    ui.horizontal_wrapped(|ui| {
        if let Some(fraction) = progress.fraction {
            ui.label(RichText::new(format!("{:.0} %", fraction * 100.0)).strong());
        }
        if let Some(step) = &progress.step {
            ui.label(step);
        }
        if let Some((per_minute, left)) = pace.rate() {
            let rate = format!("{:.0} % a minute", per_minute * 100.0);
            ui.label(RichText::new(rate).color(tokens.quiet));
            ui.label(RichText::new(format!("{} left", words::length(left))).color(tokens.quiet));
            ui.ctx().request_repaint_after(TICK);
        }
    });
    let text = match (progress.text.as_str(), job.message.as_str()) {
        ("", message) => message,
        (text, _) => text,
    };
    if !text.is_empty() {
        ui.label(text);
    } else if job.state == JobState::Queued {
        ui.label(RichText::new("It starts as soon as its plugin is free.").color(tokens.quiet));
    }
    ui.add_space(space::MEDIUM);
    let cancel = ui.add_enabled(!is_ordered, egui::Button::new("Cancel"));
    cancel.clicked().then_some(Chosen::Cancel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_the_pace_says() {
        let began = Instant::now().checked_sub(Duration::from_secs(20)).unwrap();
        let now = began + Duration::from_secs(20);
        let pace = Pace {
            began: Some((began, 0.25)),
            now: Some((now, 0.5)),
            step: None,
        };
        let (per_minute, left) = pace.rate().unwrap();
        assert!((per_minute - 0.75).abs() < 0.001, "{per_minute}");
        assert!((38..=40).contains(&left.as_secs()), "{left:?}");
        let early = Pace {
            began: Some((began, 0.25)),
            now: Some((now, 0.26)),
            step: None,
        };
        assert_eq!(early.rate(), None, "too little is done to tell");
    }
}
