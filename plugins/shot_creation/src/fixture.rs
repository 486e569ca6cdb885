//! A small site for the tests of several modules.

use crate::input::Input;
use crate::plan::{Plan, plan};
use crate::problem::Problem;
use crate::rows::rows_from_text;
use crate::site::{Child, Existing, ExistingTask, Named, Project, Site, TargetKind, TaskType};

/// A project with three task types and two statuses, only one of which its Lighting knows.
pub(crate) fn project() -> Site {
    let task_type = |name: &str, statuses: &[&str]| TaskType {
        id: format!("type-{name}"),
        name: name.into(),
        statuses: statuses
            .iter()
            .map(|name| format!("status-{name}"))
            .collect(),
    };
    let status = |name: &str| Named {
        id: format!("status-{name}"),
        name: name.into(),
    };
    Site {
        id: "project".into(),
        name: "Demo".into(),
        kind: TargetKind::Project,
        project: Project {
            id: "project".into(),
            name: "Demo".into(),
            short_name: "demo".into(),
            task_types: vec![
                task_type("Compositing", &["Ready", "Done"]),
                task_type("Tracking", &["Ready", "Done"]),
                task_type("Lighting", &["Done"]),
            ],
            shot_statuses: vec![status("Ready"), status("Done")],
        },
    }
}

/// A sequence of that project.
pub(crate) fn sequence() -> Site {
    Site {
        id: "seq".into(),
        name: "sq010".into(),
        kind: TargetKind::Sequence,
        ..project()
    }
}

pub(crate) fn child(kind: &str, parent: &str, name: &str) -> Child {
    Child {
        id: format!("{parent}/{name}"),
        name: name.into(),
        parent: parent.into(),
        kind: kind.into(),
    }
}

pub(crate) fn task(parent: &str, name: &str, task_type: &str) -> ExistingTask {
    ExistingTask {
        name: name.into(),
        type_id: format!("type-{task_type}"),
        parent: parent.into(),
    }
}

pub(crate) fn input(sequence: &str, shots: &str, task_types: &[&str]) -> Input {
    Input {
        sequence: sequence.into(),
        shots: shots.into(),
        task_types: task_types.iter().map(|name| (*name).to_owned()).collect(),
        ..Input::default()
    }
}

/// Plans with ids that count up.
pub(crate) fn planned(
    site: &Site,
    input: &Input,
    existing: &Existing,
) -> Result<Plan, Vec<Problem>> {
    let mut last = 0;
    let mut new_id = || {
        last += 1;
        format!("new-{last}")
    };
    let rows = rows_from_text(&input.shots)
        .expect("the rows of a fixture are well formed")
        .rows;
    plan(&rows, input, site, existing, &mut new_id)
}
