//! How long a server wants to be left alone.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The longest pause that is believed; a header that names more is a mistake, or as good as a refusal.
pub(crate) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// Reads `Retry-After`: seconds, or a point in time, which is taken against the server's own clock (`date`) where the
/// answer tells it, so that a clock that is wrong here makes no difference.
pub(super) fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER));
    }
    let until = timestamp(value)?;
    let now = date.and_then(timestamp).unwrap_or_else(Timestamp::now);
    let pause = until.duration_since(now).max(SignedDuration::ZERO);
    Some(pause.unsigned_abs().min(LONGEST_RETRY_AFTER))
}

fn timestamp(http_date: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(http_date.trim()).ok()?;
    Some(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_nothing_is_longer_than_an_hour() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for (value, expected) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("999999", Some(3600)),
            ("99999999999999999999999999", Some(3600)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("Sat, 06 Nov 2094 08:49:37 GMT", Some(3600)),
            ("soon", None),
            ("-3", None),
            ("1.5", None),
            ("", None),
        ] {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(value, date), expected, "{value:?}");
        }
        let past = retry_after("Sun, 06 Nov 1994 08:49:37 GMT", None);
        assert_eq!(past, Some(Duration::ZERO));
    }
}
