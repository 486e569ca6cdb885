//! Our client and the official one ask the same questions, and must show the same.
//!
//! The questions are those of `differential/queries.txt` and as many made by chance with our query builder.
//! Compared are the values of the paths that a question selects, as texts; order counts where a question asks
//! for one.

mod answers;
mod questions;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ftrack::{Config, Session};
use serde_json::{Value, json};
use tests::{HostRunner, Random, Ready, SandboxClient, checkout, run_python, seed};

use questions::Question;

/// How many questions are made by chance.
const MADE: usize = 150;

#[test]
fn our_client_and_the_official_one_see_the_same() -> Result<()> {
    let sandbox = HostRunner::sandbox().start()?;
    let seed = seed()?;
    let mut random = Random::new(seed);
    let mut questions = questions::found(&SandboxClient::new(&sandbox.ready)?)?;
    for _ in 0..MADE {
        questions.push(questions::made(&mut random)?);
    }
    let ours = ours(&sandbox.ready, &questions)?;
    let theirs = theirs(&sandbox.ready, &questions)?;
    ensure!(
        theirs.len() == questions.len(),
        "the official client did not answer every question"
    );
    let mut answered = 0;
    let mut differences = Vec::new();
    for ((question, ours), theirs) in questions.iter().zip(ours).zip(theirs) {
        let (ours, theirs) = (question.rows(ours), question.rows(theirs));
        answered += usize::from(!ours.is_empty());
        if ours != theirs {
            let first = ours
                .iter()
                .zip(&theirs)
                .find(|(ours, theirs)| ours != theirs);
            differences.push(format!(
                "{}\n  {} rows, theirs {}; the first that differ: {first:#?}",
                question.expression,
                ours.len(),
                theirs.len()
            ));
        }
    }
    ensure!(
        differences.is_empty(),
        "CALLBOARD_SEED={seed}:\n{}",
        differences.join("\n")
    );
    ensure!(
        answered * 2 > questions.len(),
        "most questions find nothing, which compares nothing"
    );
    Ok(())
}

/// What our client makes of the questions.
fn ours(server: &Ready, questions: &[Question]) -> Result<Vec<Vec<Value>>> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let config = Config::new(&server.server, &server.user, &server.api_key);
        let session = Session::connect(config).await?;
        let mut found = Vec::new();
        for question in questions {
            let rows = session.query(&question.expression).await;
            let rows = rows.with_context(|| question.expression.clone())?;
            found.push(
                rows.iter()
                    .map(|row| answers::row(row, &question.paths))
                    .collect(),
            );
        }
        session.close();
        Ok(found)
    })
}

/// What the official client makes of them.
fn theirs(server: &Ready, questions: &[Question]) -> Result<Vec<Vec<Value>>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("questions.json");
    let asked: Vec<Value> = questions
        .iter()
        .map(|question| json!({"expression": question.expression, "paths": question.paths}))
        .collect();
    std::fs::write(&file, serde_json::to_vec(&asked)?)?;
    let script = checkout().join("tests/conformance/differential/official.py");
    let path = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let finished = run_python(
        &script,
        &[&path(&file), &path(folder.path())],
        [
            ("FTRACK_SERVER", server.server.as_str()),
            ("FTRACK_API_USER", &server.user),
            ("FTRACK_API_KEY", &server.api_key),
        ],
        Duration::from_secs(120),
    )?;
    ensure!(
        finished.status.success(),
        "the official client gave up: {}",
        finished.stderr
    );
    Ok(serde_json::from_str(&finished.stdout)?)
}
