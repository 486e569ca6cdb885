//! Segments of an editing application's timeline, made into rows: one shot for each shot name.

use std::collections::HashMap;

use callboard_plugin_sdk::{DescribeRow, Value};

use crate::names::{counted, fault, joined, quoted};
use crate::rows::{Row, one_line};

/// How many names of merged shots a remark tells.
const MOST_TOLD: usize = 5;

/// What a selection of segments comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Gathered {
    pub rows: Vec<Row>,
    /// The segments that make no shot, each with the reason.
    pub left_out: Vec<String>,
    /// The shot's name of each segment that was merged into the shot of another.
    pub merged: Vec<String>,
}

/// Makes one row for each shot name of each sequence.
///
/// Several segments with one shot name are one shot, described by the lowest track's left-most segment:
/// that is the rule Flame's own shot export follows.
pub(crate) fn rows_from_segments(segments: &[DescribeRow]) -> Gathered {
    let mut gathered = Gathered::default();
    let mut places: HashMap<(String, String), (usize, Rank)> = HashMap::new();
    for (index, segment) in segments.iter().enumerate() {
        let shot = one_line(&text(segment, "shot_name"));
        let sequence = one_line(&text(segment, "sequence"));
        if let Some(reason) = reason_to_leave_out(segment, &shot, &sequence) {
            gathered
                .left_out
                .push(format!("{}: {reason}", place(segment)));
            continue;
        }
        let row = Row {
            line: index + 1,
            description: one_line(&text(segment, "comment")),
            sequence: sequence.clone(),
            shot: shot.clone(),
            ..Row::default()
        };
        let rank = Rank::of(segment);
        let Some((at, best)) = places.get_mut(&(sequence.clone(), shot.clone())) else {
            places.insert((sequence, shot), (gathered.rows.len(), rank));
            gathered.rows.push(row);
            continue;
        };
        let known = &mut gathered.rows[*at];
        gathered.merged.push(known.shot.clone());
        let describes = rank < *best && !row.description.is_empty();
        if describes || known.description.is_empty() {
            known.description = row.description;
        }
        if rank < *best {
            *best = rank;
        }
    }
    gathered
}

impl Gathered {
    /// Says what came of the segments, where it is not one shot each.
    pub(crate) fn remark(&self) -> Option<String> {
        let mut names: Vec<&str> = Vec::new();
        for name in &self.merged {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        let (told, beyond) = names.split_at(names.len().min(MOST_TOLD));
        let mut remark = format!(
            "{} merged into another's shot of the same name: {}",
            counted(self.merged.len(), "segment"),
            joined(told.iter().copied(), ", ")
        );
        if !beyond.is_empty() {
            remark.push_str(&format!(" and {} more", beyond.len()));
        }
        (!names.is_empty()).then_some(remark)
    }
}

/// Orders segments: lowest track first, then left-most.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Rank(f64, f64);

impl Rank {
    fn of(segment: &DescribeRow) -> Self {
        Self(number(segment, "track"), number(segment, "record_in"))
    }
}

fn reason_to_leave_out(segment: &DescribeRow, shot: &str, sequence: &str) -> Option<String> {
    if segment
        .get("vanished")
        .is_some_and(|vanished| vanished == true)
    {
        return Some("it was deleted while it was read".to_owned());
    }
    if shot.is_empty() {
        return Some("it has no shot name".to_owned());
    }
    fault(shot)
        .map(|fault| format!("its shot name {fault}"))
        .or_else(|| fault(sequence).map(|fault| format!("its sequence's name {fault}")))
}

/// Says which segment it is, in words that an artist finds it by.
fn place(segment: &DescribeRow) -> String {
    let name = ["segment_name", "source_name"]
        .iter()
        .map(|key| text(segment, key))
        .find(|name| !name.is_empty())
        .unwrap_or_default();
    let mut place = if name.is_empty() {
        "a segment".to_owned()
    } else {
        quoted(&name)
    };
    for (key, word) in [
        ("track", "on track"),
        ("record_in", "at"),
        ("sequence", "in"),
    ] {
        let value = text(segment, key);
        if !value.is_empty() {
            let value = if key == "sequence" {
                quoted(&value)
            } else {
                value
            };
            place.push_str(&format!(" {word} {value}"));
        }
    }
    place
}

fn text(segment: &DescribeRow, key: &str) -> String {
    match segment.get(key) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn number(segment: &DescribeRow, key: &str) -> f64 {
    match segment.get(key) {
        Some(Value::Number(number)) => number.as_f64().unwrap_or(f64::MAX),
        Some(Value::String(text)) => text.trim().parse().unwrap_or(f64::MAX),
        _ => f64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use callboard_plugin_sdk::json;

    use super::*;

    fn gather(segments: Value) -> Gathered {
        let segments: Vec<DescribeRow> = serde_json::from_value(segments).unwrap();
        rows_from_segments(&segments)
    }

    fn shots(gathered: &Gathered) -> Vec<(&str, &str, &str)> {
        let rows = gathered.rows.iter();
        rows.map(|row| (&*row.sequence, &*row.shot, &*row.description))
            .collect()
    }

    #[test]
    fn a_shot_on_several_tracks_is_one_shot_described_by_the_lowest() {
        let gathered = gather(json!([
            {"sequence": "sq1", "shot_name": "sh010", "track": 2, "record_in": 10, "comment": "plate"},
            {"sequence": "sq1", "shot_name": "sh010", "track": 1, "record_in": 20, "comment": "late"},
            {"sequence": "sq1", "shot_name": "sh010", "track": 1, "record_in": 10, "comment": "hero"},
            {"sequence": "sq2", "shot_name": "sh010", "track": 1, "record_in": 10},
        ]));
        assert_eq!(
            shots(&gathered),
            [("sq1", "sh010", "hero"), ("sq2", "sh010", "")]
        );
        assert_eq!(gathered.merged, ["sh010", "sh010"]);
    }

    #[test]
    fn merged_shots_are_told_by_name_and_the_many_by_number() {
        let check = |names: &[&str], expected: Option<&str>| {
            let gathered = Gathered {
                merged: names.iter().map(|name| (*name).to_owned()).collect(),
                ..Gathered::default()
            };
            assert_eq!(gathered.remark().as_deref(), expected);
        };
        check(&[], None);
        check(
            &["a"],
            Some("1 segment merged into another's shot of the same name: `a`"),
        );
        check(
            &["a", "b", "a", "c", "d", "e", "f", "g"],
            Some(
                "8 segments merged into another's shot of the same name: `a`, `b`, `c`, `d`, `e` and 2 more",
            ),
        );
    }

    #[test]
    fn a_segment_without_a_shot_name_is_told_and_never_dropped() {
        let gathered = gather(json!([
            {"sequence": "sq1", "shot_name": " ", "segment_name": "A001", "track": 1, "record_in": 86400},
            {"sequence": "sq1", "shot_name": "x".repeat(300), "segment_name": "A002"},
            {},
            {"sequence": "sq1", "shot_name": null, "track": 3, "vanished": true},
        ]));
        assert_eq!(shots(&gathered), []);
        assert_eq!(
            gathered.left_out,
            [
                "`A001` on track 1 at 86400 in `sq1`: it has no shot name",
                "`A002` in `sq1`: its shot name is 300 characters long, more than the 255 that ftrack keeps",
                "a segment: it has no shot name",
                "a segment on track 3 in `sq1`: it was deleted while it was read",
            ]
        );
    }

    #[test]
    fn a_comment_of_several_lines_becomes_one() {
        let gathered = gather(json!([
            {"sequence": "sq1", "shot_name": "sh\t010", "comment": "one\n\ttwo"},
        ]));
        assert_eq!(shots(&gathered), [("sq1", "sh 010", "one two")]);
    }
}
