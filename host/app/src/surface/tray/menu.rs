//! What the tray's menu says.

use callboard_protocol::{
    ActionId, ConnectionState, DeclaredWindow, HubStatus, JobId, JobState, JobSummary, MenuItem,
    NotifyLevel, StatusText,
};

/// The longest text of one line, in characters; a plugin's message may be any length.
const LINE_CHARACTERS: usize = 80;

/// A menu with the tooltip of its icon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Menu {
    /// What the icon says when it is pointed at.
    pub(crate) tooltip: String,
    /// The entries, top to bottom.
    pub(crate) entries: Vec<Entry>,
}

/// One entry of a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Something to read.
    Line(String),
    /// Something to do.
    Do {
        /// What it says.
        label: String,
        /// What it does.
        command: Command,
    },
    /// A submenu.
    Group {
        /// What it says.
        label: String,
        /// Its entries.
        entries: Vec<Entry>,
    },
    /// A line between groups of entries.
    Separator,
}

/// What a click does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Launches an action on nothing.
    Launch(ActionId),
    /// Cancels a job.
    Cancel(JobId),
    /// Opens a window, by its id.
    Open(String),
    /// Ends the host.
    Quit,
}

impl Command {
    /// Returns the text that the entry is known by to the system.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Launch(action) => format!("launch {action}"),
            Self::Cancel(job) => format!("cancel {job}"),
            Self::Open(window) => format!("open {window}"),
            Self::Quit => "quit".to_owned(),
        }
    }

    /// Returns the command of the entry with this id.
    pub(crate) fn from_id(id: &str) -> Option<Self> {
        match id.split_once(' ') {
            Some(("launch", action)) => Some(Self::Launch(ActionId::from(action))),
            Some(("cancel", job)) => Some(Self::Cancel(JobId::from(job))),
            Some(("open", window)) => Some(Self::Open(window.to_owned())),
            None if id == "quit" => Some(Self::Quit),
            _ => None,
        }
    }
}

/// What the menu is drawn from.
#[derive(Default)]
pub(super) struct Seen<'a> {
    pub(super) user: &'a str,
    pub(super) server: &'a str,
    pub(super) hub: HubStatus,
    pub(super) status: &'a [StatusText],
    pub(super) actions: &'a [MenuItem],
    pub(super) windows: &'a [DeclaredWindow],
    pub(super) jobs: &'a [&'a JobSummary],
}

/// Draws the menu: the connection, what plugins say, the actions, the windows, the jobs that are under way, and the way out.
pub(super) fn draw(seen: &Seen<'_>) -> Menu {
    let Seen {
        hub,
        actions,
        windows,
        jobs,
        ..
    } = seen;
    let connection = connection_line(seen.user, seen.server, hub);
    let mut entries = vec![Entry::Line(connection.clone())];
    if let Some(problem) = &hub.problem {
        entries.push(Entry::Line(shortened(&problem.message)));
    }
    entries.extend(seen.status.iter().map(status_entry));
    entries.push(Entry::Separator);
    if !actions.is_empty() {
        entries.extend(action_entries(actions));
        entries.push(Entry::Separator);
    }
    if !windows.is_empty() {
        entries.extend(windows.iter().map(|window| Entry::Do {
            label: format!("{}…", shortened(&window.window.title)),
            command: Command::Open(window.id.clone()),
        }));
        entries.push(Entry::Separator);
    }
    if !jobs.is_empty() {
        entries.extend(jobs.iter().map(|job| job_entry(job)));
        entries.push(Entry::Separator);
    }
    entries.push(Entry::Do {
        label: "Quit".to_owned(),
        command: Command::Quit,
    });
    Menu {
        tooltip: format!("Callboard: {connection}"),
        entries,
    }
}

fn connection_line(user: &str, server: &str, hub: &HubStatus) -> String {
    let state = match hub.state {
        ConnectionState::SignedOut => "not signed in",
        ConnectionState::Connecting => "connecting…",
        ConnectionState::Connected => "connected",
        ConnectionState::Refused => "refused, sign in again",
        _ => "not known",
    };
    let server = server
        .trim_start_matches("https://")
        .trim_start_matches("http://")
        .trim_end_matches('/');
    if user.is_empty() {
        capitalised(state)
    } else {
        format!("{user} @ {server} — {state}")
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// Returns the actions in their order; those with one label and several variants share a submenu.
fn action_entries(actions: &[MenuItem]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (index, action) in actions.iter().enumerate() {
        let same: Vec<&MenuItem> = actions
            .iter()
            .filter(|other| other.label == action.label)
            .collect();
        if actions[..index]
            .iter()
            .any(|earlier| earlier.label == action.label)
        {
            continue;
        }
        match same.as_slice() {
            [only] => entries.push(launch_entry(&only.label, only)),
            several => entries.push(Entry::Group {
                label: action.label.clone(),
                entries: several
                    .iter()
                    .map(|item| launch_entry(item.variant.as_ref().unwrap_or(&item.label), item))
                    .collect(),
            }),
        }
    }
    entries
}

/// Returns what a plugin says: a line to read, or an entry where a click launches something.
fn status_entry(status: &StatusText) -> Entry {
    let label = match status.level {
        NotifyLevel::Warning | NotifyLevel::Error => format!("⚠ {}", status.text),
        _ => status.text.clone(),
    };
    match &status.action {
        Some(action) => Entry::Do {
            label,
            command: Command::Launch(action.clone()),
        },
        None => Entry::Line(label),
    }
}

fn launch_entry(label: &str, item: &MenuItem) -> Entry {
    Entry::Do {
        label: label.to_owned(),
        command: Command::Launch(item.action_identifier.clone()),
    }
}

/// Returns a job's entry. There are no windows to answer in, so a question names the command that answers it.
fn job_entry(job: &JobSummary) -> Entry {
    let (label, line) = match job.state {
        JobState::Asks => (
            format!("{} is waiting for an answer…", job.label),
            format!("callboard jobs answer {}", job.id),
        ),
        JobState::Queued => (
            format!("{} is waiting for its turn", job.label),
            job.id.to_string(),
        ),
        _ => (
            format!("{} is running", job.label),
            if job.message.is_empty() {
                job.id.to_string()
            } else {
                shortened(&job.message)
            },
        ),
    };
    Entry::Group {
        label,
        entries: vec![
            Entry::Line(line),
            Entry::Do {
                label: "Cancel".to_owned(),
                command: Command::Cancel(job.id.clone()),
            },
        ],
    }
}

fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= LINE_CHARACTERS {
        return line.to_owned();
    }
    line.chars()
        .take(LINE_CHARACTERS - 1)
        .chain(['…'])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use callboard_protocol::{Failure, FailureKind, Surface};

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
            job("j2", JobState::Working, "creating 12 shots\nand more"),
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
        });
        assert_eq!(menu.tooltip, "Callboard: ada @ 127.0.0.1:5005 — connected");
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
             Create shots is running >\n  creating 12 shots\n  [Cancel] cancel j2\n\
             Create shots is waiting for its turn >\n  j3\n  [Cancel] cancel j3\n\
             ---\n\
             [Quit] quit\n"
        );
    }

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
            format!("ada @ demo.ftrackapp.com — connecting…\n{long}\n---\n[Quit] quit\n")
        );
        let menu = draw(&Seen::default());
        assert_eq!(written(&menu.entries), "Not signed in\n---\n[Quit] quit\n");
    }

    #[test]
    fn a_command_is_read_back_from_its_id() {
        for command in [
            Command::Launch(ActionId::from("a.b c")),
            Command::Cancel(JobId::from("j1")),
            Command::Open("timer.day".into()),
            Command::Quit,
        ] {
            assert_eq!(Command::from_id(&command.id()), Some(command));
        }
        assert_eq!(Command::from_id("1003"), None);
    }
}
