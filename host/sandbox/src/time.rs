//! Points in time: whole seconds, UTC, and the forms in which they travel.
//!
//! The real server drops fractions of a second, so nothing finer is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Seconds since 1970-01-01T00:00:00Z.
pub(crate) type Seconds = i64;

/// The server's clock, which tests may set wrong; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    /// The time as the server sees it.
    pub(crate) fn now(&self) -> Seconds {
        Timestamp::now()
            .as_second()
            .saturating_add(self.skew_secs())
    }

    /// How far ahead of the true time it is.
    pub(crate) fn skew_secs(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set_skew(&self, seconds: i64) {
        self.0.store(seconds, Ordering::Relaxed);
    }
}

/// Returns the form of HTTP headers, such as `Fri, 20 Nov 2026 14:03:00 GMT`.
pub(crate) fn http_date_from_seconds(seconds: Seconds) -> String {
    let timestamp = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    timestamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Returns `2026-11-20T14:03:00`, which every client takes for UTC.
pub(crate) fn text_from_seconds(seconds: Seconds) -> String {
    let timestamp = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    timestamp
        .to_zoned(TimeZone::UTC)
        .datetime()
        .strftime("%Y-%m-%dT%H:%M:%S")
        .to_string()
}

/// Reads a date, or a date and time with an optional fraction and offset. Without an offset it is UTC.
pub(crate) fn seconds_from_text(text: &str) -> Option<Seconds> {
    let text = text.trim();
    if !text.is_ascii() {
        return None;
    }
    if text.len() <= 10 {
        let date = format!("{text}T00:00:00");
        return seconds_from_civil(&date);
    }
    let (date, rest) = text.split_at(10);
    let clock = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, offset_secs) = split_offset(clock)?;
    let clock = if clock.len() == 5 {
        format!("{clock}:00")
    } else {
        clock.to_owned()
    };
    let clock = clock.split('.').next().unwrap_or_default();
    Some(seconds_from_civil(&format!("{date}T{clock}"))? - offset_secs)
}

fn seconds_from_civil(text: &str) -> Option<Seconds> {
    let civil: DateTime = text.parse().ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// Splits `12:30:00+02:00` into the clock and the offset in seconds.
fn split_offset(clock: &str) -> Option<(&str, i64)> {
    if let Some(clock) = clock.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(position) = clock.rfind(['+', '-']) else {
        return Some((clock, 0));
    };
    let (clock, offset) = clock.split_at(position);
    let digits: String = offset[1..]
        .chars()
        .filter(|character| *character != ':')
        .collect();
    if digits.len() != 4 {
        return None;
    }
    let hours: i64 = digits[..2].parse().ok()?;
    let minutes: i64 = digits[2..].parse().ok()?;
    let secs = hours * 3600 + minutes * 60;
    Some((clock, if offset.starts_with('-') { -secs } else { secs }))
}

#[cfg(test)]
mod tests {
    use super::{seconds_from_text, text_from_seconds};

    #[test]
    fn every_form_that_clients_send_is_read() {
        for (text, expected) in [
            ("2026-03-02", Some("2026-03-02T00:00:00")),
            ("2026-03-02T09:30:00", Some("2026-03-02T09:30:00")),
            ("2026-03-02 09:30", Some("2026-03-02T09:30:00")),
            (
                "2026-03-02T09:30:00.274027+00:00",
                Some("2026-03-02T09:30:00"),
            ),
            ("2026-03-02T09:30:00Z", Some("2026-03-02T09:30:00")),
            ("2026-03-02T09:30:00+02:00", Some("2026-03-02T07:30:00")),
            ("2026-03-02T09:30:00.000-0530", Some("2026-03-02T15:00:00")),
            ("yesterday", None),
            ("2026-13-02", None),
            ("2026-03-02T09:30:00+2", None),
            ("é2026-03-02", None),
        ] {
            let read = seconds_from_text(text).map(text_from_seconds);
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
