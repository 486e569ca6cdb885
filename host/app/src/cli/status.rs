//! `callboard status`: how the host fares.

use callboard_protocol::{BusMethod, Status};
use serde_json::json;

use super::Session;
use super::login::source_in_words;
use super::print::{failure_text, value_text};
use super::problem::{Code, Problem};

pub(super) fn status(session: &Session) -> Result<Code, Problem> {
    let status: Status = session.client()?.call(BusMethod::Status, &json!({}))?;
    let mut human = human_text(&status);
    if let Some(profile) = session.home().profile {
        human = format!("profile    {}\n{human}", profile.name);
    }
    session.output.result(&status, &human)?;
    Ok(Code::Done)
}

fn human_text(status: &Status) -> String {
    let signed_in = if status.user.is_empty() {
        "nobody is signed in".to_owned()
    } else {
        format!(
            "{} @ {} (key from {})",
            status.user,
            status.server,
            source_in_words(&status.source)
        )
    };
    let tray = match &status.tray.reason {
        _ if status.tray.present => "shown".to_owned(),
        Some(reason) => format!("none: {reason}"),
        None => "none".to_owned(),
    };
    let mut lines = vec![
        format!("callboard  {} (process {})", status.callboard, status.pid),
        format!("ftrack     {signed_in}"),
        format!("event hub  {}", value_text(&json!(status.hub.state))),
        format!("tray       {tray}"),
        format!("bus        {}", status.bus),
        format!(
            "ledger     {} ({} unfinished)",
            status.ledger.path, status.ledger.unfinished
        ),
    ];
    for line in &status.lines {
        lines.push(format!("says       {} ({})", line.text, line.plugin));
    }
    for line in &status.confinement {
        lines.push(format!("plugins    {line}"));
    }
    let problems = status
        .hub
        .problem
        .iter()
        .chain(&status.ledger.problem)
        .chain(&status.problems);
    lines.extend(problems.map(failure_text));
    lines.join("\n")
}
