//! What is told in the corner of the screen, and when: never while the person is not to be disturbed, and never much.

use std::collections::VecDeque;

use callboard_protocol::NotifyLevel;
use tokio::time::{Duration, Instant};

use crate::tray::Telling;

/// How many things may be told within the time of [`WINDOW`]; what is more waits, and is summed up.
const BURST: usize = 4;
const WINDOW: Duration = Duration::from_secs(20);

/// How many are named when they are summed up.
const NAMED: usize = 4;

/// How many are kept to be named; more are only counted.
const HELD: usize = 32;

/// Whether the person may be disturbed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mood {
    /// They may.
    #[default]
    Open,
    /// Not now: what there is to tell waits.
    Busy,
    /// Never: the log has it.
    Never,
}

/// Decides what is told now, and keeps the rest.
#[derive(Default)]
pub(super) struct Notices {
    mood: Mood,
    /// When the last ones were told.
    told: VecDeque<Instant>,
    held: Vec<Telling>,
    /// How many more there are than those in `held`.
    more: usize,
}

impl Notices {
    /// Takes something to tell, and returns it where it is to be told now.
    pub(super) fn offer(&mut self, now: Instant, telling: Telling) -> Option<Telling> {
        if self.mood == Mood::Never {
            return None;
        }
        if self.mood == Mood::Open && self.held.is_empty() && self.has_room(now) {
            self.told.push_back(now);
            return Some(telling);
        }
        if self.held.len() < HELD {
            self.held.push(telling);
        } else {
            self.more += 1;
        }
        None
    }

    /// Takes up that the person may be disturbed, or may not.
    pub(super) fn set_mood(&mut self, mood: Mood) {
        self.mood = mood;
    }

    /// Returns when to ask for what was held.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        if self.held.is_empty() || self.mood == Mood::Busy {
            return None;
        }
        match self.told.front() {
            Some(first) if self.told.len() >= BURST => Some((*first + WINDOW).max(now)),
            _ => Some(now),
        }
    }

    /// Returns what was held, summed up where it is more than one.
    pub(super) fn release(&mut self, now: Instant) -> Option<Telling> {
        if self.mood == Mood::Busy || !self.has_room(now) {
            return None;
        }
        let held = std::mem::take(&mut self.held);
        let more = std::mem::take(&mut self.more);
        if self.mood == Mood::Never || held.is_empty() {
            return None;
        }
        self.told.push_back(now);
        Some(summed_up(held, more))
    }

    /// Tells whether one more may be told; forgets those that are long past.
    fn has_room(&mut self, now: Instant) -> bool {
        while self
            .told
            .front()
            .is_some_and(|first| *first + WINDOW <= now)
        {
            self.told.pop_front();
        }
        self.told.len() < BURST
    }
}

fn summed_up(mut held: Vec<Telling>, more: usize) -> Telling {
    if held.len() == 1 && more == 0 {
        return held.remove(0);
    }
    let count = held.len() + more;
    let rank = |level: NotifyLevel| match level {
        NotifyLevel::Error => 2,
        NotifyLevel::Warning => 1,
        _ => 0,
    };
    let level = held.iter().map(|telling| telling.level);
    let level = level.max_by_key(|level| rank(*level)).unwrap_or_default();
    // What went wrong is named first; otherwise they stay in their order.
    held.sort_by_key(|telling| std::cmp::Reverse(rank(telling.level)));
    let named = held.iter().take(NAMED);
    let mut lines: Vec<String> = named
        .map(|telling| format!("{}: {}", telling.title, telling.message))
        .collect();
    if count > NAMED {
        lines.push(format!("and {} more", count - NAMED));
    }
    Telling {
        level,
        title: format!("{count} messages meanwhile"),
        message: lines.join("\n"),
        click: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn telling(level: NotifyLevel, title: &str) -> Telling {
        Telling {
            level,
            title: title.to_owned(),
            message: "done".to_owned(),
            click: None,
        }
    }

    fn info(title: &str) -> Telling {
        telling(NotifyLevel::Info, title)
    }

    #[test]
    fn a_storm_is_cut_short_and_its_rest_summed_up() {
        let mut notices = Notices::default();
        let start = Instant::now();
        let told = (0..40).filter(|number| {
            let told = notices.offer(start, info(&format!("job {number}")));
            told.is_some()
        });
        assert_eq!(told.count(), BURST);
        assert_eq!(notices.release(start), None);
        let due = notices.due(start).unwrap();
        assert_eq!(due, start + WINDOW);
        let rest = notices.release(due).unwrap();
        assert_eq!(rest.title, "36 messages meanwhile");
        assert_eq!(
            rest.message,
            "job 4: done\njob 5: done\njob 6: done\njob 7: done\nand 32 more"
        );
        assert_eq!(notices.due(due), None);
        assert_eq!(notices.release(due), None);
    }

    #[test]
    fn what_comes_while_the_person_is_busy_is_told_after_and_failures_first() {
        let mut notices = Notices::default();
        let now = Instant::now();
        notices.set_mood(Mood::Busy);
        assert_eq!(notices.offer(now, info("Publish")), None);
        assert_eq!(
            notices.offer(now, telling(NotifyLevel::Error, "Create shots")),
            None
        );
        assert_eq!(notices.due(now), None);
        assert_eq!(notices.release(now), None);
        notices.set_mood(Mood::Open);
        assert_eq!(notices.due(now), Some(now));
        let told = notices.release(now).unwrap();
        assert_eq!(told.level, NotifyLevel::Error);
        assert_eq!(told.message, "Create shots: done\nPublish: done");
        notices.set_mood(Mood::Busy);
        assert_eq!(notices.offer(now, info("alone")), None);
        notices.set_mood(Mood::Open);
        assert_eq!(notices.release(now), Some(info("alone")));
    }

    #[test]
    fn nothing_is_told_where_the_person_wants_nothing() {
        let mut notices = Notices::default();
        let now = Instant::now();
        notices.set_mood(Mood::Never);
        assert_eq!(notices.offer(now, info("Publish")), None);
        assert_eq!(notices.due(now), None);
    }
}
