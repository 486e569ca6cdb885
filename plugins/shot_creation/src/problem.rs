//! What is wrong with what a person gave: which field, in one sentence, and what to do about it.

use callboard_plugin_sdk::{Failure, FailureKind};

/// How many problems are told one by one; the rest is counted.
const MOST_TOLD: usize = 20;

/// One thing that is wrong with one field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    /// The field's name, from [`crate::input::field`].
    pub field: &'static str,
    pub kind: FailureKind,
    pub message: String,
    pub hint: String,
}

impl Problem {
    pub(crate) fn invalid(
        field: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            field,
            kind: FailureKind::Invalid,
            message: message.into(),
            hint: hint.into(),
        }
    }

    pub(crate) fn kind(mut self, kind: FailureKind) -> Self {
        self.kind = kind;
        self
    }

    /// Returns the message and the hint as a form shows them beside the field.
    pub(crate) fn sentence(&self) -> String {
        format!("{}: {}", self.message, self.hint)
    }
}

/// Returns the failure that tells all of `problems`: the first as its message, the others as causes.
pub(crate) fn failure_from_problems(problems: &[Problem]) -> Failure {
    let Some((first, rest)) = problems.split_first() else {
        return Failure::new(FailureKind::Internal, "no problem to tell of");
    };
    let told = told(rest);
    let failure = Failure::new(first.kind, first.message.clone()).hint(first.hint.clone());
    told.into_iter().fold(failure, Failure::because)
}

/// Returns one sentence for each problem, and one for those beyond what a person reads.
pub(crate) fn told(problems: &[Problem]) -> Vec<String> {
    let mut told: Vec<String> = problems
        .iter()
        .take(MOST_TOLD)
        .map(|problem| problem.message.clone())
        .collect();
    if problems.len() > MOST_TOLD {
        told.push(format!("and {} more", problems.len() - MOST_TOLD));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_problem_speaks_and_the_others_are_causes() {
        let problems = [
            Problem::invalid("shots", "no shots are named", "write one a line"),
            Problem::invalid("status", "no status `x`", "choose `y`"),
        ];
        let failure = failure_from_problems(&problems);
        assert_eq!(failure.message, "no shots are named");
        assert_eq!(failure.hint.as_deref(), Some("write one a line"));
        assert_eq!(failure.causes, ["no status `x`"]);
    }

    #[test]
    fn a_thousand_problems_are_told_in_a_page() {
        let problems = vec![Problem::invalid("shots", "bad", "mend it"); 1000];
        let told = told(&problems);
        assert_eq!(told.len(), MOST_TOLD + 1);
        assert_eq!(told[MOST_TOLD], "and 980 more");
    }
}
