//! Our expression grammar beside the official client's, on generated expressions and events.
//!
//! Both must make the same tree of a text, or both refuse it; and both must say the same of every event. In three
//! points we match what the server matches and not what that client's matcher does, which `is_known` lists; there the
//! condition alone is compared.

mod generate;

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use callboard_event::{Candidate, Condition, Event, Expression, Field};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tests::{Random, checkout, number_set, run_python, seed};

/// How many pairs are made at once, and how many events go with each expression.
const BATCH: u64 = 20_000;
const EVENTS_EACH: u64 = 4;

#[derive(Debug, Serialize)]
struct Question {
    expression: String,
    events: Vec<Value>,
}

/// What the official parser and matcher say.
#[derive(Debug, Deserialize)]
struct Answer {
    tree: Option<String>,
    events: Vec<Verdict>,
}

#[derive(Debug, Deserialize)]
struct Verdict {
    whole: Option<bool>,
    leaves: Vec<Option<bool>>,
}

/// What was seen, so that a generator that makes nothing of interest does not pass.
#[derive(Debug, Default)]
struct Seen {
    pairs: u64,
    refused: u64,
    compared: u64,
    matched: u64,
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "the seed, which repeats a run that failed"
)]
fn the_official_parser_and_ours_say_the_same() -> Result<()> {
    let seed = seed()?;
    let pairs: u64 = number_set("CALLBOARD_SOAK_EXPRESSIONS", BATCH)?;
    println!("CALLBOARD_SEED={seed}");
    let mut random = Random::new(seed);
    let mut seen = Seen::default();
    while seen.pairs < pairs {
        let questions: Vec<Question> = (0..BATCH / EVENTS_EACH)
            .map(|_| question(&mut random))
            .collect();
        for (question, answer) in questions.iter().zip(ask(&questions)?) {
            compare(question, &answer, &mut seen)
                .with_context(|| format!("CALLBOARD_SEED={seed}: {question:#?}\n{answer:#?}"))?;
        }
    }
    println!("{seen:?}");
    let of_all = |part: u64| part * 100 / seen.pairs;
    ensure!(
        of_all(seen.refused) >= 10 && of_all(seen.compared) >= 30 && of_all(seen.matched) >= 10,
        "CALLBOARD_SEED={seed}: the generator makes too little of interest: {seen:?}"
    );
    Ok(())
}

fn question(random: &mut Random) -> Question {
    let expression = generate::expression(random);
    let events = (0..EVENTS_EACH).map(|_| generate::event(random)).collect();
    Question { expression, events }
}

fn ask(questions: &[Question]) -> Result<Vec<Answer>> {
    let mut file = tempfile::NamedTempFile::new()?;
    for question in questions {
        writeln!(file, "{}", serde_json::to_string(question)?)?;
    }
    file.flush()?;
    let script = checkout().join("tests/conformance/official_parser.py");
    let path = file.path().to_string_lossy();
    let finished = run_python(&script, &[&path], [], Duration::from_secs(300))?;
    ensure!(
        finished.status.success(),
        "the official parser failed:\n{}",
        finished.stderr
    );
    let answers: Vec<Answer> = (finished.stdout.lines())
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    ensure!(answers.len() == questions.len(), "answers are missing");
    Ok(answers)
}

fn compare(question: &Question, answer: &Answer, seen: &mut Seen) -> Result<()> {
    let parsed = Expression::parse(&question.expression);
    seen.pairs += question.events.len() as u64;
    let tree = parsed.as_ref().ok().map(tree);
    ensure!(tree == answer.tree, "our tree is {tree:?}");
    let Ok(expression) = parsed else {
        seen.refused += question.events.len() as u64;
        return Ok(());
    };
    let mut leaves = Vec::new();
    collect(&expression, &mut leaves);
    for (event, verdict) in question.events.iter().zip(&answer.events) {
        let ours = expression.matches(event);
        let mut agree = leaves.len() == verdict.leaves.len();
        ensure!(agree, "we see {} conditions", leaves.len());
        for (leaf, theirs) in leaves.iter().zip(&verdict.leaves) {
            let said = leaf.matches(event);
            if Some(said) != *theirs {
                let known = is_known(leaf, event, said, *theirs);
                ensure!(known, "we say {said} of `{leaf}` and {event}");
                agree = false;
            }
        }
        if agree {
            ensure!(verdict.whole == Some(ours), "we say {ours} of {event}");
            seen.compared += 1;
            seen.matched += u64::from(ours);
        }
        // An envelope of ours must be looked into just as the JSON that it came as.
        if let Ok(envelope) = serde_json::from_value::<Event>(event.clone())
            && serde_json::to_value(&envelope)? == *event
        {
            ensure!(
                expression.matches(&envelope) == ours,
                "as an envelope {event} matches otherwise"
            );
        }
    }
    Ok(())
}

/// Tells whether we differ on purpose: see [`Expression`].
fn is_known(condition: &Condition, event: &Value, ours: bool, theirs: Option<bool>) -> bool {
    match event.field(condition.path()) {
        // Numbers and booleans compare by their text, or as numbers.
        Some(Field::Number(_) | Field::Boolean(_)) => true,
        // A `*` is the end of a beginning, where the official client looks anywhere in a text, in a list or among keys.
        Some(Field::Text(_) | Field::Other)
            if condition.prefix().is_some() && theirs == Some(true) =>
        {
            !ours
        }
        // It raises: on the order of what has no text, on a `*` with null, and on `=""`.
        Some(Field::Other) => theirs.is_none() && !ours,
        Some(Field::Text(_)) => theirs.is_none() && condition.value().is_empty(),
        None => false,
    }
}

/// Writes the tree as the official client's classes do.
fn tree(expression: &Expression) -> String {
    match expression {
        Expression::Condition(condition) => format!(
            "<Condition {}{}{}>",
            condition.path(),
            condition.operator(),
            condition.value()
        ),
        Expression::Not(inner) => format!("<Not {}>", tree(inner)),
        Expression::All(members) => format!("<All [{}]>", trees(members)),
        Expression::Any(members) => format!("<Any [{}]>", trees(members)),
    }
}

fn trees(members: &[Expression]) -> String {
    members.iter().map(tree).collect::<Vec<_>>().join(" ")
}

/// Collects the conditions in the order in which they stand.
fn collect<'a>(expression: &'a Expression, into: &mut Vec<&'a Condition>) {
    match expression {
        Expression::Condition(condition) => into.push(condition),
        Expression::Not(inner) => collect(inner, into),
        Expression::All(members) | Expression::Any(members) => {
            for member in members {
                collect(member, into);
            }
        }
    }
}
