//! The plan: what is made, what is reused, and what stands in the way. Pure.

use std::collections::HashMap;

use crate::input::{Input, field};
use crate::names::{folded, quoted};
use crate::order::{Entry, Ordered, order};
use crate::problem::Problem;
use crate::rows::Row;
use crate::site::{Child, Existing, Site, TargetKind, TaskType};

/// Everything that a job does, decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub sequences: Vec<PlannedSequence>,
    pub shots: Vec<PlannedShot>,
    /// What a person should know although nothing is wrong.
    pub remarks: Vec<String>,
}

/// A sequence that shots go into.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PlannedSequence {
    pub id: String,
    pub name: String,
    pub parent: String,
    pub is_new: bool,
}

/// A shot, made or reused.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PlannedShot {
    pub id: String,
    pub name: String,
    pub parent: String,
    /// Its place in [`Plan::sequences`]; `None` directly below a project, an episode or a folder.
    pub sequence: Option<usize>,
    pub is_new: bool,
    pub status_id: Option<String>,
    pub description: String,
    pub new_tasks: Vec<PlannedTask>,
    pub reused_tasks: usize,
}

/// A task that is made.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PlannedTask {
    pub id: String,
    pub name: String,
    pub type_id: String,
    pub status_id: Option<String>,
}

impl Plan {
    /// Returns the shots to make and those to reuse.
    pub(crate) fn new_and_reused(&self) -> (usize, usize) {
        let new = self.shots.iter().filter(|shot| shot.is_new).count();
        (new, self.shots.len() - new)
    }

    /// Returns the tasks to make and those to reuse.
    pub(crate) fn new_and_reused_tasks(&self) -> (usize, usize) {
        self.shots.iter().fold((0, 0), |(new, reused), shot| {
            (new + shot.new_tasks.len(), reused + shot.reused_tasks)
        })
    }

    /// Tells whether the server has all of it already.
    pub(crate) fn is_empty(&self) -> bool {
        !self.sequences.iter().any(|sequence| sequence.is_new)
            && !self
                .shots
                .iter()
                .any(|shot| shot.is_new || !shot.new_tasks.is_empty())
    }
}

/// Decides what is made and what is reused.
///
/// # Errors
///
/// Tells of everything that stands in the way; nothing is made then.
pub(crate) fn plan(
    rows: &[Row],
    input: &Input,
    site: &Site,
    existing: &Existing,
    new_id: &mut dyn FnMut() -> String,
) -> Result<Plan, Vec<Problem>> {
    let Ordered {
        entries,
        problems,
        remarks,
    } = order(rows, input, site);
    let index = Index::new(existing);
    let mut planner = Planner {
        site,
        index: &index,
        new_id,
        problems,
        plan: Plan {
            sequences: selected_sequence(site).into_iter().collect(),
            shots: Vec::with_capacity(entries.len()),
            remarks,
        },
    };
    for entry in &entries {
        planner.add(entry);
    }
    if planner.problems.is_empty() {
        Ok(planner.plan)
    } else {
        Err(planner.problems)
    }
}

/// Returns the target as a sequence to reuse, where it is one.
fn selected_sequence(site: &Site) -> Option<PlannedSequence> {
    (site.kind == TargetKind::Sequence).then(|| PlannedSequence {
        id: site.id.clone(),
        name: site.name.clone(),
        ..PlannedSequence::default()
    })
}

/// What is there already, ready to be looked up.
struct Index<'a> {
    children: HashMap<(&'a str, &'a str), &'a Child>,
    folded_children: HashMap<(&'a str, String), &'a Child>,
    tasks: HashMap<&'a str, Vec<(&'a str, &'a str)>>,
}

impl<'a> Index<'a> {
    fn new(existing: &'a Existing) -> Self {
        let mut tasks: HashMap<&str, Vec<(&str, &str)>> = HashMap::new();
        for task in &existing.tasks {
            let of_parent = tasks.entry(task.parent.as_str()).or_default();
            of_parent.push((task.name.as_str(), task.type_id.as_str()));
        }
        let children = existing.children.iter();
        Self {
            children: children
                .clone()
                .map(|child| ((child.parent.as_str(), child.name.as_str()), child))
                .collect(),
            folded_children: children
                .map(|child| ((child.parent.as_str(), folded(&child.name)), child))
                .collect(),
            tasks,
        }
    }
}

struct Planner<'a> {
    site: &'a Site,
    index: &'a Index<'a>,
    new_id: &'a mut dyn FnMut() -> String,
    problems: Vec<Problem>,
    plan: Plan,
}

impl Planner<'_> {
    fn add(&mut self, entry: &Entry) {
        let sequence = match entry.sequence {
            "" => None,
            name => Some(self.sequence(name)),
        };
        let parent = sequence.map_or(self.site.id.as_str(), |at| &self.plan.sequences[at].id);
        let parent = parent.to_owned();
        let name = &entry.row.shot;
        let found = self.reusable(&parent, name, "Shot");
        let mut shot = PlannedShot {
            id: found.clone().unwrap_or_else(|| (self.new_id)()),
            name: name.clone(),
            parent,
            sequence,
            is_new: found.is_none(),
            status_id: entry.status.map(|status| status.id.clone()),
            description: entry.row.description.clone(),
            ..PlannedShot::default()
        };
        for task_type in &entry.task_types {
            self.add_task(&mut shot, task_type);
        }
        self.plan.shots.push(shot);
    }

    fn sequence(&mut self, name: &str) -> usize {
        // Rows of one sequence usually stand together, so the last one is tried first.
        let known = self
            .plan
            .sequences
            .iter()
            .rposition(|known| known.name == name);
        if let Some(at) = known {
            return at;
        }
        let parent = self.site.id.clone();
        let found = self.reusable(&parent, name, "Sequence");
        self.plan.sequences.push(PlannedSequence {
            is_new: found.is_none(),
            id: found.unwrap_or_else(|| (self.new_id)()),
            name: name.to_owned(),
            parent,
        });
        self.plan.sequences.len() - 1
    }

    /// Returns the id of the child with this very name, and tells what else is in its way.
    fn reusable(&mut self, parent: &str, name: &str, kind: &str) -> Option<String> {
        if let Some(child) = self.index.children.get(&(parent, name)) {
            if child.kind == kind {
                return Some(child.id.clone());
            }
            let what = kind.to_lowercase();
            self.problems.push(Problem::invalid(
                if kind == "Shot" {
                    field::SHOTS
                } else {
                    field::SEQUENCE
                },
                format!(
                    "the {what} {} cannot be made: something else has the name, of type {}",
                    quoted(name),
                    quoted(&child.kind)
                ),
                "give it another name",
            ));
            return None;
        }
        let alike = self.index.folded_children.get(&(parent, folded(name)));
        if let Some(alike) = alike {
            self.plan.remarks.push(format!(
                "{} is new, though {} is there already and differs by upper and lower case only",
                quoted(name),
                quoted(&alike.name)
            ));
        }
        None
    }

    fn add_task(&mut self, shot: &mut PlannedShot, task_type: &TaskType) {
        let tasks = self.index.tasks.get(shot.id.as_str());
        let of_name = tasks.into_iter().flatten().find(|(name, type_id)| {
            *name == task_type.name
                || *type_id == task_type.id && folded(name) == folded(&task_type.name)
        });
        let Some((_, type_id)) = of_name else {
            let allowed = |id: &&String| task_type.statuses.contains(id);
            shot.new_tasks.push(PlannedTask {
                id: (self.new_id)(),
                name: task_type.name.clone(),
                type_id: task_type.id.clone(),
                status_id: shot.status_id.as_ref().filter(allowed).cloned(),
            });
            return;
        };
        shot.reused_tasks += 1;
        if *type_id != task_type.id {
            self.plan.remarks.push(format!(
                "the task {} of {} is of another type and stays as it is",
                quoted(&task_type.name),
                quoted(&shot.name)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{child, input, planned, project, sequence, task};

    /// Writes a plan as lines: `+` is made, `=` is reused.
    fn lines(plan: &Plan) -> Vec<String> {
        let mark = |is_new: bool| if is_new { '+' } else { '=' };
        let sequences = plan
            .sequences
            .iter()
            .map(|sequence| format!("{}{}", mark(sequence.is_new), sequence.name));
        let shots = plan.shots.iter().map(|shot| {
            let place = shot
                .sequence
                .map_or("", |at| plan.sequences[at].name.as_str());
            let tasks: String = shot
                .new_tasks
                .iter()
                .map(|task| format!(" +{}", task.name))
                .collect();
            format!(
                "{}{place}/{}{tasks} ={}",
                mark(shot.is_new),
                shot.name,
                shot.reused_tasks
            )
        });
        sequences.chain(shots).collect()
    }

    fn check(site: &Site, input: &Input, existing: &Existing, expected: &[&str]) {
        let plan = planned(site, input, existing).unwrap();
        assert_eq!(lines(&plan), expected, "{input:?}");
    }

    fn refused(site: &Site, input: &Input, existing: &Existing, expected: &[(&str, &str)]) {
        let problems = planned(site, input, existing).unwrap_err();
        let told: Vec<_> = problems
            .iter()
            .map(|problem| (problem.field, problem.message.as_str()))
            .collect();
        assert_eq!(told, expected, "{input:?}");
    }

    #[test]
    fn shots_go_where_the_selection_the_rows_and_the_field_say() {
        let nothing = Existing::default();
        check(
            &project(),
            &input("", "sh010", &[]),
            &nothing,
            &["+/sh010 =0"],
        );
        check(
            &project(),
            &input("sq1", "sh010", &[]),
            &nothing,
            &["+sq1", "+sq1/sh010 =0"],
        );
        check(
            &project(),
            &input("sq1", "sq2\tsh010\nsh020\nsq2\tsh030", &[]),
            &nothing,
            &[
                "+sq2",
                "+sq1",
                "+sq2/sh010 =0",
                "+sq1/sh020 =0",
                "+sq2/sh030 =0",
            ],
        );
        check(
            &sequence(),
            &input("", "sh010", &[]),
            &nothing,
            &["=sq010", "+sq010/sh010 =0"],
        );
        check(
            &sequence(),
            &input("sq010", "sq010\tsh010", &[]),
            &nothing,
            &["=sq010", "+sq010/sh010 =0"],
        );
    }

    #[test]
    fn what_is_there_is_reused_and_what_lacks_is_added() {
        let existing = Existing {
            children: vec![
                child("Sequence", "project", "sq1"),
                child("Shot", "project/sq1", "sh010"),
                child("Shot", "project/sq1", "sh020"),
            ],
            tasks: vec![
                task("project/sq1/sh010", "Compositing", "Compositing"),
                task("project/sq1/sh020", "compositing", "Compositing"),
                task("project/sq1/sh020", "Tracking", "Tracking"),
            ],
        };
        check(
            &project(),
            &input("sq1", "sh010\nsh020\nsh030", &["compositing", "Tracking"]),
            &existing,
            &[
                "=sq1",
                "=sq1/sh010 +Tracking =1",
                "=sq1/sh020 =2",
                "+sq1/sh030 +Compositing +Tracking =0",
            ],
        );
        let again = planned(
            &project(),
            &input("sq1", "sh010", &["Compositing"]),
            &existing,
        )
        .unwrap();
        assert!(again.is_empty());
    }

    #[test]
    fn a_shot_of_another_sequence_is_another_shot() {
        let existing = Existing {
            children: vec![
                child("Sequence", "project", "sq1"),
                child("Shot", "project/sq1", "sh010"),
            ],
            tasks: Vec::new(),
        };
        check(
            &project(),
            &input("", "sh010", &[]),
            &existing,
            &["+/sh010 =0"],
        );
        check(
            &project(),
            &input("sq2", "sh010", &[]),
            &existing,
            &["+sq2", "+sq2/sh010 =0"],
        );
    }

    #[test]
    fn new_tasks_get_the_status_only_where_their_workflow_has_it() {
        let mut asked = input("", "sh010", &["Compositing", "Lighting"]);
        asked.status = "ready".into();
        let plan = planned(&project(), &asked, &Existing::default()).unwrap();
        let shot = &plan.shots[0];
        assert_eq!(shot.status_id.as_deref(), Some("status-Ready"));
        let statuses: Vec<_> = shot
            .new_tasks
            .iter()
            .map(|task| task.status_id.as_deref())
            .collect();
        assert_eq!(statuses, [Some("status-Ready"), None]);
    }

    #[test]
    fn what_a_row_says_goes_before_the_fields() {
        let asked = input("", "\tsh010\tLighting\tDone\twide\nsh020", &["Tracking"]);
        let plan = planned(&project(), &asked, &Existing::default()).unwrap();
        assert_eq!(
            lines(&plan),
            ["+/sh010 +Lighting =0", "+/sh020 +Tracking =0"]
        );
        assert_eq!(plan.shots[0].status_id.as_deref(), Some("status-Done"));
        assert_eq!(plan.shots[0].description, "wide");
        assert_eq!(plan.shots[1].status_id, None);
    }

    #[test]
    fn a_shot_listed_twice_is_made_once_with_the_tasks_of_both_rows() {
        let asked = input("sq1", "sq1\tsh010\tLighting\nsh010\nsh020", &["Tracking"]);
        let plan = planned(&project(), &asked, &Existing::default()).unwrap();
        assert_eq!(
            lines(&plan),
            [
                "+sq1",
                "+sq1/sh010 +Lighting +Tracking =0",
                "+sq1/sh020 +Tracking =0"
            ]
        );
        assert_eq!(
            plan.remarks,
            ["`sh010` is listed 2 times for `sq1` and counts once, as line 1 has it"]
        );
    }

    #[test]
    fn names_that_differ_by_case_only_are_refused_among_rows_and_remarked_against_the_server() {
        let nothing = Existing::default();
        refused(
            &project(),
            &input("", "sh010\nSH010\nSQ\tx\nsq\ty", &[]),
            &nothing,
            &[
                (
                    "shots",
                    "two shots differ by upper and lower case only: `sh010` and `SH010`",
                ),
                (
                    "shots",
                    "two sequences differ by upper and lower case only: `SQ` and `sq`",
                ),
            ],
        );
        let existing = Existing {
            children: vec![child("Shot", "project", "SH010")],
            tasks: Vec::new(),
        };
        let plan = planned(&project(), &input("", "sh010", &[]), &existing).unwrap();
        assert_eq!(lines(&plan), ["+/sh010 =0"]);
        assert_eq!(
            plan.remarks,
            [
                "`sh010` is new, though `SH010` is there already and differs by upper and lower case only"
            ]
        );
    }

    #[test]
    fn everything_that_stands_in_the_way_is_told_at_once() {
        let mut asked = input("", "\tsh010\tRoto\nsh020", &["Compositng", "Lighting"]);
        asked.status = "On Fire".into();
        refused(
            &project(),
            &asked,
            &Existing::default(),
            &[
                ("task_types", "`Demo` has no task type `Compositng`"),
                ("status", "shots of `Demo` have no status `On Fire`"),
                ("shots", "`Demo` has no task type `Roto`"),
            ],
        );
        refused(
            &sequence(),
            &input("other", "sq1\tsh010", &[]),
            &Existing::default(),
            &[
                (
                    "sequence",
                    "shots go into the selected sequence `sq010`, not into `other`",
                ),
                (
                    "shots",
                    "line 1 names the sequence `sq1`, but shots go into the selected `sq010`",
                ),
            ],
        );
        let existing = Existing {
            children: vec![
                child("Folder", "project", "sq1"),
                child("Asset Build", "project", "sh010"),
            ],
            tasks: Vec::new(),
        };
        refused(
            &project(),
            &input("", "sq1\tsh010\nsh010", &[]),
            &existing,
            &[
                (
                    "sequence",
                    "the sequence `sq1` cannot be made: something else has the name, of type `Folder`",
                ),
                (
                    "shots",
                    "the shot `sh010` cannot be made: something else has the name, of type `Asset Build`",
                ),
            ],
        );
    }
}
