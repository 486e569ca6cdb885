//! What rows ask for, with every name looked up and every shot listed once. Pure.

use std::collections::HashMap;

use crate::input::{Input, field};
use crate::names::{fault, folded, hint_for, quoted};
use crate::problem::Problem;
use crate::rows::Row;
use crate::site::{Named, Project, Site, TargetKind, TaskType};

/// A row with everything looked up that it names.
pub(crate) struct Entry<'a> {
    /// The sequence's name; empty for the target itself.
    pub sequence: &'a str,
    pub row: &'a Row,
    pub task_types: Vec<&'a TaskType>,
    pub status: Option<&'a Named>,
}

/// What rows come to, and what is wrong with them.
pub(crate) struct Ordered<'a> {
    /// One entry for each shot, in the rows' order.
    pub entries: Vec<Entry<'a>>,
    pub problems: Vec<Problem>,
    pub remarks: Vec<String>,
}

/// Looks up what rows name, and makes one entry of rows that name one shot.
pub(crate) fn order<'a>(rows: &'a [Row], input: &'a Input, site: &'a Site) -> Ordered<'a> {
    let mut problems = sequence_problems(input, site);
    let mut remarks = Vec::new();
    let entries = resolve(rows, input, site, &mut problems);
    let entries = merge(entries, site, &mut problems, &mut remarks);
    Ordered {
        entries,
        problems,
        remarks,
    }
}

/// Returns the names of the sequences that rows and input name, each once.
pub(crate) fn sequences_named(rows: &[Row], input: &Input) -> Vec<String> {
    let mut names: Vec<String> = rows
        .iter()
        .map(|row| &row.sequence)
        .chain([&input.sequence])
        .filter(|name| !name.is_empty())
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Returns the names of the task types that rows and input name, each once.
pub(crate) fn task_types_named(rows: &[Row], input: &Input) -> Vec<String> {
    let mut names: Vec<String> = rows
        .iter()
        .flat_map(|row| &row.task_types)
        .chain(&input.task_types)
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Returns the name of the sequence that a row goes into; empty for the target itself.
fn sequence_of<'a>(row: &'a Row, input: &'a Input, site: &'a Site) -> &'a str {
    if site.kind == TargetKind::Sequence {
        &site.name
    } else if row.sequence.is_empty() {
        &input.sequence
    } else {
        &row.sequence
    }
}

fn sequence_problems(input: &Input, site: &Site) -> Vec<Problem> {
    if let Some(fault) = fault(&input.sequence) {
        return vec![Problem::invalid(
            field::SEQUENCE,
            format!("the sequence's name {fault}: {}", quoted(&input.sequence)),
            "give it another name",
        )];
    }
    let is_elsewhere = site.kind == TargetKind::Sequence
        && !input.sequence.is_empty()
        && input.sequence != site.name;
    if is_elsewhere {
        return vec![Problem::invalid(
            field::SEQUENCE,
            format!(
                "shots go into the selected sequence {}, not into {}",
                quoted(&site.name),
                quoted(&input.sequence)
            ),
            "leave `sequence` empty, or select the project",
        )];
    }
    Vec::new()
}

/// Looks up the task types and statuses that rows name, each unknown name told once.
fn resolve<'a>(
    rows: &'a [Row],
    input: &'a Input,
    site: &'a Site,
    problems: &mut Vec<Problem>,
) -> Vec<Entry<'a>> {
    let project = &site.project;
    let default_types = task_types(&input.task_types, project, field::TASK_TYPES, problems);
    let default_status = status(&input.status, project, field::STATUS, problems);
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        if site.kind == TargetKind::Sequence
            && !row.sequence.is_empty()
            && row.sequence != site.name
        {
            problems.push(Problem::invalid(
                field::SHOTS,
                format!(
                    "line {} names the sequence {}, but shots go into the selected {}",
                    row.line,
                    quoted(&row.sequence),
                    quoted(&site.name)
                ),
                "take the column out, or select the project",
            ));
        }
        entries.push(Entry {
            sequence: sequence_of(row, input, site),
            row,
            task_types: if row.task_types.is_empty() {
                default_types.clone()
            } else {
                task_types(&row.task_types, project, field::SHOTS, problems)
            },
            status: if row.status.is_empty() {
                default_status
            } else {
                status(&row.status, project, field::SHOTS, problems)
            },
        });
    }
    entries
}

fn task_types<'a>(
    names: &[String],
    project: &'a Project,
    field: &'static str,
    problems: &mut Vec<Problem>,
) -> Vec<&'a TaskType> {
    let mut found: Vec<&TaskType> = Vec::new();
    for name in names {
        let known = || project.task_types.iter();
        let exact = known().find(|known| known.name == *name || known.id == *name);
        match exact.or_else(|| known().find(|known| folded(&known.name) == folded(name))) {
            Some(task_type) if found.contains(&task_type) => {}
            Some(task_type) => found.push(task_type),
            None => push_once(
                problems,
                Problem::invalid(
                    field,
                    format!(
                        "{} has no task type {}",
                        quoted(&project.name),
                        quoted(name)
                    ),
                    hint_for(name, known().map(|known| known.name.as_str())),
                ),
            ),
        }
    }
    found
}

fn status<'a>(
    name: &str,
    project: &'a Project,
    field: &'static str,
    problems: &mut Vec<Problem>,
) -> Option<&'a Named> {
    if name.is_empty() {
        return None;
    }
    let known = || project.shot_statuses.iter();
    let exact = known().find(|known| known.name == name || known.id == name);
    let found = exact.or_else(|| known().find(|known| folded(&known.name) == folded(name)));
    if found.is_none() {
        push_once(
            problems,
            Problem::invalid(
                field,
                format!(
                    "shots of {} have no status {}",
                    quoted(&project.name),
                    quoted(name)
                ),
                hint_for(name, known().map(|known| known.name.as_str())),
            ),
        );
    }
    found
}

fn push_once(problems: &mut Vec<Problem>, problem: Problem) {
    if !problems.contains(&problem) {
        problems.push(problem);
    }
}

/// Makes one entry of rows that name one shot, and refuses names that differ by case only.
fn merge<'a>(
    entries: Vec<Entry<'a>>,
    site: &Site,
    problems: &mut Vec<Problem>,
    remarks: &mut Vec<String>,
) -> Vec<Entry<'a>> {
    let mut sequences: HashMap<String, &str> = HashMap::new();
    let mut shots: HashMap<(String, String), usize> = HashMap::new();
    let mut merged: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut times: HashMap<usize, usize> = HashMap::new();
    for entry in entries {
        let spelled = *sequences
            .entry(folded(entry.sequence))
            .or_insert(entry.sequence);
        if spelled != entry.sequence {
            push_once(
                problems,
                same_up_to_case("sequences", spelled, entry.sequence),
            );
            continue;
        }
        let key = (folded(entry.sequence), folded(&entry.row.shot));
        let Some(&at) = shots.get(&key) else {
            shots.insert(key, merged.len());
            merged.push(entry);
            continue;
        };
        let first = &mut merged[at];
        if first.row.shot != entry.row.shot {
            push_once(
                problems,
                same_up_to_case("shots", &first.row.shot, &entry.row.shot),
            );
            continue;
        }
        *times.entry(at).or_insert(1) += 1;
        for task_type in entry.task_types {
            if !first.task_types.contains(&task_type) {
                first.task_types.push(task_type);
            }
        }
    }
    let mut repeated: Vec<(usize, usize)> = times.into_iter().collect();
    repeated.sort_unstable();
    remarks.extend(repeated.into_iter().map(|(at, times)| {
        let Entry { sequence, row, .. } = &merged[at];
        let sequence = if sequence.is_empty() {
            &site.name
        } else {
            *sequence
        };
        format!(
            "{} is listed {times} times for {} and counts once, as line {} has it",
            quoted(&row.shot),
            quoted(sequence),
            row.line
        )
    }));
    merged
}

fn same_up_to_case(what: &str, one: &str, other: &str) -> Problem {
    Problem::invalid(
        field::SHOTS,
        format!(
            "two {what} differ by upper and lower case only: {} and {}",
            quoted(one),
            quoted(other)
        ),
        "write both the same way, or rename one",
    )
}
