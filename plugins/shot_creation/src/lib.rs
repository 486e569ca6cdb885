//! Creates sequences, shots and tasks in ftrack from Flame segments or typed names.
//!
//! A turn without values asks; a turn with values decides a plan and hands it over; the turn after that reports.
//! It must never know the host's crates, other plugins, or how anything is drawn or sent.
//!
//! Read first: `input::Input` (what a person asks for), `plan::Plan` (what is made and what is reused) and `report::Report` (what became of it).

mod confirm;
mod entities;
#[cfg(test)]
mod fixture;
mod form;
mod input;
mod names;
mod order;
mod plan;
mod problem;
mod report;
mod rows;
mod segments;
mod server;
mod site;
mod steps;

use callboard_plugin_sdk::{
    Failure, FailureKind, Host, Launch, Outcome, Plugin, StepsReport, Surface, new_id,
};
use serde::Deserialize;

use crate::form::{form_from_offer, form_from_site, project_choices};
use crate::input::{Input, asks_again, field, input_from_values, is_given};
use crate::order::{sequences_named, task_types_named};
use crate::plan::{Plan, plan};
use crate::problem::{Problem, failure_from_problems};
use crate::rows::{Pasted, rows_from_text};
use crate::server::{Place, Wanted, look, offer};
use crate::site::Site;
use crate::steps::{Handed, handed_from_plan, step_from_plan};

/// The plugin.
#[derive(Debug, Default)]
pub struct ShotCreation;

impl Plugin for ShotCreation {
    fn launch(&mut self, launch: &Launch, host: &Host) -> Result<Outcome, Failure> {
        if let Some(steps) = &launch.steps {
            return report_back(launch, steps, host);
        }
        if let [_, _, ..] = launch.context.selection.as_slice() {
            return Err(
                Failure::invalid("shots go into one place, and several are selected")
                    .hint("select one project, folder, episode or sequence"),
            );
        }
        if is_given(&launch.values) {
            return create(launch, host);
        }
        match &launch.context.dcc {
            Some(dcc) if confirm::has_selection(dcc) => confirm::ask(launch, dcc, host),
            _ => ask_for_shots(launch, host),
        }
    }
}

callboard_plugin_sdk::export_plugin!(ShotCreation);

/// The first turn: shows the form, filled in as far as the selection tells.
fn ask_for_shots(launch: &Launch, host: &Host) -> Result<Outcome, Failure> {
    let form = match launch.context.selection.first() {
        None => form_from_offer(&offer(host)?),
        Some(selected) => {
            let (site, _) = look(host, &Place::Selected(selected.clone()), None)?
                .map_err(|problem| failure_from_problems(&[problem]))?;
            form_from_site(&site)
        }
    };
    Ok(Outcome::asks(form.view(&Input::default(), &[])))
}

/// The turn with values: checks everything, decides the plan and hands it over.
fn create(launch: &Launch, host: &Host) -> Result<Outcome, Failure> {
    let (input, mut problems) = input_from_values(&launch.values);
    let pasted = rows_from_text(&input.shots).unwrap_or_else(|found| {
        problems.extend(found);
        Pasted::default()
    });
    let Some(place) = place_of(launch, &input) else {
        problems.push(Problem::invalid(
            field::PROJECT,
            "no project is named",
            "choose one, or select where the shots go",
        ));
        return answer_wrong(launch, host, &input, &problems, None);
    };
    let wanted = Wanted {
        sequences: sequences_named(&pasted.rows, &input),
        task_types: task_types_named(&pasted.rows, &input),
    };
    host.progress(None, "looking at what is there already");
    let (site, existing) = match look(host, &place, Some(&wanted))? {
        Ok(seen) => seen,
        Err(problem) => {
            problems.push(problem);
            return answer_wrong(launch, host, &input, &problems, None);
        }
    };
    problems.extend(other_project(launch, &input, &site));
    match plan(&pasted.rows, &input, &site, &existing, &mut new_id) {
        Ok(plan) if problems.is_empty() => carry_out(with_unread(plan, &pasted), &input, host),
        Ok(_) => answer_wrong(launch, host, &input, &problems, Some(&site)),
        Err(found) => {
            problems.extend(found);
            answer_wrong(launch, host, &input, &problems, Some(&site))
        }
    }
}

fn carry_out(plan: Plan, input: &Input, host: &Host) -> Result<Outcome, Failure> {
    if input.dry_run {
        return Ok(report::dry_run(&plan));
    }
    if plan.is_empty() {
        return Ok(report::nothing_new(&plan));
    }
    if host.cancelled() {
        return Ok(Outcome::Cancelled);
    }
    let step = step_from_plan(&plan)?;
    host.hand_over(steps::KEY, vec![step], handed_from_plan(&plan))?;
    Ok(Outcome::Waits)
}

/// The turn after the steps: tells what became of the plan.
fn report_back(launch: &Launch, steps: &StepsReport, host: &Host) -> Result<Outcome, Failure> {
    let handed = Handed::deserialize(&launch.state).map_err(|error| {
        Failure::new(FailureKind::Internal, "could not read what was handed over").caused_by(&error)
    })?;
    let outcome = report::after_steps(handed, steps);
    // The web, the launcher and the command line show the outcome themselves.
    if matches!(
        launch.context.surface,
        Surface::Flame | Surface::Dcc | Surface::Tray
    ) {
        match &outcome {
            Ok(Outcome::Done { message, .. } | Outcome::Partly { message, .. }) => {
                host.notify("Create shots", message);
            }
            Ok(_) => {}
            Err(failure) => host.notify("Create shots", failure.message.clone()),
        }
    }
    outcome
}

/// What is selected says where shots go; without it, the project that was named does.
fn place_of(launch: &Launch, input: &Input) -> Option<Place> {
    match launch.context.selection.first() {
        Some(selected) => Some(Place::Selected(selected.clone())),
        None if input.project.is_empty() => None,
        None => Some(Place::Project(vec![input.project.clone()])),
    }
}

/// Refuses a project that is named beside a selection which lies in another.
fn other_project(launch: &Launch, input: &Input, site: &Site) -> Option<Problem> {
    let project = &site.project;
    let is_same = [&project.id, &project.name, &project.short_name].contains(&&input.project);
    let is_other = !launch.context.selection.is_empty() && !input.project.is_empty() && !is_same;
    is_other.then(|| {
        Problem::invalid(
            field::PROJECT,
            format!(
                "what is selected lies in {}, not in {}",
                names::quoted(&project.name),
                names::quoted(&input.project)
            ),
            "leave `project` empty, or select nothing",
        )
    })
}

fn with_unread(mut plan: Plan, pasted: &Pasted) -> Plan {
    let unread = pasted.unread_columns.iter();
    plan.remarks
        .extend(unread.map(|heading| format!("the column {} is not read", names::quoted(heading))));
    plan
}

/// Answers values that are wrong: with the form again where a person sees it, else with a failure.
fn answer_wrong(
    launch: &Launch,
    host: &Host,
    input: &Input,
    problems: &[Problem],
    site: Option<&Site>,
) -> Result<Outcome, Failure> {
    let is_selected = !launch.context.selection.is_empty();
    let form = match site {
        _ if !asks_again(launch.context.surface) => return Err(failure_from_problems(problems)),
        Some(site) if is_selected => form_from_site(site),
        Some(site) => form::Form {
            projects: Some(project_choices(&offer(host)?)),
            ..form_from_site(site)
        },
        // What is selected cannot be chosen anew in a form.
        None if is_selected => return Err(failure_from_problems(problems)),
        None => form_from_offer(&offer(host)?),
    };
    Ok(Outcome::asks(form.view(input, problems)))
}
