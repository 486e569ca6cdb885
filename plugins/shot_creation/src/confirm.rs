//! The question that a launch from Flame asks: what the selected segments come to, before anything is made.

use callboard_plugin_sdk::{
    DccContext, Failure, FailureKind, Host, Item, Launch, Outcome, View, new_id,
};

use crate::form::{status_item, task_types_item};
use crate::input::{Input, field};
use crate::names::{counted, joined, quoted};
use crate::order::sequences_named;
use crate::plan::{Plan, PlannedShot, plan};
use crate::problem::{Problem, failure_from_problems};
use crate::rows::{Row, check_count, text_from_rows};
use crate::segments::{Gathered, rows_from_segments};
use crate::server::{Place, Wanted, look};
use crate::site::{Site, TargetKind};

/// The task that a shot from Flame gets where its project has the type: Flame is for compositing.
const USUAL_TASK: &str = "Compositing";

/// How many lines a list in the question has before it is cut off.
const MOST_LISTED: usize = 20;

/// Tells whether the application keeps a selection to make shots of.
pub(crate) fn has_selection(dcc: &DccContext) -> bool {
    dcc.count > 0 || !dcc.selection_id.as_str().is_empty()
}

/// Describes the application's selection and asks whether to make shots of it.
///
/// # Errors
///
/// There is nothing to make shots of, or no place for them.
pub(crate) fn ask(launch: &Launch, dcc: &DccContext, host: &Host) -> Result<Outcome, Failure> {
    let place = place_of(launch, dcc)?;
    host.progress(None, "reading the selection");
    let mut gathered = rows_from_segments(&host.describe(dcc)?);
    check_gathered(&gathered)?;

    host.progress(None, "looking at what is there already");
    let mut input = Input {
        task_types: vec![USUAL_TASK.to_owned()],
        ..Input::default()
    };
    let wanted = Wanted {
        sequences: sequences_named(&gathered.rows, &input),
        task_types: input.task_types.clone(),
    };
    let (site, existing) =
        look(host, &place, Some(&wanted))?.map_err(|problem| no_place(&place, problem))?;
    if site.kind == TargetKind::Sequence {
        put_into_selected(&mut gathered);
    }
    if !site
        .project
        .task_types
        .iter()
        .any(|known| known.name == USUAL_TASK)
    {
        input.task_types.clear();
    }
    let plan = plan(&gathered.rows, &input, &site, &existing, &mut new_id)
        .map_err(|problems| failure_from_problems(&problems))?;
    Ok(Outcome::asks(view(launch, &site, &gathered, &input, &plan)))
}

/// The selection in ftrack says where shots go; without one, the name of the application's project does.
fn place_of(launch: &Launch, dcc: &DccContext) -> Result<Place, Failure> {
    if let [selected, ..] = launch.context.selection.as_slice() {
        return Ok(Place::Selected(selected.clone()));
    }
    let nicknames = ["project_nickname", "nickname"]
        .iter()
        .filter_map(|key| dcc.more.get(*key)?.as_str());
    let names: Vec<String> = std::iter::once(dcc.project.as_str())
        .chain(nicknames)
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    if names.is_empty() {
        return Err(
            Failure::not_found("the application told of no open project")
                .hint("open a project, then try again"),
        );
    }
    Ok(Place::Project(names))
}

fn check_gathered(gathered: &Gathered) -> Result<(), Failure> {
    if gathered.rows.is_empty() {
        let failure = match gathered.left_out.len() {
            0 => Failure::invalid("no segments are selected")
                .hint("select sequences with segments, then try again"),
            count => Failure::invalid(format!(
                "{} selected, none with a shot name",
                counted(count, "segment")
            ))
            .hint("name the shots of the segments, then try again"),
        };
        let told = gathered.left_out.iter().take(MOST_LISTED).cloned();
        return Err(told.fold(failure, Failure::because));
    }
    match check_count(gathered.rows.len()) {
        Some(problem) => Err(failure_from_problems(&[problem])),
        None => Ok(()),
    }
}

fn no_place(place: &Place, problem: Problem) -> Failure {
    let is_guessed = matches!(place, Place::Project(_)) && problem.kind == FailureKind::NotFound;
    let failure = failure_from_problems(&[problem]);
    if is_guessed {
        failure.hint("name the project here as it is named in ftrack, or launch the action on the project in ftrack")
    } else {
        failure
    }
}

/// A sequence that is selected in ftrack takes all shots, whatever the timeline is called.
fn put_into_selected(gathered: &mut Gathered) {
    let mut seen = std::collections::HashSet::new();
    for row in std::mem::take(&mut gathered.rows) {
        if seen.insert(row.shot.clone()) {
            gathered.rows.push(Row {
                sequence: String::new(),
                ..row
            });
        } else {
            gathered.merged.push(row.shot);
        }
    }
}

fn view(launch: &Launch, site: &Site, gathered: &Gathered, input: &Input, plan: &Plan) -> View {
    let types: Vec<String> = site
        .project
        .task_types
        .iter()
        .map(|known| known.name.clone())
        .collect();
    let statuses: Vec<String> = site
        .project
        .shot_statuses
        .iter()
        .map(|known| known.name.clone())
        .collect();
    let mut view = View::new("Create shots").submit("Create");
    view = view.with(Item::note(summary(site, input, plan)));
    let remarks: Vec<String> = gathered
        .remark()
        .into_iter()
        .chain(plan.remarks.clone())
        .collect();
    if !remarks.is_empty() {
        view = view.with(Item::note(list("Worth knowing:", &remarks)));
    }
    if !gathered.left_out.is_empty() {
        let title = format!(
            "**{} left out:**",
            counted(gathered.left_out.len(), "segment")
        );
        view = view.with(Item::note(list(&title, &gathered.left_out)));
    }
    if launch.context.selection.is_empty() {
        view = view.with(Item::hidden(field::PROJECT, site.project.id.clone()));
    }
    view.with(Item::hidden(field::SHOTS, text_from_rows(&gathered.rows)))
        .with(task_types_item(&types, &input.task_types))
        .with(status_item(&statuses, &input.status))
        .with(Item::boolean(field::DRY_RUN, "Only say what would be made"))
}

fn summary(site: &Site, input: &Input, plan: &Plan) -> String {
    let (new, reused) = plan.new_and_reused();
    let (new_tasks, reused_tasks) = plan.new_and_reused_tasks();
    let mut text = format!(
        "**{} to make in {}**, {reused} there already.",
        counted(new, "shot"),
        quoted(&site.project.name)
    );
    if input.task_types.is_empty() {
        text.push_str("\nNo tasks are proposed.");
    } else {
        text.push_str(&format!(
            "\n{} to make ({}), {reused_tasks} there already.",
            counted(new_tasks, "task"),
            joined(input.task_types.iter().map(String::as_str), ", ")
        ));
    }
    let lines: Vec<String> = plan
        .sequences
        .iter()
        .enumerate()
        .map(|(at, sequence)| {
            let shots: Vec<&PlannedShot> = plan
                .shots
                .iter()
                .filter(|shot| shot.sequence == Some(at))
                .collect();
            let new = shots.iter().filter(|shot| shot.is_new).count();
            let state = if sequence.is_new {
                "new sequence"
            } else {
                "sequence"
            };
            format!(
                "{state} {}: {}, {new} new",
                quoted(&sequence.name),
                counted(shots.len(), "shot")
            )
        })
        .collect();
    list(&text, &lines)
}

fn list(title: &str, lines: &[String]) -> String {
    let mut text = title.to_owned();
    for line in lines.iter().take(MOST_LISTED) {
        text.push_str(&format!("\n* {line}"));
    }
    if lines.len() > MOST_LISTED {
        text.push_str(&format!("\n* and {} more", lines.len() - MOST_LISTED));
    }
    text
}
