//! Rows: one shot each, read from pasted text and written back to it.

use callboard_plugin_sdk::FailureKind;

use crate::input::{field, listed};
use crate::names::{fault, quoted};
use crate::problem::Problem;

/// The most rows that one job takes.
pub(crate) const MAX_ROWS: usize = 5000;

/// One shot as somebody asked for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row {
    /// Where it stands in what was given, from 1.
    pub line: usize,
    /// The sequence's name; empty when the row names none.
    pub sequence: String,
    pub shot: String,
    /// Names of task types; empty when the row names none.
    pub task_types: Vec<String>,
    /// A status's name; empty when the row names none.
    pub status: String,
    pub description: String,
}

/// What a text says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pasted {
    pub rows: Vec<Row>,
    /// Headings of columns that are not read.
    pub unread_columns: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Column {
    Sequence,
    Shot,
    TaskTypes,
    Status,
    Description,
    Unread,
}

/// The order of columns without a heading, which is that of the table artists paste from.
const ORDER: [Column; 5] = [
    Column::Sequence,
    Column::Shot,
    Column::TaskTypes,
    Column::Status,
    Column::Description,
];

/// Reads a name a line, or tab-separated columns with or without a line of headings.
///
/// # Errors
///
/// Tells of every line that cannot be a shot.
pub(crate) fn rows_from_text(text: &str) -> Result<Pasted, Vec<Problem>> {
    let mut lines = text
        .trim_start_matches('\u{feff}')
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, cells(line)))
        .filter(|(_, cells)| cells.iter().any(|cell| !cell.is_empty()))
        .peekable();
    let headings = lines.next_if(|(_, cells)| is_heading(cells));
    let mut pasted = Pasted::default();
    let columns = headings.map(|(_, cells)| {
        let columns: Vec<Column> = cells.iter().map(|cell| column_from_heading(cell)).collect();
        let unread = cells.iter().zip(&columns);
        pasted.unread_columns = unread
            .filter(|(cell, column)| **column == Column::Unread && !cell.is_empty())
            .map(|(cell, _)| (*cell).to_owned())
            .collect();
        columns
    });
    let mut problems = Vec::new();
    for (line, cells) in lines {
        match row_from_cells(line, &cells, columns.as_deref()) {
            Ok(row) => pasted.rows.push(row),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        problems.extend(check_count(pasted.rows.len()));
    }
    if problems.is_empty() {
        Ok(pasted)
    } else {
        Err(problems)
    }
}

/// Writes rows as a text that [`rows_from_text`] reads back, headings first.
pub(crate) fn text_from_rows(rows: &[Row]) -> String {
    let mut text = "sequence\tshot\tdescription".to_owned();
    for row in rows {
        text.push('\n');
        text.push_str(&row.sequence);
        text.push('\t');
        text.push_str(&row.shot);
        text.push('\t');
        text.push_str(&one_line(&row.description));
    }
    text
}

/// Returns the text with everything that would end a cell made a space.
pub(crate) fn one_line(text: &str) -> String {
    text.split(char::is_control)
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Splits a line into its columns. Tabs after the last word are no columns.
fn cells(line: &str) -> Vec<&str> {
    line.trim_end().split('\t').map(str::trim).collect()
}

fn row_from_cells(line: usize, cells: &[&str], columns: Option<&[Column]>) -> Result<Row, Problem> {
    let single = [Column::Shot];
    let columns = match columns {
        Some(columns) => columns,
        None if cells.len() == 1 => &single,
        None => &ORDER,
    };
    let mut row = Row {
        line,
        ..Row::default()
    };
    for (cell, column) in cells.iter().zip(columns) {
        match column {
            Column::Sequence => row.sequence = (*cell).to_owned(),
            Column::Shot => row.shot = (*cell).to_owned(),
            Column::TaskTypes => row.task_types = listed(cell).collect(),
            Column::Status => row.status = (*cell).to_owned(),
            Column::Description => row.description = (*cell).to_owned(),
            Column::Unread => {}
        }
    }
    check_row(&row)?;
    Ok(row)
}

fn check_row(row: &Row) -> Result<(), Problem> {
    let line = row.line;
    if row.shot.is_empty() {
        return Err(Problem::invalid(
            field::SHOTS,
            format!("line {line} names no shot"),
            "write one name a line, or tab-separated columns: sequence, shot, task types, status, description",
        ));
    }
    if names_in(&row.shot) > 1 {
        return Err(Problem::invalid(
            field::SHOTS,
            format!(
                "line {line} looks like several names: {}",
                quoted(&row.shot)
            ),
            "write one name a line",
        ));
    }
    for name in [&row.shot, &row.sequence] {
        if let Some(fault) = fault(name) {
            return Err(Problem::invalid(
                field::SHOTS,
                format!("the name on line {line} {fault}: {}", quoted(name)),
                "give it another name",
            ));
        }
    }
    if row.description.chars().any(char::is_control) {
        return Err(Problem::invalid(
            field::SHOTS,
            format!("the description on line {line} holds a control character"),
            "take it out",
        ));
    }
    Ok(())
}

/// Counts the names in what looks like a list of plain names: `sh010,sh020` or `sh010; sh020`.
fn names_in(text: &str) -> usize {
    let is_plain = |name: &str| {
        let is_usual = |letter: char| letter.is_alphanumeric() || "_-.".contains(letter);
        !name.is_empty() && name.chars().all(is_usual)
    };
    let names: Vec<&str> = text.split([',', ';']).map(str::trim).collect();
    if names.iter().all(|name| is_plain(name)) {
        names.len()
    } else {
        1
    }
}

/// Refuses no shots at all, and more of them than one job takes.
pub(crate) fn check_count(count: usize) -> Option<Problem> {
    if count == 0 {
        return Some(Problem::invalid(
            field::SHOTS,
            "no shots are named",
            "write one name a line",
        ));
    }
    (count > MAX_ROWS).then(|| {
        Problem::invalid(
            field::SHOTS,
            format!("{count} shots are more than the {MAX_ROWS} that one job takes"),
            "split them into several jobs",
        )
        .kind(FailureKind::Limit)
    })
}

/// A line is headings when it has columns and one of them is headed as the shot's.
fn is_heading(cells: &[&str]) -> bool {
    cells.len() > 1
        && cells
            .iter()
            .any(|cell| column_from_heading(cell) == Column::Shot)
}

fn column_from_heading(cell: &str) -> Column {
    let plain = cell
        .trim_matches('"')
        .to_lowercase()
        .replace(['_', '-'], " ");
    match plain.as_str() {
        "sequence" | "sequence name" | "seq" => Column::Sequence,
        "shot" | "shot name" | "shots" | "name" => Column::Shot,
        "task types" | "task type" | "tasks" | "types" => Column::TaskTypes,
        "status" => Column::Status,
        "description" | "comment" => Column::Description,
        _ => Column::Unread,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: usize, sequence: &str, shot: &str) -> Row {
        Row {
            line,
            sequence: sequence.into(),
            shot: shot.into(),
            ..Row::default()
        }
    }

    #[test]
    fn a_list_on_one_line_is_not_taken_for_a_name() {
        for text in ["sh010,sh020", "sh010; sh_020;sh-030"] {
            let problems = rows_from_text(text).unwrap_err();
            assert!(
                format!("{problems:?}").contains("looks like several names"),
                "{problems:?}"
            );
        }
    }

    #[test]
    fn a_text_is_a_name_a_line_or_columns() {
        let check = |text: &str, expected: &[Row]| {
            assert_eq!(rows_from_text(text).unwrap().rows, expected, "{text:?}");
        };
        check("sh010", &[row(1, "", "sh010")]);
        check(
            "\u{feff}  sh010 \t\r\n\r\n\tsh020\n",
            &[row(1, "", "sh010"), row(3, "", "sh020")],
        );
        check(
            "sq1\tsh010\nsq2\tsh010",
            &[row(1, "sq1", "sh010"), row(2, "sq2", "sh010")],
        );
        check(
            "it's \"so\" \\ 🎬, a/b",
            &[row(1, "", "it's \"so\" \\ 🎬, a/b")],
        );
        check(
            "sq1\tsh010\tFX, Roto\tOn Hold\twide",
            &[Row {
                task_types: vec!["FX".into(), "Roto".into()],
                status: "On Hold".into(),
                description: "wide".into(),
                ..row(1, "sq1", "sh010")
            }],
        );
        check(
            "Shot Name\tDescription\tframe in\nsh010\twide\t1001",
            &[Row {
                description: "wide".into(),
                ..row(2, "", "sh010")
            }],
        );
    }

    #[test]
    fn columns_that_are_not_read_are_named() {
        let pasted = rows_from_text("shot\tframe in\t\tdescription\nsh010\t1001\t\tx").unwrap();
        assert_eq!(pasted.unread_columns, ["frame in"]);
    }

    #[test]
    fn every_line_that_cannot_be_a_shot_is_told() {
        let check = |text: &str, expected: &[&str]| {
            let problems = rows_from_text(text).unwrap_err();
            let messages: Vec<_> = problems.iter().map(|p| p.message.as_str()).collect();
            assert_eq!(messages, expected, "{text:?}");
        };
        check("", &["no shots are named"]);
        check(" \n\t\t\n", &["no shots are named"]);
        check("sequence\tshot\n", &["no shots are named"]);
        check(
            "sq1\t\tFX\nsh\u{1}\nsh020",
            &[
                "line 1 names no shot",
                "the name on line 2 holds a control character: `sh\u{fffd}`",
            ],
        );
        let long = "x".repeat(300);
        let expected = format!(
            "the name on line 1 is 300 characters long, more than the 255 that ftrack keeps: {}",
            quoted(&long)
        );
        check(&long, &[&expected]);
        let many = "sh\n".repeat(5001);
        check(
            &many,
            &["5001 shots are more than the 5000 that one job takes"],
        );
    }

    #[test]
    fn rows_survive_being_written_and_read() {
        let rows = [
            Row {
                description: "wide\tand\nlow".into(),
                ..row(2, "sq 1", "sh\"010\"\\")
            },
            row(3, "", "🎬"),
        ];
        let back = rows_from_text(&text_from_rows(&rows)).unwrap().rows;
        assert_eq!(back[0].description, "wide and low");
        assert_eq!(back[0].shot, rows[0].shot);
        assert_eq!(back[1], rows[1]);
    }
}
