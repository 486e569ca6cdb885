//! The menu, written down.

use super::*;
use callboard_protocol::{Failure, FailureKind, JobId, JobState, NotifyLevel, Progress, Surface};

/// Writes a menu down, submenus indented.
fn written(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        match entry {
            Entry::Line(line) => text.push_str(&format!("{line}\n")),
            Entry::Do { label, command } => {
                text.push_str(&format!("[{label}] {}\n", command.id()));
            }
            Entry::Separator => text.push_str("---\n"),
            Entry::Group { label, entries } => {
                text.push_str(&format!("{label} >\n"));
                for line in written(entries).lines() {
                    text.push_str(&format!("  {line}\n"));
                }
            }
        }
    }
    text
}

fn action(label: &str, variant: Option<&str>, id: &str) -> MenuItem {
    MenuItem {
        label: label.into(),
        variant: variant.map(str::to_owned),
        description: None,
        icon: None,
        action_identifier: ActionId::from(id),
        callboard_host: "h".into(),
    }
}

fn job(id: &str, state: JobState, message: &str) -> JobSummary {
    JobSummary {
        id: JobId::from(id),
        action: ActionId::from("shot_creation.create_shots"),
        label: "Create shots".into(),
        state,
        surface: Surface::Web,
        user: "ada".into(),
        created_ms: 0,
        changed_ms: 0,
        message: message.into(),
        progress: None,
    }
}

fn connected() -> HubStatus {
    HubStatus {
        state: ConnectionState::Connected,
        ..HubStatus::default()
    }
}

#[test]
fn the_menu_shows_connection_actions_jobs_and_the_way_out() {
    let jobs = [
        job("j1", JobState::Asks, ""),
        JobSummary {
            progress: Some(Progress {
                fraction: Some(0.456),
                step: Some("2 of 3".into()),
                text: "creating 12 shots\nand more".into(),
            }),
            ..job("j2", JobState::Working, "")
        },
        job("j3", JobState::Queued, ""),
    ];
    let actions = [
        action("Create shots", None, "shot_creation.create_shots"),
        action("Open", Some("Nuke"), "open.nuke"),
        action("Open", Some("Flame"), "open.flame"),
    ];
    let status = |text: &str, level, action: Option<&str>| StatusText {
        plugin: "timer".into(),
        id: "line".into(),
        text: text.into(),
        level,
        action: action.map(ActionId::from),
    };
    let windows: Vec<DeclaredWindow> = serde_json::from_value(serde_json::json!([{
        "id": "timer.day", "plugin": "timer", "launches": "timer.show",
        "name": "day", "action": "show", "title": "Your day"}]))
    .unwrap();
    let menu = draw(&Seen {
        user: "ada",
        server: "http://127.0.0.1:5005/",
        hub: connected(),
        status: &[
            status("sh010, 1:12", NotifyLevel::Info, Some("timer.stop")),
            status("no disk", NotifyLevel::Error, None),
        ],
        actions: &actions,
        windows: &windows,
        jobs: &jobs.iter().collect::<Vec<_>>(),
        can_restart: true,
        can_log_out: true,
        ..Seen::default()
    });
    assert_eq!(menu.look, Look::Asks);
    assert_eq!(
        menu.tooltip,
        "Callboard: ada @ 127.0.0.1:5005 — connected\nsh010, 1:12\nno disk\n2 jobs are running"
    );
    assert_eq!(
        written(&menu.entries),
        "ada @ 127.0.0.1:5005 — connected\n\
         [sh010, 1:12] launch timer.stop\n\
         ⚠ no disk\n\
         ---\n\
         [Create shots] launch shot_creation.create_shots\n\
         Open >\n  [Nuke] launch open.nuke\n  [Flame] launch open.flame\n\
         ---\n\
         [Your day…] open timer.day\n\
         ---\n\
         Create shots is waiting for an answer… >\n  callboard jobs answer j1\n  [Cancel] cancel j1\n\
         Create shots is running, 46 % >\n  2 of 3: creating 12 shots\n  [Cancel] cancel j2\n\
         Create shots is waiting for its turn >\n  j3\n  [Cancel] cancel j3\n\
         ---\n\
         Open… >\n  [Plugin folder] folder_plugins\n  [Log folder] folder_logs\n\
         Log out >\n  3 jobs have not ended\n  [Log out; they wait until you sign in again] log_out_now\n\
         Restart >\n  2 jobs are running\n  [Restart when 2 jobs have ended] restart_idle\n  [Restart now] restart_now\n\
         Quit >\n  2 jobs are running\n  [Quit when 2 jobs have ended] quit_idle\n  [Quit now] quit_now\n"
    );
}

/// What stands at the end of a menu where no job moves.
const WAYS_OUT: &str =
    "Open… >\n  [Plugin folder] folder_plugins\n  [Log folder] folder_logs\n[Quit] quit\n";

#[test]
fn what_is_in_the_way_of_the_connection_is_said() {
    let hub = HubStatus {
        state: ConnectionState::Connecting,
        problem: Some(Failure::new(FailureKind::Unavailable, "x".repeat(200))),
        ..HubStatus::default()
    };
    let menu = draw(&Seen {
        user: "ada",
        server: "https://demo.ftrackapp.com",
        hub,
        ..Seen::default()
    });
    let long = format!("{}…", "x".repeat(79));
    assert_eq!(
        written(&menu.entries),
        format!("ada @ demo.ftrackapp.com — connecting…\n{long}\n---\n{WAYS_OUT}")
    );
    assert_eq!(menu.look, Look::Away);
    let menu = draw(&Seen::default());
    assert_eq!(
        written(&menu.entries),
        format!("Not signed in\n---\n{WAYS_OUT}")
    );
    assert_eq!(menu.look, Look::SignedOut);
}

#[test]
fn pinned_actions_come_first_and_recent_ones_in_a_submenu_of_their_own() {
    let actions = [
        action("Create shots", None, "shots.create"),
        action("Open", Some("Nuke"), "open.nuke"),
        action("Open", Some("Flame"), "open.flame"),
    ];
    let id = |text: &str| ActionId::from(text);
    let menu = draw(&Seen {
        hub: connected(),
        actions: &actions,
        pinned: &[id("gone.away"), id("open.flame")],
        recent: &[
            id("open.flame"),
            id("needs.a_selection"),
            id("shots.create"),
        ],
        ..Seen::default()
    });
    assert_eq!(
        written(&menu.entries),
        format!(
            "Connected\n---\n[★ Open: Flame] launch open.flame\n---\n\
             Recent >\n  [Open: Flame] launch open.flame\n  [Create shots] launch shots.create\n\
             [Create shots] launch shots.create\n[Open] launch open.nuke\n---\n{WAYS_OUT}"
        )
    );
}

#[test]
fn safe_mode_and_an_end_that_waits_for_jobs_are_said() {
    let jobs = [job("j1", JobState::Running, "")];
    let menu = draw(&Seen {
        hub: connected(),
        safe: Some("the last 3 starts ended unasked within a minute"),
        jobs: &jobs.iter().collect::<Vec<_>>(),
        leaving: Some(Leave::Quit),
        can_restart: true,
        ..Seen::default()
    });
    assert_eq!(menu.look, Look::Working);
    let text = written(&menu.entries);
    assert!(
        text.contains(
            "⚠ Safe mode: only bundled plugins are used >\n  \
             the last 3 starts ended unasked within a minute\n"
        ),
        "{text}"
    );
    assert!(
        text.ends_with("Quits when the job has ended >\n  [Quit now] quit_now\n  [Go on] stay\n"),
        "{text}"
    );
    assert!(menu.tooltip.contains("Safe mode"), "{}", menu.tooltip);
}

#[test]
fn more_jobs_than_a_menu_holds_are_counted() {
    let jobs: Vec<JobSummary> = (0..13)
        .map(|number| job(&format!("j{number}"), JobState::Queued, ""))
        .collect();
    let menu = draw(&Seen {
        jobs: &jobs.iter().collect::<Vec<_>>(),
        ..Seen::default()
    });
    let text = written(&menu.entries);
    assert!(text.contains("and 3 more: callboard jobs list\n"), "{text}");
}

#[test]
fn windows_are_offered_where_there_is_a_display() {
    let jobs = [job("j1", JobState::Asks, "")];
    let menu = draw(&Seen {
        jobs: &jobs.iter().collect::<Vec<_>>(),
        has_display: true,
        ..Seen::default()
    });
    let text = written(&menu.entries);
    assert!(
        text.contains(
            "Open… >\n  [Launcher] open launcher\n  [Jobs] open jobs\n  [Plugins] open plugins\n  \
             [About Callboard] open about\n  ---\n  [Plugin folder]"
        ),
        "{text}"
    );
    assert!(
        text.contains("callboard jobs answer j1\n  [Answer…] show j1\n  [Cancel] cancel j1\n"),
        "{text}"
    );
}
