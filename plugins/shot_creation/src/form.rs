//! The form that asks for shots: drawn by every surface, filled in by a person.

use callboard_plugin_sdk::{Choice, Item, View};

use crate::input::{Input, field};
use crate::names::{folded, quoted};
use crate::problem::{Problem, told};
use crate::server::Offer;
use crate::site::{Site, TargetKind};

/// What the form says and offers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Form {
    /// Where shots go, in markdown; empty while that is not known.
    pub place: String,
    /// The projects to choose from; `None` where the selection says which.
    pub projects: Option<Vec<Choice>>,
    pub task_types: Vec<String>,
    pub statuses: Vec<String>,
    /// What the empty sequence field says.
    pub sequence_hint: &'static str,
    /// The sequence that is selected; empty where none is.
    pub sequence: String,
}

/// Returns the form for a place that is known.
pub(crate) fn form_from_site(site: &Site) -> Form {
    let project = quoted(&site.project.name);
    let (place, sequence_hint) = match site.kind {
        TargetKind::Project => (
            format!("Shots go into the project {project}."),
            "empty: directly below the project",
        ),
        TargetKind::Folder => (
            format!("Shots go into {} of {project}.", quoted(&site.name)),
            "empty: directly below what is selected",
        ),
        TargetKind::Sequence => (
            format!(
                "Shots go into the sequence {} of {project}.",
                quoted(&site.name)
            ),
            "the selected sequence",
        ),
    };
    let types = site.project.task_types.iter();
    let statuses = site.project.shot_statuses.iter();
    Form {
        place,
        projects: None,
        task_types: types.map(|known| known.name.clone()).collect(),
        statuses: statuses.map(|known| known.name.clone()).collect(),
        sequence_hint,
        sequence: match site.kind {
            TargetKind::Sequence => site.name.clone(),
            TargetKind::Project | TargetKind::Folder => String::new(),
        },
    }
}

/// Returns the form for when nothing is selected: it asks for the project too.
pub(crate) fn form_from_offer(offer: &Offer) -> Form {
    Form {
        projects: Some(project_choices(offer)),
        task_types: offer.task_types.clone(),
        statuses: offer.statuses.clone(),
        sequence_hint: "empty: directly below the project",
        ..Form::default()
    }
}

pub(crate) fn project_choices(offer: &Offer) -> Vec<Choice> {
    offer
        .projects
        .iter()
        .map(|project| Choice::new(project.name.clone(), project.id.clone()))
        .collect()
}

impl Form {
    /// Draws the form with what was given so far and what is wrong with it.
    pub(crate) fn view(&self, input: &Input, problems: &[Problem]) -> View {
        let mut view = View::new("Create shots").submit("Create");
        if !problems.is_empty() {
            view = view.with(Item::note(problems_note(problems)));
        }
        if !self.place.is_empty() {
            view = view.with(Item::note(self.place.clone()));
        }
        let mut items = Vec::new();
        if let Some(projects) = &self.projects {
            let item = Item::one_of(field::PROJECT, "Project", projects.clone()).required();
            items.push(item.value(chosen_project(projects, &input.project)));
        }
        items.push(self.sequence_item(input));
        items.push(
            Item::text_area(field::SHOTS, "Shots")
                .empty_text("one name a line, or columns pasted from a table: sequence, shot, task types, status, description")
                .value(input.shots.clone())
                .required(),
        );
        items.push(task_types_item(&self.task_types, &input.task_types));
        items.push(status_item(&self.statuses, &input.status));
        items.push(
            Item::boolean(field::DRY_RUN, "Only say what would be made").value(input.dry_run),
        );
        view.items
            .extend(items.into_iter().map(|item| marked(item, problems)));
        view
    }

    fn sequence_item(&self, input: &Input) -> Item {
        let value = if input.sequence.is_empty() {
            &self.sequence
        } else {
            &input.sequence
        };
        Item::text(field::SEQUENCE, "Sequence")
            .empty_text(self.sequence_hint)
            .value(value.clone())
    }
}

/// Makes the choice of task types, with those chosen that are among `names`.
pub(crate) fn task_types_item(names: &[String], chosen: &[String]) -> Item {
    let known = names
        .iter()
        .filter(|name| chosen.iter().any(|chosen| folded(chosen) == folded(name)));
    let value: Vec<String> = known.cloned().collect();
    Item::several_of(field::TASK_TYPES, "Tasks for each shot", choices(names)).value(value)
}

/// Makes the choice of a status, which starts as the server's own default.
pub(crate) fn status_item(names: &[String], chosen: &str) -> Item {
    let known = names.iter().find(|name| folded(name) == folded(chosen));
    let mut data = vec![Choice::new("The project's default", "")];
    data.extend(choices(names));
    Item::one_of(field::STATUS, "Status of what is made", data)
        .value(known.cloned().unwrap_or_default())
}

fn choices(names: &[String]) -> Vec<Choice> {
    names
        .iter()
        .map(|name| Choice::new(name.clone(), name.clone()))
        .collect()
}

fn chosen_project(projects: &[Choice], given: &str) -> String {
    projects
        .iter()
        .find(|choice| choice.value == given || folded(&choice.label) == folded(given))
        .and_then(|choice| choice.value.as_str())
        .unwrap_or_default()
        .to_owned()
}

/// Writes the first problem with an item beside it.
fn marked(item: Item, problems: &[Problem]) -> Item {
    match problems.iter().find(|problem| problem.field == item.name) {
        Some(problem) => item.error(problem.sentence()),
        None => item,
    }
}

fn problems_note(problems: &[Problem]) -> String {
    let mut note = "**Nothing was made.**".to_owned();
    match problems {
        [only] => note.push_str(&format!(" {}", only.sentence())),
        several => {
            for line in told(several) {
                note.push_str(&format!("\n* {line}"));
            }
        }
    }
    note
}
