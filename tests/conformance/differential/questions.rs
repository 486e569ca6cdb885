//! What both clients are asked.

use anyhow::{Context, Result};
use ftrack::{Filter, Query};
use serde_json::Value;
use tests::{Random, SandboxClient};

use super::answers::text;

/// A query, and the paths that it selects.
pub(crate) struct Question {
    pub(crate) expression: String,
    pub(crate) paths: Vec<String>,
}

/// Names in `queries.txt`, and what they stand for the id of.
const NAMES: [(&str, &str); 5] = [
    ("harbour", "Project where name is \"harbour\""),
    (
        "shot",
        "Shot where name is \"sh010\" and parent.name is \"sq010\" and ancestors.name is \"ep01\"",
    ),
    (
        "task",
        "Task where timelogs any () and name is \"animation\"",
    ),
    ("version", "AssetVersion where version is 2"),
    ("ada", "User where username is \"ada\""),
];

impl Question {
    fn from_text(expression: String) -> Self {
        let selected = expression.strip_prefix("select ");
        let selected = selected.and_then(|rest| rest.split_once(" from "));
        let paths = selected.map(|(paths, _)| {
            let paths = paths.split(',');
            paths.map(|path| path.trim().to_owned()).collect()
        });
        Self {
            paths: paths.unwrap_or_default(),
            expression,
        }
    }

    /// Rows as texts, sorted unless the question says in which order they come.
    pub(crate) fn rows(&self, rows: Vec<Value>) -> Vec<String> {
        let mut rows: Vec<String> = rows.iter().map(text).collect();
        if !self.expression.contains(" order by ") {
            rows.sort();
        }
        rows
    }
}

/// The questions of `queries.txt`.
pub(crate) fn found(sandbox: &SandboxClient) -> Result<Vec<Question>> {
    let mut text = include_str!("queries.txt").to_owned();
    for (name, query) in NAMES {
        let rows = sandbox.query(&format!("select id from {query}"))?;
        let id = rows.first().and_then(|row| row["id"].as_str());
        let id = id.with_context(|| format!("the demo has no {name}"))?;
        text = text.replace(&format!("{{{name}}}"), id);
    }
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    Ok(lines
        .map(|line| Question::from_text(line.to_owned()))
        .collect())
}

/// What the questions made by chance are about, and what may be selected there.
const SUBJECTS: [(&str, &[&str]); 5] = [
    (
        "Task",
        &[
            "name",
            "bid",
            "status.name",
            "parent.name",
            "parent.parent.name",
            "project.full_name",
            "type.name",
            "link",
            "assignments.resource.username",
            "time_logged",
            "sort",
            "status_id",
            "ancestors",
            "custom_attributes",
        ],
    ),
    (
        "Shot",
        &[
            "name",
            "description",
            "children.name",
            "children.status.state.short",
            "parent.parent.name",
            "created_at",
            "children.assignments.resource.first_name",
            "status.color",
            "assets.versions.version",
            "custom_attributes",
        ],
    ),
    (
        "TypedContext",
        &[
            "name",
            "object_type.name",
            "parent.full_name",
            "project_id",
            "children",
            "descendants.name",
            "priority.value",
        ],
    ),
    (
        "AssetVersion",
        &[
            "version",
            "comment",
            "asset.name",
            "asset.parent.name",
            "task.parent.name",
            "user.username",
            "notes.content",
            "status.name",
            "is_latest_version",
            "link",
            "is_published",
        ],
    ),
    (
        "Appointment",
        &[
            "type",
            "context.name",
            "context.parent.name",
            "resource.username",
            "context.project.name",
            "resource",
        ],
    ),
];

/// A question made by chance.
pub(crate) fn made(random: &mut Random) -> Result<Question> {
    let (subject, paths) = &SUBJECTS[random.below(SUBJECTS.len())];
    let mut wanted: Vec<&str> = Vec::new();
    for _ in 0..=random.below(3) {
        let path = random.pick(paths);
        if !wanted.contains(&path) {
            wanted.push(path);
        }
    }
    let mut query = Query::from(*subject).select(wanted.iter().copied());
    if random.below(8) > 0 {
        query = query.filter(filter(random, subject, 2));
    }
    if random.below(2) == 0 {
        query = query.order_by(if *subject == "AssetVersion" {
            "version"
        } else {
            "id"
        });
        if random.below(2) == 0 {
            query = query
                .limit(1 + random.number() % 9)
                .offset(random.number() % 4);
        }
    }
    Ok(Question::from_text(query.build()?))
}

fn filter(random: &mut Random, subject: &str, depth: u32) -> Filter {
    if depth > 0 {
        match random.below(6) {
            0 => return filter(random, subject, depth - 1) & filter(random, subject, depth - 1),
            1 => return filter(random, subject, depth - 1) | filter(random, subject, depth - 1),
            2 => return !filter(random, subject, depth - 1),
            _ => {}
        }
    }
    match subject {
        "AssetVersion" => version_filter(random),
        "Appointment" => Filter::has("context", context_filter(random)),
        _ => context_filter(random),
    }
}

fn version_filter(random: &mut Random) -> Filter {
    match random.below(5) {
        0 => Filter::is("version", random.pick(&["0", "1", "2"])),
        1 => Filter::contains("comment", random.pick(&["take", "2", "%"])),
        2 => Filter::is("is_latest_version", random.below(2) == 0),
        3 => Filter::has("asset", Filter::is("parent.name", "sh010")),
        _ => Filter::is_not("user.username", random.pick(&["dana", "ada"])),
    }
}

fn context_filter(random: &mut Random) -> Filter {
    const NAMES: [&str; 9] = [
        "sh010",
        "sh020",
        "sq010",
        "animation",
        "lighting",
        "assets",
        "ep01",
        "say \"é\"",
        "harbour",
    ];
    let name = random.pick(&NAMES);
    match random.below(12) {
        0 => Filter::is("name", name),
        1 => Filter::is_not("name", name),
        2 => Filter::contains("name", &name[..2]),
        3 => Filter::is_in("name", [name, random.pick(&NAMES)]),
        4 => Filter::is("parent.name", name),
        5 => Filter::is("project.name", random.pick(&["harbour", "lantern"])),
        6 => Filter::any("children", Filter::is("name", name)),
        7 => Filter::any("ancestors", Filter::is("name", name)),
        8 => Filter::is(
            "status.state.short",
            random.pick(&["DONE", "IN_PROGRESS", "NOT_STARTED"]),
        ),
        9 => Filter::any(
            "assignments",
            Filter::is("resource.username", random.pick(&["ada", "dana", "bo"])),
        ),
        10 => Filter::greater(
            "created_at",
            random.pick(&["2020-01-01", "2100-01-01T12:00:00+02:00"]),
        ),
        _ => Filter::at_least("bid", random.pick(&["0", "20000", "28800.5"])),
    }
}
