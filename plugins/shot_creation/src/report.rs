//! What is told at the end: in one sentence for a person, and as data for a program.

use callboard_plugin_sdk::{
    Failure, FailureKind, Outcome, StepsReport, UnitReport, UnitState, Value, json,
};
use serde::Serialize;

use crate::names::{counted, quoted};
use crate::plan::Plan;
use crate::steps::Handed;

/// How many failures and remarks the sentence itself tells.
const MOST_TOLD: usize = 3;

/// How many reasons a failure carries as causes.
const MOST_CAUSES: usize = 20;

/// What became of everything that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Report {
    pub sequences: Vec<SequenceLine>,
    pub made: Vec<ShotLine>,
    pub reused: Vec<ShotLine>,
    /// How many more were reused than are listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub reused_beyond: usize,
    pub failed: Vec<FailedLine>,
    pub tasks_made: usize,
    pub tasks_reused: usize,
    pub remarks: Vec<String>,
}

/// A sequence that shots went into.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct SequenceLine {
    /// Its id; none while it is only planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub name: String,
    /// Whether this job made it; otherwise it was there.
    pub made: bool,
}

/// A shot that is there now.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct ShotLine {
    pub name: String,
    /// Its id; none while it is only planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<String>,
    /// How many tasks were made below it.
    pub tasks: usize,
}

/// Something that could not be made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct FailedLine {
    pub name: String,
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[serde(skip)]
    pub kind: FailureKind,
}

/// Whether a report tells of deeds or of intentions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tense {
    Past,
    Conditional,
}

/// Ends a turn that was only to say what would be made.
pub(crate) fn dry_run(plan: &Plan) -> Outcome {
    let report = report_from_plan(plan);
    let mut output = report.output();
    output["dry_run"] = Value::Bool(true);
    Outcome::Done {
        message: report.sentence(Tense::Conditional),
        output,
    }
}

/// Ends a turn whose plan holds nothing new.
pub(crate) fn nothing_new(plan: &Plan) -> Outcome {
    let report = report_from_plan(plan);
    Outcome::Done {
        message: report.sentence(Tense::Past),
        output: report.output(),
    }
}

/// Ends the turn after the steps.
///
/// # Errors
///
/// Fails when nothing at all could be made.
pub(crate) fn after_steps(handed: Handed, steps: &StepsReport) -> Result<Outcome, Failure> {
    let report = report_from_steps(handed, steps);
    let has_made = report.tasks_made > 0
        || !report.made.is_empty()
        || report.sequences.iter().any(|sequence| sequence.made);
    if !report.failed.is_empty() && !has_made {
        return Err(report.failure());
    }
    let message = report.sentence(Tense::Past);
    let output = report.output();
    Ok(if report.failed.is_empty() {
        Outcome::Done { message, output }
    } else {
        Outcome::Partly { message, output }
    })
}

fn report_from_plan(plan: &Plan) -> Report {
    let mut report = Report {
        remarks: plan.remarks.clone(),
        ..Report::default()
    };
    for sequence in &plan.sequences {
        report.sequences.push(SequenceLine {
            id: (!sequence.is_new).then(|| sequence.id.clone()),
            name: sequence.name.clone(),
            made: sequence.is_new,
        });
    }
    for shot in &plan.shots {
        let line = ShotLine {
            name: shot.name.clone(),
            id: (!shot.is_new).then(|| shot.id.clone()),
            sequence: shot.sequence.map(|at| plan.sequences[at].name.clone()),
            tasks: shot.new_tasks.len(),
        };
        report.add_shot(line, shot.is_new, shot.reused_tasks);
    }
    report
}

fn report_from_steps(handed: Handed, steps: &StepsReport) -> Report {
    let unreported = unreported(&handed, steps);
    let mut report = Report {
        reused_beyond: handed.untouched_beyond,
        remarks: handed.remarks,
        ..Report::default()
    };
    let mut units = steps.units();
    for sequence in &handed.sequences {
        let unit = if sequence.is_new { units.next() } else { None };
        let failed = unit.and_then(failed_from_unit);
        if failed.is_none() {
            report.sequences.push(SequenceLine {
                id: Some(sequence.id.clone()),
                name: sequence.name.clone(),
                made: sequence.is_new,
            });
        }
        report.failed.extend(failed);
    }
    let name_of =
        |at: Option<usize>| at.and_then(|at| Some(handed.sequences.get(at)?.name.clone()));
    for (shot, unit) in handed.shots.iter().zip(units) {
        if let Some(failed) = failed_from_unit(unit) {
            report.failed.push(failed);
            continue;
        }
        let line = ShotLine {
            name: unit.label.clone(),
            id: Some(unit.key.clone()),
            sequence: name_of(shot.sequence),
            tasks: shot.new_tasks,
        };
        report.add_shot(line, shot.is_new, shot.reused_tasks);
    }
    report.failed.extend(unreported);
    for shot in handed.untouched {
        let line = ShotLine {
            sequence: name_of(shot.sequence),
            name: shot.name,
            id: Some(shot.id),
            tasks: 0,
        };
        report.add_shot(line, false, shot.reused_tasks);
    }
    report
}

/// Tells of units that the host said nothing about, so that none is taken for done.
fn unreported(handed: &Handed, steps: &StepsReport) -> Option<FailedLine> {
    let new_sequences = handed.sequences.iter().filter(|sequence| sequence.is_new);
    let handed_over = new_sequences.count() + handed.shots.len();
    let missing = handed_over.saturating_sub(steps.units().count());
    (missing > 0).then(|| FailedLine {
        name: counted(missing, "more unit"),
        reason: "the host did not say what became of it".to_owned(),
        hint: None,
        kind: FailureKind::Internal,
    })
}

fn failed_from_unit(unit: &UnitReport) -> Option<FailedLine> {
    if unit.state == UnitState::Done {
        return None;
    }
    let failure = unit.failure.as_ref();
    Some(FailedLine {
        name: unit.label.clone(),
        reason: failure.map_or_else(
            || "it was not sent to the end".to_owned(),
            |failure| failure.message.clone(),
        ),
        hint: failure.and_then(|failure| failure.hint.clone()),
        kind: failure.map_or(FailureKind::Interrupted, |failure| failure.kind),
    })
}

impl Report {
    fn add_shot(&mut self, line: ShotLine, is_new: bool, reused_tasks: usize) {
        self.tasks_made += line.tasks;
        self.tasks_reused += reused_tasks;
        if is_new {
            self.made.push(line);
        } else {
            self.reused.push(line);
        }
    }

    fn output(&self) -> Value {
        let mut output = json!({"sequence": Value::Null});
        if let [only] = self.sequences.as_slice() {
            output["sequence"] = json!(only);
        }
        if let (Some(output), Value::Object(fields)) = (output.as_object_mut(), json!(self)) {
            output.extend(fields);
        }
        output
    }

    /// Says what became of it in one sentence, with the first failures and remarks.
    fn sentence(&self, tense: Tense) -> String {
        let mut parts = self.deeds(tense);
        if parts.is_empty() {
            parts.push(self.nothing_new());
        } else if tense == Tense::Conditional {
            parts.push("nothing was made".to_owned());
        }
        if !self.failed.is_empty() {
            let told = self.failed.iter().take(MOST_TOLD);
            let told: Vec<String> = told
                .map(|failed| format!("{} ({})", quoted(&failed.name), failed.reason))
                .collect();
            parts.push(format!(
                "could not make {}",
                with_rest(&told, self.failed.len())
            ));
        }
        if !self.remarks.is_empty() {
            let told: Vec<String> = self.remarks.iter().take(MOST_TOLD).cloned().collect();
            parts.push(format!("note: {}", with_rest(&told, self.remarks.len())));
        }
        parts.join("; ")
    }

    fn deeds(&self, tense: Tense) -> Vec<String> {
        let (made, added, reused) = match tense {
            Tense::Past => ("Made", "added", "reused"),
            Tense::Conditional => ("Would make", "would add", "would reuse"),
        };
        let new_tasks: usize = self.made.iter().map(|line| line.tasks).sum();
        let added_tasks = self.tasks_made - new_tasks;
        let extended = self.reused.iter().filter(|line| line.tasks > 0).count();
        let new_sequences = self.sequences.iter().filter(|line| line.made).count();
        let reused_shots = self.reused.len() + self.reused_beyond;
        let mut deeds = Vec::new();
        if !self.made.is_empty() {
            let mut deed = format!("{made} {}", counted(self.made.len(), "shot"));
            if new_tasks > 0 {
                deed.push_str(&format!(" with {}", counted(new_tasks, "task")));
            }
            deed.push_str(&self.place());
            deeds.push(deed);
        } else if new_sequences > 0 {
            deeds.push(format!("{made} {}", counted(new_sequences, "sequence")));
        }
        if added_tasks > 0 {
            deeds.push(format!(
                "{added} {} to {}",
                counted(added_tasks, "task"),
                counted(extended, "shot")
            ));
        }
        if reused_shots > 0 && !deeds.is_empty() {
            deeds.push(format!("{reused} {}", counted(reused_shots, "shot")));
        }
        if let Some(first) = deeds.first_mut() {
            *first = capitalised(first);
        }
        deeds
    }

    fn place(&self) -> String {
        match self.sequences.as_slice() {
            [] => String::new(),
            [only] if only.made => format!(" in the new sequence {}", quoted(&only.name)),
            [only] => format!(" in {}", quoted(&only.name)),
            several => format!(" in {}", counted(several.len(), "sequence")),
        }
    }

    fn nothing_new(&self) -> String {
        let shots = counted(self.reused.len() + self.reused_beyond, "shot");
        if self.tasks_reused == 0 {
            return format!("Nothing to make: {shots} there already");
        }
        let tasks = counted(self.tasks_reused, "task");
        format!("Nothing to make: {shots} with {tasks} there already")
    }

    fn failure(&self) -> Failure {
        let Some(first) = self.failed.first() else {
            return Failure::new(
                FailureKind::Internal,
                "nothing was made, and nothing failed",
            );
        };
        let failure = Failure::new(
            first.kind,
            format!("nothing could be made: {}", first.reason),
        )
        .hint(first.hint.clone().unwrap_or_else(|| {
            "mend what the reason names, then launch the action again".to_owned()
        }));
        self.failed
            .iter()
            .take(MOST_CAUSES)
            .fold(failure, |failure, failed| {
                failure.because(format!("{}: {}", quoted(&failed.name), failed.reason))
            })
    }
}

fn with_rest(told: &[String], all: usize) -> String {
    let mut text = told.join(", ");
    if all > told.len() {
        text.push_str(&format!(" and {} more", all - told.len()));
    }
    text
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if passes a reference"
)]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use callboard_plugin_sdk::{StepReport, StepState};

    use super::*;
    use crate::fixture::{child, input, planned, project, task};
    use crate::site::Existing;
    use crate::steps::{handed_from_plan, step_from_plan};

    fn existing() -> Existing {
        Existing {
            children: vec![
                child("Sequence", "project", "sq1"),
                child("Shot", "project/sq1", "sh010"),
                child("Shot", "project/sq1", "sh020"),
            ],
            tasks: vec![
                task("project/sq1/sh010", "Tracking", "Tracking"),
                task("project/sq1/sh020", "Tracking", "Tracking"),
                task("project/sq1/sh020", "Lighting", "Lighting"),
            ],
        }
    }

    fn plan_of(sequence: &str, shots: &str, existing: &Existing) -> Plan {
        planned(
            &project(),
            &input(sequence, shots, &["Tracking", "Lighting"]),
            existing,
        )
        .unwrap()
    }

    /// Carries a plan out as the host would, with the units named `refused` refused.
    fn steps_of(plan: &Plan, refused: &[&str]) -> StepsReport {
        let callboard_plugin_sdk::Work::Call { units } = step_from_plan(plan).unwrap().work else {
            panic!("not a call");
        };
        let report = |unit: callboard_plugin_sdk::Unit| {
            let is_refused = refused.contains(&unit.label.as_str());
            UnitReport {
                key: unit.key,
                state: if is_refused {
                    UnitState::Failed
                } else {
                    UnitState::Done
                },
                failure: is_refused
                    .then(|| Failure::denied(format!("no luck with {}", unit.label))),
                label: unit.label,
            }
        };
        StepsReport {
            key: "create".into(),
            steps: vec![StepReport {
                id: "create".into(),
                state: StepState::Done,
                calls: 1,
                held_up: None,
                units: units.into_iter().map(report).collect(),
            }],
        }
    }

    fn ended(plan: &Plan, refused: &[&str]) -> Result<Outcome, Failure> {
        // The state travels as JSON between the turns.
        let state = json!(handed_from_plan(plan));
        after_steps(
            serde_json::from_value(state).unwrap(),
            &steps_of(plan, refused),
        )
    }

    #[test]
    fn the_end_is_one_sentence() {
        let check = |sequence: &str, shots: &str, existing: &Existing, expected: &str| {
            let plan = plan_of(sequence, shots, existing);
            match ended(&plan, &[]).unwrap() {
                Outcome::Done { message, .. } => assert_eq!(message, expected),
                other => panic!("{other:?}"),
            }
        };
        let nothing = Existing::default();
        check("", "a\nb", &nothing, "Made 2 shots with 4 tasks");
        check(
            "sq9",
            "a",
            &nothing,
            "Made 1 shot with 2 tasks in the new sequence `sq9`",
        );
        check(
            "sq1",
            "a\nsh020",
            &existing(),
            "Made 1 shot with 2 tasks in `sq1`; reused 1 shot",
        );
        check(
            "sq1",
            "sh010\nsh020",
            &existing(),
            "Added 1 task to 1 shot; reused 2 shots",
        );
        check(
            "sq1",
            "a\nsq2\tb",
            &existing(),
            "Made 2 shots with 4 tasks in 2 sequences",
        );
    }

    #[test]
    fn a_dry_run_says_would_and_gives_no_ids_of_what_is_not_there() {
        let plan = plan_of("sq1", "sh010\nsh030", &existing());
        let Outcome::Done { message, output } = dry_run(&plan) else {
            panic!("a dry run is done");
        };
        assert_eq!(
            message,
            "Would make 1 shot with 2 tasks in `sq1`; would add 1 task to 1 shot; would reuse 1 shot; nothing was made"
        );
        assert_eq!(
            output,
            json!({
                "sequence": {"id": "project/sq1", "name": "sq1", "made": false},
                "sequences": [{"id": "project/sq1", "name": "sq1", "made": false}],
                "made": [{"name": "sh030", "sequence": "sq1", "tasks": 2}],
                "reused": [{"name": "sh010", "id": "project/sq1/sh010", "sequence": "sq1", "tasks": 1}],
                "failed": [],
                "tasks_made": 3,
                "tasks_reused": 1,
                "remarks": [],
                "dry_run": true,
            })
        );
    }

    #[test]
    fn doing_it_again_makes_nothing() {
        let plan = plan_of("sq1", "sh020", &existing());
        let Outcome::Done { message, output } = nothing_new(&plan) else {
            panic!("it is done");
        };
        assert_eq!(
            message,
            "Nothing to make: 1 shot with 2 tasks there already"
        );
        assert_eq!(output["tasks_made"], 0);
        assert_eq!(output["reused"][0]["id"], "project/sq1/sh020");
    }

    #[test]
    fn what_was_refused_is_told_with_its_reason_beside_what_was_made() {
        let plan = plan_of("sq1", "a\nsh010\nsh020\nb", &existing());
        let Outcome::Partly { message, output } = ended(&plan, &["b"]).unwrap() else {
            panic!("it is partly done");
        };
        assert_eq!(
            message,
            "Made 1 shot with 2 tasks in `sq1`; added 1 task to 1 shot; reused 2 shots; could not make `b` (no luck with b)"
        );
        assert_eq!(
            output["failed"],
            json!([{"name": "b", "reason": "no luck with b"}])
        );
        assert_eq!(output["made"][0]["id"], plan.shots[0].id);
        assert_eq!(output["tasks_made"], 3);
        assert_eq!(output["tasks_reused"], 3);
    }

    #[test]
    fn a_unit_without_a_report_is_not_taken_for_done() {
        let plan = plan_of("sq9", "a\nb", &Existing::default());
        let mut steps = steps_of(&plan, &[]);
        steps.steps[0].units.pop();
        let Ok(Outcome::Partly { message, .. }) = after_steps(handed_from_plan(&plan), &steps)
        else {
            panic!("it is partly done");
        };
        assert_eq!(
            message,
            "Made 1 shot with 2 tasks in the new sequence `sq9`; could not make `1 more unit` (the host did not say what became of it)"
        );
    }

    #[test]
    fn where_nothing_could_be_made_the_job_fails_with_the_first_reason() {
        let plan = plan_of("sq9", "a\nb", &Existing::default());
        let failure = ended(&plan, &["sq9", "a", "b"]).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Denied);
        assert_eq!(failure.message, "nothing could be made: no luck with sq9");
        assert_eq!(failure.causes.len(), 3);
    }
}
