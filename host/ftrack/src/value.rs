//! The few values that ftrack writes in a way of its own.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// Returns the reference to an entity, as a relation's value.
pub fn reference(entity_type: &str, id: &str) -> Value {
    json!({"__entity_type__": entity_type, "id": id})
}

/// Returns a point in time, given in ISO 8601, as an attribute's value.
///
/// ftrack keeps whole seconds in UTC; an offset other than `Z` is understood, fractions are dropped by the server.
pub fn datetime(iso: &str) -> Value {
    json!({"__type__": "datetime", "value": iso})
}

/// Returns a point in time as an attribute's value, in whole seconds, which is what ftrack keeps.
pub fn time(time: Timestamp) -> Value {
    datetime(&time_text(time))
}

/// Returns a day as an attribute's value.
pub fn date(date: Date) -> Value {
    datetime(&date.to_string())
}

/// Returns the ISO 8601 text of an attribute that is a date or a point in time.
pub fn datetime_text(value: &Value) -> Option<&str> {
    match value.get("__type__")?.as_str()? {
        "datetime" | "date" => value.get("value")?.as_str(),
        _ => None,
    }
}

/// Writes a point in time as queries and values want it: `2026-11-20T13:22:26+00:00`.
pub(crate) fn time_text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// Reads a point in time that is in UTC unless it says otherwise, or the first second of a day.
pub(crate) fn timestamp_from_text(text: &str) -> Option<Timestamp> {
    if let Ok(timestamp) = text.parse() {
        return Some(timestamp);
    }
    let civil: DateTime = text.parse().ok()?;
    let zoned = civil.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time_are_read_in_every_way_that_ftrack_writes_them() {
        for (text, expected) in [
            ("2022-10-10T10:12:09", Some("2022-10-10T10:12:09+00:00")),
            ("2022-10-10T10:12:09Z", Some("2022-10-10T10:12:09+00:00")),
            (
                "2022-10-10T10:12:09.000Z",
                Some("2022-10-10T10:12:09+00:00"),
            ),
            (
                "2022-10-10T10:12:09+02:00",
                Some("2022-10-10T08:12:09+00:00"),
            ),
            ("2022-10-10", Some("2022-10-10T00:00:00+00:00")),
            ("soon", None),
        ] {
            let read = timestamp_from_text(text).map(time_text);
            assert_eq!(read.as_deref(), expected, "{text}");
        }
        let value = time("2022-10-10T10:12:09.9Z".parse().unwrap());
        assert_eq!(datetime_text(&value), Some("2022-10-10T10:12:09+00:00"));
        assert_eq!(
            datetime_text(&date(Date::constant(2022, 1, 2))),
            Some("2022-01-02")
        );
    }
}
