//! Times and states in words.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use callboard_protocol::JobState;
use egui::Color32;

use crate::tokens::Tokens;

/// Returns a length of time as a person says it: `12 s`, `3 min 20 s`, `1 h 5 min`.
pub(super) fn length(time: Duration) -> String {
    let secs = time.as_secs();
    let (hours, minutes, rest) = (secs / 3600, secs / 60 % 60, secs % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest} s"),
        (0, minutes) if rest == 0 => format!("{minutes} min"),
        (0, minutes) => format!("{minutes} min {rest} s"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// Returns how long ago something was, given in milliseconds since 1970 UTC.
pub(super) fn ago(at_ms: u64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let since = now.saturating_sub(Duration::from_millis(at_ms));
    match since.as_secs() {
        0..60 => "just now".to_owned(),
        secs @ 60..3600 => format!("{} min ago", secs / 60),
        secs @ 3600..86_400 => format!("{} h ago", secs / 3600),
        secs @ 86_400..172_800 => format!("{} day ago", secs / 86_400),
        secs => format!("{} days ago", secs / 86_400),
    }
}

/// Returns where a job stands.
pub(super) fn state(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "Waiting",
        JobState::Running => "Running",
        JobState::Asks => "Asks you",
        JobState::Working => "Working",
        JobState::Done => "Done",
        JobState::Partly => "Partly done",
        JobState::Failed => "Failed",
        JobState::Cancelled => "Cancelled",
        _ => "Unknown",
    }
}

/// Returns the colour in which a state is said.
pub(super) fn state_colour(state: JobState, tokens: &Tokens) -> Color32 {
    match state {
        JobState::Done => tokens.good,
        JobState::Asks | JobState::Partly => tokens.warning,
        JobState::Failed => tokens.bad,
        JobState::Running | JobState::Working => tokens.accent,
        _ => tokens.quiet,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_said_as_a_person_says_them() {
        for (secs, expected) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (200, "3 min 20 s"),
            (3600, "1 h"),
            (3900, "1 h 5 min"),
        ] {
            assert_eq!(length(Duration::from_secs(secs)), expected);
        }
    }
}
