//! AYON's handler archives in a running host.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{a_shot, home, loaded, start, steps};
use crate::studio::Studio;

const ARCHIVE: (&str, &str) = ("ayon-handlers-1.0.0", "ayon_handlers");

#[test]
fn an_archive_of_ayons_handlers_is_served_on_the_page_and_on_the_command_line() -> Result<()> {
    let studio = Studio::open()?;
    let host = start(&studio, home(&[ARCHIVE])?)?;
    let summaries = loaded(&mut host.connected_bus()?, &[ARCHIVE])?;
    let hooks = summaries["ayon_handlers"]["connect"]["hooks"].as_array();
    let problems: Vec<&Value> = hooks
        .into_iter()
        .flatten()
        .map(|hook| &hook["problem"])
        .filter(|problem| !problem.is_null())
        .collect();
    ensure!(
        problems.len() == 1 && problems[0].to_string().contains("ayon_api"),
        "{problems:?}"
    );

    let shot = a_shot(&studio)?;
    let selection = json!([{"entityId": shot, "entityType": "task"}]);
    let forbidden = json!({"actionIdentifier": "studio.forbidden", "selection": selection});
    let came = steps(
        &studio.server.ready,
        &json!([
            {"menu": ["Studio", "Here", "Quits"], "shot": shot},
            {"launch": "Studio"},
            {"launch": "Studio", "with": {"values": {"sure": true}}},
            {"launch": "Here", "with": {"answer": true}},
            {"launch": "Quits"},
            {"ask": "ftrack.action.launch", "with": forbidden},
            {"hear": "studio.updated", "shot": shot},
        ]),
    )?;
    let variants: Vec<&Value> = came[0]
        .as_array()
        .context("there is a menu")?
        .iter()
        .filter(|item| item["label"] == "Studio")
        .map(|item| &item["variant"])
        .collect();
    ensure!(variants == ["- count"], "{came}");
    ensure!(came[1][0]["items"][0]["name"] == "sure", "{came}");
    for (step, success, message) in [
        (2, true, "done of 1"),
        (3, true, "Here finished."),
        (4, false, "Quits failed: enough"),
        (5, false, "Studio - forbidden is not for your roles."),
    ] {
        let expected = json!([{"success": success, "message": message}]);
        ensure!(came[step] == expected, "{}", came[step]);
    }
    ensure!(came[6]["of"].is_string(), "no handler heard of it: {came}");
    let jobs = "select id from Job where status is \"done\" and data like \"%counting%\"";
    ensure!(
        studio.client.query(jobs)?.len() == 1,
        "the action made no job"
    );

    let on = format!("Shot:{shot}");
    let launched = host.command(&[
        "launch",
        "ayon_handlers.studio_count_tasks",
        "--on",
        &on,
        "--set",
        "sure=true",
        "--wait",
        "--json",
    ])?;
    ensure!(
        launched.stdout.contains("done of 1"),
        "{launched:?}\n{}",
        host.log()
    );
    host.finish()
}
